import { useQuery } from "@tanstack/react-query";
import type { Player } from "asciinema-player";
import { Maximize, Pause, Play, Search, SkipBack, SkipForward } from "lucide-react";
import { useCallback, useDeferredValue, useEffect, useMemo, useRef, useState } from "react";

import { q } from "../api/queries";
import type { Session } from "../api/nouns";
import { QueryError } from "../components/QueryError";
import { t } from "../i18n";
import { IconButton } from "../ui/Button";
import { cx } from "../ui/cx";
import { Blank, Skeleton } from "../ui/feedback";
import { Panel } from "../ui/Page";
import { bytes, playTime } from "../util/time";
import { parseCast, search, squeeze, stepsOf } from "./asciicast";
import type { Cast, CastEvent, Step } from "./asciicast";
import { play } from "./terminal";

const SPEEDS = [0.5, 1, 2, 4, 8];
const IDLE_SECONDS = 2;
const JUMP_SECONDS = 5;
const BYTES_MAX = 64 * 1024 * 1024;

/** A finished session: its terminal, its timeline, and a search in what was shown. */
export function Replay({ session, startAt }: { session: Session; startAt: number }) {
  const tooLarge = (session.recording?.bytes ?? 0) > BYTES_MAX;
  const recording = useQuery({ ...q.recording(session.id), enabled: !tooLarge });
  const cast = useMemo(() => (recording.data === undefined ? undefined : parseCast(recording.data)), [recording.data]);
  if (tooLarge) return <Panel><Blank title={t.player.tooLarge(bytes(session.recording?.bytes ?? 0))} /></Panel>;
  if (recording.isError) return <Panel><QueryError error={recording.error} onRetry={() => void recording.refetch()} /></Panel>;
  if (!cast) return <div className="grid gap-4 xl:grid-cols-[minmax(0,1fr)_22rem]"><Skeleton className="h-[min(62vh,44rem)] min-h-64 w-full" /><Skeleton className="h-64 w-full" /></div>;
  return <Shown cast={cast} startAt={startAt} />;
}

function Shown({ cast, startAt }: { cast: Cast; startAt: number }) {
  const [idle, setIdle] = useState(true);
  const [speed, setSpeed] = useState(1);
  const squeezed = useMemo(() => squeeze(cast.events, idle ? IDLE_SECONDS : undefined), [cast, idle]);
  const length = squeezed.at(-1)?.at ?? 0;
  const shows = cast.events.some((event) => event.code === "o");
  const screen = useRef<HTMLDivElement>(null);
  const frame = useRef<HTMLDivElement>(null);
  const player = useRef<Player | null>(null);
  const position = useRef(startAt);
  const resume = useRef(false);
  const [at, setAt] = useState(startAt);
  const [playing, setPlaying] = useState(false);

  // Another speed or another idle limit is another player: it goes on where the last one was.
  useEffect(() => {
    const element = screen.current;
    if (!element || !shows) return undefined;
    const made = play(element, { cols: cast.cols, rows: cast.rows, events: squeezed }, { startAt: position.current, speed, autoPlay: resume.current });
    player.current = made;
    made.addEventListener("playing", () => { resume.current = true; setPlaying(true); });
    made.addEventListener("pause", () => { resume.current = false; setPlaying(false); });
    made.addEventListener("ended", () => { resume.current = false; setPlaying(false); });
    const timer = setInterval(() => {
      const now = made.getCurrentTime();
      if (Number.isFinite(now) && now > 0) {
        position.current = now;
        setAt(now);
      }
    }, 200);
    return () => {
      clearInterval(timer);
      player.current = null;
      made.dispose();
    };
  }, [cast, squeezed, speed, shows]);

  const seek = useCallback((to: number) => {
    position.current = to;
    setAt(to);
    void player.current?.seek(to);
  }, []);
  const toggleIdle = () => {
    // The same moment lies elsewhere once idle time is cut, or no longer cut.
    const index = squeezed.findLastIndex((event) => event.at <= position.current);
    const other = squeeze(cast.events, idle ? undefined : IDLE_SECONDS);
    position.current = other[index]?.at ?? 0;
    setAt(position.current);
    setIdle(!idle);
  };
  const toggle = () => void (playing ? player.current?.pause() : player.current?.play());

  if (!shows) {
    return (
      <div className="grid gap-4 xl:grid-cols-[minmax(0,1fr)_22rem]">
        <Panel><Blank title={t.player.empty}>{t.player.emptyBody}</Blank></Panel>
        <Timeline steps={stepsOf(cast.events)} events={cast.events} at={-1} onSeek={() => undefined} />
      </div>
    );
  }
  return (
    <div className="grid gap-4 xl:grid-cols-[minmax(0,1fr)_22rem]">
      <div ref={frame} className="flex min-w-0 flex-col overflow-hidden rounded-lg border bg-surface">
        <div ref={screen} role="img" aria-label={t.player.terminal} className="h-[min(58vh,42rem)] min-h-56 shrink-0 max-sm:h-60 bg-[#12171a] [:fullscreen>&]:h-auto [:fullscreen>&]:flex-1" />
        <div className="flex flex-wrap items-center gap-x-1 gap-y-1 border-t bg-surface px-2 py-1.5">
          <IconButton label={playing ? t.player.pause : t.player.play} onClick={toggle}>{playing ? <Pause className="size-4" aria-hidden /> : <Play className="size-4" aria-hidden />}</IconButton>
          <IconButton label={t.player.back} size="sm" onClick={() => seek(Math.max(0, at - JUMP_SECONDS))}><SkipBack className="size-4" aria-hidden /></IconButton>
          <IconButton label={t.player.forward} size="sm" onClick={() => seek(Math.min(length, at + JUMP_SECONDS))}><SkipForward className="size-4" aria-hidden /></IconButton>
          <span className="ml-1 w-24 font-mono text-xs text-muted">{playTime(at)} / {playTime(length)}</span>
          <Track steps={stepsOf(squeezed)} at={at} length={length} onSeek={seek} />
          <label className="flex items-center gap-1.5 px-1 text-xs text-muted"><input type="checkbox" checked={idle} onChange={toggleIdle} className="size-3.5 accent-accent" />{t.player.idle}</label>
          <select aria-label={t.player.speed} value={speed} onChange={(event) => setSpeed(Number(event.target.value))} className="h-7 rounded-md border bg-surface px-1.5 text-xs">
            {SPEEDS.map((each) => <option key={each} value={each}>{`${each}×`}</option>)}
          </select>
          <IconButton label={t.player.fullscreen} size="sm" onClick={() => void frame.current?.requestFullscreen()}><Maximize className="size-4" aria-hidden /></IconButton>
        </div>
      </div>
      <Timeline steps={stepsOf(squeezed)} events={squeezed} at={at} onSeek={seek} />
    </div>
  );
}

