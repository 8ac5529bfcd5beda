import { useMutation, useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { Ban, Download, MessageSquare, Pause, Play } from "lucide-react";
import { Suspense, lazy } from "react";

import { api, addresses } from "../../api/client";
import type { Session } from "../../api/nouns";
import { q } from "../../api/queries";
import { Mono } from "../../components/Copy";
import { Crumb } from "../../components/Crumb";
import { IntegrityBadge, IntegrityBody } from "../../components/IntegrityBadge";
import { QueryError } from "../../components/QueryError";
import { ReasonDialog } from "../../components/ReasonDialog";
import { RecordingFate } from "../../components/RecordingFate";
import { SessionBadge } from "../../components/states";
import { Left, Since, When } from "../../components/When";
import { useDialog, useUrlState } from "../../hooks/useUrlState";
import { useCan, useWho } from "../../hooks/useWho";
import { t } from "../../i18n";
import { toast } from "../../stores/toast";
import { Badge } from "../../ui/Badge";
import { Button } from "../../ui/Button";
import { Blank, Skeleton } from "../../ui/feedback";
import { Menu } from "../../ui/Menu";
import { Facts, Page, Panel, Section } from "../../ui/Page";
import { pb } from "../../util/path-builder";
import { bytes } from "../../util/time";

const Replay = lazy(() => import("../../player/Replay").then((module) => ({ default: module.Replay })));
const DatabaseSession = lazy(() => import("../../player/DatabaseSession").then((module) => ({ default: module.DatabaseSession })));
const LiveTerminal = lazy(() => import("../../player/LiveTerminal").then((module) => ({ default: module.LiveTerminal })));

export function SessionPage() {
  const { id = "" } = useParams({ strict: false });
  const session = useQuery(q.session(id));
  const above = <Crumb to={pb.sessions()} text={t.sessions.title} />;
  if (session.isError && !session.data) return <Page title={t.sessions.title} above={above}><Panel><QueryError error={session.error} onRetry={() => void session.refetch()} /></Panel></Page>;
  if (!session.data) return <Page title={t.sessions.title} above={above}><Skeleton className="h-[60vh] w-full" /></Page>;
  return <Shown session={session.data} />;
}

function save(url: string, name: string) {
  const anchor = document.createElement("a");
  anchor.href = url;
  anchor.download = name;
  anchor.click();
}

function Shown({ session }: { session: Session }) {
  const who = useWho();
  const { blocked } = useCan();
  const { search } = useUrlState();
  const { dialog, open, close } = useDialog();
  const own = session.user === who.user.name;
  const readBlocked = own ? undefined : blocked("recording:read", session.scope);
  const killBlocked = session.state === "ended" ? t.can.notLive : blocked("session:kill", session.scope);
  const over = session.state === "ended";
  const live = useQuery({ ...q.sessionLive(session.id), enabled: !over && !readBlocked });
  const pausedBy = over ? undefined : live.data?.paused_by;
  const resume = useMutation({ mutationFn: () => api.sessionResume(session.id), onSuccess: () => toast("ok", t.sessions.resumed) });
  const startAt = Math.max(0, Number(search.at ?? "0") || 0);

  return (
    <Page
      name={`${session.user} · ${session.account}`}
      above={<Crumb to={pb.sessions()} text={t.sessions.title} />}
      title={<><Mono className="!text-[1.125rem]">{session.user}</Mono><span className="font-normal text-muted"> → </span><Mono className="!text-[1.125rem]">{session.account}</Mono></>}
      lead={
        <span className="flex flex-wrap items-center gap-x-3 gap-y-1">
          <SessionBadge state={session.state} />
          {pausedBy ? <Badge tone="warn" icon="wait">{t.sessions.pausedBy(pausedBy)}</Badge> : null}
          {live.data?.guests.map((guest) => <Badge key={`${guest.user}${guest.control}`} tone={guest.control ? "warn" : "info"} icon={guest.control ? "alert" : "dot"}>{guest.control ? t.terminal.types(guest.user) : t.terminal.watches(guest.user)}</Badge>)}
          <span><When at={session.started_at} />, <Since from={session.started_at} until={session.ended_at} /></span>
          {session.end_reason ? <span>{t.sessions.reasons[session.end_reason]}</span> : <Left until={session.ends_by} />}
          {readBlocked || !over ? null : <IntegrityBadge session={session.id} />}
        </span>
      }
      actions={
        <>
          {over ? null : (
            <>
              {pausedBy ? (
                <Button blocked={killBlocked} icon={<Play className="size-4" aria-hidden />} busy={resume.isPending} onClick={() => resume.mutate()}>{t.sessions.resume}</Button>
              ) : (
                <Button blocked={killBlocked} icon={<Pause className="size-4" aria-hidden />} onClick={() => open("pause")}>{t.sessions.pause}</Button>
              )}
              <Button blocked={killBlocked} icon={<MessageSquare className="size-4" aria-hidden />} onClick={() => open("message")}>{t.sessions.message}</Button>
              <Button look="danger" blocked={killBlocked} icon={<Ban className="size-4" aria-hidden />} onClick={() => open("kill")}>{t.sessions.kill}</Button>
            </>
          )}
          <Menu
            trigger={<Button icon={<Download className="size-4" aria-hidden />}>{t.sessions.export}</Button>}
            items={(["asciicast", "text", "json"] as const).map((format) => ({
              label: t.sessions[format],
              blocked: readBlocked,
              onSelect: () => save(addresses.recording(session.id, format), `${session.id}.${{ asciicast: "cast", text: "txt", json: "ndjson" }[format]}`),
            }))}
          />
        </>
      }
    >
      {readBlocked ? (
        <Panel><Blank title={t.errors.forbidden}>{readBlocked}</Blank></Panel>
      ) : session.recording?.pruned_at ? (
        <Panel><Blank title={t.holds.gone}>{t.integrity.prunedBody} <When at={session.recording.pruned_at} /></Blank></Panel>
      ) : (
        <Suspense fallback={<Skeleton className="h-[min(62vh,44rem)] min-h-64 w-full" />}>
          {["postgresql", "mysql"].includes(session.protocol) ? <DatabaseSession session={session} startAt={startAt} /> : over ? <Replay session={session} startAt={startAt} /> : <LiveTerminal session={session} />}
        </Suspense>
      )}
      <Section title={t.requests.facts} className="mt-8">
        <Panel className="px-4 py-4">
          <Facts
            columns
            items={[
              [t.sessions.facts.user, <Mono key="u">{session.user}</Mono>],
              session.identity ? [t.users.identity, <Mono key="e">{session.identity}</Mono>] : null,
              [t.sessions.facts.account, <Mono key="a">{session.account}</Mono>],
              [t.sessions.facts.source, <Mono key="s">{session.source}</Mono>],
              [t.sessions.facts.protocol, session.protocol],
              [t.sessions.facts.started, <When key="st" at={session.started_at} seconds />],
              over ? [t.sessions.facts.ended, <When key="en" at={session.ended_at} seconds />] : [t.sessions.facts.endsBy, <When key="eb" at={session.ends_by} seconds />],
              [t.sessions.facts.grant, session.grant ? <Mono key="g">{session.grant}</Mono> : t.sessions.facts.standing],
              [t.sessions.facts.policy, <Mono key="p">{session.policy}</Mono>],
              [t.sessions.facts.scope, <Mono key="sc">{session.scope}</Mono>],
              [t.sessions.facts.size, session.recording ? bytes(session.recording.bytes) : t.common.none],
              over && !readBlocked ? [t.holds.keptUntil, <RecordingFate key="k" session={session.id} scope={session.scope} />] : null,
              [t.sessions.facts.id, <Mono key="i">{session.id}</Mono>],
              session.recording?.digest ? [t.sessions.facts.digest, <Mono key="d" className="!text-xs">{session.recording.digest}</Mono>] : null,
            ]}
          />
          {readBlocked || !over ? null : <p className="mt-4 border-t pt-3 text-sm text-muted"><IntegrityBody session={session.id} /> <Link to={pb.audit()} search={{ target: session.id }} className="text-accent underline underline-offset-2">{t.nav.audit}</Link></p>}
        </Panel>
      </Section>
      <Dialogs session={session} dialog={dialog} onClose={close} />
    </Page>
  );
}

function Dialogs({ session, dialog, onClose }: { session: Session; dialog: string | undefined; onClose: () => void }) {
  const done = (text: string) => {
    toast("ok", text);
    onClose();
  };
  const kill = useMutation({ meta: { inline: true }, mutationFn: (reason: string) => api.sessionKill(session.id, reason), onSuccess: () => done(t.sessions.killed) });
  const message = useMutation({ meta: { inline: true }, mutationFn: (text: string) => api.sessionMessage(session.id, text), onSuccess: () => done(t.sessions.sent) });
  const pause = useMutation({ meta: { inline: true }, mutationFn: (reason: string) => api.sessionPause(session.id, reason), onSuccess: () => done(t.sessions.paused) });
  if (dialog === "pause") return <ReasonDialog title={t.sessions.pauseTitle(session.user)} about={t.sessions.pauseBody} label={t.sessions.killReason} submit={t.sessions.pause} busy={pause.isPending} error={pause.error} onSubmit={(reason) => pause.mutate(reason)} onClose={onClose} />;
  if (dialog === "kill") return <ReasonDialog title={t.sessions.killTitle(session.user, session.account)} about={t.sessions.killBody} label={t.sessions.killReason} needed danger submit={t.sessions.kill} busy={kill.isPending} error={kill.error} onSubmit={(reason) => kill.mutate(reason)} onClose={onClose} />;
  if (dialog === "message") return <ReasonDialog title={t.sessions.messageTitle(session.user)} about={t.sessions.messageBody} label={t.sessions.messageText} needed submit={t.sessions.send} busy={message.isPending} error={message.error} onSubmit={(text) => message.mutate(text)} onClose={onClose} />;
  return null;
}
