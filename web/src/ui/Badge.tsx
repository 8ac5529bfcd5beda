import { Ban, Check, CircleAlert, CircleDashed, CircleDot, Clock, Hourglass, Minus, X } from "lucide-react";
import type { ReactNode } from "react";

import { cx } from "./cx";

export type Tone = "ok" | "warn" | "bad" | "info" | "live" | "plain";
type Icon = "check" | "x" | "clock" | "alert" | "dot" | "dashed" | "ban" | "minus" | "wait";

const ICONS = { check: Check, x: X, clock: Clock, alert: CircleAlert, dot: CircleDot, dashed: CircleDashed, ban: Ban, minus: Minus, wait: Hourglass };

const TONES: Record<Tone, string> = {
  ok: "text-ok bg-ok-soft",
  warn: "text-warn bg-warn-soft",
  bad: "text-bad bg-bad-soft",
  info: "text-info bg-info-soft",
  live: "text-ok bg-ok-soft",
  plain: "text-muted bg-sunken",
};

/** A state: always a word and a picture, so that colour is never the only sign. */
export function Badge({ tone, icon, children, className }: { tone: Tone; icon?: Icon; children: ReactNode; className?: string }) {
  const Picture = icon ? ICONS[icon] : undefined;
  return (
    <span className={cx("inline-flex h-[1.375rem] items-center gap-1 rounded-md px-1.5 text-xs font-medium whitespace-nowrap", TONES[tone], className)}>
      {tone === "live" ? (
        <span aria-hidden className="size-2 animate-[pulse-dot_1.8s_ease-in-out_infinite] rounded-full bg-current" />
      ) : (
        Picture && <Picture className="size-3.5" strokeWidth={2.25} aria-hidden />
      )}
      {children}
    </span>
  );
}

/** A label or a group: quiet, in the machine's type. */
export function Tag({ children }: { children: ReactNode }) {
  return <span className="inline-flex h-5 items-center rounded-sm border border-line bg-sunken px-1.5 font-mono text-2xs text-muted">{children}</span>;
}
