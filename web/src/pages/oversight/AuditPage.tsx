import { useQuery } from "@tanstack/react-query";
import { Download, ScrollText } from "lucide-react";

import { addresses } from "../../api/client";
import type { AuditItem } from "../../api/nouns";
import { q } from "../../api/queries";
import { Actor, OutcomeBadge } from "../../components/events";
import { Mono } from "../../components/Copy";
import { When } from "../../components/When";
import { useFilter, useUrlState } from "../../hooks/useUrlState";
import { t } from "../../i18n";
import type { Column } from "../../table/DataTable";
import { DataTable, EmptyList } from "../../table/DataTable";
import { Filters, SelectFilter, TextFilter, TimeFilter } from "../../table/Filters";
import { Pager, sizeOf } from "../../table/Pager";
import { buttonClass } from "../../ui/Press";
import { Page } from "../../ui/Page";
import { EventDrawer } from "./EventDrawer";

const a = t.audit;
const OUTCOMES = ["intent", "done", "failed", "refused", "unknown"] as const;

const COLUMNS: Column<AuditItem>[] = [
  { id: "action", header: a.action, narrow: "title", cell: (row) => <Mono className="font-medium">{row.event.action}</Mono> },
  { id: "target", header: a.target, cell: (row) => <Mono className="[overflow-wrap:anywhere]">{row.event.target}</Mono> },
  { id: "actor", header: a.actor, cell: (row) => <Actor actor={row.event.actor} /> },
  { id: "scope", header: a.scope, narrow: "hide", cell: (row) => <Mono className="text-muted">{row.event.scope}</Mono> },
  { id: "outcome", header: a.outcome, width: "7rem", narrow: "aside", cell: (row) => <OutcomeBadge outcome={row.event.outcome} /> },
  { id: "at", header: a.at, sort: "index", width: "12rem", cell: (row) => <span className="text-muted"><When at={row.event.at} seconds /></span> },
  { id: "index", header: a.index, width: "5.5rem", className: "text-right", narrow: "hide", cell: (row) => <span className="text-faint">{row.index.toLocaleString()}</span> },
];

export function AuditPage() {
  const { search, filter } = useFilter();
  const { set } = useUrlState();
  const { actor, action, target, outcome, from, until, cursor, item } = search;
  const events = useQuery(q.audit({ actor, action, target, outcome, from, until, cursor, limit: sizeOf(search), sort: search.sort, count: true }));
  const chosen = item !== undefined && /^\d+$/.test(item) ? Number(item) : undefined;
  return (
    <Page title={a.title} lead={a.lead} actions={<a href={addresses.audit({ actor, action, target, outcome, from, until })} download="postern-audit.ndjson" className={buttonClass()}><Download className="size-4" aria-hidden />{a.export}</a>}>
      <Filters>
        <TextFilter name="actor" label={a.filters.actor} />
        <TextFilter name="action" label={a.filters.action} className="font-mono" />
        <TextFilter name="target" label={a.filters.target} className="font-mono sm:w-56" />
        <SelectFilter name="outcome" label={a.filters.outcome} options={OUTCOMES.map((each) => [each, a.outcomes[each]])} />
        <TimeFilter name="from" label={a.filters.from} />
        <TimeFilter name="until" label={a.filters.until} />
      </Filters>
      <DataTable
        label={a.title}
        query={events}
        columns={COLUMNS}
        rowKey={(row) => String(row.index)}
        rowTo={(row) => ({ to: ".", search: { ...search, item: String(row.index) } })}
        skeletonRows={14}
        empty={<EmptyList icon={<ScrollText />} filtered={Boolean(actor ?? action ?? target ?? outcome ?? from ?? until)} onClear={() => filter({ actor: undefined, action: undefined, target: undefined, outcome: undefined, from: undefined, until: undefined })} title={a.none} />}
      />
      <Pager next={events.data?.next} total={events.data?.total} />
      {chosen === undefined ? null : <EventDrawer key={chosen} index={chosen} onClose={() => set({ item: undefined }, { replace: true })} />}
    </Page>
  );
}
