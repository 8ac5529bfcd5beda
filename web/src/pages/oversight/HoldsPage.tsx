import { useMutation, useQuery } from "@tanstack/react-query";
import { Archive, Plus } from "lucide-react";

import { api } from "../../api/client";
import type { Hold, RetentionView } from "../../api/nouns";
import { q } from "../../api/queries";
import { Mono } from "../../components/Copy";
import { QueryError } from "../../components/QueryError";
import { ReasonDialog } from "../../components/ReasonDialog";
import { Ago, When } from "../../components/When";
import { HoldPlace } from "../../forms/hold-place";
import { useDialog } from "../../hooks/useUrlState";
import { useCan, useWho } from "../../hooks/useWho";
import { t } from "../../i18n";
import { toast } from "../../stores/toast";
import type { Column } from "../../table/DataTable";
import { DataTable, EmptyList } from "../../table/DataTable";
import { Badge } from "../../ui/Badge";
import { Button } from "../../ui/Button";
import { Skeleton } from "../../ui/feedback";
import { Facts, Page, Panel, Section } from "../../ui/Page";
import { bytes } from "../../util/time";

const h = t.holds;

/** What a hold is on: everything that is named must match. */
function On({ hold }: { hold: Hold }) {
  const named: [string, string | null | undefined][] = [[h.user, hold.user], [h.asset, hold.asset], [h.account, hold.account], [h.session, hold.session], [h.scope, hold.scope]];
  const parts = named.flatMap(([name, value]) => (value ? [{ name, value }] : []));
  return (
    <span className="flex flex-wrap gap-x-3 gap-y-0.5">
      {parts.map(({ name, value }) => <span key={name}><span className="text-muted">{name}</span> <Mono>{value}</Mono></span>)}
      {hold.from ? <span><span className="text-muted">{h.from}</span> <When at={hold.from} /></span> : null}
      {hold.until ? <span><span className="text-muted">{h.until}</span> <When at={hold.until} /></span> : null}
    </span>
  );
}

function State({ hold }: { hold: Hold }) {
  if (hold.released) return <span><Badge tone="plain" icon="check">{h.released}</Badge> <span className="text-xs text-muted">{hold.released.by}, <Ago at={hold.released.at} /></span></span>;
  if (hold.release_asked) return <span title={hold.release_asked.reason}><Badge tone="warn" icon="wait">{h.asked(hold.release_asked.by)}</Badge></span>;
  return <Badge tone="ok" icon="check">{h.inForce}</Badge>;
}

function Kept({ view }: { view: RetentionView }) {
  const { retention } = view;
  const places = retention.places.map((place): [string, React.ReactNode] => [h.inPlace(place.scope), h.keeps(place.recordings)]);
  return (
    <Panel className="px-4 py-4">
      <Facts
        columns
        items={[
          [h.recordings, h.keeps(retention.recordings)],
          ...places,
          [h.there, h.count(view.kept, bytes(view.kept_bytes))],
          [h.oldest, view.oldest ? <When key="o" at={view.oldest} /> : t.common.none],
          [h.pruned, String(view.pruned)],
          view.waits_until ? [h.waits, <When key="w" at={view.waits_until} />] : null,
        ]}
      />
      <p className="mt-4 border-t pt-3 text-sm text-muted">{h.body}</p>
    </Panel>
  );
}

/** How long recordings are kept, and the holds that keep them longer. */
export function HoldsPage() {
  const { blocked } = useCan();
  const who = useWho();
  const { dialog, item, open, close } = useDialog();
  const holds = useQuery(q.holds());
  const retention = useQuery(q.retention());
  const done = (text: string) => {
    toast("ok", text);
    close();
  };
  const release = useMutation({
    meta: { inline: true },
    mutationFn: ({ id, reason }: { id: string; reason: string }) => api.holdRelease(id, reason),
    onSuccess: (hold) => done(hold.released ? h.releaseDone : h.askDone),
  });
  const keep = useMutation({ mutationFn: api.holdKeep, onSuccess: () => done(h.keepDone) });
  const columns: Column<Hold>[] = [
    { id: "reason", header: h.reason, narrow: "title", cell: (row) => <span className="font-medium">{row.reason}</span> },
    { id: "on", header: h.on, cell: (row) => <On hold={row} /> },
    { id: "placed", header: h.placed, width: "10rem", cell: (row) => <span>{row.placed_by} <span className="text-muted"><Ago at={row.placed_at} /></span></span> },
    { id: "state", header: h.state, width: "13rem", narrow: "aside", cell: (row) => <State hold={row} /> },
    {
      id: "do", header: h.release, quiet: true, width: "15rem",
      cell: (row) => (row.released ? null : (
        <span className="flex flex-wrap justify-end gap-1">
          {row.release_asked ? <Button size="sm" blocked={blocked("hold:write", row.scope)} onClick={() => keep.mutate(row.id)}>{h.keep}</Button> : null}
          <Button size="sm" blocked={row.release_asked?.by === who.user.name ? h.own : blocked("hold:write", row.scope)} onClick={() => open("release", row.id)}>{row.release_asked ? h.agree : h.release}</Button>
        </span>
      )),
    },
  ];
  const chosen = holds.data?.items.find((hold) => hold.id === item);
  return (
    <Page title={h.title} lead={h.lead} actions={<Button look="primary" blocked={blocked("hold:write")} icon={<Plus className="size-4" aria-hidden />} onClick={() => open("place")}>{h.place}</Button>}>
      {retention.isError ? <Panel><QueryError error={retention.error} onRetry={() => void retention.refetch()} /></Panel> : retention.data ? <Kept view={retention.data} /> : <Skeleton className="h-40 w-full" />}
      <Section title={h.holds} className="mt-8">
        <DataTable label={h.holds} query={holds} columns={columns} rowKey={(row) => row.id} empty={<EmptyList icon={<Archive />} filtered={false} onClear={close} title={h.none}>{h.noneBody}</EmptyList>} />
      </Section>
      {dialog === "place" ? <HoldPlace session={item} onClose={close} /> : null}
      {dialog === "release" && chosen ? (
        <ReasonDialog title={chosen.release_asked ? h.agreeTitle : h.releaseTitle} about={chosen.release_asked ? h.agreeBody(chosen.release_asked.by, chosen.release_asked.reason) : h.releaseBody} label={h.why} needed danger={!!chosen.release_asked} submit={chosen.release_asked ? h.agree : h.release} busy={release.isPending} error={release.error} onSubmit={(reason) => release.mutate({ id: chosen.id, reason })} onClose={close} />
      ) : null}
    </Page>
  );
}
