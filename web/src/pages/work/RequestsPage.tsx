import { useQuery } from "@tanstack/react-query";
import { FileClock, Inbox } from "lucide-react";

import type { Request, Risk, WeighedRequest } from "../../api/nouns";
import { q } from "../../api/queries";
import { Mono } from "../../components/Copy";
import { RequestBadge, RiskBadge, RiskSignals } from "../../components/states";
import { Ago, Left } from "../../components/When";
import { DecideButtons, DecideDialogs } from "../../forms/request-decide";
import { useDialog, useFilter } from "../../hooks/useUrlState";
import { useCan } from "../../hooks/useWho";
import { t } from "../../i18n";
import type { Column } from "../../table/DataTable";
import { DataTable, EmptyList } from "../../table/DataTable";
import { Choice, Filters, SearchBox, SelectFilter } from "../../table/Filters";
import { Pager, sizeOf } from "../../table/Pager";
import { Page } from "../../ui/Page";
import { Tooltip } from "../../ui/Tooltip";
import { pb } from "../../util/path-builder";
import { duration } from "../../util/time";
import { Statements } from "./Statements";
import { KeepTemplate, Templates } from "./Templates";

const STATES: Request["state"][] = ["pending", "granted", "denied", "expired", "withdrawn"];

/** The level, and where it comes from for whoever points at it or reaches it by keyboard. */
function Weighed({ risk }: { risk: Risk }) {
  return (
    <Tooltip text={<RiskSignals risk={risk} />}>
      <button type="button" className="relative z-10 rounded-md" aria-label={`${t.requests.risk}: ${t.requests.levels[risk.level]}. ${t.requests.riskWhy}`}><RiskBadge risk={risk} /></button>
    </Tooltip>
  );
}

export function RequestsPage() {
  const { search, filter } = useFilter();
  const { can } = useCan();
  const { dialog, item, open, close } = useDialog();
  const whose = search.whose ?? "waiting";
  const counts = useQuery(q.counts());
  const statements = counts.data?.statements ?? 0;
  const requests = useQuery({
    ...q.requests({ waiting: whose === "waiting" || undefined, mine: whose === "mine" || undefined, state: whose === "waiting" ? undefined : search.state, q: search.q, cursor: search.cursor, limit: sizeOf(search), sort: search.sort, count: true }),
    enabled: whose !== "statements" && whose !== "templates",
  });
  const chosen = requests.data?.items.find((request) => request.id === item);

  const columns: Column<WeighedRequest>[] = [
    { id: "account", header: t.requests.account, narrow: "title", cell: (row) => <Mono className="font-medium">{row.account}</Mono> },
    { id: "user", header: t.requests.user, cell: (row) => <Mono>{row.user}</Mono> },
    { id: "reason", header: t.requests.reason, cell: (row) => <span className="line-clamp-2 max-w-[52ch] text-pretty md:line-clamp-1" title={row.reason}>{row.reason || <span className="text-faint">{t.common.none}</span>}</span> },
    ...(whose === "mine" ? [] : [{ id: "risk", header: t.requests.risk, width: "7.5rem", cell: (row: WeighedRequest) => (row.risk ? <Weighed risk={row.risk} /> : null) }]),
    { id: "ticket", header: t.requests.ticket, cell: (row) => (row.ticket ? <Mono>{row.ticket}</Mono> : null) },
    { id: "duration", header: t.requests.duration, cell: (row) => <span className="whitespace-nowrap">{duration(row.duration_seconds)}</span> },
    { id: "created", header: t.requests.created, sort: "created_at", cell: (row) => <Ago at={row.created_at} /> },
    whose === "waiting"
      ? { id: "lapses", header: t.requests.lapses, sort: "expires_at", cell: (row) => <Left until={row.expires_at} /> }
      : { id: "state", header: t.requests.state, width: "7.5rem", narrow: "aside", cell: (row) => <RequestBadge state={row.state} /> },
    ...(whose === "waiting" ? [{ id: "decide", header: t.requests.decide, quiet: true, width: "11rem", cell: (row: WeighedRequest) => <DecideButtons request={row} onOpen={(name) => open(name, row.id)} size="sm" /> }] : []),
  ];

  const whom = (
    <Choice
      name="whose"
      label={t.requests.user}
      fallback="waiting"
      options={[
        ["waiting", t.requests.tabs.waiting],
        ["statements", <>{t.requests.tabs.statements}{statements > 0 ? <span className="rounded-sm bg-accent px-1 text-2xs font-semibold text-on-accent">{statements}</span> : null}</>],
        ["mine", t.requests.tabs.mine],
        ...(can("request:read") ? [["all", t.requests.tabs.all] satisfies [string, string]] : []),
        ["templates", t.requests.tabs.templates],
      ]}
    />
  );
  if (whose === "statements") return <Page title={t.requests.title} lead={t.statements.lead}><Filters>{whom}</Filters><Statements /></Page>;
  if (whose === "templates") return <Page title={t.requests.title} lead={t.templates.lead} actions={<KeepTemplate />}><Filters>{whom}</Filters><Templates /></Page>;
  return (
    <Page title={t.requests.title} lead={t.requests.lead}>
      <Filters>
        <SearchBox label={t.requests.search} />
        {whom}
        {whose === "waiting" ? null : <SelectFilter name="state" label={t.requests.state} options={STATES.map((state) => [state, t.requests.states[state]])} />}
      </Filters>
      <DataTable
        label={t.requests.title}
        query={requests}
        columns={columns}
        rowKey={(row) => row.id}
        rowTo={(row) => ({ to: pb.request(row.id) })}
        empty={
          whose === "waiting" ? (
            <EmptyList icon={<Inbox />} filtered={Boolean(search.q)} onClear={() => filter({ q: undefined })} title={t.requests.noneWaiting}>{t.requests.noneWaitingBody}</EmptyList>
          ) : (
            <EmptyList icon={<FileClock />} filtered={Boolean(search.state ?? search.q)} onClear={() => filter({ state: undefined, q: undefined })} title={whose === "mine" ? t.requests.noneMine : t.requests.none} />
          )
        }
      />
      <Pager next={requests.data?.next} total={requests.data?.total} />
      {chosen ? <DecideDialogs request={chosen} risk={chosen.risk} dialog={dialog} onClose={close} /> : null}
    </Page>
  );
}
