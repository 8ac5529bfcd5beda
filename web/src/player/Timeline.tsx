import { useQuery } from "@tanstack/react-query";
import { Search } from "lucide-react";
import { useDeferredValue } from "react";
import type { ReactNode } from "react";

import type { RecordingMark } from "../api/nouns";
import { q } from "../api/queries";
import { QueryError } from "../components/QueryError";
import { useTypedFilter } from "../hooks/useUrlState";
import { t } from "../i18n";
import { cx } from "../ui/cx";
import { Skeleton } from "../ui/feedback";
import { playTime } from "../util/time";

const SEARCH_LEN_MIN = 2;

interface Props {
  session: string;
  /** Where the player is, as it shows time. */
  at: number;
  /** From the recording's time to the one that the player shows. */
  toShown: (at: number) => number;
  onSeek: (at: number) => void;
}

/** What happened in a recording, and a search in what it shows; each leads to its moment. */
export function Timeline({ session, at, toShown, onSeek }: Props) {
  const [needle, setNeedle] = useTypedFilter("q");
  const asked = useDeferredValue(needle.trim());
  const searching = asked.length >= SEARCH_LEN_MIN;
  const marks = useQuery(q.marks(session));
  const found = useQuery({ ...q.recordingSearch(session, asked), enabled: searching });
  const steps = (marks.data?.items ?? []).map((mark) => ({ mark, at: toShown(mark.at_ms / 1000) }));
  const current = steps.findLastIndex((step) => step.at <= at + 0.05);
  const shown = searching ? found : marks;
  return (
    <div className="flex max-h-[min(calc(58vh+3rem),45rem)] min-h-56 min-w-0 flex-col rounded-lg border bg-surface">
      <div className="relative border-b">
        <Search className="pointer-events-none absolute top-2.5 left-3 size-4 text-muted" aria-hidden />
        <input type="search" aria-label={t.player.search} placeholder={t.player.search} value={needle} onChange={(event) => setNeedle(event.target.value)} className="h-9 w-full rounded-t-lg bg-transparent pr-3 pl-9 text-sm focus-visible:outline-offset-[-2px]" />
      </div>
      <h2 className="px-3 pt-2 pb-1 text-xs text-muted" aria-live="polite">{searching ? t.player.hits(found.data?.items.length ?? 0) : t.player.events}</h2>
      {shown.isError ? <QueryError error={shown.error} onRetry={() => void shown.refetch()} /> : null}
      {shown.isPending ? <div className="space-y-2 px-3 py-2"><Skeleton className="w-3/4" /><Skeleton className="w-1/2" /></div> : null}
      <ol className="min-h-0 flex-1 overflow-y-auto pb-1.5">
        {searching
          ? found.data?.items.map((line, index) => (
              <li key={index}><Step at={toShown(line.at_ms / 1000)} onSeek={onSeek}><Hit text={line.text} needle={asked} /></Step></li>
            ))
          : steps.map((step, index) => (
              <li key={index}><Step at={step.at} isCurrent={index === current} onSeek={onSeek}><MarkText mark={step.mark} /></Step></li>
            ))}
        {!searching && marks.data?.items.length === 0 ? <li className="px-3 py-2 text-sm text-muted">{t.player.none}</li> : null}
        {searching && found.data?.items.length === 0 ? <li className="px-3 py-2 text-sm text-muted">{t.player.noHits}</li> : null}
        {shown.data?.truncated ? <li className="px-3 py-2 text-xs text-muted">{t.player.truncated}</li> : null}
      </ol>
    </div>
  );
}

function Step({ at, isCurrent = false, onSeek, children }: { at: number; isCurrent?: boolean; onSeek: (at: number) => void; children: ReactNode }) {
  return (
    <button type="button" onClick={() => onSeek(at)} aria-current={isCurrent ? "step" : undefined} className={cx("flex w-full items-baseline gap-3 px-3 py-1 text-left hover:bg-hover focus-visible:outline-offset-[-2px]", isCurrent && "bg-accent-soft")}>
      <span className="font-mono text-2xs text-muted">{playTime(at)}</span>
      {children}
    </button>
  );
}

function MarkText({ mark }: { mark: RecordingMark }) {
  if (mark.kind === "command" || mark.kind === "exec") return <span className="min-w-0 flex-1 font-mono text-xs text-ink [overflow-wrap:anywhere]">{mark.label}</span>;
  return <span className="min-w-0 flex-1 text-xs text-muted italic [overflow-wrap:anywhere]">{mark.label}</span>;
}

const BEFORE_MAX = 24;

function Hit({ text, needle }: { text: string; needle: string }) {
  const found = text.toLowerCase().indexOf(needle.toLowerCase());
  if (found === -1) return <span className="min-w-0 flex-1 truncate font-mono text-xs text-muted">{text}</span>;
  const end = found + needle.length;
  return (
    <span className="min-w-0 flex-1 truncate font-mono text-xs text-muted">
      {text.slice(0, found).slice(-BEFORE_MAX)}<mark className="rounded-sm bg-warn-soft px-0.5 text-warn">{text.slice(found, end)}</mark>{text.slice(end)}
    </span>
  );
}
