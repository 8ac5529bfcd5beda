import { LoaderCircle } from "lucide-react";
import type { ComponentProps, MouseEvent, ReactNode } from "react";

import { cx } from "./cx";
import { Tooltip } from "./Tooltip";

type Look = "primary" | "secondary" | "quiet" | "danger";

interface Props extends Omit<ComponentProps<"button">, "disabled"> {
  look?: Look;
  size?: "sm" | "md";
  icon?: ReactNode;
  busy?: boolean;
  /** Why it may not be pressed; it stays focusable so that the reason can be read. */
  blocked?: string | undefined;
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

export function Button({ look = "secondary", size = "md", icon, busy = false, blocked, className, children, onClick, type = "button", ...rest }: Props) {
  const press = (event: MouseEvent<HTMLButtonElement>) => {
    if (blocked || busy) {
      event.preventDefault();
      event.stopPropagation();
      return;
    }
    onClick?.(event);
  };
  const button = (
    <button
      {...rest}
      type={type}
      aria-disabled={blocked || busy ? true : undefined}
      aria-busy={busy || undefined}
      onClick={press}
      className={cx(buttonClass(look, size, Boolean(blocked)), className)}
    >
      {busy ? <LoaderCircle className="size-4 animate-spin" aria-hidden /> : icon}
      {children}
    </button>
  );
  return blocked ? <Tooltip text={blocked}>{button}</Tooltip> : button;
}

/** A button that is only a picture; `label` is what it is called. */
export function IconButton({ label, children, className, size = "md", blocked, side, onClick, ...rest }: Omit<ComponentProps<"button">, "disabled"> & { label: string; size?: "sm" | "md"; blocked?: string | undefined; side?: "top" | "right" | "bottom" | "left" }) {
  return (
    <Tooltip text={blocked ?? label} {...(side ? { side } : {})}>
      <button
        type="button"
        {...rest}
        aria-label={label}
        aria-disabled={blocked ? true : undefined}
        onClick={blocked ? undefined : onClick}
        className={cx(
          "inline-flex shrink-0 items-center justify-center rounded-md transition-colors",
          blocked ? "cursor-not-allowed text-line-strong" : "text-muted hover:bg-hover hover:text-ink",
          size === "md" ? "size-9" : "size-7",
          className,
        )}
      >
        {children}
      </button>
    </Tooltip>
  );
}
