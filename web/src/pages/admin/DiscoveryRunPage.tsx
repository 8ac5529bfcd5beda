import { useMutation, useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { Radar } from "lucide-react";

import { api } from "../../api/client";
import type { DiscoveryView } from "../../api/nouns";
import { q } from "../../api/queries";
import { Mono } from "../../components/Copy";
import { Crumb } from "../../components/Crumb";
import { QueryError } from "../../components/QueryError";
import { ReasonDialog } from "../../components/ReasonDialog";
import { RunBadge } from "../../components/states";
import { Since, When } from "../../components/When";
import { useDialog } from "../../hooks/useUrlState";
import { useCan } from "../../hooks/useWho";
import { t } from "../../i18n";
import { toast } from "../../stores/toast";
import type { Column } from "../../table/DataTable";
import { DataTable, EmptyList } from "../../table/DataTable";
import { Badge } from "../../ui/Badge";
import { Button } from "../../ui/Button";
import { Skeleton } from "../../ui/feedback";
import { Page, Panel } from "../../ui/Page";
import { pb } from "../../util/path-builder";

const d = t.discovery;
const LOOK_MS = 2000;
type Target = DiscoveryView["assets"][number];

function TargetBadge({ state }: { state: Target["state"] }) {
  const text = d.targetStates[state];
  switch (state) {
    case "waiting": return <Badge tone="info" icon="wait">{text}</Badge>;
    case "done": return <Badge tone="ok" icon="check">{text}</Badge>;
    case "failed": return <Badge tone="bad" icon="x">{text}</Badge>;
    case "cancelled": return <Badge tone="plain" icon="ban">{text}</Badge>;
  }
}

const COLUMNS: Column<Target>[] = [
  { id: "asset", header: d.asset, narrow: "title", cell: (row) => <Mono className="font-medium">{row.asset}</Mono> },
  { id: "accounts", header: d.accounts, className: "text-right", cell: (row) => row.accounts?.toLocaleString() ?? null },
  { id: "gaps", header: d.gaps, cell: (row) => (row.failure ? <span className="text-bad [overflow-wrap:anywhere]">{row.failure}</span> : <span className="text-muted [overflow-wrap:anywhere]">{row.gaps.join("; ")}</span>) },
  { id: "took", header: d.took, className: "text-right", cell: (row) => (typeof row.millis === "number" ? <span className="whitespace-nowrap text-muted">{`${row.millis.toLocaleString()} ms`}</span> : null) },
  { id: "state", header: d.state, width: "7.5rem", narrow: "aside", cell: (row) => <TargetBadge state={row.state} /> },
];

/** One discovery and how it went with each asset. */
export function DiscoveryRunPage() {
  const { id = "" } = useParams({ strict: false });
  const { blocked } = useCan();
  const { dialog, open, close } = useDialog();
  const run = useQuery({ ...q.discovery(id), refetchInterval: (query) => (query.state.data?.state === "running" ? LOOK_MS : false) });
  const cancel = useMutation({ meta: { inline: true }, mutationFn: () => api.discoveryCancel(id), onSuccess: () => { toast("ok", d.cancelled); close(); } });
  const above = <Crumb to={pb.discovery()} text={d.title} />;
  const shown = run.data;
  if (run.isError && !shown) return <Page title={d.run} above={above}><Panel><QueryError error={run.error} onRetry={() => void run.refetch()} /></Panel></Page>;
  if (!shown) return <Page title={d.run} above={above}><Skeleton className="h-64 w-full" /></Page>;
  const listed = { ...run, data: { items: shown.assets } } as Parameters<typeof DataTable<Target>>[0]["query"];
  return (
    <Page
      name={d.run}
      above={above}
      title={<When at={shown.created_at} seconds />}
      lead={
        <span className="flex flex-wrap items-center gap-x-3 gap-y-1">
          <RunBadge state={shown.state} />
          <span>{d.by} {shown.requested_by === "schedule" ? d.schedule : <Mono>{shown.requested_by}</Mono>}</span>
          <span>{d.progress(shown.looked_at, shown.targets)} {d.targets.toLowerCase()}, {shown.accounts.toLocaleString()} {d.accounts.toLowerCase()}</span>
          <span><Since from={shown.created_at} until={shown.ended_at} /></span>
          {shown.state === "running" && shown.expected_at ? <span>{d.expected} <When at={shown.expected_at} seconds /></span> : null}
        </span>
      }
      actions={shown.state === "running" ? <Button look="danger" blocked={blocked("asset:write", shown.scope)} onClick={() => open("cancel")}>{d.cancel}</Button> : undefined}
    >
      <DataTable label={d.targets} query={listed} columns={COLUMNS} rowKey={(row) => row.asset} rowTo={(row) => ({ to: pb.asset(row.asset) })} empty={<EmptyList icon={<Radar />} filtered={false} onClear={() => undefined} title={d.none} />} />
      {dialog === "cancel" ? <ReasonDialog title={d.cancelTitle} about={d.cancelBody} submit={d.cancel} danger busy={cancel.isPending} error={cancel.error} onSubmit={() => cancel.mutate()} onClose={close} /> : null}
    </Page>
  );
}
