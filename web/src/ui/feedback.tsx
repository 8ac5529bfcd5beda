import { CircleAlert, Info, Lock, ShieldCheck, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";

import { cx } from "./cx";

type Tone = "info" | "warn" | "bad" | "ok";

const LOOKS: Record<Tone, { box: string; icon: typeof Info }> = {
  info: { box: "bg-info-soft text-info", icon: Info },
  warn: { box: "bg-warn-soft text-warn", icon: TriangleAlert },
  bad: { box: "bg-bad-soft text-bad", icon: CircleAlert },
  ok: { box: "bg-ok-soft text-ok", icon: ShieldCheck },
};

/** A notice in the flow of the page. */
export function Notice({ tone, title, children, live = false }: { tone: Tone; title?: ReactNode; children?: ReactNode; live?: boolean }) {
  const { box, icon: Picture } = LOOKS[tone];
  return (
    <div className={cx("flex gap-2.5 rounded-md px-3 py-2.5 text-sm", box)} {...(live ? { role: "alert" } : {})}>
      <Picture className="mt-0.5 size-4 shrink-0" aria-hidden />
      <div className="min-w-0 flex-1">
        {title ? <p className="font-semibold">{title}</p> : null}
        {children ? <div className={title ? "mt-0.5 text-ink" : "text-ink"}>{children}</div> : null}
      </div>
    </div>
  );
}

/** What stands where a list or a thing would be: nothing there, no permission, an error. */
export function Blank({ icon, title, children, actions, compact = false }: { icon?: ReactNode; title: ReactNode; children?: ReactNode; actions?: ReactNode; compact?: boolean }) {
  return (
    <div className={cx("flex flex-col items-center px-6 text-center", compact ? "py-7" : "py-14")}>
      {icon ? <div className="mb-3 text-line-strong [&>svg]:size-7" aria-hidden>{icon}</div> : null}
      <p className="text-base font-medium text-ink">{title}</p>
      {children ? <div className="mt-1 max-w-[46ch] text-sm text-pretty text-muted">{children}</div> : null}
      {actions ? <div className="mt-4 flex flex-wrap justify-center gap-2">{actions}</div> : null}
    </div>
  );
}

export function Forbidden({ title, children }: { title: string; children: ReactNode }) {
  return <Blank icon={<Lock />} title={title}>{children}</Blank>;
}

export function Skeleton({ className }: { className?: string }) {
  return <span aria-hidden className={cx("skeleton block h-4", className)} />;
}
