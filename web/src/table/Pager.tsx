import { useNavigate, useRouter, useRouterState } from "@tanstack/react-router";
import { ChevronLeft, ChevronRight } from "lucide-react";

import { useUrlState } from "../hooks/useUrlState";
import { t } from "../i18n";
import { Button } from "../ui/Button";
import { validateSearch } from "../util/search";
import type { Search } from "../util/search";

const SIZES = [50, 200, 500];

/** How many rows a page has, as the URL says. */
export function sizeOf(search: Search): number {
  const wanted = Number(search.size);
  return SIZES.includes(wanted) ? wanted : (SIZES[0] ?? 50);
}

declare module "@tanstack/react-router" {
  interface HistoryState {
    paged?: boolean;
  }
}

// How far the server counts.
const COUNTED_MAX = 10_000;

interface Props {
  next: string | null | undefined;
  /** How many there are; undefined where there are more than are counted. Left out where nobody counts. */
  total?: number | undefined;
  countedMax?: number;
}

/** Forward by the server's cursor, back by the browser's history; the place is in the URL. */
export function Pager(props: Props) {
  const { next, total, countedMax = COUNTED_MAX } = props;
  const { search, set } = useUrlState();
  const navigate = useNavigate();
  const router = useRouter();
  const paged = useRouterState({ select: (state) => state.location.state.paged === true });
  const page = Number(search.page ?? "1") || 1;
  const size = sizeOf(search);
  if (!next && page === 1 && !search.cursor && !search.size) return null;
  const forward = () =>
    void navigate({
      to: ".",
      search: (before: Record<string, unknown>) => validateSearch({ ...before, cursor: next ?? "", page: String(page + 1) }),
      state: { paged: true },
    });
  // Without a page of ours behind this one, the way back is the first page.
  const back = () => (paged ? router.history.back() : set({ cursor: undefined, page: undefined }));
  return (
    <nav aria-label={t.list.page(page)} className="mt-3 flex items-center justify-end gap-2 text-sm text-muted">
      <select aria-label={t.list.size} value={size} onChange={(event) => set({ size: event.target.value === String(SIZES[0]) ? undefined : event.target.value, cursor: undefined, page: undefined }, { replace: true })} className="h-7 rounded-md border bg-surface px-1.5 text-sm">
        {SIZES.map((each) => <option key={each} value={each}>{t.list.rows(each)}</option>)}
      </select>
      <span className="mx-1">{total !== undefined ? t.list.span((page - 1) * size + 1, Math.min(page * size, total), total) : "total" in props && next ? t.list.spanMany((page - 1) * size + 1, page * size, countedMax) : t.list.page(page)}</span>
      {page > 1 ? <Button size="sm" icon={<ChevronLeft className="size-4" aria-hidden />} onClick={back}>{paged ? t.list.previous : t.list.first}</Button> : null}
      {next ? <Button size="sm" onClick={forward}>{t.list.next}<ChevronRight className="size-4" aria-hidden /></Button> : null}
    </nav>
  );
}
