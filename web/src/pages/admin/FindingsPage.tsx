import { useMutation, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Ban, Clock, MoreHorizontal, Server, ShieldCheck, Trash2, TriangleAlert, UserRound } from "lucide-react";
import { useState } from "react";

import { api } from "../../api/client";
import type { Asset, Finding } from "../../api/nouns";
import { q } from "../../api/queries";
import { Mono } from "../../components/Copy";
import { FormDialog, fieldError } from "../../components/FormDialog";
import { ReasonDialog } from "../../components/ReasonDialog";
import { SeverityBadge } from "../../components/states";
import { Ago, When } from "../../components/When";
import { PLATFORMS } from "../../forms/asset-put";
import { useKept } from "../../hooks/useKept";
import { useDialog, useFilter } from "../../hooks/useUrlState";
import { useCan } from "../../hooks/useWho";
import { t } from "../../i18n";
import { toast } from "../../stores/toast";
import type { Column } from "../../table/DataTable";
import { DataTable, EmptyList } from "../../table/DataTable";
import { Choice, Filters, SelectFilter, TextFilter } from "../../table/Filters";
import { Pager, sizeOf } from "../../table/Pager";
import { IconButton } from "../../ui/Button";
import { SelectField, TextArea, TextField } from "../../ui/Field";
import { Menu } from "../../ui/Menu";
import { Page } from "../../ui/Page";
import { pb } from "../../util/path-builder";

const f = t.findings;
const KINDS = ["unmanaged", "orphaned", "stale", "shared", "default_password", "empty_password", "weak_key", "standing_privilege", "everyday_privilege", "privilege_gained", "secret_changed", "used_outside", "unknown_host", "kept_apart"] as const satisfies Finding["kind"][];
const WEEK_MS = 7 * 86_400_000;

const ref = (finding: Finding) => finding.host?.address ?? finding.user ?? `${finding.account}@${finding.asset}`;

