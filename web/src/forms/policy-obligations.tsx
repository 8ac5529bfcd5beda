import { useMutation } from "@tanstack/react-query";
import { useState } from "react";

import { api } from "../api/client";
import type { Policy } from "../api/nouns";
import { FormDialog, names } from "../components/FormDialog";
import { t } from "../i18n";
import { toast } from "../stores/toast";
import { CheckField, TextField } from "../ui/Field";
import { duration, parseDuration } from "../util/time";

const f = t.policies.fields;

/** Changes what sessions under a policy are bound to; whom and what it reaches is changed in its text. */
export function PolicyObligations({ policy, onClose }: { policy: Policy; onClose: () => void }) {
  const o = policy.obligations;
  const [description, setDescription] = useState(policy.description);
  const [max, setMax] = useState(duration(o.max_duration_seconds));
  const [mfa, setMfa] = useState(o.mfa_max_age_seconds > 0 ? duration(o.mfa_max_age_seconds) : "0");
  const [idle, setIdle] = useState(o.idle_seconds ? duration(o.idle_seconds) : "");
  const [count, setCount] = useState(String(o.approval?.count ?? 0));
  const [groups, setGroups] = useState((o.approval?.groups ?? []).join(", "));
  const [reason, setReason] = useState(o.reason_required);
  const [ticket, setTicket] = useState(o.ticket_pattern ?? "");
  const [concurrent, setConcurrent] = useState(o.concurrent_sessions ? String(o.concurrent_sessions) : "");

  const bad = (text: string, empty: boolean) => (empty && text.trim() === "") || parseDuration(text) !== undefined ? undefined : t.requestForm.durationBad;
  const wrong = { max: bad(max, false) ?? (parseDuration(max) === 0 ? t.requestForm.durationBad : undefined), mfa: bad(mfa, false), idle: bad(idle, true) };
  const save = useMutation({
    meta: { inline: true },
    mutationFn: () => {
      const { id: _id, name: _name, revision: _revision, ...text } = policy;
      const needed = Number(count) || 0;
      return api.policyPut(policy.name, {
        ...text,
        description,
        obligations: {
          ...o,
          max_duration_seconds: parseDuration(max) ?? o.max_duration_seconds,
          mfa_max_age_seconds: parseDuration(mfa) ?? o.mfa_max_age_seconds,
          idle_seconds: idle.trim() ? (parseDuration(idle) ?? null) : null,
          approval: needed > 0 ? { count: needed, groups: names(groups) } : null,
          reason_required: reason,
          ticket_pattern: ticket.trim() || null,
          concurrent_sessions: concurrent.trim() ? Number(concurrent) : null,
        },
      });
    },
    onSuccess: () => { toast("ok", t.policies.saved); onClose(); },
  });
  return (
    <FormDialog title={t.policies.editTitle(policy.name)} busy={save.isPending} error={save.error} onSubmit={() => { if (!wrong.max && !wrong.mfa && !wrong.idle) save.mutate(); }} onClose={onClose} wide>
      <div className="grid gap-x-5 sm:grid-cols-2 [&>*]:mt-4">
        <div className="sm:col-span-2"><TextField label={f.description} value={description} onChange={(event) => setDescription(event.target.value)} /></div>
        <TextField label={f.max} hint={f.durationHint} value={max} onChange={(event) => setMax(event.target.value)} error={wrong.max} required />
        <TextField label={f.mfa} hint={f.durationHint} value={mfa} onChange={(event) => setMfa(event.target.value)} error={wrong.mfa} required />
        <TextField label={f.idle} hint={f.blank} optional={t.common.optional} value={idle} onChange={(event) => setIdle(event.target.value)} error={wrong.idle} />
        <TextField label={f.concurrent} hint={f.blank} optional={t.common.optional} type="number" min={1} value={concurrent} onChange={(event) => setConcurrent(event.target.value)} />
        {policy.access === "request" ? (
          <>
            <TextField label={f.approvals} hint={f.approvalsHint} type="number" min={0} max={10} value={count} onChange={(event) => setCount(event.target.value)} required />
            <TextField label={f.groups} hint={t.users.groupsHint} optional={t.common.optional} mono value={groups} onChange={(event) => setGroups(event.target.value)} />
            <TextField label={f.ticket} optional={t.common.optional} mono value={ticket} onChange={(event) => setTicket(event.target.value)} spellCheck={false} />
            <div className="self-end"><CheckField label={f.reason} checked={reason} onChange={(event) => setReason(event.target.checked)} /></div>
          </>
        ) : null}
      </div>
    </FormDialog>
  );
}
