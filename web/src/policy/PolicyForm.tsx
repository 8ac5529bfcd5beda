import { PLATFORMS } from "../forms/asset-put";
import { t } from "../i18n";
import { Button } from "../ui/Button";
import { CheckField, SelectField, TextArea, TextField } from "../ui/Field";
import { Section } from "../ui/Page";
import { problemAt } from "./document";
import type { PolicyDocument, Problems } from "./document";
import { ChoicesField, LabelsField, NamesField } from "./fields";
import { HoursField } from "./HoursField";

const f = t.policies.fields;
const CAPABILITIES = ["shell", "exec", "sftp_read", "sftp_write", "local_forward", "remote_forward", "dynamic_forward", "agent", "x11", "env", "query", "copy_in", "copy_out", "replication"] as const;

const CLIENTS = ["ssh", "terminal", "sql-console", "database-client", "api"] as const;

const KINDS = ["password", "ssh_key", "ssh_certificate"] as const;

interface Props {
  document: PolicyDocument;
  problems: Problems;
  isNew: boolean;
  onChange: (document: PolicyDocument) => void;
}

/** A policy, field by field. */
export function PolicyForm({ document: d, problems, isNew, onChange }: Props) {
  const set = (patch: Partial<PolicyDocument>) => onChange({ ...d, ...patch });
  const wrong = (field: string) => problemAt(problems, field);
  return (
    <div className="flex flex-col gap-7">
      <Section title={f.what}>
        {isNew ? <TextField label={t.policies.name} mono value={d.name} onChange={(event) => set({ name: event.target.value })} error={wrong("name")} hint={t.users.nameHint} required spellCheck={false} autoComplete="off" /> : null}
        <TextArea label={f.description} rows={2} value={d.description ?? ""} onChange={(event) => set({ description: event.target.value })} error={wrong("description")} />
        <TextField label={t.policies.scope} mono value={d.scope} onChange={(event) => set({ scope: event.target.value })} error={wrong("scope")} />
        <SelectField label={t.policies.effect} value={d.effect} onChange={(event) => set({ effect: event.target.value === "deny" ? "deny" : "allow" })}>
          <option value="allow">{f.allows}</option>
          <option value="deny">{f.denies}</option>
        </SelectField>
      </Section>
      <Section title={t.policies.parts.who}>
        <NamesField label={t.users.groups} hint={t.users.groupsHint} value={d.subjects.groups} onChange={(groups) => set({ subjects: { ...d.subjects, groups } })} error={wrong("subjects.groups") ?? wrong("subjects")} />
        <NamesField label={f.users} value={d.subjects.users} onChange={(users) => set({ subjects: { ...d.subjects, users } })} error={wrong("subjects.users")} />
        <LabelsField label={f.attributes} hint={t.users.attributesHint} value={d.subjects.attributes ?? {}} onChange={(attributes) => set({ subjects: { ...d.subjects, attributes } })} error={wrong("subjects.attributes")} />
        {d.subjects.workloads === true ? null : <NamesField label={f.workloads} value={Array.isArray(d.subjects.workloads) ? d.subjects.workloads : []} onChange={(workloads) => set({ subjects: { ...d.subjects, workloads } })} error={wrong("subjects.workloads")} />}
        <div className="mt-3"><CheckField label={f.workloadsAll} checked={d.subjects.workloads === true} onChange={(event) => set({ subjects: { ...d.subjects, workloads: event.target.checked ? true : [] } })} /></div>
      </Section>
      <Section title={t.policies.parts.accounts}>
        <NamesField label={f.accountNames} hint={f.anyWhenEmpty} value={d.accounts.names} onChange={(names) => set({ accounts: { ...d.accounts, names } })} error={wrong("accounts.names")} />
        <NamesField label={f.assets} hint={f.anyWhenEmpty} value={d.accounts.assets} onChange={(assets) => set({ accounts: { ...d.accounts, assets } })} error={wrong("accounts.assets")} />
        <LabelsField label={t.assets.labels} hint={t.assets.labelsHint} value={d.accounts.labels} onChange={(labels) => set({ accounts: { ...d.accounts, labels } })} error={wrong("accounts.labels")} />
        <ChoicesField legend={f.platforms} options={PLATFORMS.map((each) => [each, t.assets.platforms[each]])} value={d.accounts.platforms} onChange={(platforms) => set({ accounts: { ...d.accounts, platforms } })} />
        <ChoicesField legend={f.kinds} options={KINDS.map((each) => [each, t.accounts.credentials[each]])} value={d.accounts.kinds ?? []} onChange={(kinds) => set({ accounts: { ...d.accounts, kinds } })} />
      </Section>
      <Section title={t.policies.parts.when}>
        <NamesField label={f.networks} hint={f.networksHint} value={d.conditions.networks} onChange={(networks) => set({ conditions: { ...d.conditions, networks } })} error={wrong("conditions.networks")} />
        <HoursField value={d.conditions.hours} onChange={(hours) => set({ conditions: { ...d.conditions, hours } })} error={wrong("conditions.hours")} />
        <ChoicesField legend={f.clients} options={CLIENTS.map((each) => [each, t.policies.clients[each]])} value={d.conditions.clients ?? []} onChange={(clients) => set({ conditions: { ...d.conditions, clients } })} />
        <Risky document={d} error={problemAt(problems, "conditions.risk")} onChange={(risk) => set({ conditions: { ...d.conditions, risk } })} />
      </Section>
      {d.effect === "allow" ? <Allowed document={d} problems={problems} onChange={onChange} /> : null}
    </div>
  );
}

