import { useMutation, useQuery } from "@tanstack/react-query";
import { Radar } from "lucide-react";
import { useState } from "react";

import { api } from "../../api/client";
import type { DiscoveryRun, Inventory } from "../../api/nouns";
import { q } from "../../api/queries";
import { Mono } from "../../components/Copy";
import { FormDialog, fieldError, names } from "../../components/FormDialog";
import { RunBadge } from "../../components/states";
import { Ago, Since, When } from "../../components/When";
import { useKept } from "../../hooks/useKept";
import { useDialog, useFilter, useUrlState } from "../../hooks/useUrlState";
import { useCan } from "../../hooks/useWho";
import { t } from "../../i18n";
import { toast } from "../../stores/toast";
import type { Column } from "../../table/DataTable";
import { DataTable, EmptyList } from "../../table/DataTable";
import { Filters, TextFilter } from "../../table/Filters";
import { Pager, sizeOf } from "../../table/Pager";
import { Badge } from "../../ui/Badge";
import { Button } from "../../ui/Button";
import { TextField } from "../../ui/Field";
import { Page } from "../../ui/Page";
import { TabPanel, Tabs } from "../../ui/Tabs";
import { pb } from "../../util/path-builder";

const d = t.discovery;
const LOOK_MS = 3000;

/** Looking for privileged accounts, and what has been seen. */
export function DiscoveryPage() {
  const { search, set } = useUrlState();
  const { blocked } = useCan();
  const { dialog, open, close } = useDialog();
  const tab = search.tab ?? "runs";
  return (
    <Page title={d.title} lead={d.lead} actions={<Button look="primary" blocked={blocked("asset:write")} icon={<Radar className="size-4" aria-hidden />} onClick={() => open("start")}>{d.start}</Button>}>
      <Tabs label={d.title} value={tab} onChange={(value) => set({ tab: value === "runs" ? undefined : value, cursor: undefined, page: undefined, sort: undefined, asset: undefined })} items={[{ value: "runs", label: d.runs }, { value: "inventory", label: d.inventory }]}>
        <TabPanel value="runs"><div className="mt-4">{tab === "runs" ? <Runs /> : null}</div></TabPanel>
        <TabPanel value="inventory"><div className="mt-4">{tab === "inventory" ? <Seen /> : null}</div></TabPanel>
      </Tabs>
      {dialog === "start" ? <Start onClose={close} /> : null}
    </Page>
  );
}

const RUNS: Column<DiscoveryRun>[] = [
  { id: "created", header: d.created, sort: "created_at", narrow: "title", cell: (row) => <When at={row.created_at} seconds /> },
  { id: "by", header: d.by, cell: (row) => (row.requested_by === "schedule" ? <span className="text-muted">{d.schedule}</span> : <Mono>{row.requested_by}</Mono>) },
  { id: "scope", header: d.scope, narrow: "hide", cell: (row) => <Mono className="text-muted">{row.scope}</Mono> },
  { id: "targets", header: d.targets, className: "text-right", cell: (row) => (row.state === "running" ? d.progress(row.looked_at, row.targets) : row.targets.toLocaleString()) },
  { id: "accounts", header: d.accounts, className: "text-right", cell: (row) => row.accounts.toLocaleString() },
  { id: "failed", header: d.failed, className: "text-right", cell: (row) => (row.failed > 0 ? <span className="text-bad">{row.failed.toLocaleString()}</span> : <span className="text-faint">0</span>) },
  { id: "took", header: d.took, cell: (row) => <Since from={row.created_at} until={row.ended_at} /> },
  { id: "state", header: d.state, width: "7.5rem", narrow: "aside", cell: (row) => <RunBadge state={row.state} /> },
];

function Runs() {
  const { search } = useUrlState();
  const runs = useQuery({ ...q.discoveries({ cursor: search.cursor, limit: sizeOf(search), sort: search.sort, count: true }), refetchInterval: (query) => (query.state.data?.items.some((run) => run.state === "running") ? LOOK_MS : false) });
  return (
    <>
      <DataTable label={d.runs} query={runs} columns={RUNS} rowKey={(row) => row.id} rowTo={(row) => ({ to: pb.discoveryRun(row.id) })} empty={<EmptyList icon={<Radar />} filtered={false} onClear={() => undefined} title={d.none}>{d.noneBody}</EmptyList>} />
      <Pager next={runs.data?.next} total={runs.data?.total} />
    </>
  );
}

