import { useVirtualizer } from "@tanstack/react-virtual";
import { useMemo, useRef } from "react";

import { t } from "../i18n";
import { cx } from "../ui/cx";
import { textOf } from "./csv";
import type { Column, Value } from "./protocol";
import type { Result } from "./session";

const ROW_PX = 28;
const OVERSCAN = 20;
const CH_PX = 7.4;
const PAD_PX = 26;
const WIDTH_MIN_PX = 64;
const WIDTH_MAX_PX = 420;
/** How many rows a column's width is taken from. */
const LOOKED_AT = 200;

function widths(columns: Column[], rows: Value[][]): number[] {
  return columns.map(({ name }, at) => {
    const longest = rows.slice(0, LOOKED_AT).reduce((most, row) => Math.max(most, textOf(row[at] ?? null).length), Math.max(name.length, 4));
    return Math.round(Math.min(WIDTH_MAX_PX, Math.max(WIDTH_MIN_PX, longest * CH_PX + PAD_PX)));
  });
}

/** Rows as they came; of many only those near what is seen are in the page. */
export function ResultGrid({ result, label }: { result: Result; label: string }) {
  const { columns, rows } = result;
  const frame = useRef<HTMLDivElement>(null);
  // oxlint-disable-next-line react/incompatible-library -- what it gives is not passed on
  const virtualizer = useVirtualizer({ count: rows.length, getScrollElement: () => frame.current, estimateSize: () => ROW_PX, overscan: OVERSCAN });
  // As the first rows came; a column does not move under the eyes while more come.
  const first = rows.length > 0;
  const px = useMemo(() => widths(columns, rows), [columns, first]); // oxlint-disable-line react/exhaustive-deps
  const items = virtualizer.getVirtualItems();
  const before = items[0]?.start ?? 0;
  const after = virtualizer.getTotalSize() - (items.at(-1)?.end ?? 0);
  const number = String(rows.length).length * CH_PX + PAD_PX;
  return (
    <div ref={frame} tabIndex={0} role="region" aria-label={label} className="min-h-0 flex-1 overflow-auto bg-surface font-mono text-xs">
      <table aria-rowcount={rows.length} className="border-separate border-spacing-0 table-fixed" style={{ width: number + px.reduce((sum, each) => sum + each, 0) }}>
        <colgroup>
          <col style={{ width: number }} />
          {px.map((width, at) => <col key={at} style={{ width }} />)}
        </colgroup>
        <thead className="sticky top-0 z-10">
          <tr>
            <th scope="col" className="h-7 border-r border-b bg-sunken px-2"><span className="sr-only">{t.sql.row}</span></th>
            {columns.map((column, at) => <th key={at} scope="col" title={column.name} className={cx("truncate border-r border-b bg-sunken px-2 font-medium", column.number ? "text-right" : "text-left")}>{column.name}</th>)}
          </tr>
        </thead>
        <tbody>
          {before > 0 ? <tr aria-hidden style={{ height: before }}><td colSpan={columns.length + 1} /></tr> : null}
          {items.map((item) => (
            <tr key={item.index} aria-rowindex={item.index + 1} className="hover:bg-hover">
              <td className="h-7 border-r border-b bg-sunken px-2 text-right text-faint">{item.index + 1}</td>
              {columns.map((column, at) => <Cell key={at} value={rows[item.index]?.[at] ?? null} right={column.number} />)}
            </tr>
          ))}
          {after > 0 ? <tr aria-hidden style={{ height: after }}><td colSpan={columns.length + 1} /></tr> : null}
        </tbody>
      </table>
    </div>
  );
}

function Cell({ value, right }: { value: Value; right: boolean }) {
  const place = cx("h-7 truncate border-r border-b px-2 whitespace-pre", right && "text-right");
  if (value === null) return <td className={cx(place, "text-faint italic")}>null</td>;
  if (typeof value === "string") return <td className={place} title={value.length > 40 || value.includes("\n") ? value : undefined}>{value}</td>;
  return <td className={place} title={`${value[0]}…\n${t.sql.cutValue(value[1])}`}>{value[0]}<span className="text-muted">…</span></td>;
}
