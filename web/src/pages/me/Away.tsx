import { useMutation, useQuery } from "@tanstack/react-query";
import { Plus, UserRoundCheck } from "lucide-react";

import { api } from "../../api/client";
import type { StandIn } from "../../api/nouns";
import { q } from "../../api/queries";
import { Mono } from "../../components/Copy";
import { ReasonDialog } from "../../components/ReasonDialog";
import { When } from "../../components/When";
import { StandInCreate } from "../../forms/stand-in-create";
import { useNow } from "../../hooks/useNow";
import { useDialog } from "../../hooks/useUrlState";
import { useCan } from "../../hooks/useWho";
import { t } from "../../i18n";
import { toast } from "../../stores/toast";
import type { Column } from "../../table/DataTable";
import { DataTable, EmptyList } from "../../table/DataTable";
import { Button } from "../../ui/Button";

const p = t.profile;

/** Who answers requests while somebody is away. */
export function Away() {
  const { dialog, item, open, close } = useDialog();
  const { blocked } = useCan();
  const now = useNow(60_000);
  const all = useQuery(q.standIns({}));
  const chosen = all.data?.items.find((each) => each.id === item);
  const over = (row: StandIn) => row.ended_at !== null || new Date(row.ends_at).getTime() <= now;
  const columns: Column<StandIn>[] = [
    { id: "user", header: p.awayUser, narrow: "title", cell: (row) => <Mono className="font-medium">{row.user}</Mono> },
    { id: "stand_in", header: p.awayStandIn, cell: (row) => <Mono>{row.stand_in}</Mono> },
    { id: "from", header: p.awayFrom, cell: (row) => <When at={row.starts_at} /> },
    { id: "until", header: p.awayUntil, cell: (row) => <When at={row.ended_at ?? row.ends_at} /> },
    { id: "reason", header: p.awayReason, narrow: "hide", cell: (row) => <span className="text-muted">{row.reason}</span> },
    { id: "end", header: p.awayEnd, quiet: true, width: "6rem", cell: (row) => (over(row) ? <span className="text-muted">{p.awayOver}</span> : <Button size="sm" aria-label={`${p.awayEnd}: ${row.user}, ${row.stand_in}`} onClick={() => open("end", row.id)}>{p.awayEnd}</Button>) },
  ];
  return (
    <>
      <div className="mb-3 flex flex-wrap items-center justify-between gap-3">
        <p className="max-w-[65ch] text-sm text-muted">{p.awayLead}</p>
        <Button look="primary" blocked={blocked("request:approve")} icon={<Plus className="size-4" aria-hidden />} onClick={() => open("stand-in")}>{p.awayAdd}</Button>
      </div>
      <DataTable label={p.tabs.away} query={all} columns={columns} rowKey={(row) => row.id} skeletonRows={3} empty={<EmptyList icon={<UserRoundCheck />} filtered={false} onClear={() => undefined} title={p.awayNone} />} />
      {dialog === "stand-in" ? <StandInCreate onClose={close} /> : null}
      {dialog === "end" && chosen ? <End named={chosen} onClose={close} /> : null}
    </>
  );
}

function End({ named, onClose }: { named: StandIn; onClose: () => void }) {
  const end = useMutation({ meta: { inline: true }, mutationFn: () => api.standInEnd(named.id), onSuccess: () => { toast("ok", p.awayEnded); onClose(); } });
  return <ReasonDialog title={p.awayEndTitle(named.stand_in)} about={p.awayEndBody} submit={p.awayEnd} busy={end.isPending} error={end.error} onSubmit={() => end.mutate()} onClose={onClose} />;
}