function why(privilege: Inventory["seen"]["privileges"][number]): string {
  if ("rule" in privilege) return `sudo ${privilege.rule}`;
  if ("chain" in privilege) return privilege.chain.join(" → ");
  if (privilege.why === "uid_zero" || privilege.why === "superuser") return d.privilege[privilege.why];
  return Object.values(privilege).flat().filter((value) => typeof value === "string").join(" ");
}

const INVENTORY: Column<Inventory>[] = [
  { id: "account", header: d.name, sort: "account", narrow: "title", cell: (row) => <Mono className="font-medium">{`${row.seen.name}@${row.asset}`}</Mono> },
  { id: "use", header: d.use, cell: (row) => d.uses[row.seen.usage] },
  { id: "why", header: d.why, cell: (row) => (row.seen.privileges.length > 0 ? <span title={row.seen.privileges.map(why).join("\n")} className="line-clamp-2 max-w-[48ch] text-muted [overflow-wrap:anywhere]">{row.seen.privileges.map(why).join("; ")}</span> : <span className="text-faint">{t.common.none}</span>) },
  { id: "owner", header: d.owner, cell: (row) => (row.owner ? <Mono>{row.owner}</Mono> : row.seen.owner_hint ? <span className="text-muted">{row.seen.owner_hint}</span> : <span className="text-faint">{t.common.none}</span>) },
  { id: "signIn", header: d.signIn, cell: (row) => <Ago at={row.seen.last_sign_in_at} /> },
  { id: "seen", header: d.seen, sort: "seen_at", cell: (row) => <Ago at={row.seen_at} /> },
  { id: "managed", header: d.managed, width: "8.5rem", narrow: "aside", cell: (row) => (row.is_managed ? <Badge tone="ok" icon="check">{d.isManaged}</Badge> : row.seen.locked ? <Badge tone="plain" icon="ban">{d.locked}</Badge> : <Badge tone="warn" icon="alert">{d.notManaged}</Badge>) },
];

function Seen() {
  const { search, filter } = useFilter();
  const inventory = useQuery(q.inventory({ asset: search.asset, cursor: search.cursor, limit: sizeOf(search), sort: search.sort, count: true }));
  return (
    <>
      <Filters><TextFilter name="asset" label={d.asset} className="font-mono" /></Filters>
      <DataTable label={d.inventory} query={inventory} columns={INVENTORY} rowKey={(row) => `${row.seen.name}@${row.asset}`} empty={<EmptyList icon={<Radar />} filtered={Boolean(search.asset)} onClear={() => filter({ asset: undefined })} title={d.noneInventory} />} />
      <Pager next={inventory.data?.next} total={inventory.data?.total} />
    </>
  );
}

function labelsOf(text: string): Record<string, string> | undefined {
  const pairs = text.split(",").map((pair) => pair.trim()).filter(Boolean).map((pair) => pair.split("="));
  if (pairs.some(([name, value, ...more]) => !name || !value || more.length > 0)) return undefined;
  return Object.fromEntries(pairs.map(([name, value]) => [name?.trim() ?? "", value?.trim() ?? ""]));
}

function Start({ onClose }: { onClose: () => void }) {
  const [assets, setAssets] = useKept("assets", "");
  const [labels, setLabels] = useKept("labels", "");
  const [tried, setTried] = useState(false);
  const wanted = labelsOf(labels);
  const start = useMutation({
    meta: { inline: true },
    mutationFn: () => api.discoveryStart({ assets: names(assets), labels: wanted ?? {} }),
    onSuccess: () => {
      toast("ok", d.started);
      onClose();
    },
  });
  return (
    <FormDialog title={d.startTitle} about={d.startBody} submit={d.start} busy={start.isPending} error={start.error} fields={["assets", "labels"]} onSubmit={() => { setTried(true); if (wanted) start.mutate(); }} onClose={onClose}>
      <TextField label={d.assets} hint={d.assetsHint} mono optional={t.common.optional} value={assets} onChange={(event) => setAssets(event.target.value)} autoFocus spellCheck={false} error={fieldError(start.error, "assets")} />
      <TextField label={d.labels} hint={d.labelsHint} mono optional={t.common.optional} value={labels} onChange={(event) => setLabels(event.target.value)} spellCheck={false} error={tried && !wanted ? d.labelsBad : fieldError(start.error, "labels")} />
    </FormDialog>
  );
}
