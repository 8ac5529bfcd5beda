import { useQuery } from "@tanstack/react-query";
import { SquareTerminal } from "lucide-react";

import type { Session } from "../../api/nouns";
import { q } from "../../api/queries";
import { Mono } from "../../components/Copy";
import { SessionBadge } from "../../components/states";
import { Since, When } from "../../components/When";
import { useFilter } from "../../hooks/useUrlState";
import { useCan } from "../../hooks/useWho";
import { t } from "../../i18n";
import type { Column } from "../../table/DataTable";
import { DataTable, EmptyList } from "../../table/DataTable";
import { Choice, Filters, TextFilter, TimeFilter } from "../../table/Filters";
import { Pager, sizeOf } from "../../table/Pager";
import { Page } from "../../ui/Page";
import { pb } from "../../util/path-builder";
import { bytes } from "../../util/time";

const COLUMNS: Column<Session>[] = [
  { id: "account", header: t.sessions.account, narrow: "title", cell: (row) => <Mono className="font-medium">{row.account}</Mono> },
  { id: "user", header: t.sessions.user, cell: (row) => <Mono>{row.user}</Mono> },
  { id: "source", header: t.sessions.source, cell: (row) => <Mono className="text-muted">{row.source}</Mono> },
  { id: "started", header: t.sessions.started, sort: "started_at", cell: (row) => <When at={row.started_at} /> },
  { id: "lasted", header: t.sessions.lasted, cell: (row) => <Since from={row.started_at} until={row.ended_at} /> },
  { id: "end", header: t.sessions.end, cell: (row) => (row.end_reason ? <span className="text-muted">{t.sessions.reasons[row.end_reason]}</span> : null) },
  { id: "recording", header: t.sessions.recording, narrow: "hide", className: "text-right", cell: (row) => (row.recording ? <span className="text-muted">{bytes(row.recording.bytes)}</span> : null) },
  { id: "state", header: t.sessions.state, width: "7rem", narrow: "aside", cell: (row) => <SessionBadge state={row.state} /> },
];

// The server wants the whole of it; while it is being typed nothing is asked for.
const ACCOUNT = /^[^@\s]+@[a-zA-Z0-9][\w.-]*$/;

export function SessionsPage() {
  const { search, filter } = useFilter();
  const { can } = useCan();
  const sessions = useQuery(
    q.sessions({ live: search.live, user: search.user, account: ACCOUNT.test(search.account ?? "") ? search.account : undefined, from: search.from, until: search.until, cursor: search.cursor, limit: sizeOf(search), sort: search.sort, count: true }),
  );
  const filtered = Boolean(search.user ?? search.account ?? search.from ?? search.until);
  return (
    <Page title={t.sessions.title} lead={t.sessions.lead}>
      <Filters>
        <Choice name="live" label={t.sessions.state} options={[["", t.sessions.all], ["true", t.sessions.live]]} />
        {can("session:read") ? <TextFilter name="user" label={t.sessions.filters.user} /> : null}
        <TextFilter name="account" label={t.sessions.filters.account} className="font-mono" />
        <TimeFilter name="from" label={t.sessions.filters.from} />
        <TimeFilter name="until" label={t.sessions.filters.until} />
      </Filters>
      <DataTable
        label={t.sessions.title}
        query={sessions}
        columns={COLUMNS}
        rowKey={(row) => row.id}
        rowTo={(row) => ({ to: pb.session(row.id) })}
        empty={
          <EmptyList icon={<SquareTerminal />} filtered={filtered} onClear={() => filter({ user: undefined, account: undefined, from: undefined, until: undefined })} title={search.live === "true" ? t.sessions.noneLive : t.sessions.none}>
            {t.sessions.noneBody}
          </EmptyList>
        }
      />
      <Pager next={sessions.data?.next} total={sessions.data?.total} />
    </Page>
  );
}
