import { Download, History, Play, Square, Table2, Unplug } from "lucide-react";
import { useEffect, useRef, useState, useSyncExternalStore } from "react";

import type { SqlConsoleOpened } from "../api/nouns";
import { Mono } from "../components/Copy";
import { t } from "../i18n";
import { keepText, textFor } from "../stores/sql";
import { Badge } from "../ui/Badge";
import { Button } from "../ui/Button";
import { cx } from "../ui/cx";
import { Blank, Notice } from "../ui/feedback";
import { Spinner } from "../ui/Spinner";
import { csvOf } from "./csv";
import { TEXT_BYTES_MAX } from "./protocol";
import { ResultGrid } from "./ResultGrid";
import { SchemaTree } from "./SchemaTree";
import { SqlSession } from "./session";
import type { Result, Run, Shown } from "./session";

type Side = "tables" | "history" | undefined;

const s = t.sql;
const TURNED = "aria-pressed:bg-accent-soft aria-pressed:text-accent";

/** The editor, the tables, and what came of what was run. */
export function SqlWorkbench({ opened, onAgain }: { opened: SqlConsoleOpened; onAgain: () => void }) {
  const [session] = useState(() => new SqlSession(opened));
  const { account } = opened;
  useEffect(() => {
    session.connect();
    return () => session.release();
  }, [session]);
  const shown = useSyncExternalStore(session.subscribe, session.snapshot);
  const [text, setText] = useState(() => textFor(account));
  const [side, setSide] = useState<Side>();
  const editor = useRef<HTMLTextAreaElement>(null);
  const busy = shown.run !== undefined && shown.run.millis === undefined;
  const write = (next: string) => {
    setText(next);
    keepText(account, next);
  };
  /** What is marked, or all of it. */
  const run = () => {
    const { selectionStart = 0, selectionEnd = 0 } = editor.current ?? {};
    const wanted = (text.slice(selectionStart, selectionEnd).trim() || text).trim();
    if (wanted && !busy && shown.state === "open" && new TextEncoder().encode(wanted).length <= TEXT_BYTES_MAX) session.run(wanted);
  };
  const insert = (name: string) => {
    const at = editor.current?.selectionStart ?? text.length;
    write(text.slice(0, at) + name + text.slice(editor.current?.selectionEnd ?? at));
    editor.current?.focus();
  };
  const tooLong = new TextEncoder().encode(text).length > TEXT_BYTES_MAX;
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <Bar shown={shown} account={account} busy={busy} side={side} onSide={setSide} onRun={run} onCancel={() => session.cancel()} onClose={() => session.close()} blocked={runBlocked(shown, text, tooLong)} />
      {shown.state === "over" ? (
        <div className="p-3"><Notice tone="warn" live title={s.over}><span className="whitespace-pre-line">{shown.why}</span> <button type="button" className="text-accent underline underline-offset-2" onClick={onAgain}>{s.again}</button></Notice></div>
      ) : null}
      <div className="flex min-h-0 flex-1 max-md:flex-col">
        {side ? (
          <aside aria-label={side === "tables" ? s.tables : s.history} className="flex min-h-0 shrink-0 flex-col border-r bg-sunken max-md:max-h-56 max-md:border-r-0 max-md:border-b md:w-64">
            {side === "tables" ? <SchemaTree session={session} protocol={shown.protocol ?? "postgresql"} disabled={busy || shown.state !== "open"} onName={insert} /> : <Past shown={shown} onText={(past) => { write(past); editor.current?.focus(); }} />}
          </aside>
        ) : null}
        <div className="flex min-h-0 min-w-0 flex-1 flex-col">
          <textarea
            ref={editor}
            aria-label={s.statement}
            value={text}
            onChange={(event) => write(event.target.value)}
            onKeyDown={(event) => {
              if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
                event.preventDefault();
                run();
              }
            }}
            placeholder={s.placeholder}
            aria-invalid={tooLong || undefined}
            autoFocus
            spellCheck={false}
            autoCapitalize="off"
            wrap="off"
            className="h-40 min-h-20 w-full shrink-0 resize-y border-b bg-surface px-4 py-3 font-mono text-sm leading-5 focus-visible:outline-offset-[-2px] md:h-52"
          />
          <Outcome shown={shown} account={account} onMore={() => session.more()} />
        </div>
      </div>
    </div>
  );
}

function runBlocked(shown: Shown, text: string, tooLong: boolean): string | undefined {
  if (shown.state !== "open") return s.notOpen;
  if (!text.trim()) return s.nothing;
  return tooLong ? s.tooLong : undefined;
}

interface BarProps {
  shown: Shown;
  account: string;
  busy: boolean;
  side: Side;
  onSide: (side: Side) => void;
  onRun: () => void;
  onCancel: () => void;
  onClose: () => void;
  blocked: string | undefined;
}

