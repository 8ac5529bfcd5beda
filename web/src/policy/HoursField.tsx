import { Plus, X } from "lucide-react";

import { t } from "../i18n";
import { Button, IconButton } from "../ui/Button";
import { cx } from "../ui/cx";
import type { PolicyDocument } from "./document";

type Hours = PolicyDocument["conditions"]["hours"][number];

const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;
const BOX = "h-8 rounded-md border border-line-strong/60 bg-surface px-2 text-sm";
const f = t.policies.fields;

/** Windows of time, any of which must hold; none means always. */
export function HoursField({ value, onChange, error }: { value: Hours[]; onChange: (value: Hours[]) => void; error: string | undefined }) {
  const set = (index: number, patch: Partial<Hours>) => onChange(value.map((each, at) => (at === index ? { ...each, ...patch } : each)));
  return (
    <fieldset className="mt-4">
      <legend className="mb-1 text-sm font-medium">{f.hours}</legend>
      <div className="flex flex-col gap-2">
        {value.map((each, index) => (
          <div key={index} className="flex flex-wrap items-center gap-1.5">
            {DAYS.map((day) => {
              const chosen = (each.days ?? []).includes(day);
              return (
                <button key={day} type="button" aria-pressed={chosen} onClick={() => set(index, { days: DAYS.filter((other) => (other === day ? !chosen : (each.days ?? []).includes(other))) })} className={cx("h-8 rounded-md border px-2 text-xs", chosen ? "border-accent bg-accent-soft font-medium text-ink" : "text-muted hover:bg-hover")}>{t.policies.days[day]}</button>
              );
            })}
            <span className="flex items-center gap-1.5">
              <input aria-label={f.hoursFrom} value={each.from} onChange={(event) => set(index, { from: event.target.value })} className={`${BOX} w-18 font-mono`} />
              <span className="text-xs text-muted">–</span>
              <input aria-label={f.hoursTo} value={each.to} onChange={(event) => set(index, { to: event.target.value })} className={`${BOX} w-18 font-mono`} />
            </span>
            <input aria-label={f.zone} value={each.zone ?? "UTC"} onChange={(event) => set(index, { zone: event.target.value })} className={`${BOX} min-w-0 flex-1 basis-32`} />
            <input aria-label={f.except} placeholder={f.except} title={f.exceptHint} defaultValue={(each.except ?? []).join(", ")} onChange={(event) => set(index, { except: event.target.value.split(/[\s,;]+/).filter(Boolean) })} className={`${BOX} min-w-0 flex-1 basis-40 font-mono`} />
            <IconButton label={t.actions.remove} size="sm" onClick={() => onChange(value.filter((_, at) => at !== index))}><X className="size-4" aria-hidden /></IconButton>
          </div>
        ))}
        {value.length === 0 ? <p className="text-xs text-muted">{f.hoursNone}</p> : null}
        {error ? <p className="text-sm text-bad">{error}</p> : null}
        <div><Button size="sm" icon={<Plus className="size-4" aria-hidden />} onClick={() => onChange([...value, { days: ["mon", "tue", "wed", "thu", "fri"], from: "08:00", to: "18:00", zone: Intl.DateTimeFormat().resolvedOptions().timeZone }])}>{f.addHours}</Button></div>
      </div>
    </fieldset>
  );
}
