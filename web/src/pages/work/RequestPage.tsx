import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { Check, X } from "lucide-react";
import type { ReactNode } from "react";

import type { Request, RequestContext } from "../../api/nouns";
import { q } from "../../api/queries";
import { Mono } from "../../components/Copy";
import { Crumb } from "../../components/Crumb";
import { QueryError } from "../../components/QueryError";
import { RequestComments } from "../../components/RequestComments";
import { RequestFiles } from "../../components/RequestFiles";
import { SessionRows } from "../../components/SessionList";
import { RequestBadge, RiskBadge, RiskSignals } from "../../components/states";
import { Ago, Left, When } from "../../components/When";
import { DecideButtons, DecideDialogs } from "../../forms/request-decide";
import { useDialog } from "../../hooks/useUrlState";
import { useCan } from "../../hooks/useWho";
import { t } from "../../i18n";
import { Notice, Skeleton } from "../../ui/feedback";
import { Facts, Page, Panel, Section } from "../../ui/Page";
import { pb } from "../../util/path-builder";
import { duration } from "../../util/time";

export function RequestPage() {
  const { id = "" } = useParams({ strict: false });
  const request = useQuery(q.request(id));
  const above = <Crumb to={pb.requests()} text={t.requests.title} />;
  if (request.isError) return <Page title={t.requests.detail} above={above}><Panel><QueryError error={request.error} onRetry={() => void request.refetch()} /></Panel></Page>;
  if (!request.data) return <Page title={t.requests.detail} above={above}><Skeleton className="h-64 w-full" /></Page>;
  return <Shown request={request.data} />;
}

/** What an approver should know besides what the request says. */
function Context({ request }: { request: Request }) {
  const context = useQuery(q.requestContext(request.id));
  const { data } = context;
  return (
    <>
      {data?.risk ? (
        <Section title={t.requests.risk} aside={<RiskBadge risk={data.risk} />}>
          <Notice tone={data.risk.level === "low" ? "info" : "warn"}><RiskSignals risk={data.risk} /></Notice>
        </Section>
      ) : null}
      <Section title={t.requests.recent(request.user)} aside={data ? <span className="text-xs text-muted">{t.requests.often(data.sessions_count)}</span> : null}>
        <SessionRows sessions={data?.sessions} error={context.error} onRetry={() => void context.refetch()} empty={t.requests.recentNone} />
      </Section>
      <Section title={t.requests.earlier}>
        <Panel>
          {data?.requests.length === 0 ? <p className="px-4 py-3 text-sm text-muted">{t.requests.earlierNone}</p> : null}
          <ul>
            {data?.requests.map((each) => (
              <li key={each.id} className="relative flex items-center gap-3 border-b px-4 py-2 text-sm last:border-b-0 hover:bg-hover">
                <Link to={pb.request(each.id)} className="min-w-0 flex-1 truncate after:absolute after:inset-0">{each.reason || each.id}</Link>
                <span className="text-xs text-muted"><Ago at={each.created_at} /></span>
                <RequestBadge state={each.state} />
              </li>
            ))}
          </ul>
        </Panel>
      </Section>
    </>
  );
}

/** What the request belongs to beyond its own window: other accounts, a grant, windows that come again. */
function wholeOf(request: Request): ([label: string, value: ReactNode] | null)[] {
  const { recurs, together = [] } = request;
  const days = (recurs?.hours.days ?? []).map((day) => t.policies.days[day]).join(", ") || t.policies.words.everyDay;
  return [
    together.length > 0 ? [t.requests.together, <ul key="w">{together.map((each) => <li key={each.request}><Link to={pb.request(each.request)} className="text-accent hover:underline"><Mono>{each.account}</Mono></Link></li>)}</ul>] : null,
    request.extends ? [t.requests.extends, <Mono key="x">{request.extends}</Mono>] : null,
    recurs ? [t.requests.recurs, t.requests.recursText(days, recurs.hours.from, recurs.hours.to, recurs.hours.zone ?? "UTC")] : null,
    recurs ? [t.requestForm.until, <When key="u" at={recurs.until} />] : null,
    request.next_window_at ? [t.requests.nextWindow, <When key="n" at={request.next_window_at} />] : null,
    request.recurs_ended ? [t.requests.recursEnded, request.recurs_ended] : null,
    request.series ? [t.requests.ofSeries, <Link key="s" to={pb.request(request.series)} className="text-accent hover:underline"><Mono>{request.series}</Mono></Link>] : null,
  ];
}