function Bar({ shown, account, busy, side, onSide, onRun, onCancel, onClose, blocked }: BarProps) {
  const state = { connecting: s.connecting, open: s.connected, lost: s.lost, over: s.over }[shown.state];
  const turn = (wanted: Side) => onSide(side === wanted ? undefined : wanted);
  return (
    <div role="toolbar" aria-label={s.title} className="flex flex-wrap items-center gap-2 border-b bg-sunken px-3 py-1.5">
      {busy ? (
        <Button size="sm" look="danger" icon={<Square className="size-3.5" aria-hidden />} onClick={onCancel}>{s.cancel}</Button>
      ) : (
        <Button size="sm" look="primary" icon={<Play className="size-3.5" aria-hidden />} blocked={blocked} onClick={onRun} title={s.runKeys}>{s.run}</Button>
      )}
      <Button size="sm" look="quiet" className={TURNED} aria-pressed={side === "tables"} icon={<Table2 className="size-4" aria-hidden />} onClick={() => turn("tables")}>{s.tables}</Button>
      <Button size="sm" look="quiet" className={TURNED} aria-pressed={side === "history"} icon={<History className="size-4" aria-hidden />} onClick={() => turn("history")}>{s.history}</Button>
      <span className="min-w-0 flex-1 truncate text-right text-xs text-muted max-sm:order-last max-sm:basis-full max-sm:text-left"><Mono>{account}</Mono></span>
      {shown.transaction ? <Badge tone="warn" icon="dot">{s.transaction}</Badge> : null}
      <span role="status"><Badge tone={shown.state === "open" ? "ok" : "plain"} icon={shown.state === "open" ? "check" : "wait"}>{state}</Badge></span>
      <Button size="sm" look="quiet" icon={<Unplug className="size-4" aria-hidden />} blocked={shown.state === "over" ? s.over : undefined} onClick={onClose}>{s.close}</Button>
    </div>
  );
}

function Past({ shown, onText }: { shown: Shown; onText: (text: string) => void }) {
  const runs = [...(shown.run ? [shown.run] : []), ...shown.history];
  if (runs.length === 0) return <p className="p-3 text-sm text-muted">{s.noHistory}</p>;
  return (
    <ul aria-label={s.history} className="min-h-0 flex-1 overflow-auto p-2">
      {runs.map((run) => (
        <li key={run.number}>
          <button type="button" onClick={() => onText(run.text)} title={run.text} className="w-full rounded-md px-2 py-1.5 text-left hover:bg-hover">
            <span className="line-clamp-2 font-mono text-xs [overflow-wrap:anywhere]">{run.text}</span>
            <span className={cx("text-2xs", run.failure ? "text-bad" : "text-muted")}>{run.failure ? s.failed : run.millis === undefined ? s.running : s.took(run.millis)}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}

function Outcome({ shown, account, onMore }: { shown: Shown; account: string; onMore: () => void }) {
  const { run } = shown;
  const [chosen, setChosen] = useState<{ run: number; at: number }>();
  if (!run) return <Blank icon={<Play />} title={s.noneYet}>{s.noneYetBody}</Blank>;
  const at = chosen?.run === run.number ? chosen.at : Math.max(0, run.results.findLastIndex((result) => result.columns.length > 0));
  const result = run.results[at];
  return (
    <section aria-label={s.results} aria-busy={run.millis === undefined} className="flex min-h-0 flex-1 flex-col">
      {run.failure ? (
        <div className="p-3"><Notice tone="bad" live title={run.failure.message}>{run.failure.more.map((line) => <span key={line} className="block">{line}</span>)}<span className="font-mono text-xs text-muted">{run.failure.code}</span></Notice></div>
      ) : null}
      {run.notices.map((notice, index) => <div key={index} className="px-3 pt-3"><Notice tone="info" live><span className="whitespace-pre-line">{notice}</span></Notice></div>)}
      {run.results.length > 1 ? (
        <div role="radiogroup" aria-label={s.results} className="flex gap-1 overflow-x-auto border-b px-3 py-1.5">
          {run.results.map((each, index) => <button key={index} type="button" role="radio" aria-checked={index === at} onClick={() => setChosen({ run: run.number, at: index })} className="shrink-0 rounded-md px-2 py-0.5 text-xs text-muted hover:text-ink aria-checked:bg-accent-soft aria-checked:text-ink">{`${index + 1}: ${each.tag ?? "…"}`}</button>)}
        </div>
      ) : null}
      {result && result.columns.length > 0 ? <ResultGrid key={`${run.number}.${at}`} result={result} label={s.rows} /> : <div className="min-h-0 flex-1" />}
      <Foot shown={shown} run={run} result={result} account={account} onMore={onMore} />
    </section>
  );
}

function Foot({ shown, run, result, account, onMore }: { shown: Shown; run: Run; result: Result | undefined; account: string; onMore: () => void }) {
  const rows = result?.columns.length ? result.rows.length : undefined;
  const save = () => {
    if (!result) return;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([csvOf(result.columns, result.rows)], { type: "text/csv" }));
    link.download = `${account.replaceAll(/[^\w.-]/g, "_")}-${run.number}.csv`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  };
  return (
    <footer className="flex flex-wrap items-center gap-3 border-t bg-sunken px-3 py-1.5 text-xs text-muted">
      <span role="status" className="flex min-w-0 flex-1 items-center gap-2">
        {run.millis === undefined ? <Spinner label={s.running} /> : null}
        <span>{run.millis === undefined ? (run.paused ? s.paused(rows ?? 0) : run.cancelled ? s.cancelling : s.running) : [rows === undefined ? result?.tag : s.count(rows), s.took(run.millis), run.cut ? s.cut : undefined].filter(Boolean).join(" · ")}</span>
      </span>
      {run.paused ? <Button size="sm" onClick={onMore}>{s.more}</Button> : null}
      {rows === undefined ? null : <Button size="sm" icon={<Download className="size-4" aria-hidden />} blocked={shown.export ? undefined : s.noExport} onClick={save}>{s.export}</Button>}
    </footer>
  );
}