/** Up to which risk it gives, or from which on it takes away. */
function Risky({ document: { effect, conditions }, error, onChange }: { document: PolicyDocument; error: string | undefined; onChange: (risk: PolicyDocument["conditions"]["risk"]) => void }) {
  const bound = effect === "deny" ? "at_least" : "at_most";
  const levels = effect === "deny" ? (["elevated", "high"] as const) : (["low", "elevated"] as const);
  return (
    <SelectField label={f.risk} hint={f.riskHint} error={error} value={conditions.risk?.[bound] ?? ""} onChange={(event) => { const level = levels.find((each) => each === event.target.value); onChange(level ? { [bound]: level } : null); }}>
      <option value="">{f.riskAny}</option>
      {levels.map((level) => <option key={level} value={level}>{effect === "deny" ? f.riskFrom(t.requests.levels[level]) : f.riskUpTo(t.requests.levels[level])}</option>)}
    </SelectField>
  );
}

/** States may have spaces in them. */
const states = (text: string) => [...new Set(text.split(",").map((each) => each.trim()).filter(Boolean))].sort();

type Rule = NonNullable<PolicyDocument["obligations"]["approval"]>;

/** Who must say yes, stage by stage, and what happens when nobody answers. */
function Approval({ rule, onChange, wrong }: { rule: Rule; onChange: (rule: Rule) => void; wrong: (field: string) => string | undefined }) {
  const stages = rule.next ?? [];
  const put = (index: number, patch: Partial<(typeof stages)[number]>) => onChange({ ...rule, next: stages.map((stage, at) => (at === index ? { ...stage, ...patch } : stage)) });
  return (
    <>
      <NamesField label={f.groups} value={rule.groups ?? []} onChange={(groups) => onChange({ ...rule, groups })} />
      {stages.map((stage, index) => (
        <div key={index} className="grid items-end gap-x-4 xs:grid-cols-[8rem_minmax(0,1fr)_auto] [&>*]:mt-4!">
          <TextField label={f.stage(index + 2)} type="number" min={1} max={10} value={String(stage.count)} onChange={(event) => put(index, { count: Number(event.target.value) || 1 })} error={wrong(`approval.then[${index}].count`)} />
          <NamesField label={f.groups} value={stage.groups ?? []} onChange={(groups) => put(index, { groups })} />
          <Button size="sm" onClick={() => onChange({ ...rule, next: stages.filter((_, at) => at !== index) })}>{t.actions.remove}</Button>
        </div>
      ))}
      <div className="mt-3"><Button size="sm" onClick={() => onChange({ ...rule, next: [...stages, { count: 1, groups: [] }] })}>{f.addStage}</Button></div>
      <div className="grid gap-x-4 xs:grid-cols-3 [&>*]:mt-4!">
        <TextField label={f.remind} optional={t.common.optional} mono value={rule.remind ?? ""} onChange={(event) => onChange({ ...rule, remind: event.target.value || null })} error={wrong("approval.remind")} />
        <TextField label={f.escalateAfter} optional={t.common.optional} mono value={rule.escalate?.after ?? ""} onChange={(event) => onChange({ ...rule, escalate: event.target.value ? { after: event.target.value, groups: rule.escalate?.groups ?? [] } : null })} error={wrong("approval.escalate.after")} />
        {rule.escalate ? <NamesField label={f.escalateTo} value={rule.escalate.groups} onChange={(groups) => onChange({ ...rule, escalate: { after: rule.escalate?.after ?? "30m", groups } })} error={wrong("approval.escalate.groups")} /> : null}
      </div>
    </>
  );
}