/** How many yeses each stage has, of how many; yeses fill the stages in their order. */
function Stages({ request }: { request: Request }) {
  const rule = request.approval;
  if (!rule) return null;
  const stages = [rule, ...(rule.next ?? [])];
  const yes = request.approvals.filter((answer) => answer.approved).length;
  const before = (index: number) => stages.slice(0, index).reduce((sum, stage) => sum + stage.count, 0);
  return (
    <ul>
      {stages.map((stage, index) => (
        <li key={index}>
          {stages.length > 1 ? t.requests.stage(index + 1, stages.length) : null}
          {t.requests.needs(Math.min(Math.max(yes - before(index), 0), stage.count), stage.count, (stage.groups ?? []).join(", "))}
        </li>
      ))}
    </ul>
  );
}

/** What was said because nobody answered. */
function Nudged({ request }: { request: Request }) {
  const notices = request.notices ?? [];
  if (notices.length === 0) return null;
  return (
    <Section title={t.requests.nudged}>
      <Panel>
        <ol aria-label={t.requests.nudged}>
          {notices.map((notice, index) => (
            <li key={index} className="border-b px-4 py-2 text-sm last:border-b-0">{notice.kind === "escalate" ? t.requests.escalated : t.requests.reminded} <span className="text-muted"><Ago at={notice.at} /></span></li>
          ))}
        </ol>
      </Panel>
    </Section>
  );
}

/** Some of those who may answer, the likeliest first. */
function Approvers({ approvers }: { approvers: RequestContext["approvers"] | undefined }) {
  if (!approvers) return null;
  return (
    <Section title={t.requests.approvers}>
      <Panel>
        {approvers.length === 0 ? <p className="px-4 py-3 text-sm text-muted">{t.requests.approversNone}</p> : null}
        <ul aria-label={t.requests.approvers}>
          {approvers.map((each) => (
            <li key={each.user} className="flex flex-wrap gap-x-3 border-b px-4 py-2 text-sm last:border-b-0">
              <Mono className="font-medium">{each.user}</Mono>
              {each.answered > 0 ? <span className="text-muted">{t.requests.answeredBefore(each.answered)}</span> : null}
              {each.away ? <span className="text-warn">{t.requests.isAway}</span> : null}
              {each.stand_in ? <span className="text-muted">{t.requests.standsIn(each.stand_in)}</span> : null}
            </li>
          ))}
        </ul>
      </Panel>
    </Section>
  );
}

/** A link for those who may read policies. */
function PolicyName({ name }: { name: string }) {
  const { can } = useCan();
  return can("policy:read") ? <Link to={pb.policy(name)} className="text-accent hover:underline"><Mono>{name}</Mono></Link> : <Mono>{name}</Mono>;
}

