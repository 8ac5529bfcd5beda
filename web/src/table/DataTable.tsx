import type { UseQueryResult } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { createColumnHelper, tableFeatures, useTable } from "@tanstack/react-table";
import { ArrowDown, ArrowUp, ArrowUpDown } from "lucide-react";
import { useMemo } from "react";
import type { ReactNode } from "react";

import type { Page } from "../api/nouns";
import { QueryError } from "../components/QueryError";
import { NARROW, useMedia } from "../hooks/useMedia";
import { useFilter } from "../hooks/useUrlState";
import { t } from "../i18n";
import { cx } from "../ui/cx";
import { Blank } from "../ui/feedback";
import { useVisible } from "./useVisible";

export interface Column<T> {
  id: string;
  header: string;
  cell: (row: T) => ReactNode;
  /** On a narrow screen: the title of the row's card, a line of it, beside the title, or nothing. */
  narrow?: "title" | "line" | "aside" | "hide";
  className?: string;
  /** The width of its column; what is left goes to the columns that give none. */
  width?: string;
  /** What the server can sort by it. */
  sort?: string;
  /** Its header is only read out. */
  quiet?: boolean;
}

interface Props<T> {
  label: string;
  query: UseQueryResult<Page<T>>;
  columns: Column<T>[];
  rowKey: (row: T) => string;
  /** Where the row leads. */
  rowTo?: (row: T) => { to: string; search?: Record<string, string | undefined> } | undefined;
  empty: ReactNode;
  skeletonRows?: number;
}

const features = tableFeatures({});
const NONE: never[] = [];
const ROW_PX = 41;
const CARD_PX = 120;

/** One page of a listing: a table, or cards where there is no room for one. */
export function DataTable<T extends object>(props: Props<T>) {
  const { query, empty, label } = props;
  const narrow = useMedia(NARROW);
  if (query.isError && !query.data) return <Framed><QueryError error={query.error} onRetry={() => void query.refetch()} /></Framed>;
  if (query.data && query.data.items.length === 0) return <Framed>{empty}</Framed>;
  return (
    <div aria-busy={query.isFetching} aria-label={label} role="region" className={cx("transition-opacity", query.isPlaceholderData && "opacity-60")}>
      {narrow ? <Cards {...props} /> : <Rows {...props} />}
    </div>
  );
}

export function Framed({ children }: { children: ReactNode }) {
  return <div className="rounded-lg border bg-surface">{children}</div>;
}

/** What an empty listing says: that there is nothing, or that the filters leave nothing. */
export function EmptyList({ filtered, onClear, title, children, icon, actions }: { filtered: boolean; onClear: () => void; title: string; children?: ReactNode; icon?: ReactNode; actions?: ReactNode }) {
  if (filtered) {
    return (
      <Blank icon={icon} title={t.list.none} actions={<button type="button" className="text-sm text-accent hover:underline" onClick={onClear}>{t.actions.clear}</button>}>
        {t.list.noneBody}
      </Blank>
    );
  }
  return <Blank icon={icon} title={title} actions={actions}>{children}</Blank>;
}

function Rows<T extends object>({ label, query, columns, rowKey, rowTo, skeletonRows = 8 }: Props<T>) {
  const defs = useMemo(() => {
    const helper = createColumnHelper<typeof features, T>();
    return columns.map((column) => helper.display({ id: column.id, header: () => column.header, cell: (context) => column.cell(context.row.original) }));
  }, [columns]);
  const table = useTable({ features, columns: defs, data: query.data?.items ?? NONE, getRowId: rowKey });
  const byId = useMemo(() => new Map(columns.map((column) => [column.id, column])), [columns]);
  const { search } = useFilter();
  const rows = table.getRowModel().rows;
  const { frame, indices, before, after, measure } = useVisible(rows.length, ROW_PX);
  return (
    <div className="overflow-x-auto rounded-lg border bg-surface">
      <table className="w-full border-collapse text-sm" aria-label={label} aria-rowcount={measure ? rows.length : undefined}>
        <thead>
          {table.getHeaderGroups().map((group) => (
            <tr key={group.id}>
              {group.headers.map((header) => {
                const column = byId.get(header.column.id);
                return (
                  <th key={header.id} scope="col" aria-sort={column?.sort ? sortedBy(search.sort, column.sort) : undefined} style={column?.width ? { width: column.width } : undefined} className={cx("h-9 border-b px-3 text-left text-xs font-medium whitespace-nowrap text-muted first:pl-4 last:pr-4", column?.className)}>
                    {column?.quiet ? <span className="sr-only">{column.header}</span> : column?.sort ? <SortHeader by={column.sort}><table.FlexRender header={header} /></SortHeader> : <table.FlexRender header={header} />}
                  </th>
                );
              })}
            </tr>
          ))}
        </thead>
        <tbody ref={frame}>
          {before > 0 ? <tr style={{ height: before }} aria-hidden><td colSpan={columns.length} /></tr> : null}
          {query.data
            ? indices.map((at) => {
                const row = rows[at];
                if (!row) return null;
                const to = rowTo?.(row.original);
                return (
                  <tr key={row.id} ref={measure} data-index={at} aria-rowindex={measure ? at + 1 : undefined} className={cx("relative border-b last:border-b-0", to && "hover:bg-hover has-[a.row-link:focus-visible]:bg-hover")}>
                    {row.getAllCells().map((cell, index) => (
                      <td key={cell.id} className={cx("h-10 px-3 py-1.5 align-middle first:pl-4 last:pr-4 [&_.font-mono]:whitespace-nowrap", byId.get(cell.column.id)?.className)}>
                        {to && index === 0 ? <Link {...to} className="row-link text-ink after:absolute after:inset-0 hover:no-underline"><table.FlexRender cell={cell} /></Link> : <table.FlexRender cell={cell} />}
                      </td>
                    ))}
                  </tr>
                );
              })
            : Array.from({ length: skeletonRows }, (_, row) => (
                <tr key={row} className="border-b last:border-b-0">
                  {columns.map((column, index) => (
                    <td key={column.id} className="h-10 px-3 first:pl-4 last:pr-4">
                      <span className="skeleton block h-3.5" style={{ width: `${[62, 48, 78, 40, 55][(row + index) % 5] ?? 50}%` }} />
                    </td>
                  ))}
                </tr>
              ))}
          {after > 0 ? <tr style={{ height: after }} aria-hidden><td colSpan={columns.length} /></tr> : null}
        </tbody>
      </table>
    </div>
  );
}

