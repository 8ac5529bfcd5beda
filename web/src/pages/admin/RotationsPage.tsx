import { useQuery } from "@tanstack/react-query";
import { RefreshCcwDot } from "lucide-react";

import type { Rotation } from "../../api/nouns";
import { q } from "../../api/queries";
import { Mono } from "../../components/Copy";
import { RotationBadge } from "../../components/states";
import { Ago, When } from "../../components/When";
import { useFilter } from "../../hooks/useUrlState";
import { t } from "../../i18n";
import type { Column } from "../../table/DataTable";
import { DataTable, EmptyList } from "../../table/DataTable";
import { Filters, SelectFilter, TextFilter } from "../../table/Filters";
import { Pager, sizeOf } from "../../table/Pager";
import { Page } from "../../ui/Page";

const r = t.rotations;
const STATES = ["broken", "refused", "planned", "candidate_sealed", "applying", "applied", "probe", "reconcile", "verified", "current", "cancelled", "superseded"] as const satisfies Rotation["state"][];

const COLUMNS: Column<Rotation>[] = [
  { id: "account", header: r.account, narrow: "title", cell: (row) => <Mono className="font-medium">{row.account}</Mono> },
  { id: "trigger", header: r.trigger, cell: (row) => r.triggers[row.trigger] },
  { id: "created", header: r.created, sort: "created_at", cell: (row) => <When at={row.created_at} /> },
  { id: "ended", header: r.ended, sort: "ended_at", cell: (row) => (row.ended_at ? <Ago at={row.ended_at} /> : row.next_at ? <span className="text-muted">{r.next} <When at={row.next_at} /></span> : null) },
  { id: "attempts", header: r.attempts, narrow: "hide", className: "text-right", cell: (row) => row.attempts.toLocaleString() },
  { id: "note", header: r.note, cell: (row) => (row.note ? <span className="text-muted [overflow-wrap:anywhere]">{row.note}</span> : null) },
  { id: "state", header: r.state, width: "9.5rem", narrow: "aside", cell: (row) => <RotationBadge state={row.state} /> },
];

export function RotationsPage() {
  const { search, filter } = useFilter();
  const rotations = useQuery(q.rotations({ account: search.account, state: search.state, cursor: search.cursor, limit: sizeOf(search), sort: search.sort, count: true }));
  return (
    <Page title={r.title} lead={r.lead}>
      <Filters>
        <TextFilter name="account" label={r.account} className="font-mono" />
        <SelectFilter name="state" label={r.state} options={STATES.map((state) => [state, r.states[state]])} />
      </Filters>
      <DataTable label={r.title} query={rotations} columns={COLUMNS} rowKey={(row) => row.id} empty={<EmptyList icon={<RefreshCcwDot />} filtered={Boolean(search.account ?? search.state)} onClear={() => filter({ account: undefined, state: undefined })} title={r.none}>{r.noneBody}</EmptyList>} />
      <Pager next={rotations.data?.next} total={rotations.data?.total} />
    </Page>
  );
}
