import { useMutation, useQuery } from "@tanstack/react-query";
import { Check } from "lucide-react";
import { useEffect, useState } from "react";
import type { FormEvent } from "react";

import { api } from "../api/client";
import { asApiError, messageOf } from "../api/errors";
import type { Access, Request } from "../api/nouns";
import { q } from "../api/queries";
import { demandPhrases } from "../components/Demands";
import { fieldError, names } from "../components/FormDialog";
import { useKept } from "../hooks/useKept";
import { useNow } from "../hooks/useNow";
import { useUrlState } from "../hooks/useUrlState";
import { t } from "../i18n";
import { ChoicesField } from "../policy/fields";
import { toast } from "../stores/toast";
import { Button } from "../ui/Button";
import { Dialog, DialogActions } from "../ui/Dialog";
import { CheckField, SelectField, TextArea, TextField } from "../ui/Field";
import { Notice } from "../ui/feedback";
import { duration, parseDuration } from "../util/time";

const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;
const HOUR = 3600;
const LATE_MS = 60_000;
const PRESETS = [30 * 60, HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR];

/** The ticket pattern covers the whole text; a pattern this browser cannot read is left to the server. */
function ticketFits(pattern: string, ticket: string): boolean {
  try {
    return new RegExp(`^(?:${pattern})$`, "u").test(ticket);
  } catch {
    return true;
  }
}

type Day = (typeof DAYS)[number];
interface WindowsValue { days: Day[]; from: string; to: string; until: string }

/** On which days, from when to when, until which day. */
function Windows({ value, onChange, error }: { value: WindowsValue; onChange: (value: WindowsValue) => void; error: string | undefined }) {
  const set = (patch: Partial<WindowsValue>) => onChange({ ...value, ...patch });
  return (
    <>
      <ChoicesField legend={t.requestForm.onDays} options={DAYS.map((day) => [day, t.policies.days[day]])} value={value.days} onChange={(days) => set({ days })} />
      <div className="grid gap-x-4 xs:grid-cols-3 [&>*]:mt-4!">
        <TextField type="time" label={t.requestForm.from} value={value.from} onChange={(event) => set({ from: event.target.value })} required />
        <TextField type="time" label={t.requestForm.to} value={value.to} onChange={(event) => set({ to: event.target.value })} required />
        <TextField type="date" label={t.requestForm.until} value={value.until} onChange={(event) => set({ until: event.target.value })} required error={error} />
      </div>
    </>
  );
}