function sortedBy(sort: string | undefined, by: string): "ascending" | "descending" | "none" {
  return sort === by ? "ascending" : sort === `-${by}` ? "descending" : "none";
}

/** Sorts by its column: the one way, the other way, then again as usual. The server sorts. */
function SortHeader({ by, children }: { by: string; children: ReactNode }) {
  const { search, filter } = useFilter();
  const sorted = sortedBy(search.sort, by);
  const next = { none: by, ascending: `-${by}`, descending: undefined }[sorted];
  const Picture = { none: ArrowUpDown, ascending: ArrowUp, descending: ArrowDown }[sorted];
  return (
    <button type="button" onClick={() => filter({ sort: next })} className="-mx-1 inline-flex h-6 items-center gap-1 rounded px-1 hover:text-ink">
      {children}
      <Picture className={cx("size-3.5", sorted === "none" ? "text-line-strong" : "text-accent")} aria-hidden />
    </button>
  );
}

function Cards<T extends object>({ label, query, columns, rowKey, rowTo, skeletonRows = 8 }: Props<T>) {
  const title = columns.find((column) => column.narrow === "title") ?? columns[0];
  const aside = columns.filter((column) => column.narrow === "aside");
  const lines = columns.filter((column) => column !== title && (column.narrow === undefined || column.narrow === "line"));
  const items = query.data?.items ?? NONE;
  const { frame, indices, before, after, measure } = useVisible(items.length, CARD_PX);
  if (!query.data) {
    return (
      <Framed>
        {Array.from({ length: Math.min(skeletonRows, 6) }, (_, row) => (
          <div key={row} className="border-b px-4 py-3.5 last:border-b-0">
            <span className="skeleton block h-4 w-1/2" />
            <span className="skeleton mt-2 block h-3 w-3/4" />
          </div>
        ))}
      </Framed>
    );
  }
  return (
    <Framed>
      <ul ref={frame} aria-label={label}>
        {before > 0 ? <li style={{ height: before }} aria-hidden /> : null}
        {indices.map((at) => {
          const row = items[at];
          if (!row) return null;
          const to = rowTo?.(row);
          return (
            <li key={rowKey(row)} ref={measure} data-index={at} className="relative border-b px-4 py-3 text-sm last:border-b-0">
              <div className="flex items-start justify-between gap-3">
                <div className="min-w-0 font-medium [overflow-wrap:anywhere]">
                  {to ? <Link {...to} className="row-link text-ink after:absolute after:inset-0">{title?.cell(row)}</Link> : title?.cell(row)}
                </div>
                <div className="flex shrink-0 items-center gap-2">{aside.map((column) => <span key={column.id}>{column.cell(row)}</span>)}</div>
              </div>
              <dl className="mt-1.5 grid grid-cols-[6.5rem_minmax(0,1fr)] gap-x-3 gap-y-1">
                {lines.map((column) => {
                  const value = column.cell(row);
                  return value === null || column.quiet ? null : (
                    <div key={column.id} className="col-span-2 grid grid-cols-subgrid">
                      <dt className="text-xs leading-5 text-muted">{column.header}</dt>
                      <dd className="min-w-0 [overflow-wrap:anywhere]">{value}</dd>
                    </div>
                  );
                })}
              </dl>
              {lines.filter((column) => column.quiet).map((column) => <div key={column.id} className="mt-1.5 empty:hidden">{column.cell(row)}</div>)}
            </li>
          );
        })}
        {after > 0 ? <li style={{ height: after }} aria-hidden /> : null}
      </ul>
    </Framed>
  );
}
