import { useMutation, useQuery } from "@tanstack/react-query";
import { CalendarClock, Download, FileText, Plus, X } from "lucide-react";

import { addresses, api } from "../../api/client";
import type { Report, ReportSchedule } from "../../api/nouns";
import { q } from "../../api/queries";
import { Mono } from "../../components/Copy";
import { Ago, When } from "../../components/When";
import { ReportReview } from "../../forms/report-review";
import { ReportRun } from "../../forms/report-run";
import { useDialog } from "../../hooks/useUrlState";
import { useCan, useWho } from "../../hooks/useWho";
import { t } from "../../i18n";
import { toast } from "../../stores/toast";
import type { Column } from "../../table/DataTable";
import { DataTable, EmptyList } from "../../table/DataTable";
import { Badge } from "../../ui/Badge";
import { Button } from "../../ui/Button";
import { Page } from "../../ui/Page";
import { buttonClass } from "../../ui/Press";

const r = t.reports;
const FILES = ["pdf", "csv", "json", "note"] as const;

/** How a report's controls stand, as one bar; what Postern does not cover is left blank. */
function Sum({ report: { counts } }: { report: Report }) {
  const total = Math.max(1, counts.met + counts.exceptions + counts.empty + counts.not_covered);
  const says = r.sum(counts.met, counts.exceptions, counts.empty, counts.not_covered);
  const parts = [["bg-ok", counts.met], ["bg-bad", counts.exceptions], ["bg-line-strong", counts.empty]] as const;
  return (
    <span className="block min-w-40">
      <span role="img" aria-label={says} className="flex h-2 overflow-hidden rounded-sm bg-hover">
        {parts.map(([tone, n]) => <span key={tone} className={tone} style={{ width: `${(100 * n) / total}%` }} />)}
      </span>
      <span className="text-xs text-muted">{says}</span>
    </span>
  );
}

function Files({ report }: { report: Report }) {
  const files = report.review ? [...FILES, "review" as const] : FILES;
  return (
    <span className="flex flex-wrap justify-end gap-1">
      {files.map((file) => (
        <a key={file} href={addresses.reportFile(report.id, file)} download className={buttonClass("secondary", "sm")} aria-label={r.get(r.files[file], r.kinds[report.kind])}>
          {file === "pdf" ? <Download className="size-3.5" aria-hidden /> : null}{r.files[file]}
        </a>
      ))}
    </span>
  );
}

/** Reports for auditors: those that were made, and those that are made again and again. */
export function ReportsPage() {
  const { blocked } = useCan();
  const who = useWho();
  const { dialog, item, open, close } = useDialog();
  const reports = useQuery(q.reports());
  const schedules = useQuery(q.reportSchedules());
  const stop = useMutation({ mutationFn: api.reportUnschedule, onSuccess: () => toast("ok", r.stopped) });
  const columns: Column<Report>[] = [
    { id: "kind", header: r.kind, narrow: "title", className: "md:whitespace-nowrap", cell: (row) => <span className="font-medium">{r.kinds[row.kind]}</span> },
    { id: "scope", header: r.scope, cell: (row) => <Mono className="text-muted">{row.scope}</Mono> },
    { id: "period", header: r.period, className: "md:whitespace-nowrap", cell: (row) => r.span(row.since.slice(0, 10), row.until.slice(0, 10)) },
    { id: "sum", header: r.outcome, cell: (row) => <Sum report={row} /> },
    { id: "made", header: r.made, cell: (row) => <span>{row.made_by} <span className="text-muted"><Ago at={row.made_at} /></span></span> },
    { id: "review", header: r.review, narrow: "aside", cell: (row) => <Reviewed report={row} own={!row.schedule && row.made_by === who.user.name} blocked={blocked("report:write", row.scope)} onReview={() => open("review", row.id)} /> },
    { id: "files", header: r.get("", ""), quiet: true, width: "17rem", cell: (row) => <Files report={row} /> },
  ];
  const planned: Column<ReportSchedule>[] = [
    { id: "kind", header: r.kind, narrow: "title", cell: (row) => <span className="font-medium">{r.kinds[row.kind]}</span> },
    { id: "scope", header: r.scope, cell: (row) => <Mono className="text-muted">{row.scope}</Mono> },
    { id: "every", header: r.every, cell: (row) => r.everies[row.every] },
    { id: "next", header: r.next, cell: (row) => <When at={row.next_at} /> },
    { id: "author", header: r.by, cell: (row) => row.author },
    { id: "failure", header: r.failure, cell: (row) => (row.failure ? <Badge tone="bad" icon="alert">{row.failure}</Badge> : null) },
    { id: "stop", header: r.stop, quiet: true, width: "6rem", cell: (row) => <Button size="sm" blocked={blocked("report:write", row.scope)} icon={<X className="size-3.5" aria-hidden />} onClick={() => stop.mutate(row.id)}>{r.stop}</Button> },
  ];
  const reviewed = reports.data?.items.find((report) => report.id === item);
  return (
    <Page title={r.title} lead={r.lead} actions={<><Button blocked={blocked("report:write")} icon={<CalendarClock className="size-4" aria-hidden />} onClick={() => open("schedule")}>{r.schedule}</Button><Button look="primary" icon={<Plus className="size-4" aria-hidden />} onClick={() => open("run")}>{r.add}</Button></>}>
      <DataTable label={r.title} query={reports} columns={columns} rowKey={(row) => row.id} empty={<EmptyList icon={<FileText />} filtered={false} onClear={close} title={r.none}>{r.noneBody}</EmptyList>} />
      {schedules.data?.items.length ? (
        <section className="mt-8">
          <h2 className="mb-3 text-base font-semibold">{r.schedules}</h2>
          <DataTable label={r.schedules} query={schedules} columns={planned} rowKey={(row) => row.id} empty={null} />
        </section>
      ) : null}
      {dialog === "run" || dialog === "schedule" ? <ReportRun again={dialog === "schedule"} onClose={close} /> : null}
      {dialog === "review" && reviewed ? <ReportReview report={reviewed} onClose={close} /> : null}
    </Page>
  );
}

function Reviewed({ report, own, blocked, onReview }: { report: Report; own: boolean; blocked: string | undefined; onReview: () => void }) {
  const review = report.review;
  if (!review) return <Button size="sm" blocked={own ? r.own : blocked} onClick={onReview}>{r.doReview}</Button>;
  return <span title={review.comment}><Badge tone={review.accepted ? "ok" : "warn"} icon={review.accepted ? "check" : "alert"}>{review.accepted ? r.accepted : r.rejected}</Badge> <span className="text-xs text-muted">{review.by}</span></span>;
}
