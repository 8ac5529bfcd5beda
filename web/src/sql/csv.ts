import type { Column, Value } from "./protocol";

/** A value as text; null is nothing. */
export function textOf(value: Value): string {
  return value === null ? "" : typeof value === "string" ? value : value[0];
}

function field(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Rows as RFC 4180 has them, with a line of names. */
export function csvOf(columns: Column[], rows: Value[][]): string {
  const line = (texts: string[]) => `${texts.map(field).join(",")}\r\n`;
  return line(columns.map(({ name }) => name)) + rows.map((row) => line(row.map(textOf))).join("");
}
