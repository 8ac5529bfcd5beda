import { Search } from "lucide-react";
import type { ReactNode } from "react";

import { useFilter, useTypedFilter } from "../hooks/useUrlState";
import { t } from "../i18n";
import { cx } from "../ui/cx";
import type { SearchKey } from "../util/search";

const BOX = "h-8 rounded-md border border-line-strong/60 bg-surface text-sm hover:border-line-strong";

export function Filters({ children }: { children: ReactNode }) {
  return <div role="search" className="mb-3 flex flex-wrap items-center gap-2">{children}</div>;
}

export function SearchBox({ name = "q", label, wide = false }: { name?: SearchKey; label: string; wide?: boolean }) {
  const [text, setText] = useTypedFilter(name);
  return (
    <div className={cx("relative w-full", wide ? "sm:w-80" : "sm:w-60")}>
      <Search className="pointer-events-none absolute top-2 left-2.5 size-4 text-muted" aria-hidden />
      <input type="search" aria-label={label} placeholder={label} value={text} onChange={(event) => setText(event.target.value)} className={cx(BOX, "w-full pr-2 pl-8.5")} />
    </div>
  );
}

/** A text that must match whole: a user, an account. */
export function TextFilter({ name, label, className }: { name: SearchKey; label: string; className?: string }) {
  const [text, setText] = useTypedFilter(name);
  return <input aria-label={label} placeholder={label} value={text} onChange={(event) => setText(event.target.value)} className={cx(BOX, "min-w-0 flex-1 px-2.5 sm:w-36 sm:flex-none", className)} />;
}

/** A few choices, all seen at once. */
export function Choice({ name, label, options, fallback = "" }: { name: SearchKey; label: string; options: [value: string, label: ReactNode][]; fallback?: string }) {
  const { search, filter } = useFilter();
  const chosen = search[name] ?? fallback;
  return (
    <div role="radiogroup" aria-label={label} className="flex max-w-full overflow-x-auto rounded-md border bg-sunken p-0.5">
      {options.map(([value, text]) => (
        <button
          key={value}
          type="button"
          role="radio"
          aria-checked={chosen === value}
          onClick={() => filter({ [name]: value === fallback ? undefined : value })}
          className="flex h-6.5 shrink-0 items-center gap-1.5 rounded-[4px] border border-transparent px-2.5 text-sm whitespace-nowrap text-muted hover:text-ink aria-checked:border-line aria-checked:bg-surface aria-checked:text-ink"
        >
          {text}
        </button>
      ))}
    </div>
  );
}

export function SelectFilter({ name, label, options }: { name: SearchKey; label: string; options: [value: string, label: string][] }) {
  const { search, filter } = useFilter();
  return (
    <select aria-label={label} value={search[name] ?? ""} onChange={(event) => filter({ [name]: event.target.value || undefined })} className={cx(BOX, "px-2 pr-7")}>
      <option value="">{`${label}: ${t.common.any}`}</option>
      {options.map(([value, text]) => (
        <option key={value} value={value}>{text}</option>
      ))}
    </select>
  );
}

/** A day or a minute; the URL and the server get it in UTC. */
export function TimeFilter({ name, label }: { name: SearchKey; label: string }) {
  const { search, filter } = useFilter();
  const value = search[name];
  const local = value ? localInput(new Date(value)) : "";
  return (
    <label className="flex items-center gap-1.5 text-xs text-muted">
      {label}
      <input
        type="datetime-local"
        value={local}
        onChange={(event) => {
          const date = new Date(event.target.value);
          filter({ [name]: Number.isNaN(date.getTime()) ? undefined : date.toISOString() });
        }}
        className={cx(BOX, "px-2 text-ink")}
      />
    </label>
  );
}

function localInput(date: Date): string {
  if (Number.isNaN(date.getTime())) return "";
  const shifted = new Date(date.getTime() - date.getTimezoneOffset() * 60_000);
  return shifted.toISOString().slice(0, 16);
}
