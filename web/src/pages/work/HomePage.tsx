import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Inbox, KeyRound, SquareTerminal } from "lucide-react";
import type { ReactNode } from "react";

import { q } from "../../api/queries";
import type { Access, Request, Session } from "../../api/nouns";
import { AccessAction } from "../../components/AccessAction";
import { Mono } from "../../components/Copy";
import { DemandLine } from "../../components/Demands";
import { Estate } from "../../components/Estate";
import { History } from "../../components/History";
import { QueryError } from "../../components/QueryError";
import { RequestBadge } from "../../components/states";
import { Ago, Left, Since } from "../../components/When";
import { useDialog } from "../../hooks/useUrlState";
import { useWho } from "../../hooks/useWho";
import { t } from "../../i18n";
import { Badge } from "../../ui/Badge";
import { buttonClass } from "../../ui/Press";
import { Blank, Notice, Skeleton } from "../../ui/feedback";
import { Page, Panel, Section } from "../../ui/Page";
import { pb } from "../../util/path-builder";
import { duration } from "../../util/time";
import { AccessDialogs } from "./AccessPage";

const SHOWN = 6;

export function HomePage() {
  const who = useWho();
  const { dialog, item, open, close } = useDialog();
  const home = useQuery(q.home());
  const listed = <T,>(rows: T[] | undefined) => ({ ...home, data: rows && { items: rows.slice(0, SHOWN) } });
  const { data } = home;
  const [ready, askable, waiting, mine, live] = [listed(data?.ready), listed(data?.askable), listed(data?.waiting), listed(data?.mine), listed(data?.live)];
  const keys = useQuery(q.sshKeys({ limit: 1 }));

  return (
    <Page title={t.home.title(who.user.name)} name={t.nav.home} lead={t.home.lead}>
      {home.data?.estate ? <Estate estate={home.data.estate} /> : null}
      {home.data?.estate ? <div className="mb-8"><History /></div> : null}
      {keys.data?.items.length === 0 ? (
        <div className="mb-6">
          <Notice tone="info" title={t.home.noKey}>
            {t.home.noKeyBody} <Link to={pb.profile()} search={{ dialog: "add-key" }} className="font-medium text-accent underline underline-offset-2">{t.home.addKey}</Link>
          </Notice>
        </div>
      ) : null}
      <div className="grid gap-x-8 gap-y-8 xl:grid-cols-[minmax(0,1.35fr)_minmax(0,1fr)]">
        <div className="flex min-w-0 flex-col gap-8">
          <Section title={t.home.reach} aside={<More to={pb.access()} text={t.home.askAll} />}>
            <Listing query={ready} empty={<Blank compact icon={<KeyRound />} title={t.home.reachNone} actions={<Link to={pb.access()} className={buttonClass("secondary", "sm")}>{t.home.askFor}</Link>}>{t.home.reachNoneBody}</Blank>}>
              {(row: Access) => (
                <li key={row.account} className="grid items-center gap-x-4 gap-y-1.5 grid-cols-[minmax(0,1fr)] border-b px-4 py-2.5 last:border-b-0 md:grid-cols-[minmax(0,1fr)_6.5rem_minmax(0,2fr)]">
                  <Mono className="font-medium [overflow-wrap:anywhere]">{row.account}</Mono>
                  <span className="text-sm text-muted">{row.ends_at ? <Left until={row.ends_at} /> : t.home.standing}</span>
                  <AccessAction access={row} onOpen={open} />
                </li>
              )}
            </Listing>
          </Section>
          <Section title={t.home.ask} aside={<More to={pb.access()} text={t.home.seeAll} />}>
            <Listing query={askable} empty={<Blank compact title={t.access.none}>{t.access.noneBody}</Blank>}>
              {(row: Access) => (
                <li key={row.account} className="flex flex-wrap items-center gap-x-4 gap-y-1 border-b px-4 py-2 last:border-b-0">
                  <Mono className="min-w-40 flex-1 font-medium [overflow-wrap:anywhere]">{row.account}</Mono>
                  <span className="min-w-0 flex-[2_1_14rem] overflow-hidden text-sm"><DemandLine demands={row.demands} /></span>
                  <AccessAction access={row} onOpen={open} />
                </li>
              )}
            </Listing>
          </Section>
        </div>
        <div className="flex min-w-0 flex-col gap-8">
          <Section title={t.home.waiting} aside={<More to={pb.requests()} text={t.home.seeAll} />}>
            <Listing query={waiting} empty={<Blank compact icon={<Inbox />} title={t.home.waitingNone} />}>{(row: Request) => <RequestRow key={row.id} request={row} />}</Listing>
            {data && data.counts.statements > 0 ? <p className="mt-2 text-sm"><Link to={pb.requests()} search={{ whose: "statements" }} className="font-medium text-accent hover:underline">{t.home.statements(data.counts.statements)}</Link></p> : null}
          </Section>
          {mine.data && mine.data.items.length > 0 ? (
            <Section title={t.home.mine}>
              <Listing query={mine} empty={null}>{(row: Request) => <RequestRow key={row.id} request={row} own />}</Listing>
            </Section>
          ) : null}
          <Section title={t.home.live} aside={<More to={pb.sessions()} text={t.home.seeAll} />}>
            <Listing query={live} empty={<Blank compact icon={<SquareTerminal />} title={t.home.liveNone} />}>
              {(row: Session) => (
                <li key={row.id} className="relative flex items-center gap-3 border-b px-4 py-2.5 text-sm last:border-b-0 hover:bg-hover">
                  <Badge tone="live">{t.sessions.states[row.state]}</Badge>
                  <Link to={pb.session(row.id)} className="min-w-0 flex-1 truncate after:absolute after:inset-0"><Mono className="font-medium">{row.account}</Mono></Link>
                  <span className="truncate font-mono text-xs text-muted">{row.user}</span>
                  <span className="text-muted"><Since from={row.started_at} /></span>
                </li>
              )}
            </Listing>
          </Section>
        </div>
      </div>
      <AccessDialogs dialog={dialog} account={item} onClose={close} />
    </Page>
  );
}