function Track({ steps, at, length, onSeek }: { steps: Step[]; at: number; length: number; onSeek: (at: number) => void }) {
  return (
    <div className="relative h-7 min-w-32 flex-1">
      <svg className="pointer-events-none absolute inset-x-2 top-0 h-2 w-[calc(100%-1rem)]" viewBox="0 0 1000 8" preserveAspectRatio="none" aria-hidden>
        {length > 0 ? steps.map((step, index) => <rect key={index} x={(step.at / length) * 1000} y={0} width={2} height={8} className="fill-line-strong" />) : null}
      </svg>
      <input type="range" aria-label={t.player.seek} aria-valuetext={playTime(at)} min={0} max={length || 1} step={0.1} value={Math.min(at, length)} onChange={(event) => onSeek(Number(event.target.value))} className="absolute inset-x-0 top-1.5 h-5 w-full accent-accent" />
    </div>
  );
}

function Timeline({ steps, events, at, onSeek }: { steps: Step[]; events: CastEvent[]; at: number; onSeek: (at: number) => void }) {
  const [needle, setNeedle] = useState("");
  const deferred = useDeferredValue(needle);
  const searching = deferred.trim().length >= 2;
  const hits = useMemo(() => (searching ? search(events, deferred) : []), [events, deferred, searching]);
  const current = steps.findLastIndex((step) => step.at <= at + 0.05);
  return (
    <div className="flex max-h-[min(calc(58vh+3rem),45rem)] min-h-56 min-w-0 flex-col rounded-lg border bg-surface">
      <div className="relative border-b">
        <Search className="pointer-events-none absolute top-2.5 left-3 size-4 text-muted" aria-hidden />
        <input type="search" aria-label={t.player.search} placeholder={t.player.search} value={needle} onChange={(event) => setNeedle(event.target.value)} className="h-9 w-full rounded-t-lg bg-transparent pr-3 pl-9 text-sm focus-visible:outline-offset-[-2px]" />
      </div>
      <div className="flex items-center justify-between px-3 pt-2 pb-1 text-xs text-muted">
        <h2>{searching ? t.player.hits(hits.length) : t.player.events}</h2>
      </div>
      <ol className="min-h-0 flex-1 overflow-y-auto pb-1.5">
        {searching
          ? hits.map((hit, index) => (
              <li key={index}>
                <button type="button" onClick={() => onSeek(hit.at)} className="flex w-full items-baseline gap-3 px-3 py-1 text-left hover:bg-hover focus-visible:outline-offset-[-2px]">
                  <span className="font-mono text-2xs text-muted">{playTime(hit.at)}</span>
                  <span className="min-w-0 flex-1 truncate font-mono text-xs text-muted">{hit.before.slice(-16)}<mark className="rounded-sm bg-warn-soft px-0.5 text-warn">{hit.match}</mark>{hit.after}</span>
                </button>
              </li>
            ))
          : steps.map((step, index) => (
              <li key={index}>
                <button type="button" onClick={() => onSeek(step.at)} aria-current={index === current ? "step" : undefined} className={cx("flex w-full items-baseline gap-3 px-3 py-1 text-left hover:bg-hover focus-visible:outline-offset-[-2px]", index === current && "bg-accent-soft")}>
                  <span className="font-mono text-2xs text-muted">{playTime(step.at)}</span>
                  <StepText step={step} />
                </button>
              </li>
            ))}
        {!searching && steps.length === 0 ? <li className="px-3 py-2 text-sm text-muted">{t.player.none}</li> : null}
        {searching && hits.length === 0 ? <li className="px-3 py-2 text-sm text-muted">{t.player.noHits}</li> : null}
      </ol>
    </div>
  );
}

function StepText({ step }: { step: Step }) {
  if (step.kind === "command") return <span className="min-w-0 flex-1 font-mono text-xs text-ink [overflow-wrap:anywhere]">{step.text}</span>;
  const text = step.kind === "hidden" ? t.player.hidden : step.kind === "exit" ? t.player.exit(step.text) : step.text;
  return <span className="min-w-0 flex-1 text-xs text-muted italic [overflow-wrap:anywhere]">{text}</span>;
}