/** Asks for an account, with the policy's demands in view. */
export function RequestCreate({ access, emergency = false, onClose, onDone }: { access: Access; emergency?: boolean; onClose: () => void; onDone: (request: Request) => void }) {
  const demands = emergency ? (access.break_glass ?? access.demands) : access.demands;
  const longest = demands?.max_duration_seconds ?? 8 * HOUR;
  const [length, setLength] = useKept("length", duration(Math.min(HOUR, longest)));
  const [reason, setReason] = useKept("reason", "");
  const [ticket, setTicket] = useKept("ticket", "");
  const [begins, setBegins] = useKept("begins", "");
  const [also, setAlso] = useKept("also", "");
  const [again, setAgain] = useKept("again", false);
  const [windows, setWindows] = useKept("windows", { days: ["mon", "tue", "wed", "thu", "fri"] as Day[], from: "08:00", to: "10:00", until: "" });
  const [keepAs, setKeepAs] = useKept("keep_as", "");
  const [tried, setTried] = useState(false);
  const templates = useQuery(q.templates({}));
  const { search, set } = useUrlState();
  const fill = (id: string) => {
    const wish = templates.data?.items.find((each) => each.id === id)?.wish;
    if (!wish) return;
    setLength(duration(Math.min(wish.duration_seconds, longest)));
    setReason(wish.reason ?? "");
    setTicket(wish.ticket ?? "");
    setAlso((wish.accounts ?? []).filter((each) => each !== access.account).join(", "));
  };
  // Who comes from the list of templates has chosen one already; a reload does not fill it in over what was typed.
  useEffect(() => {
    if (!search.template || !templates.data) return;
    fill(search.template);
    set({ template: undefined }, { replace: true });
  });
  const now = useNow(LATE_MS);
  const beginsAt = begins === "" ? undefined : new Date(begins);
  const seconds = parseDuration(length);
  const pattern = demands?.ticket_pattern ?? undefined;

  const send = useMutation({
    meta: { inline: true },
    mutationFn: () =>
      api.requestCreate({
        account: access.account,
        ...(emergency ? { break_glass: true } : {}),
        also: names(also),
        ...(again && !emergency
          ? { recurs: { hours: { days: windows.days, from: windows.from, to: windows.to, zone: Intl.DateTimeFormat().resolvedOptions().timeZone }, until: new Date(windows.until).toISOString() } }
          : { duration_seconds: seconds ?? 0, ...(beginsAt ? { starts_at: beginsAt.toISOString() } : {}) }),
        ...(reason.trim() ? { reason: reason.trim() } : {}),
        ...(ticket.trim() ? { ticket: ticket.trim() } : {}),
      }),
    onSuccess: (request) => {
      if (keepAs.trim() && !again) {
        const wish = { accounts: [access.account, ...names(also)], duration_seconds: seconds ?? 0, reason: reason.trim(), ...(ticket.trim() ? { ticket: ticket.trim() } : {}) };
        api.templateCreate({ name: keepAs.trim(), wish }).catch((error: unknown) => toast("bad", messageOf(error)));
      }
      toast("ok", request.state === "granted" ? t.requestForm.granted(access.account) : t.requestForm.sent);
      onDone(request);
    },
  });

  const failure = send.error ? asApiError(send.error) : undefined;
  const bad = {
    duration: again ? undefined : seconds === undefined || seconds === 0 ? t.requestForm.durationBad : seconds > longest ? t.requestForm.durationLong(duration(longest)) : undefined,
    until: again && !(new Date(windows.until).getTime() > now) ? t.requestForm.untilBad : undefined,
    begins: !again && beginsAt && !(beginsAt.getTime() > now - LATE_MS) ? t.requestForm.beginsBad : undefined,
    reason: demands?.reason_required && reason.trim() === "" ? t.requestForm.reasonNeeded : undefined,
    ticket: pattern && !ticketFits(pattern, ticket.trim()) ? t.requestForm.ticketBad(pattern) : undefined,
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (!bad.duration && !bad.begins && !bad.until && !bad.reason && !bad.ticket && !send.isPending) send.mutate();
  };

  return (
    <Dialog title={emergency ? t.breakGlass.askTitle(access.account) : t.requestForm.title(access.account)} about={emergency ? t.breakGlass.askBody : undefined} onClose={onClose}>
      <form onSubmit={submit} noValidate>
        {demands ? (
          <div className="mb-5 rounded-md bg-sunken px-3.5 py-3">
            <h3 className="text-xs font-medium text-muted">{t.requestForm.demands}</h3>
            <ul className="mt-1.5 grid gap-x-4 gap-y-1 text-sm sm:grid-cols-2">
              {demandPhrases(demands, false).map((phrase) => (
                <li key={phrase} className="flex items-start gap-2">
                  <Check className="mt-0.5 size-3.5 shrink-0 text-accent" strokeWidth={2.5} aria-hidden />
                  <span className="[overflow-wrap:anywhere]">{phrase}</span>
                </li>
              ))}
            </ul>
          </div>
        ) : null}
        {failure ? <div className="mb-4"><Notice tone="bad" live>{messageOf(failure)}</Notice></div> : null}
        {(templates.data?.items.length ?? 0) > 0 ? (
          <SelectField label={t.requestForm.template} defaultValue="" onChange={(event) => fill(event.target.value)}>
            <option value="">{t.requestForm.templateNone}</option>
            {templates.data?.items.map((each) => <option key={each.id} value={each.id}>{each.name}</option>)}
          </SelectField>
        ) : null}
        <TextField label={t.requestForm.also} hint={t.requestForm.alsoHint} optional={t.common.optional} mono value={also} onChange={(event) => setAlso(event.target.value)} error={fieldError(send.error, "also")} spellCheck={false} autoComplete="off" />
        {emergency ? null : <div className="mt-3"><CheckField label={t.requestForm.again} checked={again} onChange={(event) => setAgain(event.target.checked)} /></div>}
        {again && !emergency ? <Windows value={windows} onChange={setWindows} error={(tried ? bad.until : undefined) ?? fieldError(send.error, "recurs.until") ?? fieldError(send.error, "recurs")} /> : <>
        <TextField label={t.requestForm.duration} value={length} onChange={(event) => setLength(event.target.value)} hint={t.requestForm.durationHint(duration(longest))} error={tried ? bad.duration : undefined} />
        <div className="mt-2 flex flex-wrap gap-1.5">
          {PRESETS.filter((preset) => preset <= longest).map((preset) => (
            <Button key={preset} size="sm" aria-pressed={seconds === preset} onClick={() => setLength(duration(preset))} className="aria-pressed:border-accent aria-pressed:text-accent">{duration(preset)}</Button>
          ))}
        </div>
        {emergency ? null : <TextField type="datetime-local" label={t.requestForm.begins} optional={t.common.optional} hint={t.requestForm.beginsHint} value={begins} onChange={(event) => setBegins(event.target.value)} error={(tried ? bad.begins : undefined) ?? fieldError(send.error, "starts_at")} />}
        </>}
        <TextArea label={t.requestForm.reason} value={reason} onChange={(event) => setReason(event.target.value)} hint={t.requestForm.reasonHint} optional={demands?.reason_required ? undefined : t.common.optional} error={tried ? bad.reason : undefined} maxLength={1000} autoFocus />
        <TextField label={emergency ? t.breakGlass.incident : t.requestForm.ticket} mono value={ticket} onChange={(event) => setTicket(event.target.value)} hint={pattern ? t.requestForm.ticketHint(pattern) : undefined} optional={pattern ? undefined : t.common.optional} error={tried ? bad.ticket : undefined} autoComplete="off" spellCheck={false} />
        {again ? null : <TextField label={t.requestForm.keepAs} hint={t.requestForm.keepAsHint} optional={t.common.optional} value={keepAs} onChange={(event) => setKeepAs(event.target.value)} maxLength={80} />}
        <DialogActions>
          <Button onClick={onClose}>{t.actions.cancel}</Button>
          <Button look="primary" type="submit" busy={send.isPending}>{demands?.approval ? t.requestForm.submit : t.requestForm.submitNow}</Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
