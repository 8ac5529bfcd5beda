/** What lies under these names in an answer of the API. */
export function valueOf(value: unknown, ...names: string[]): unknown {
  let found = value;
  for (const name of names) found = typeof found === "object" && found !== null && name in found ? Reflect.get(found, name) : undefined;
  return found;
}

/** The text under these names; fails where there is none. */
export function textOf(value: unknown, ...names: string[]): string {
  const found = valueOf(value, ...names);
  if (typeof found !== "string") throw new Error(`no ${names.join(".")} in ${JSON.stringify(value)}`);
  return found;
}

/** The items of a listing. */
export function itemsOf(value: unknown): unknown[] {
  const items = valueOf(value, "items");
  return Array.isArray(items) ? items : [];
}