/** What discovery thinks is wrong, and what is done about it. */
export function FindingsPage() {
  const { search, filter } = useFilter();
  const { blocked } = useCan();
  const { dialog, item, open, close } = useDialog();
  const findings = useQuery(q.findings({ asset: search.asset, kind: search.q, state: search.state, cursor: search.cursor, limit: sizeOf(search), sort: search.sort, count: true }));
  const chosen = findings.data?.items.find((finding) => finding.id === item);
  const columns: Column<Finding>[] = [
    { id: "account", header: f.account, narrow: "title", cell: (row) => (row.user ? <Link to={pb.user(row.user)} className="font-medium hover:underline"><Mono>{row.user}</Mono></Link> : <Mono className="font-medium">{ref(row)}</Mono>) },
    { id: "kind", header: f.kind, cell: (row) => f.kinds[row.kind] },
    { id: "evidence", header: f.evidence, cell: (row) => <span title={row.evidence.join("\n")} className="line-clamp-2 max-w-[56ch] text-muted [overflow-wrap:anywhere]">{row.state === "accepted" ? f.acceptedBy(row.accepted_by ?? "", row.note ?? "") : row.evidence.join("; ")}</span> },
    { id: "raised", header: f.raised, sort: "raised_at", cell: (row) => <Ago at={row.raised_at} /> },
    { id: "seen", header: seenHeader(search.state), ...(search.state === "accepted" ? {} : { sort: "seen_at" }), cell: (row) => (row.state === "accepted" ? <When at={row.accepted_until} /> : <Ago at={row.seen_at} />) },
    { id: "severity", header: f.severity, sort: "severity", width: "7rem", narrow: "aside", cell: (row) => <SeverityBadge severity={row.severity} /> },
    {
      id: "more", header: t.actions.more, quiet: true, narrow: "aside", width: "3.5rem",
      cell: (row) =>
        row.state === "resolved" ? null : (
          <Menu
            trigger={<IconButton label={`${t.actions.more}: ${ref(row)}, ${f.kinds[row.kind]}`} size="sm"><MoreHorizontal className="size-4" aria-hidden /></IconButton>}
            items={row.host ? [
              { label: f.adoptHost, icon: <Server />, blocked: blocked("asset:write", row.scope), onSelect: () => open("adopt-host", row.id) },
              { label: f.accept, icon: <Clock />, blocked: blocked("asset:write", row.scope), onSelect: () => open("accept", row.id) },
            ] : row.user ? [
              { label: f.accept, icon: <Clock />, blocked: blocked("asset:write", row.scope), onSelect: () => open("accept", row.id) },
            ] : [
              { label: f.adopt, icon: <ShieldCheck />, blocked: blocked("asset:write", row.scope), onSelect: () => open("adopt", row.id) },
              { label: f.own, icon: <UserRound />, blocked: blocked("asset:write", row.scope), onSelect: () => open("own", row.id) },
              { label: f.accept, icon: <Clock />, blocked: blocked("asset:write", row.scope), onSelect: () => open("accept", row.id) },
              { label: f.disable, icon: <Ban />, apart: true, danger: true, blocked: blocked("asset:write", row.scope), onSelect: () => open("disable", row.id) },
              { label: f.remove, icon: <Trash2 />, danger: true, blocked: blocked("asset:write", row.scope), onSelect: () => open("remove", row.id) },
            ]}
          />
        ),
    },
  ];
  return (
    <Page title={f.title} lead={f.lead}>
      <Filters>
        <Choice name="state" label={f.state} options={[["", f.states.open], ["accepted", f.states.accepted], ["resolved", f.states.resolved]]} />
        <SelectFilter name="q" label={f.kind} options={KINDS.map((kind) => [kind, f.kinds[kind]])} />
        <TextFilter name="asset" label={f.asset} className="font-mono" />
      </Filters>
      <DataTable label={f.title} query={findings} columns={columns} rowKey={(row) => row.id} empty={<EmptyList icon={<TriangleAlert />} filtered={Boolean(search.q ?? search.asset ?? search.state)} onClear={() => filter({ q: undefined, asset: undefined, state: undefined })} title={f.none}>{f.noneBody}</EmptyList>} />
      <Pager next={findings.data?.next} total={findings.data?.total} />
      {chosen ? <Dialogs key={chosen.id} finding={chosen} dialog={dialog} onClose={close} /> : null}
    </Page>
  );
}

function seenHeader(state: string | undefined): string {
  return state === "accepted" ? f.until : f.seen;
}

function Dialogs({ finding, dialog, onClose }: { finding: Finding; dialog: string | undefined; onClose: () => void }) {
  switch (dialog) {
    case "adopt": return <Owner finding={finding} adopt onClose={onClose} />;
    case "adopt-host": return finding.host ? <AsAsset finding={finding} host={finding.host} onClose={onClose} /> : null;
    case "own": return <Owner finding={finding} onClose={onClose} />;
    case "accept": return <Accept finding={finding} onClose={onClose} />;
    case "disable": return <Act finding={finding} verb="disable" onClose={onClose} />;
    case "remove": return <Act finding={finding} verb="remove" onClose={onClose} />;
    default: return null;
  }
}

function done(onClose: () => void) {
  toast("ok", f.done);
  onClose();
}

function Owner({ finding, adopt = false, onClose }: { finding: Finding; adopt?: boolean; onClose: () => void }) {
  const [owner, setOwner] = useKept("owner", "");
  const save = useMutation({
    meta: { inline: true },
    mutationFn: () => (adopt ? api.findingAdopt(finding.id, owner.trim() || undefined) : api.findingOwn(finding.id, owner.trim())),
    onSuccess: () => done(onClose),
  });
  return (
    <FormDialog title={adopt ? f.adoptTitle(ref(finding)) : f.ownTitle(ref(finding))} about={adopt ? f.adoptBody : undefined} submit={adopt ? f.adopt : f.own} busy={save.isPending} error={save.error} fields={["owner"]} onSubmit={() => save.mutate()} onClose={onClose}>
      <Evidence finding={finding} />
      <TextField label={f.owner} hint={f.ownerHint} mono optional={adopt ? t.common.optional : undefined} required={!adopt} value={owner} onChange={(event) => setOwner(event.target.value)} autoFocus spellCheck={false} error={fieldError(save.error, "owner")} />
    </FormDialog>
  );
}

