import { ChevronRight, Table2 } from "lucide-react";
import { useMemo, useState } from "react";

import { t } from "../i18n";
import { Button } from "../ui/Button";
import { cx } from "../ui/cx";
import type { Table } from "./schema";
import { SCHEMA_SQL, quoted, tablesOf } from "./schema";
import type { SqlSession } from "./session";

interface Props {
  session: SqlSession;
  protocol: "postgresql" | "mysql";
  disabled: boolean;
  /** Puts a name into the editor. */
  onName: (name: string) => void;
}

/** The tables that the account sees, and their columns; looked for when they are asked for, by a statement like others. */
export function SchemaTree({ session, protocol, disabled, onName }: Props) {
  const [tables, setTables] = useState<Table[]>();
  const [failed, setFailed] = useState<string>();
  const [part, setPart] = useState("");
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const look = () => {
    setFailed(undefined);
    session.ask(SCHEMA_SQL).then((rows) => setTables(tablesOf(rows)), (why: unknown) => setFailed(why instanceof Error ? why.message : String(why)));
  };
  const found = useMemo(() => (tables ?? []).filter((table) => `${table.schema}.${table.name}`.toLowerCase().includes(part.toLowerCase())), [tables, part]);
  const toggle = (key: string) => {
    const next = new Set(open);
    if (!next.delete(key)) next.add(key);
    setOpen(next);
  };
  return (
    <div className="flex min-h-0 flex-1 flex-col gap-2 p-2">
      <Button size="sm" onClick={look} blocked={disabled ? t.sql.busy : undefined}>{tables ? t.sql.lookAgain : t.sql.look}</Button>
      {failed ? <p role="alert" className="text-xs text-bad [overflow-wrap:anywhere]">{failed}</p> : null}
      {tables ? <input type="search" aria-label={t.sql.findTable} placeholder={t.sql.findTable} value={part} onChange={(event) => setPart(event.target.value)} className="h-7 w-full rounded-md border bg-surface px-2 text-xs" /> : null}
      {tables && found.length === 0 ? <p className="px-1 text-xs text-muted">{t.sql.noTables}</p> : null}
      <ul aria-label={t.sql.tables} className="min-h-0 flex-1 overflow-auto font-mono text-xs">
        {found.map((table) => {
          const key = `${table.schema}.${table.name}`;
          const shown = open.has(key);
          return (
            <li key={key}>
              <div className="flex h-7 items-center gap-1">
                <button type="button" aria-expanded={shown} aria-label={t.sql.columnsOf(key)} onClick={() => toggle(key)} className="flex size-6 shrink-0 items-center justify-center rounded hover:bg-hover"><ChevronRight className={cx("size-3.5", shown && "rotate-90")} aria-hidden /></button>
                <button type="button" title={key} onClick={() => onName(`${quoted(table.schema, protocol)}.${quoted(table.name, protocol)}`)} className="flex min-w-0 flex-1 items-center gap-1.5 rounded px-1 text-left hover:bg-hover"><Table2 className="size-3.5 shrink-0 text-muted" aria-hidden /><span className="truncate">{key}</span></button>
              </div>
              {shown ? (
                <ul className="ml-7 border-l pl-2">
                  {table.columns.map((column) => (
                    <li key={column.name}>
                      <button type="button" title={`${column.name} ${column.type}`} onClick={() => onName(quoted(column.name, protocol))} className="flex h-6 w-full min-w-0 items-center gap-2 rounded px-1 text-left hover:bg-hover"><span className="truncate">{column.name}</span><span className="truncate text-faint">{column.type}</span></button>
                    </li>
                  ))}
                </ul>
              ) : null}
            </li>
          );
        })}
      </ul>
    </div>
  );
}
