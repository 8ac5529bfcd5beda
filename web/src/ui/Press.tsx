import { LoaderCircle } from "lucide-react";
import type { ComponentProps, ReactNode } from "react";

import { cx } from "./cx";

export type Look = "primary" | "secondary" | "quiet" | "danger";

export interface PressProps extends Omit<ComponentProps<"button">, "disabled"> {
  look?: Look;
  size?: "sm" | "md";
  icon?: ReactNode;
  busy?: boolean;
}

const LOOKS: Record<Look, string> = {
  primary: "bg-accent text-on-accent hover:bg-accent-hover border-transparent font-medium",
  secondary: "bg-surface text-ink border-line hover:bg-hover hover:border-line-strong",
  quiet: "bg-transparent text-ink border-transparent hover:bg-hover",
  danger: "bg-surface text-bad border-line hover:bg-bad-soft hover:border-bad",
};

const BLOCKED = "cursor-not-allowed border-line bg-sunken text-faint";

export function buttonClass(look: Look = "secondary", size: "sm" | "md" = "md", blocked = false): string {
  return cx(
    "inline-flex shrink-0 items-center justify-center gap-1.5 rounded-md border whitespace-nowrap transition-colors select-none",
    size === "md" ? "h-9 px-3.5 text-base" : "h-7 px-2.5 text-sm",
    blocked ? BLOCKED : LOOKS[look],
  );
}

/** A button that can always be pressed: all that the pages before signing in need. */
export function Press({ look = "secondary", size = "md", icon, busy = false, className, children, onClick, type = "button", ...rest }: PressProps) {
  return (
    <button
      {...rest}
      type={type}
      aria-disabled={busy || rest["aria-disabled"] || undefined}
      aria-busy={busy || undefined}
      onClick={(event) => {
        if (busy) event.preventDefault();
        else onClick?.(event);
      }}
      className={cx(buttonClass(look, size, Boolean(rest["aria-disabled"])), className)}
    >
      {busy ? <LoaderCircle className="size-4 animate-spin" aria-hidden /> : icon}
      {children}
    </button>
  );
}