function More({ to, text }: { to: string; text: string }) {
  return <Link to={to} className="text-xs text-accent hover:underline">{text}</Link>;
}

function RequestRow({ request, own = false }: { request: Request; own?: boolean }) {
  return (
    <li className="relative border-b px-4 py-2.5 text-sm last:border-b-0 hover:bg-hover">
      <div className="flex items-baseline justify-between gap-3">
        <Link to={pb.request(request.id)} className="min-w-0 truncate after:absolute after:inset-0">
          {own ? null : <><Mono className="font-medium">{request.user}</Mono><span className="text-muted"> → </span></>}
          <Mono className="font-medium">{request.account}</Mono>
        </Link>
        <span className="shrink-0 text-xs text-muted"><Ago at={request.created_at} /></span>
      </div>
      <div className="mt-0.5 flex items-baseline gap-3">
        <p className="min-w-0 flex-1 truncate text-muted">{request.reason}</p>
        {own ? <RequestBadge state={request.state} /> : <span className="shrink-0 text-xs text-muted">{duration(request.duration_seconds)}</span>}
      </div>
    </li>
  );
}

interface Listed<T> {
  data?: { items: T[] } | undefined;
  isError: boolean;
  error: unknown;
  refetch: () => unknown;
}

function Listing<T>({ query, empty, children }: { query: Listed<T>; empty: ReactNode; children: (row: T) => ReactNode }) {
  return (
    <Panel>
      {query.isError && !query.data ? (
        <QueryError error={query.error} onRetry={() => query.refetch()} />
      ) : query.data ? (
        query.data.items.length === 0 ? empty : <ul>{query.data.items.map(children)}</ul>
      ) : (
        [0, 1, 2].map((row) => <div key={row} className="border-b px-4 py-3 last:border-b-0"><Skeleton className="w-2/3" /></div>)
      )}
    </Panel>
  );
}
