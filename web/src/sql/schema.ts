import type { Value } from "./protocol";
import { textOf } from "./csv";

/** How many columns are asked for; more than that is no tree to look through. */
const COLUMNS_MAX = 5000;

/** What both kinds of servers answer. It is recorded like whatever else is run. */
export const SCHEMA_SQL = `select table_schema, table_name, column_name, data_type from information_schema.columns where table_schema not in ('pg_catalog', 'information_schema', 'mysql', 'performance_schema', 'sys') order by table_schema, table_name, ordinal_position limit ${COLUMNS_MAX}`;

export interface Table {
  schema: string;
  name: string;
  columns: { name: string; type: string }[];
}

export function tablesOf(rows: Value[][]): Table[] {
  const tables = new Map<string, Table>();
  for (const row of rows) {
    const [schema = "", name = "", column = "", type = ""] = row.map(textOf);
    const key = `${schema}\n${name}`;
    const table = tables.get(key) ?? { schema, name, columns: [] };
    table.columns.push({ name: column, type });
    tables.set(key, table);
  }
  return [...tables.values()];
}

/** A name as statements have it. */
export function quoted(name: string, protocol: "postgresql" | "mysql"): string {
  if (/^[a-z_][a-z0-9_]*$/.test(name)) return name;
  return protocol === "mysql" ? `\`${name.replaceAll("`", "``")}\`` : `"${name.replaceAll('"', '""')}"`;
}
