import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Eye, Keyboard, RotateCcw, Users } from "lucide-react";
import { useEffect, useRef, useState } from "react";

import type { Blocked } from "../api/can";
import { messageOf } from "../api/errors";
import type { Session } from "../api/nouns";
import { q } from "../api/queries";
import { useCan, useWho } from "../hooks/useWho";
import { t } from "../i18n";
import { Screen } from "../terminal/screen";
import { Badge } from "../ui/Badge";
import { Button } from "../ui/Button";
import { Menu } from "../ui/Menu";
import { bytesOf, follow, join } from "./watch";
import type { Frame } from "./watch";

type Phase = "connecting" | "live" | "ended" | "lost";
/** Unseen, seen by the user, or typing too. */
type Way = "watch" | "join" | "control";

const SIZE = { cols: 80, rows: 24 };

/** A live session, as its user sees it. */
export function LiveTerminal({ session }: { session: Session }) {
  const [attempt, setAttempt] = useState(0);
  const [way, setWay] = useState<Way>("watch");
  return <Attempt key={`${attempt}/${way}`} session={session} way={way} onWay={setWay} onAgain={() => setAttempt(attempt + 1)} />;
}

function useJoinBlocked(session: Session): Blocked {
  const { blocked } = useCan();
  const live = useQuery(q.sessionLive(session.id));
  const held = blocked("session:join", session.scope);
  return held ?? (live.data?.join === "watch" ? t.player.joinWatchOnly : undefined);
}

function Attempt({ session, way, onWay, onAgain }: { session: Session; way: Way; onWay: (way: Way) => void; onAgain: () => void }) {
  const ref = useRef<HTMLDivElement>(null);
  const client = useQueryClient();
  const controlBlocked = useJoinBlocked(session);
  const who = useWho();
  const [phase, setPhase] = useState<Phase>("connecting");
  const [note, setNote] = useState("");
  const { id } = session;

  useEffect(() => {
    const element = ref.current;
    if (!element) return undefined;
    const stop = new AbortController();
    const screen = new Screen({ typed: (text) => type(text), pasted: (text) => type(text), resized: () => undefined, left: () => undefined }, { copy: true, paste: way === "control" }, SIZE);
    screen.hold(way !== "control");
    screen.show(element);
    const told = (frame: Frame) => {
      setPhase("live");
      if ((frame.kind === "terminal" || frame.kind === "resize") && frame.cols && frame.rows) screen.resize(frame.cols, frame.rows);
      if (frame.kind === "output" || frame.kind === "error_output") screen.write(bytesOf(frame.data));
      if (frame.kind === "note" && typeof frame.text === "string") setNote(frame.text);
      if (frame.kind === "lagged") setNote(t.player.lagged(frame.frames ?? 0));
    };
    let type: (text: string) => void = () => undefined;
    let over: Promise<void>;
    if (way === "watch") over = follow(id, stop.signal, told);
    else {
      const joined = join(id, way === "control", stop.signal, told);
      type = joined.type;
      over = joined.over;
      if (way === "control") screen.focus();
    }
    over.then(
      () => {
        setPhase("ended");
        void client.invalidateQueries({ queryKey: ["session"] });
      },
      (error: unknown) => {
        if (stop.signal.aborted) return;
        setPhase("lost");
        setNote(messageOf(error));
        void client.invalidateQueries({ queryKey: ["session"] });
      },
    );
    const observer = new ResizeObserver(() => screen.fit());
    observer.observe(element);
    return () => {
      observer.disconnect();
      stop.abort();
      screen.dispose();
    };
  }, [id, way, client]);

  return (
    <div className="overflow-hidden rounded-lg border bg-surface">
      <div className="flex min-h-10 flex-wrap items-center gap-x-3 gap-y-1 border-b bg-surface px-3 py-1.5 text-sm">
        {phase === "live" ? <Badge tone="live">{t.player.live}</Badge> : null}
        {phase === "connecting" ? <Badge tone="info" icon="dashed">{t.player.connecting}</Badge> : null}
        {phase === "ended" ? <Badge tone="plain" icon="minus">{t.player.ended}</Badge> : null}
        {phase === "lost" ? <Badge tone="bad" icon="alert">{t.player.lost}</Badge> : null}
        {way === "control" && phase === "live" ? <Badge tone="warn" icon="alert">{t.player.typing}</Badge> : null}
        <span className="min-w-0 flex-1 truncate text-xs text-muted" aria-live="polite">{note || t.player.ways[way](session.user)}</span>
        {phase === "lost" ? <Button size="sm" icon={<RotateCcw className="size-4" aria-hidden />} onClick={onAgain}>{t.player.reconnect}</Button> : null}
        {way !== "watch" ? <Button size="sm" onClick={() => onWay("watch")}>{t.player.leave}</Button> : null}
        {way === "watch" && phase === "live" && session.user !== who.user.name ? (
          <Menu
            label={t.player.join}
            trigger={<Button size="sm" icon={<Users className="size-4" aria-hidden />}>{t.player.join}</Button>}
            items={[
              { label: t.player.joinWatch, icon: <Eye />, onSelect: () => onWay("join") },
              { label: t.player.joinControl, icon: <Keyboard />, blocked: controlBlocked, onSelect: () => onWay("control") },
            ]}
          />
        ) : null}
      </div>
      <div className="h-[min(62vh,44rem)] min-h-64 bg-[#12171a] p-2 max-sm:h-72">
        <div ref={ref} role="group" aria-label={t.player.terminal} className="h-full w-full" />
      </div>
    </div>
  );
}
