import { useMutation, useQuery } from "@tanstack/react-query";
import { Siren } from "lucide-react";

import { api } from "../../api/client";
import type { BreakGlassUse, OfflineView } from "../../api/nouns";
import { q } from "../../api/queries";
import { Mono } from "../../components/Copy";
import { ReasonDialog } from "../../components/ReasonDialog";
import { When } from "../../components/When";
import { useKept } from "../../hooks/useKept";
import { useDialog, useFilter } from "../../hooks/useUrlState";
import { useCan, useWho } from "../../hooks/useWho";
import { t } from "../../i18n";
import { toast } from "../../stores/toast";
import type { Column } from "../../table/DataTable";
import { DataTable, EmptyList } from "../../table/DataTable";
import { Choice, Filters } from "../../table/Filters";
import { Pager, sizeOf } from "../../table/Pager";
import { Badge } from "../../ui/Badge";
import { Button } from "../../ui/Button";
import { Notice } from "../../ui/feedback";
import { CheckField } from "../../ui/Field";
import { Page, Panel, Section } from "../../ui/Page";

const b = t.breakGlass;

function ReviewBadge({ used }: { used: BreakGlassUse }) {
  if (!used.review) return <Badge tone="warn" icon="wait">{b.waits}</Badge>;
  return used.review.justified ? <Badge tone="ok" icon="check">{b.justified}</Badge> : <Badge tone="bad" icon="x">{b.unjustified}</Badge>;
}

/** Emergencies: each use with the review that it has to get, and what lies ready for when Postern is dead. */
export function BreakGlassPage() {
  const who = useWho();
  const { blocked } = useCan();
  const { search, filter } = useFilter();
  const { dialog, item, open, close } = useDialog();
  const uses = useQuery(q.breakGlassUses({ open: search.live === "true" || undefined, cursor: search.cursor, limit: sizeOf(search), sort: search.sort, count: true }));
  const chosen = uses.data?.items.find((used) => used.id === item);
  const why = (row: BreakGlassUse) => (row.user === who.user.name ? b.own : undefined);
  const columns: Column<BreakGlassUse>[] = [
    { id: "target", header: b.target, narrow: "title", cell: (row) => <Mono className="font-medium">{row.target}</Mono> },
    { id: "user", header: b.user, cell: (row) => <Mono>{row.user}</Mono> },
    { id: "tier", header: b.tier, cell: (row) => b.tiers[row.tier] },
    { id: "incident", header: b.incident, cell: (row) => <Mono>{row.incident}</Mono> },
    { id: "reason", header: b.reason, cell: (row) => <span className="line-clamp-2 max-w-[46ch]" title={row.review ? `${row.reason}\n${row.review.by}: ${row.review.text}` : row.reason}>{row.reason}{row.review ? <span className="block text-xs text-muted">{row.review.by}: {row.review.text}</span> : null}</span> },
    { id: "at", header: b.at, sort: "at", cell: (row) => <When at={row.at} /> },
    { id: "until", header: b.until, sort: "review_until", cell: (row) => (row.review ? <When at={row.review.at} /> : <When at={row.review_until} />) },
    { id: "state", header: b.review, width: "9rem", narrow: "aside", cell: (row) => <ReviewBadge used={row} /> },
    { id: "do", header: b.doReview, quiet: true, width: "7rem", cell: (row) => (row.review ? null : <Button size="sm" blocked={why(row)} aria-label={`${b.doReview}: ${row.user}, ${row.target}`} onClick={() => open("review", row.id)}>{b.doReview}</Button>) },
  ];
  return (
    <Page title={b.title} lead={b.lead}>
      <Filters><Choice name="live" label={b.review} options={[["", b.all], ["true", b.waits]]} /></Filters>
      <DataTable label={b.title} query={uses} columns={columns} rowKey={(row) => row.id} empty={<EmptyList icon={<Siren />} filtered={search.live === "true"} onClear={() => filter({ live: undefined })} title={b.none}>{b.noneBody}</EmptyList>} />
      <Pager next={uses.data?.next} total={uses.data?.total} />
      {blocked("vault:read", "/") ? null : <div className="mt-10"><Offline /></div>}
      {dialog === "review" && chosen ? <Review used={chosen} onClose={close} /> : null}
    </Page>
  );
}

