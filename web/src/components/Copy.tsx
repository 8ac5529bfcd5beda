import { Check, Copy as CopyPicture } from "lucide-react";
import { useEffect, useState } from "react";

import { t } from "../i18n";
import { toast } from "../stores/toast";
import { IconButton } from "../ui/Button";
import { cx } from "../ui/cx";

const SHOWN_MS = 1600;

export function CopyButton({ text, label }: { text: string; label: string }) {
  const [done, setDone] = useState(false);
  useEffect(() => {
    if (!done) return undefined;
    const timer = setTimeout(() => setDone(false), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [done]);
  const copy = () =>
    navigator.clipboard.writeText(text).then(
      () => setDone(true),
      () => toast("bad", t.errors.clipboard),
    );
  return (
    <IconButton label={done ? t.common.copied : label} size="sm" onClick={() => void copy()}>
      {done ? <Check className="size-4 text-ok" aria-hidden /> : <CopyPicture className="size-4" aria-hidden />}
    </IconButton>
  );
}

/** One line to be copied, in the machine's type. */
export function CopyLine({ text, label, className }: { text: string; label: string; className?: string }) {
  return (
    <span className={cx("flex w-full min-w-0 items-center gap-1 rounded-md border bg-sunken py-0.5 pr-0.5 pl-2.5", className)}>
      <code title={text} className="min-w-0 flex-1 truncate font-mono text-xs text-ink">{text}</code>
      <CopyButton text={text} label={label} />
    </span>
  );
}

/** A name or an identifier. */
export function Mono({ children, className }: { children: string; className?: string }) {
  return <span className={cx("font-mono text-[0.8125rem]", className)}>{children}</span>;
}
