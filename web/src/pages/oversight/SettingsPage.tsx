import { useMutation, useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";

import { api } from "../../api/client";
import { asApiError } from "../../api/errors";
import type { SettingsView } from "../../api/nouns";
import { q } from "../../api/queries";
import { CopyButton, Mono } from "../../components/Copy";
import { QueryError } from "../../components/QueryError";
import { When } from "../../components/When";
import { useCan } from "../../hooks/useWho";
import { t } from "../../i18n";
import { toast } from "../../stores/toast";
import { Badge } from "../../ui/Badge";
import { Button } from "../../ui/Button";
import { Notice, Skeleton } from "../../ui/feedback";
import { Page, Panel, Section } from "../../ui/Page";
import { duration } from "../../util/time";

const s = t.settings;

interface Row {
  label: string;
  /** What can be copied is in the machine's type. */
  value?: string | null | undefined;
  shown?: ReactNode;
  /** The key in the configuration file; none where it cannot be changed. */
  place?: string;
  note?: string;
}

function rows(known: SettingsView): [string, Row[]][] {
  return [
    [s.console, [
      { label: s.publicUrl, value: known.public_url, place: "[https] public_url" },
      { label: s.authority, shown: known.own_authority ? s.authorityOwn : s.authorityGiven, place: "[https] certificate, key" },
      { label: s.passkeyParty, value: known.passkey_party, shown: s.noParty, place: "[https] public_url" },
    ]],
    [s.gateways, [
      { label: "SSH", value: known.ssh_address, shown: s.off, place: "[ssh] listen, public_address, off" },
      { label: "PostgreSQL", value: known.postgresql_address, shown: s.off, place: "[postgresql] listen, public_address" },
      { label: "MySQL", value: known.mysql_address, shown: s.off, place: "[mysql] listen, public_address" },
      { label: "Redis", value: known.redis_address, shown: s.off, place: "[redis] listen, public_address" },
      { label: s.sources, value: known.ssh_sources.join(", "), shown: s.sourcesAny, place: "[ssh] source_addresses" },
    ]],
    [s.limits, [
      { label: s.loginLasts, shown: duration(known.login_seconds), note: s.loginNote },
      { label: s.consoleIdle, shown: duration(known.console_idle_seconds) },
      { label: s.requestWait, shown: duration(known.request_wait_seconds) },
      { label: s.requestAhead, shown: duration(known.request_ahead_seconds) },
    ]],
  ];
}

/** How the server is set, and where each of it is changed: nothing here pretends that it could be changed on the page. */
export function SettingsPage() {
  const settings = useQuery(q.settings());
  const known = settings.data;
  return (
    <Page title={s.title} lead={s.lead}>
      {settings.isError ? <Panel><QueryError error={settings.error} onRetry={() => void settings.refetch()} /></Panel> : null}
      {settings.isPending ? <Skeleton className="h-64 w-full max-w-3xl" /> : null}
      {known ? (
        <div className="flex max-w-3xl flex-col gap-8">
          <Notice tone="info">{s.where}</Notice>
          {rows(known).map(([title, each]) => (
            <Section key={title} title={title}>
              <Panel>
                <dl>
                  {each.map((row) => <Setting key={row.label} {...row} />)}
                </dl>
              </Panel>
            </Section>
          ))}
          <Channels />
          <Witnesses />
          <ArchiveRow />
          <p className="text-sm text-muted">{s.rest}</p>
        </div>
      ) : null}
    </Page>
  );
}

/** Ways out for events, and how far each has come. */
function Channels() {
  const channels = useQuery(q.channels());
  const { blocked } = useCan();
  const test = useMutation({ mutationFn: (name: string) => api.channelTest(name), onSuccess: () => toast("ok", s.channelTested) });
  const each = channels.data?.channels ?? [];
  return (
    <Section title={s.channels}>
      <Panel>
        {each.length === 0 ? <p className="px-4 py-3 text-sm text-muted">{s.noChannels}</p> : null}
        {each.map((channel) => (
          <div key={channel.name} className="grid items-center gap-x-6 gap-y-1 border-b px-4 py-2.5 last:border-b-0 sm:grid-cols-[11rem_minmax(0,1fr)_auto]">
            <Mono className="text-sm font-medium">{channel.name}</Mono>
            <span className="min-w-0 text-sm">
              {channel.failed_at ? <Badge tone="bad" icon="x">{s.channelFails}</Badge> : <Badge tone="ok" icon="check">{s.channelWorks}</Badge>} {channel.kind}, {s.carries[channel.carries] ?? channel.carries}, {s.behind(channel.behind)}
              {channel.failed_at ? <span className="mt-0.5 block text-xs text-muted [overflow-wrap:anywhere]">{channel.failure}</span> : channel.delivered_at ? <span className="block text-xs text-muted">{s.delivered} <When at={channel.delivered_at} /></span> : null}
            </span>
            <Button size="sm" blocked={blocked("channel:write", "/")} busy={test.isPending} aria-label={`${s.channelTest}: ${channel.name}`} onClick={() => test.mutate(channel.name)}>{s.channelTest}</Button>
          </div>
        ))}
      </Panel>
    </Section>
  );
}

/** Who else sees the ledger, and how much of it. */
function Witnesses() {
  const witnesses = useQuery(q.witnesses()).data?.witnesses ?? [];
  return (
    <Section title={s.witnesses}>
      <Panel>
        {witnesses.length === 0 ? <p className="px-4 py-3 text-sm text-muted">{s.noWitnesses}</p> : null}
        {witnesses.map((witness) => (
          <div key={witness.name} className="grid items-center gap-x-6 gap-y-1 border-b px-4 py-2.5 last:border-b-0 sm:grid-cols-[11rem_minmax(0,1fr)]">
            <Mono className="text-sm font-medium [overflow-wrap:anywhere]">{witness.name}</Mono>
            <span className="min-w-0 text-sm">
              {witness.failed_at ? <Badge tone="bad" icon="x">{s.witnessFails}</Badge> : witness.size ? <Badge tone="ok" icon="check">{s.witnessSees}</Badge> : s.witnessWaits}{" "}
              {witness.size ? s.saw(witness.size) : null}
              {witness.failed_at ? <span className="mt-0.5 block text-xs text-muted [overflow-wrap:anywhere]">{witness.failure}</span> : witness.seen_at ? <span className="block text-xs text-muted">{s.delivered} <When at={witness.seen_at} /></span> : null}
            </span>
          </div>
        ))}
      </Panel>
    </Section>
  );
}

/** Where ledger and recordings are written so that nobody can change them, and how far that is. */
function ArchiveRow() {
  const archive = useQuery(q.archive());
  const shown = archive.data;
  const none = archive.error && asApiError(archive.error).status === 404;
  return (
    <Section title={s.archive}>
      <Panel>
        {none ? <p className="px-4 py-3 text-sm text-muted">{s.noArchive}</p> : archive.isError && !shown ? <QueryError error={archive.error} onRetry={() => void archive.refetch()} /> : null}
        {shown ? (
          <div className="grid items-center gap-x-6 gap-y-1 px-4 py-2.5 sm:grid-cols-[11rem_minmax(0,1fr)]">
            <Mono className="text-sm font-medium [overflow-wrap:anywhere]">{shown.bucket}</Mono>
            <span className="min-w-0 text-sm">
              {shown.failed_at ? <Badge tone="bad" icon="x">{s.archiveFails}</Badge> : <Badge tone="ok" icon="check">{s.archiveWorks}</Badge>} {s.archived(shown.archived, shown.behind)}, {s.archiveKeeps(duration(shown.keep_seconds))}{shown.held ? `, ${s.archiveHeld(shown.held)}` : ""}
              <Mono className="mt-0.5 block text-xs text-muted [overflow-wrap:anywhere]">{shown.url}</Mono>
              {shown.failed_at ? <span className="block text-xs text-muted [overflow-wrap:anywhere]">{shown.failure}</span> : shown.archived_at ? <span className="block text-xs text-muted">{s.delivered} <When at={shown.archived_at} /></span> : null}
            </span>
          </div>
        ) : null}
      </Panel>
    </Section>
  );
}

function Setting({ label, value, shown, place, note }: Row) {
  return (
    <div className="grid gap-x-6 gap-y-0.5 border-b px-4 py-2.5 last:border-b-0 sm:grid-cols-[11rem_minmax(0,1fr)]">
      <dt className="text-sm text-muted">{label}</dt>
      <dd className="min-w-0 text-sm">
        <span className="flex min-h-7 items-center gap-1">
          {value ? <><Mono className="min-w-0 [overflow-wrap:anywhere]">{value}</Mono><CopyButton text={value} label={s.copy(label)} /></> : shown}
        </span>
        <span className="block text-xs text-muted">{place ? <>{s.changed} <code className="font-mono">{place}</code></> : note ?? s.fixed}</span>
      </dd>
    </div>
  );
}