function Review({ used, onClose }: { used: BreakGlassUse; onClose: () => void }) {
  const [justified, setJustified] = useKept("justified", true);
  const send = useMutation({
    meta: { inline: true },
    mutationFn: (text: string) => api.breakGlassReview(used.id, { justified, text }),
    onSuccess: () => {
      toast("ok", b.reviewed);
      onClose();
    },
  });
  return (
    <ReasonDialog title={b.reviewTitle(used.user, used.target)} about={b.reviewBody} label={b.found} hint={b.foundHint} needed danger={!justified} submit={b.reviewSubmit} busy={send.isPending} error={send.error} onSubmit={(text) => send.mutate(text)} onClose={onClose}>
      <blockquote className="mb-4 border-l-2 border-line-strong pl-3 text-sm text-ink">{used.reason}<span className="mt-0.5 block text-xs text-muted">{used.incident}</span></blockquote>
      <div className="mb-3"><CheckField label={b.wasJustified} checked={justified} onChange={(event) => setJustified(event.target.checked)} /></div>
    </ReasonDialog>
  );
}

/** The bundle for when Postern is dead: whether it is there, whole and true. */
function Offline() {
  const offline = useQuery(q.breakGlassOffline());
  const view = offline.data;
  if (!view) return null;
  return (
    <Section title={b.offline}>
      <div className="flex max-w-3xl flex-col gap-4">
        {view.problems.length > 0 ? <Notice tone="warn" title={b.notReady}><ul className="list-disc pl-5">{view.problems.map((problem) => <li key={problem}>{problem}</li>)}</ul></Notice> : <Notice tone="ok">{b.ready}</Notice>}
        {view.proposed ? <Proposed proposed={view.proposed} /> : null}
        {view.plan ? (
          <Panel>
            <dl>
              <Row label={b.holders}>{b.threshold(view.plan.threshold, view.plan.holders.length)}: {view.plan.holders.map((holder) => holder.name).join(", ")}</Row>
              <Row label={b.accounts}><Mono>{view.plan.accounts.join(", ")}</Mono></Row>
              {view.bundle ? <Row label={b.bundle}>{view.bundle.serial}, <When at={view.bundle.at} /><Mono className="mt-1 block text-xs text-muted [overflow-wrap:anywhere]">{view.bundle.digest}</Mono></Row> : null}
              <Row label={b.places}><ul>{view.places.map((place) => <li key={place.path}><Mono className="[overflow-wrap:anywhere]">{place.path}</Mono>{place.problem ? `: ${place.problem}` : ""}</li>)}</ul></Row>
            </dl>
          </Panel>
        ) : null}
      </div>
    </Section>
  );
}

function Row({ label, children }: { label: string; children: React.ReactNode }) {
  return (
    <div className="grid gap-x-6 gap-y-0.5 border-b px-4 py-2.5 last:border-b-0 sm:grid-cols-[11rem_minmax(0,1fr)]">
      <dt className="text-sm text-muted">{label}</dt>
      <dd className="min-w-0 text-sm">{children}</dd>
    </div>
  );
}

/** A plan that waits for the yes of somebody else. */
function Proposed({ proposed }: { proposed: NonNullable<OfflineView["proposed"]> }) {
  const who = useWho();
  const { blocked } = useCan();
  const own = proposed.author === who.user.name;
  const approve = useMutation({ mutationFn: () => api.offlinePlanApprove() });
  const refuse = useMutation({ mutationFn: () => api.offlinePlanRefuse() });
  const why = blocked("vault:manage", "/");
  return (
    <Notice tone="info" title={b.proposed(proposed.author)}>
      <p>{b.threshold(proposed.threshold, proposed.holders.length)}: {proposed.holders.map((holder) => holder.name).join(", ")}. <Mono>{proposed.accounts.join(", ")}</Mono></p>
      <ul className="my-2 text-xs">{proposed.holders.map((holder) => <li key={holder.name}><Mono className="[overflow-wrap:anywhere]">{`${holder.name} ${holder.key}`}</Mono></li>)}</ul>
      <span className="mt-2 flex gap-2">
        <Button size="sm" look="primary" blocked={own ? b.ownPlan : why} busy={approve.isPending} onClick={() => approve.mutate()}>{b.approvePlan}</Button>
        <Button size="sm" blocked={why} busy={refuse.isPending} onClick={() => refuse.mutate()}>{own ? b.takeBack : b.refusePlan}</Button>
      </span>
    </Notice>
  );
}
