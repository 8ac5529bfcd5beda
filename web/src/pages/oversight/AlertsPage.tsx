import { useQuery } from "@tanstack/react-query";
import { BellRing } from "lucide-react";

import type { Alert, Finding } from "../../api/nouns";
import { q } from "../../api/queries";
import { Mono } from "../../components/Copy";
import { SeverityBadge } from "../../components/states";
import { When } from "../../components/When";
import { useDialog, useFilter, useUrlState } from "../../hooks/useUrlState";
import { t } from "../../i18n";
import type { Column } from "../../table/DataTable";
import { DataTable, EmptyList } from "../../table/DataTable";
import { Choice, Filters, SearchBox } from "../../table/Filters";
import { Pager, sizeOf } from "../../table/Pager";
import { Badge } from "../../ui/Badge";
import { Page } from "../../ui/Page";
import { TabPanel, Tabs } from "../../ui/Tabs";
import { pb } from "../../util/path-builder";
import { AlertDrawer } from "./AlertDrawer";
import { DetectionRules } from "./DetectionRules";

const c = t.alerts;
const STATES = ["open", "assigned", "closed", "noted"] as const;

/** What detection found and what people make of it, and the rules that find it. */
export function AlertsPage() {
  const { search, set } = useUrlState();
  const { dialog, item, close } = useDialog();
  const tab = search.tab ?? "queue";
  return (
    <Page title={c.title} lead={tab === "rules" ? c.rulesLead : c.lead}>
      <Tabs label={c.title} value={tab} onChange={(value) => set({ tab: value === "queue" ? undefined : value, state: undefined, q: undefined })} items={[{ value: "queue", label: c.queue }, { value: "rules", label: c.rules }]}>
        <TabPanel value="queue"><div className="mt-4">{tab === "queue" ? <Queue /> : null}</div></TabPanel>
        <TabPanel value="rules"><div className="mt-4">{tab === "rules" ? <DetectionRules /> : null}</div></TabPanel>
      </Tabs>
      {dialog === "alert" && item ? <AlertDrawer key={item} id={item} onClose={close} /> : null}
    </Page>
  );
}

function State({ alert }: { alert: Alert }) {
  if (alert.state === "closed") {
    const verdict = alert.verdict as keyof typeof c.verdicts;
    return <Badge tone={verdict === "true" ? "bad" : "plain"} icon={verdict === "true" ? "alert" : "check"}>{c.outcomes[verdict]}</Badge>;
  }
  if (alert.state === "assigned") return <Badge tone="info" icon="clock">{alert.assignee}</Badge>;
  return <Badge tone={alert.state === "open" ? "warn" : "plain"} icon={alert.state === "open" ? "dot" : "minus"}>{c.states[alert.state as keyof typeof c.states]}</Badge>;
}

function Queue() {
  const { search, filter } = useFilter();
  const alerts = useQuery(q.alerts({ state: search.state, q: search.q, cursor: search.cursor, limit: sizeOf(search), sort: search.sort, count: true }));
  const columns: Column<Alert>[] = [
    { id: "title", header: c.found, narrow: "title", cell: (row) => <span className="font-medium">{row.title}</span> },
    { id: "severity", header: c.severity, sort: "severity", width: "7.5rem", narrow: "aside", cell: (row) => <SeverityBadge severity={row.severity as Finding["severity"]} /> },
    { id: "user", header: c.user, cell: (row) => (row.user ? <Mono>{row.user}</Mono> : null) },
    { id: "account", header: c.account, cell: (row) => (row.account ? <Mono>{row.account}</Mono> : null) },
    { id: "response", header: c.response, width: "9rem", cell: (row) => c.responses[row.response as keyof typeof c.responses] },
    { id: "times", header: c.times, width: "4rem", className: "text-right", narrow: "hide", cell: (row) => <span className="tabular-nums">{row.times.toLocaleString()}</span> },
    { id: "raised", header: c.raised, sort: "raised_at", width: "9rem", cell: (row) => <When at={row.raised_at} /> },
    { id: "state", header: c.state, width: "9rem", cell: (row) => <State alert={row} /> },
  ];
  return (
    <>
      <Filters>
        <SearchBox label={t.list.search} wide />
        <Choice name="state" label={c.state} options={[["", c.all], ...STATES.map((state): [string, string] => [state, c.filters[state]])]} />
      </Filters>
      <DataTable label={c.title} query={alerts} columns={columns} rowKey={(row) => row.id} rowTo={(row) => ({ to: pb.alerts(), search: { ...search, dialog: "alert", item: row.id } })} empty={<EmptyList icon={<BellRing />} filtered={Boolean(search.state ?? search.q)} onClear={() => filter({ state: undefined, q: undefined })} title={c.none}>{c.noneBody}</EmptyList>} />
      <Pager next={alerts.data?.next} total={alerts.data?.total} />
    </>
  );
}
