import { useQueryClient } from "@tanstack/react-query";
import { RotateCcw } from "lucide-react";
import { useEffect, useRef, useState } from "react";

import { messageOf } from "../api/errors";
import type { Session } from "../api/nouns";
import { t } from "../i18n";
import { Badge } from "../ui/Badge";
import { Button } from "../ui/Button";
import { live } from "./terminal";
import type { Screen } from "./terminal";
import { bytesOf, follow } from "./watch";

type Phase = "connecting" | "live" | "ended" | "lost";

/** A live session, as its user sees it. Only looking: nothing that is typed here goes anywhere. */
export function LiveTerminal({ session }: { session: Session }) {
  const [attempt, setAttempt] = useState(0);
  return <Attempt key={attempt} session={session} onAgain={() => setAttempt(attempt + 1)} />;
}

function Attempt({ session, onAgain }: { session: Session; onAgain: () => void }) {
  const ref = useRef<HTMLDivElement>(null);
  const client = useQueryClient();
  const [phase, setPhase] = useState<Phase>("connecting");
  const [note, setNote] = useState("");
  const { id } = session;

  useEffect(() => {
    const element = ref.current;
    if (!element) return undefined;
    const stop = new AbortController();
    const decoders = new Map<string, TextDecoder>();
    let shown: { screen: Screen; dispose: () => void } | undefined;
    const show = (cols: number, rows: number) => {
      if (shown) shown.screen.resize(cols, rows);
      else {
        const { screen, player } = live(element, { cols, rows });
        shown = { screen, dispose: () => player.dispose() };
      }
      return shown.screen;
    };
    follow(id, stop.signal, (frame) => {
      setPhase("live");
      if ((frame.kind === "terminal" || frame.kind === "resize") && frame.cols && frame.rows) show(frame.cols, frame.rows);
      if (frame.kind === "output" || frame.kind === "error_output") {
        const key = `${frame.kind}/${frame.channel ?? 0}`;
        const decoder = decoders.get(key) ?? new TextDecoder();
        decoders.set(key, decoder);
        (shown?.screen ?? show(80, 24)).output(decoder.decode(bytesOf(frame.data), { stream: true }));
      }
      if (frame.kind === "note") setNote(frame.text ?? "");
      if (frame.kind === "lagged") setNote(t.player.lagged(frame.frames ?? 0));
      if (frame.kind === "end") setPhase("ended");
    }).then(
      () => {
        setPhase("ended");
        void client.invalidateQueries({ queryKey: ["session"] });
      },
      (error: unknown) => {
        if (stop.signal.aborted) return;
        setPhase("lost");
        setNote(messageOf(error));
      },
    );
    return () => {
      stop.abort();
      shown?.dispose();
    };
  }, [id, client]);

  return (
    <div className="overflow-hidden rounded-lg border bg-surface">
      <div className="flex min-h-10 flex-wrap items-center gap-x-3 gap-y-1 border-b bg-surface px-3 py-1.5 text-sm">
        {phase === "live" ? <Badge tone="live">{t.player.live}</Badge> : null}
        {phase === "connecting" ? <Badge tone="info" icon="dashed">{t.player.connecting}</Badge> : null}
        {phase === "ended" ? <Badge tone="plain" icon="minus">{t.player.ended}</Badge> : null}
        {phase === "lost" ? <Badge tone="bad" icon="alert">{t.player.lost}</Badge> : null}
        <span className="min-w-0 flex-1 truncate text-xs text-muted" aria-live="polite">{note || t.player.watching(session.user)}</span>
        {phase === "lost" ? <Button size="sm" icon={<RotateCcw className="size-4" aria-hidden />} onClick={onAgain}>{t.player.reconnect}</Button> : null}
      </div>
      <div ref={ref} role="img" aria-label={t.player.terminal} className="h-[min(62vh,44rem)] min-h-64 bg-[#12171a] max-sm:h-72" />
    </div>
  );
}