function Shown({ request }: { request: Request }) {
  const { dialog, open, close } = useDialog();
  const context = useQuery(q.requestContext(request.id));
  const rule = request.approval;
  return (
    <Page
      name={t.requests.detail}
      above={<Crumb to={pb.requests()} text={t.requests.title} />}
      title={<><Mono className="!text-[1.125rem]">{request.user}</Mono><span className="font-normal text-muted"> → </span><Mono className="!text-[1.125rem]">{request.account}</Mono></>}
      lead={<span className="flex flex-wrap items-center gap-x-3 gap-y-1"><RequestBadge state={request.state} /><span>{t.requests.requested} <Ago at={request.created_at} /></span>{request.state === "pending" ? <Left until={request.expires_at} /> : null}</span>}
      actions={request.state === "pending" || request.next_window_at ? <DecideButtons request={request} onOpen={(name) => open(name)} /> : null}
    >
      <div className="grid gap-8 lg:grid-cols-[minmax(0,1fr)_minmax(0,1fr)]">
        <div className="flex min-w-0 flex-col gap-8">
          {context.data?.break_glass && request.state === "pending" ? <Notice tone="warn" title={t.breakGlass.emergency}>{t.breakGlass.emergencyBody}{context.data.break_glass.passkey ? ` ${t.breakGlass.emergencyPasskey}` : ""}</Notice> : null}
          <Section title={t.requests.reason}>
            <p className="max-w-[65ch] text-lg text-pretty whitespace-pre-wrap [overflow-wrap:anywhere]">{request.reason || <span className="text-faint">{t.common.none}</span>}</p>
          </Section>
          <Section title={t.requests.facts}>
            <Panel className="px-4 py-4">
              <Facts
                items={[
                  request.identity ? [t.users.identity, <Mono key="e">{request.identity}</Mono>] : null,
                  [t.requests.ticket, request.ticket ? <Mono key="t">{request.ticket}</Mono> : <span key="t" className="text-faint">{t.common.none}</span>],
                  [t.requests.duration, duration(request.duration_seconds)],
                  ...wholeOf(request),
                  [t.requests.approvals, rule ? <Stages key="a" request={request} /> : t.requests.needsNone],
                  [t.requests.scope, <Mono key="s">{request.scope}</Mono>],
                  [t.requests.created, <When key="c" at={request.created_at} seconds />],
                  request.grant ? [t.requests.grant, <Link key="g" to={pb.grants()} search={{ whose: "all", q: request.grant }} className="text-accent hover:underline"><Mono>{request.grant}</Mono></Link>] : null,
                  [t.requests.policy, context.data?.policy ? <PolicyName key="p" name={context.data.policy} /> : <Mono key="p">{request.policy}</Mono>],
                  [t.requests.id, <Mono key="i">{request.id}</Mono>],
                ]}
              />
            </Panel>
          </Section>
        </div>
        <div className="flex min-w-0 flex-col gap-8">
          <Section title={t.requests.answers}>
            <Panel>
              {request.approvals.length === 0 ? <p className="px-4 py-3 text-sm text-muted">{t.requests.answersNone}</p> : (
                <ol>
                  {request.approvals.map((answer) => (
                    <li key={answer.user} className="flex gap-3 border-b px-4 py-3 text-sm last:border-b-0">
                      {answer.approved ? <Check className="mt-0.5 size-4 text-ok" aria-hidden /> : <X className="mt-0.5 size-4 text-bad" aria-hidden />}
                      <div className="min-w-0 flex-1">
                        <p><Mono className="font-medium">{answer.user}</Mono> {answer.approved ? t.requests.saidYes : t.requests.saidNo} {answer.in_place_of ? <>{t.requests.inPlaceOf} <Mono>{answer.in_place_of}</Mono> </> : null}<span className="text-muted"><Ago at={answer.at} /></span></p>
                        {answer.reason ? <p className="mt-0.5 text-muted">{answer.reason}</p> : null}
                      </div>
                    </li>
                  ))}
                </ol>
              )}
            </Panel>
          </Section>
          <Nudged request={request} />
          {request.state === "pending" ? <Approvers approvers={context.data?.approvers} /> : null}
          <RequestFiles request={request} />
          <RequestComments id={request.id} />
          <Context request={request} />
        </div>
      </div>
      <DecideDialogs request={request} risk={context.data?.risk} dialog={dialog} onClose={close} />
    </Page>
  );
}
