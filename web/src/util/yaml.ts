export type Value = string | number | boolean | null | undefined | Value[] | { [name: string]: Value };

const PLAIN = /^[A-Za-z_/][A-Za-z0-9_./@-]*$/;
const WORDS = new Set(["true", "false", "null", "yes", "no", "on", "off", "y", "n"]);

function scalar(value: string | number | boolean | null): string {
  if (typeof value !== "string") return String(value);
  return PLAIN.test(value) && !WORDS.has(value.toLowerCase()) ? value : JSON.stringify(value);
}

function isEmpty(value: Value): boolean {
  if (value === undefined || value === null || value === "") return true;
  if (Array.isArray(value)) return value.length === 0;
  return typeof value === "object" && Object.values(value).every(isEmpty);
}

function lines(value: Value, depth: number): string[] {
  const pad = "  ".repeat(depth);
  if (Array.isArray(value)) {
    return value.flatMap((item) => {
      const inner = typeof item === "object" && item !== null ? lines(item, depth + 1) : [`${pad}  ${scalar(item ?? null)}`];
      return inner.map((line, index) => (index === 0 ? `${pad}- ${line.trimStart()}` : line));
    });
  }
  if (typeof value !== "object" || value === null || value === undefined) return [`${pad}${scalar(value ?? null)}`];
  return Object.entries(value).flatMap(([name, item]) => {
    if (isEmpty(item)) return [];
    const key = `${pad}${scalar(name)}:`;
    if (Array.isArray(item) && item.every((one) => typeof one !== "object" || one === null)) {
      return [`${key} [${item.map((one) => scalar(typeof one === "object" ? null : (one ?? null))).join(", ")}]`];
    }
    if (typeof item === "object" && item !== null) return [key, ...lines(item, depth + 1)];
    return [`${key} ${scalar(item ?? null)}`];
  });
}

/** Plain data as YAML, leaving out what is empty: the form in which `postern apply` reads it. */
export function yaml(value: Value): string {
  return `${lines(value, 0).join("\n")}\n`;
}
