import type { ComponentProps, MouseEvent } from "react";

import { cx } from "./cx";
import type { PressProps } from "./Press";
import { Press } from "./Press";
import { Tooltip } from "./Tooltip";

/** A button; `blocked` says why it may not be pressed. It stays focusable so that the reason can be read. */
export function Button({ blocked, onClick, ...rest }: PressProps & { blocked?: string | undefined }) {
  if (!blocked) return <Press {...rest} onClick={onClick} />;
  const refuse = (event: MouseEvent) => {
    event.preventDefault();
    event.stopPropagation();
  };
  return <Tooltip text={blocked}><Press {...rest} aria-disabled onClick={refuse} /></Tooltip>;
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
