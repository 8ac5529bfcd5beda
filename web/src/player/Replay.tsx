import { useQuery } from "@tanstack/react-query";
import type { Player } from "asciinema-player";
import { Maximize, Pause, Play, SkipBack, SkipForward } from "lucide-react";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";

import { q } from "../api/queries";
import type { Session } from "../api/nouns";
import { QueryError } from "../components/QueryError";
import { t } from "../i18n";
import { IconButton } from "../ui/Button";
import { Blank, Skeleton } from "../ui/feedback";
import { Panel } from "../ui/Page";
import { bytes, playTime } from "../util/time";
import { moved, parseCast, squeeze } from "./asciicast";
import type { Cast } from "./asciicast";
import { play } from "./playback";
import { Timeline } from "./Timeline";

const SPEEDS = [0.5, 1, 2, 4, 8];
const IDLE_SECONDS = 2;
const JUMP_SECONDS = 5;
const BYTES_MAX = 64 * 1024 * 1024;
const LAYOUT = "grid gap-4 xl:grid-cols-[minmax(0,1fr)_22rem]";

/** A finished session: its terminal, its timeline, and a search in what was shown. */
export function Replay({ session, startAt }: { session: Session; startAt: number }) {
  const tooLarge = (session.recording?.bytes ?? 0) > BYTES_MAX;
  const recording = useQuery({ ...q.recording(session.id), enabled: !tooLarge });
  const cast = useMemo(() => (recording.data === undefined ? undefined : parseCast(recording.data)), [recording.data]);
  if (tooLarge) return <Still session={session} title={t.player.tooLarge(bytes(session.recording?.bytes ?? 0))} />;
  if (recording.isError) return <Panel><QueryError error={recording.error} onRetry={() => void recording.refetch()} /></Panel>;
  if (!cast) return <div className={LAYOUT}><Skeleton className="h-[min(62vh,44rem)] min-h-64 w-full" /><Skeleton className="h-64 w-full" /></div>;
  if (!cast.events.some((event) => event.code === "o")) return <Still session={session} title={t.player.empty} body={t.player.emptyBody} />;
  return <Shown session={session} cast={cast} startAt={startAt} />;
}

/** A recording that cannot be played here: what happened in it can still be read. */
function Still({ session, title, body }: { session: Session; title: string; body?: string }) {
  return (
    <div className={LAYOUT}>
      <Panel><Blank title={title}>{body}</Blank></Panel>
      <Timeline session={session.id} at={-1} toShown={(at) => at} onSeek={() => undefined} />
    </div>
  );
}

function Shown({ session, cast, startAt }: { session: Session; cast: Cast; startAt: number }) {
  const [idle, setIdle] = useState(true);
  const [speed, setSpeed] = useState(1);
  const squeezed = useMemo(() => squeeze(cast.events, idle ? IDLE_SECONDS : undefined), [cast, idle]);
  const length = squeezed.at(-1)?.at ?? 0;
  const marks = useQuery(q.marks(session.id));
  const toShown = useCallback((at: number) => moved(at, cast.events, squeezed), [cast, squeezed]);
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
    if (!element) return undefined;
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
  }, [cast, squeezed, speed]);

  const seek = useCallback((to: number) => {
    position.current = to;
    setAt(to);
    void player.current?.seek(to);
  }, []);
  const toggleIdle = () => {
    // The same moment lies elsewhere once idle time is cut, or no longer cut.
    position.current = moved(position.current, squeezed, squeeze(cast.events, idle ? undefined : IDLE_SECONDS));
    setAt(position.current);
    setIdle(!idle);
  };
  const toggle = () => void (playing ? player.current?.pause() : player.current?.play());

  return (
    <div className={LAYOUT}>
      <div ref={frame} className="flex min-w-0 flex-col overflow-hidden rounded-lg border bg-surface">
        <div ref={screen} role="img" aria-label={t.player.terminal} className="h-[min(58vh,42rem)] min-h-56 shrink-0 max-sm:h-60 bg-[#12171a] [:fullscreen>&]:h-auto [:fullscreen>&]:flex-1" />
        <div className="flex flex-wrap items-center gap-x-1 gap-y-1 border-t bg-surface px-2 py-1.5">
          <IconButton label={playing ? t.player.pause : t.player.play} onClick={toggle}>{playing ? <Pause className="size-4" aria-hidden /> : <Play className="size-4" aria-hidden />}</IconButton>
          <IconButton label={t.player.back} size="sm" onClick={() => seek(Math.max(0, at - JUMP_SECONDS))}><SkipBack className="size-4" aria-hidden /></IconButton>
          <IconButton label={t.player.forward} size="sm" onClick={() => seek(Math.min(length, at + JUMP_SECONDS))}><SkipForward className="size-4" aria-hidden /></IconButton>
          <span className="ml-1 w-24 font-mono text-xs text-muted">{playTime(at)} / {playTime(length)}</span>
          <Track marks={(marks.data?.items ?? []).map((mark) => toShown(mark.at_ms / 1000))} at={at} length={length} onSeek={seek} />
          <label className="flex items-center gap-1.5 px-1 text-xs text-muted"><input type="checkbox" checked={idle} onChange={toggleIdle} className="size-3.5 accent-accent" />{t.player.idle}</label>
          <select aria-label={t.player.speed} value={speed} onChange={(event) => setSpeed(Number(event.target.value))} className="h-7 rounded-md border bg-surface px-1.5 text-xs">
            {SPEEDS.map((each) => <option key={each} value={each}>{`${each}×`}</option>)}
          </select>
          <IconButton label={t.player.fullscreen} size="sm" onClick={() => void frame.current?.requestFullscreen()}><Maximize className="size-4" aria-hidden /></IconButton>
        </div>
      </div>
      <Timeline session={session.id} at={at} toShown={toShown} onSeek={seek} />
    </div>
  );
}

function Track({ marks, at, length, onSeek }: { marks: number[]; at: number; length: number; onSeek: (at: number) => void }) {
  return (
    <div className="relative h-7 min-w-32 flex-1">
      <svg className="pointer-events-none absolute inset-x-2 top-0 h-2 w-[calc(100%-1rem)]" viewBox="0 0 1000 8" preserveAspectRatio="none" aria-hidden>
        {length > 0 ? marks.map((mark, index) => <rect key={index} x={(mark / length) * 1000} y={0} width={2} height={8} className="fill-line-strong" />) : null}
      </svg>
      <input type="range" aria-label={t.player.seek} aria-valuetext={playTime(at)} min={0} max={length || 1} step={0.1} value={Math.min(at, length)} onChange={(event) => onSeek(Number(event.target.value))} className="absolute inset-x-0 top-1.5 h-5 w-full accent-accent" />
    </div>
  );
}