/** What only a policy that gives something says. */
function Allowed({ document: d, problems, onChange }: Omit<Props, "isNew">) {
  const o = d.obligations;
  const bind = (patch: Partial<PolicyDocument["obligations"]>) => onChange({ ...d, obligations: { ...o, ...patch } });
  const wrong = (field: string) => problemAt(problems, `obligations.${field}`);
  const clipboard = o.clipboard ?? { copy: true, paste: true };
  return (
    <>
      <Section title={t.policies.parts.how}>
        <SelectField label={f.access} value={d.access} onChange={(event) => onChange({ ...d, access: event.target.value === "standing" ? "standing" : "request" })}>
          <option value="request">{f.byRequest}</option>
          <option value="standing">{f.atAnyTime}</option>
        </SelectField>
        {d.access === "request" ? (
          <>
            <div className="grid gap-x-4 xs:grid-cols-2 [&>*]:mt-4!">
              <TextField label={f.approvals} hint={f.approvalsHint} type="number" min={0} max={10} value={String(o.approval?.count ?? 0)} onChange={(event) => { const count = Number(event.target.value) || 0; bind({ approval: count > 0 ? { ...o.approval, count, groups: o.approval?.groups ?? [] } : null }); }} error={wrong("approval")} />
              <TextField label={f.ticket} optional={t.common.optional} mono value={o.ticket_pattern ?? ""} onChange={(event) => bind({ ticket_pattern: event.target.value || null })} error={wrong("ticket_pattern")} spellCheck={false} />
            </div>
            {o.approval ? <Approval rule={o.approval} onChange={(approval) => bind({ approval })} wrong={wrong} /> : null}
            <div className="mt-4"><NamesField label={f.ticketStates} hint={f.ticketStatesHint} parse={states} value={d.conditions.ticket?.states ?? []} onChange={(wanted) => onChange({ ...d, conditions: { ...d.conditions, ticket: wanted.length > 0 ? { states: wanted } : null } })} error={problemAt(problems, "conditions.ticket")} /></div>
            {o.ticket_pattern ? <div className="mt-3"><CheckField label={f.ticketChecked} checked={o.ticket_checked ?? false} onChange={(event) => bind({ ticket_checked: event.target.checked })} /></div> : null}
            <div className="mt-3"><CheckField label={f.reason} checked={o.reason_required} onChange={(event) => bind({ reason_required: event.target.checked })} /></div>
          </>
        ) : null}
      </Section>
      <Section title={t.policies.parts.may}>
        <ChoicesField legend={t.grants.capabilities} options={CAPABILITIES.map((each) => [each, t.capabilities[each]])} value={o.capabilities} onChange={(capabilities) => bind({ capabilities })} />
        <div className="mt-3">
          <CheckField label={f.rotate} checked={o.rotate_after_use ?? false} onChange={(event) => bind({ rotate_after_use: event.target.checked })} />
          <CheckField label={f.copy} checked={clipboard.copy ?? true} onChange={(event) => bind({ clipboard: { ...clipboard, copy: event.target.checked } })} />
          <CheckField label={f.paste} checked={clipboard.paste ?? true} onChange={(event) => bind({ clipboard: { ...clipboard, paste: event.target.checked } })} />
          <CheckField label={f.watched} checked={o.watched ?? false} onChange={(event) => bind({ watched: event.target.checked })} />
          <CheckField label={f.joinControl} checked={o.join === "control"} onChange={(event) => bind({ join: event.target.checked ? "control" : "watch" })} />
        </div>
      </Section>
      <Section title={t.policies.parts.bound}>
        <div className="grid gap-x-4 xs:grid-cols-2 [&>*]:mt-4!">
          <TextField label={f.max} hint={f.lengthHint} mono value={o.max_duration} onChange={(event) => bind({ max_duration: event.target.value })} error={wrong("max_duration")} />
          <TextField label={f.mfa} hint={f.durationHint} mono value={o.mfa_max_age} onChange={(event) => bind({ mfa_max_age: event.target.value })} error={wrong("mfa_max_age")} />
          <TextField label={f.idle} hint={f.blank} optional={t.common.optional} mono value={o.idle ?? ""} onChange={(event) => bind({ idle: event.target.value || null })} error={wrong("idle")} />
          <TextField label={f.checkout} hint={f.checkoutHint} optional={t.common.optional} mono value={o.checkout ?? ""} onChange={(event) => bind({ checkout: event.target.value || null })} error={wrong("checkout")} />
          <TextField label={f.concurrent} hint={f.blank} optional={t.common.optional} type="number" min={1} value={o.concurrent_sessions ?? ""} onChange={(event) => bind({ concurrent_sessions: event.target.value ? Number(event.target.value) : null })} error={wrong("concurrent_sessions")} />
        </div>
        {o.statements || o.provision ? <p className="mt-3 text-xs text-muted">{f.inText}</p> : null}
      </Section>
    </>
  );
}
