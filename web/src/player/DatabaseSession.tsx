import { useQuery, useQueryClient } from "@tanstack/react-query";
import { RotateCcw, Search } from "lucide-react";
import { Fragment, useEffect, useMemo, useRef, useState } from "react";
import type { ReactNode } from "react";

import { messageOf } from "../api/errors";
import type { Session } from "../api/nouns";
import { q } from "../api/queries";
import { QueryError } from "../components/QueryError";
import { useTypedFilter } from "../hooks/useUrlState";
import { t } from "../i18n";
import { useVisible } from "../table/useVisible";
import { Badge } from "../ui/Badge";
import { Button } from "../ui/Button";
import { cx } from "../ui/cx";
import { Skeleton } from "../ui/feedback";
import { Panel } from "../ui/Page";
import { exactTime } from "../util/time";
import { StatementLog, logOf } from "./statements";
import type { Entry, Ran, RanEnd } from "./statements";
import { follow } from "./watch";

const s = t.statementLog;
const ROW_PX = 76;

/** A session with a database: its statements on a time line, as they come while it is live. */
export function DatabaseSession({ session, startAt }: { session: Session; startAt: number }) {
  const [attempt, setAttempt] = useState(0);
  return session.state === "ended" ? <Finished session={session} startAt={startAt} /> : <Live key={attempt} session={session} onAgain={() => setAttempt(attempt + 1)} />;
}

function Finished({ session, startAt }: { session: Session; startAt: number }) {
  const recording = useQuery(q.recordingLines(session.id));
  const log = useMemo(() => (recording.data === undefined ? undefined : logOf(recording.data)), [recording.data]);
  if (recording.isError) return <Panel><QueryError error={recording.error} onRetry={() => void recording.refetch()} /></Panel>;
  if (!log) return <Skeleton className="h-64 w-full" />;
  const seconds = session.ended_at ? (new Date(session.ended_at).getTime() - new Date(session.started_at).getTime()) / 1000 : 0;
  return <Shown entries={log.entries} seconds={seconds} startAt={startAt} />;
}

type Phase = "connecting" | "live" | "ended" | "lost";

function Live({ session, onAgain }: { session: Session; onAgain: () => void }) {
  const client = useQueryClient();
  const [phase, setPhase] = useState<Phase>("connecting");
  const [failure, setFailure] = useState("");
  const [entries, setEntries] = useState<Entry[]>([]);
  const { id } = session;
  useEffect(() => {
    const stop = new AbortController();
    const log = new StatementLog();
    follow(id, stop.signal, (frame) => {
      setPhase("live");
      if (log.add(frame)) setEntries([...log.entries]);
    }).then(
      () => {
        setPhase("ended");
        void client.invalidateQueries({ queryKey: ["session"] });
      },
      (error: unknown) => {
        if (stop.signal.aborted) return;
        setPhase("lost");
        setFailure(messageOf(error));
      },
    );
    return () => stop.abort();
  }, [id, client]);
  const seconds = entries.at(-1)?.at ?? 0;
  return (
    <Shown entries={entries} seconds={seconds}>
      {phase === "live" ? <Badge tone="live">{t.player.live}</Badge> : null}
      {phase === "connecting" ? <Badge tone="info" icon="dashed">{t.player.connecting}</Badge> : null}
      {phase === "ended" ? <Badge tone="plain" icon="minus">{t.player.ended}</Badge> : null}
      {phase === "lost" ? <><Badge tone="bad" icon="alert">{t.player.lost}</Badge><span className="text-xs text-muted">{failure}</span><Button size="sm" icon={<RotateCcw className="size-4" aria-hidden />} onClick={onAgain}>{t.player.reconnect}</Button></> : null}
    </Shown>
  );
}

const isRan = (entry: Entry): entry is Ran => "text" in entry;

/** `startAt` is the second that is gone to, none when it is 0. */
function Shown({ entries, seconds, startAt = 0, children }: { entries: Entry[]; seconds: number; startAt?: number; children?: ReactNode }) {
  const [needle, setNeedle] = useTypedFilter("q");
  const wanted = needle.trim().toLowerCase();
  const shown = wanted === "" ? entries : entries.filter((entry) => (isRan(entry) ? `${entry.text} ${entry.parameters.join(" ")} ${entry.kept.map((row) => row.values.join(" ")).join(" ")} ${entry.end?.error ?? ""}` : entry.note).toLowerCase().includes(wanted));
  const { frame, indices, before, after, measure } = useVisible(shown.length, ROW_PX);
  const count = entries.filter(isRan).length;
  const section = useRef<HTMLElement>(null);
  const chosen = startAt > 0 && wanted === "" ? shown.findLastIndex((entry) => entry.at < startAt + 1) : -1;
  const [first] = useState(chosen);
  useEffect(() => {
    if (first > 0 && section.current) scrollTo({ top: section.current.getBoundingClientRect().top + scrollY + first * ROW_PX - ROW_PX });
  }, [first]);
  return (
    <section ref={section} aria-label={s.title} className="overflow-hidden rounded-lg border bg-surface">
      <div className="flex min-h-10 flex-wrap items-center gap-x-3 gap-y-1 border-b px-3 py-1.5 text-sm">
        {children}
        <span className="text-xs text-muted" aria-live="polite">{wanted === "" ? s.count(count) : s.found(shown.length, count)}</span>
        <Track entries={entries} seconds={seconds} />
        <div className="relative w-full sm:w-64">
          <Search className="pointer-events-none absolute top-1.5 left-2.5 size-4 text-muted" aria-hidden />
          <input type="search" aria-label={s.search} placeholder={s.search} value={needle} onChange={(event) => setNeedle(event.target.value)} className="h-7 w-full rounded-md border border-line-strong/60 bg-surface pr-2 pl-8.5 text-sm" />
        </div>
      </div>
      <ol ref={frame}>
        {before > 0 ? <li style={{ height: before }} aria-hidden /> : null}
        {indices.map((at) => {
          const entry = shown[at];
          if (!entry) return null;
          return (
            <li key={at} ref={measure} data-index={at} aria-current={at === chosen ? "step" : undefined} className={cx("grid grid-cols-[3.75rem_minmax(0,1fr)] gap-x-3 border-b px-4 py-2.5 last:border-b-0", at === chosen && "bg-accent-soft")}>
              <span className="pt-0.5 font-mono text-2xs text-muted">{exactTime(entry.at)}</span>
              {isRan(entry) ? <Statement ran={entry} /> : <p className="text-sm text-muted italic [overflow-wrap:anywhere]">{entry.note}</p>}
            </li>
          );
        })}
        {after > 0 ? <li style={{ height: after }} aria-hidden /> : null}
        {shown.length === 0 ? <li className="px-4 py-8 text-center text-sm text-muted">{wanted === "" ? s.none : s.noHits}</li> : null}
      </ol>
    </section>
  );
}

