/** Everything of the interface's state that lives in the URL. */
export const SEARCH_KEYS = [
  "q", "state", "cursor", "page", "dialog", "item", "tab", "label", "user", "account", "on", "from", "until", "actor", "action",
  "target", "outcome", "platform", "scope", "asset", "live", "whose", "at", "next", "role", "size", "sort", "database", "kind", "advice", "template",
] as const;

export type SearchKey = (typeof SEARCH_KEYS)[number];
export type Search = Partial<Record<SearchKey, string>>;

export function validateSearch(given: Record<string, unknown>): Search {
  const found: Search = {};
  for (const key of SEARCH_KEYS) {
    const value = given[key];
    if (typeof value === "string" && value !== "") found[key] = value;
  }
  return found;
}

export function parseSearch(text: string): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(text));
}

export function stringifySearch(search: Record<string, unknown>): string {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(search)) {
    if (typeof value === "string" && value !== "") params.set(key, value);
  }
  const text = params.toString();
  return text ? `?${text}` : "";
}
