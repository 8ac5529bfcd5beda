import { ChevronDown } from "lucide-react";
import { useId } from "react";
import type { ComponentProps, ReactNode } from "react";

import { cx } from "./cx";

const BOX =
  "w-full rounded-md border border-line-strong/60 bg-surface px-3 text-base text-ink transition-colors hover:border-line-strong focus-visible:border-accent focus-visible:outline-offset-0 aria-invalid:border-bad";

interface Common {
  label: string;
  hint?: ReactNode;
  error?: string | undefined;
  optional?: string | undefined;
}

function Frame({ id, label, hint, error, optional, children }: Common & { id: string; children: ReactNode }) {
  return (
    <div className="mt-4 first:mt-0">
      <div className="mb-1 flex items-baseline justify-between gap-2">
        <label htmlFor={id} className="text-sm font-medium text-ink">{label}</label>
        {optional ? <span className="text-xs text-faint">{optional}</span> : null}
      </div>
      {children}
      {error ? (
        <p id={`${id}-error`} className="mt-1 text-sm text-bad">{error}</p>
      ) : hint ? (
        <p id={`${id}-hint`} className="mt-1 text-xs text-muted">{hint}</p>
      ) : null}
    </div>
  );
}

function described(id: string, error: string | undefined, hint: ReactNode) {
  return { "aria-invalid": error ? true : undefined, "aria-describedby": error ? `${id}-error` : hint ? `${id}-hint` : undefined } as const;
}

export function TextField({ label, hint, error, optional, mono, className, ...rest }: Common & ComponentProps<"input"> & { mono?: boolean }) {
  const made = useId();
  const id = rest.id ?? made;
  return (
    <Frame id={id} label={label} hint={hint} error={error} optional={optional}>
      <input {...rest} id={id} {...described(id, error, hint)} className={cx(BOX, "h-9", mono && "font-mono text-sm", className)} />
    </Frame>
  );
}

export function TextArea({ label, hint, error, optional, mono, className, ...rest }: Common & ComponentProps<"textarea"> & { mono?: boolean }) {
  const id = useId();
  return (
    <Frame id={id} label={label} hint={hint} error={error} optional={optional}>
      <textarea rows={3} {...rest} id={id} {...described(id, error, hint)} className={cx(BOX, "block resize-y py-2", mono && "font-mono text-xs", className)} />
    </Frame>
  );
}

export function SelectField({ label, hint, error, optional, children, ...rest }: Common & ComponentProps<"select">) {
  const id = useId();
  return (
    <Frame id={id} label={label} hint={hint} error={error} optional={optional}>
      <div className="relative">
        <select {...rest} id={id} {...described(id, error, hint)} className={cx(BOX, "h-9 appearance-none pr-9")}>
          {children}
        </select>
        <ChevronDown className="pointer-events-none absolute top-2.5 right-3 size-4 text-muted" aria-hidden />
      </div>
    </Frame>
  );
}

export function CheckField({ label, hint, ...rest }: { label: ReactNode; hint?: ReactNode } & ComponentProps<"input">) {
  const id = useId();
  return (
    <div className="flex items-start gap-2.5 py-1">
      <input {...rest} id={id} type="checkbox" className="mt-0.5 size-4 shrink-0 accent-accent" />
      <label htmlFor={id} className="text-sm text-ink">
        {label}
        {hint ? <span className="block text-xs text-muted">{hint}</span> : null}
      </label>
    </div>
  );
}