function Statement({ ran }: { ran: Ran }) {
  return (
    <div className="min-w-0">
      <pre className="font-mono text-xs leading-5 whitespace-pre-wrap text-ink [overflow-wrap:anywhere]">{ran.text}</pre>
      {ran.parameters.length > 0 ? <p className="mt-0.5 font-mono text-2xs text-muted [overflow-wrap:anywhere]">{ran.parameters.map((value, index) => `$${index + 1} = ${value}`).join(", ")}</p> : null}
      {ran.kept.length > 0 ? <Kept ran={ran} /> : null}
      <p className="mt-1 flex flex-wrap items-center gap-x-3 gap-y-1 text-xs text-muted">
        <Outcome end={ran.end} />
        {ran.end ? <span>{[ran.end.tag, s.took(ran.end.seconds)].filter(Boolean).join(" · ")}</span> : null}
        {ran.end?.error ? <span className="text-bad [overflow-wrap:anywhere]">{ran.end.error}</span> : null}
      </p>
    </div>
  );
}

/** Rows that policy has had kept, closed until somebody wants to see them. */
function Kept({ ran }: { ran: Ran }) {
  return (
    <details className="mt-1 text-xs">
      <summary className="w-fit cursor-pointer text-muted hover:text-ink">{s.kept(ran.kept.length, ran.end?.rows)}</summary>
      <div className="mt-1 max-h-80 w-fit max-w-full overflow-auto rounded-md border" tabIndex={0} role="region" aria-label={s.keptRows(ran.id)}>
        <table className="font-mono text-2xs">
          <tbody>
            {ran.kept.map((row, index) => (
              <Fragment key={index}>
                {row.names.length > 0 ? <tr className="bg-sunken">{row.names.map((name, at) => <th key={at} scope="col" className="border-b px-2 py-1 text-left font-medium whitespace-nowrap">{name}</th>)}</tr> : null}
                <tr>{row.values.map((value, at) => <td key={at} className="max-w-md border-b px-2 py-1 align-top whitespace-pre-wrap [overflow-wrap:anywhere]">{value}</td>)}</tr>
              </Fragment>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}

function Outcome({ end }: { end: RanEnd | undefined }) {
  if (!end) return <Badge tone="info" icon="dashed">{s.running}</Badge>;
  const text = s.outcomes[end.outcome];
  switch (end.outcome) {
    case "done": return <Badge tone="ok" icon="check">{text}</Badge>;
    case "failed": return <Badge tone="bad" icon="x">{text}</Badge>;
    case "refused": return <Badge tone="warn" icon="ban">{text}</Badge>;
    case "skipped": return <Badge tone="plain" icon="minus">{text}</Badge>;
    case "unknown": return <Badge tone="plain" icon="dashed">{text}</Badge>;
  }
}

const FILLS = { done: "fill-line-strong", skipped: "fill-line-strong", unknown: "fill-line-strong", failed: "fill-bad", refused: "fill-warn" };

/** When in the session its statements ran. */
function Track({ entries, seconds }: { entries: Entry[]; seconds: number }) {
  const length = Math.max(seconds, entries.at(-1)?.at ?? 0);
  return (
    <span className="flex min-w-32 flex-1 items-center gap-2">
      <svg role="img" aria-label={s.track} viewBox="0 0 1000 16" preserveAspectRatio="none" className="h-4 w-full min-w-0 flex-1 rounded-sm bg-sunken">
        {length > 0 ? entries.filter(isRan).map((ran) => <rect key={ran.id} x={(ran.at / length) * 997} y={2} width={Math.max(3, ((ran.end?.seconds ?? 0) / length) * 1000)} height={12} className={FILLS[ran.end?.outcome ?? "done"]} />) : null}
      </svg>
      <span className="font-mono text-2xs text-muted">{exactTime(length)}</span>
    </span>
  );
}
