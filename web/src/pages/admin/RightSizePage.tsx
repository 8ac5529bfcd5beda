import { useQuery } from "@tanstack/react-query";
import { Scissors } from "lucide-react";

import type { PolicyRightSize } from "../../api/nouns";
import { q } from "../../api/queries";
import { Mono } from "../../components/Copy";
import { useStanding } from "../../components/History";
import { t } from "../../i18n";
import type { Column } from "../../table/DataTable";
import { DataTable, EmptyList } from "../../table/DataTable";
import { Badge } from "../../ui/Badge";
import { Chart } from "../../ui/Chart";
import { Page } from "../../ui/Page";
import { pb } from "../../util/path-builder";

const r = t.rightSize;

function Verdict({ row }: { row: PolicyRightSize }) {
  if (row.unused) return <Badge tone="bad" icon="x">{r.verdicts.remove}</Badge>;
  return row.proposed ? <Badge tone="warn" icon="minus">{r.verdicts.narrower}</Badge> : <Badge tone="ok" icon="check">{r.verdicts.fits}</Badge>;
}

function unusedOf(row: PolicyRightSize): string {
  return [...row.unused_users, ...row.unused_groups, ...(row.unused_workloads ?? []), ...(row.unused_attributes ? [t.users.attributes] : []), ...(row.unused_capabilities ?? []).map((each) => t.capabilities[each])].join(", ");
}

const COLUMNS: Column<PolicyRightSize>[] = [
  { id: "policy", header: r.policy, narrow: "title", cell: (row) => <Mono className="font-medium">{row.policy}</Mono> },
  { id: "access", header: r.access, cell: (row) => (row.access === "standing" ? t.policies.standing : t.policies.request) },
  { id: "uses", header: r.uses, cell: (row) => <span className="tabular-nums">{row.uses.toLocaleString()}</span> },
  { id: "people", header: r.people, cell: (row) => r.of(row.people_used, row.people) },
  { id: "accounts", header: r.accounts, cell: (row) => r.of(row.accounts_used, row.accounts) },
  { id: "unused", header: r.unused, narrow: "hide", cell: (row) => <span className="line-clamp-1 max-w-[40ch] text-muted" title={unusedOf(row)}>{unusedOf(row)}</span> },
  { id: "verdict", header: r.verdict, width: "10rem", narrow: "aside", cell: (row) => <Verdict row={row} /> },
];

/** What policies give, what was used of it, and how many standing privileges are left. */
export function RightSizePage() {
  const sizes = useQuery(q.rightSizes());
  const history = useQuery(q.history());
  const standing = useStanding(history.data?.days);
  return (
    <Page title={r.title} lead={r.lead}>
      {standing ? (
        <div className="mb-5 max-w-2xl">
          <Chart title={t.history.standing} summary={t.history.standingNow(standing.now, standing.before, standing.policies)} days={standing.names} series={standing.series} kind="lines" />
        </div>
      ) : null}
      <DataTable label={r.title} query={sizes} columns={COLUMNS} rowKey={(row) => row.policy} rowTo={(row) => ({ to: pb.policy(row.policy), search: { tab: "use" } })} empty={<EmptyList icon={<Scissors />} filtered={false} onClear={() => {}} title={r.none} />} />
    </Page>
  );
}