function AsAsset({ finding, host, onClose }: { finding: Finding; host: NonNullable<Finding["host"]>; onClose: () => void }) {
  const [name, setName] = useKept("name", "");
  const [platform, setPlatform] = useState<Asset["platform"]>();
  const save = useMutation({
    meta: { inline: true },
    mutationFn: () => api.hostAdopt(host.id, { name: name.trim(), platform }),
    onSuccess: () => done(onClose),
  });
  return (
    <FormDialog title={f.adoptHostTitle(host.address)} about={f.adoptHostBody} submit={f.adoptHost} busy={save.isPending} error={save.error} fields={["name", "platform"]} onSubmit={() => save.mutate()} onClose={onClose}>
      <Evidence finding={finding} />
      <TextField label={f.name} hint={f.nameHint} mono required value={name} onChange={(event) => setName(event.target.value)} autoFocus spellCheck={false} error={fieldError(save.error, "name")} />
      <SelectField label={f.platform} value={platform ?? ""} onChange={(event) => setPlatform(PLATFORMS.find((each) => each === event.target.value))} error={fieldError(save.error, "platform")}>
        <option value="">{f.asItSeems}</option>
        {PLATFORMS.map((each) => <option key={each} value={each}>{t.assets.platforms[each]}</option>)}
      </SelectField>
    </FormDialog>
  );
}

function Accept({ finding, onClose }: { finding: Finding; onClose: () => void }) {
  const [until, setUntil] = useState(() => new Date(Date.now() + WEEK_MS).toISOString().slice(0, 10));
  const [reason, setReason] = useKept("reason", "");
  const save = useMutation({
    meta: { inline: true },
    mutationFn: () => api.findingAccept(finding.id, { until: new Date(`${until}T00:00`).toISOString(), reason: reason.trim() }),
    onSuccess: () => done(onClose),
  });
  return (
    <FormDialog title={f.acceptTitle(ref(finding))} submit={f.accept} busy={save.isPending} error={save.error} fields={["until", "reason"]} onSubmit={() => save.mutate()} onClose={onClose}>
      <Evidence finding={finding} />
      <TextField label={f.until} hint={f.untilHint} type="date" required value={until} onChange={(event) => setUntil(event.target.value)} error={fieldError(save.error, "until")} />
      <TextArea label={f.reason} required value={reason} onChange={(event) => setReason(event.target.value)} maxLength={500} error={fieldError(save.error, "reason")} />
    </FormDialog>
  );
}

function Act({ finding, verb, onClose }: { finding: Finding; verb: "disable" | "remove"; onClose: () => void }) {
  const act = useMutation({ meta: { inline: true }, mutationFn: () => api.findingAct(finding.id, verb), onSuccess: () => done(onClose) });
  const [title, about, submit] = verb === "disable" ? [f.disableTitle(ref(finding)), f.disableBody, f.disable] : [f.removeTitle(ref(finding)), f.removeBody, f.remove];
  return <ReasonDialog title={title} about={about} submit={submit} danger busy={act.isPending} error={act.error} onSubmit={() => act.mutate()} onClose={onClose}><Evidence finding={finding} /></ReasonDialog>;
}

function Evidence({ finding }: { finding: Finding }) {
  return (
    <blockquote className="mb-4 border-l-2 border-line-strong pl-3 text-sm text-ink">
      <span className="flex items-center gap-2"><SeverityBadge severity={finding.severity} />{f.kinds[finding.kind]}</span>
      <ul className="mt-1 text-xs text-muted">{finding.evidence.map((line) => <li key={line} className="[overflow-wrap:anywhere]">{line}</li>)}</ul>
    </blockquote>
  );
}
