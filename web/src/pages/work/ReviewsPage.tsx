import { useQuery } from "@tanstack/react-query";
import { ClipboardCheck, Plus } from "lucide-react";

import type { Review } from "../../api/nouns";
import { q } from "../../api/queries";
import { Mono } from "../../components/Copy";
import { ReviewBadge } from "../../components/states";
import { Ago, Left, When } from "../../components/When";
import { ReviewStart } from "../../forms/review-start";
import { useDialog, useFilter } from "../../hooks/useUrlState";
import { useCan } from "../../hooks/useWho";
import { t } from "../../i18n";
import type { Column } from "../../table/DataTable";
import { DataTable, EmptyList } from "../../table/DataTable";
import { Choice, Filters } from "../../table/Filters";
import { Badge } from "../../ui/Badge";
import { Button } from "../../ui/Button";
import { Page } from "../../ui/Page";
import { pb } from "../../util/path-builder";

const r = t.reviews;

/** Access reviews that somebody may see or is asked in. */
export function ReviewsPage() {
  const { search, filter } = useFilter();
  const { blocked } = useCan();
  const { dialog, open, close } = useDialog();
  const reviews = useQuery(q.reviews({ state: search.state }));
  const columns: Column<Review>[] = [
    { id: "name", header: r.name, narrow: "title", cell: (row) => <span className="font-medium">{row.name}</span> },
    { id: "scope", header: r.scope, cell: (row) => <Mono className="text-muted">{row.scope}</Mono> },
    { id: "progress", header: r.progress, cell: (row) => r.answered(row.counts.items - row.counts.waiting, row.counts.items) },
    { id: "outcome", header: r.outcome, cell: (row) => <span className="tabular-nums">{row.counts.kept} · {row.counts.reduced} · {row.counts.revoked}</span> },
    { id: "stamped", header: r.paces, cell: (row) => (row.paces.some((pace) => pace.rubber_stamped) ? <Badge tone="warn" icon="alert">{r.stamped}</Badge> : null) },
    { id: "started", header: r.started, cell: (row) => <Ago at={row.started_at} /> },
    { id: "due", header: r.due, cell: (row) => (row.state === "open" ? <Left until={row.due_at} /> : <When at={row.closed_at} />) },
    { id: "state", header: r.state, width: "6rem", narrow: "aside", cell: (row) => <ReviewBadge state={row.state} /> },
  ];
  return (
    <Page title={r.title} lead={r.lead} actions={<Button look="primary" blocked={blocked("review:write")} icon={<Plus className="size-4" aria-hidden />} onClick={() => open("start")}>{r.add}</Button>}>
      <Filters><Choice name="state" label={r.state} options={[["", r.all], ["open", r.states.open], ["closed", r.states.closed]]} /></Filters>
      <DataTable label={r.title} query={reviews} columns={columns} rowKey={(row) => row.id} rowTo={(row) => ({ to: pb.review(row.id) })} empty={<EmptyList icon={<ClipboardCheck />} filtered={Boolean(search.state)} onClear={() => filter({ state: undefined })} title={r.none}>{r.noneBody}</EmptyList>} />
      {dialog === "start" ? <ReviewStart onClose={close} /> : null}
    </Page>
  );
}
