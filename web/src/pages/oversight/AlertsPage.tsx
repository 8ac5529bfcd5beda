import { useMutation, useQuery } from "@tanstack/react-query";
import { BellRing } from "lucide-react";

import { api } from "../../api/client";
import type { Alert } from "../../api/nouns";
import { messageOf } from "../../api/errors";
import { q } from "../../api/queries";
import { Mono } from "../../components/Copy";
import { When } from "../../components/When";
import { useKept } from "../../hooks/useKept";
import { useDialog, useFilter } from "../../hooks/useUrlState";
import { useCan, useWho } from "../../hooks/useWho";
import { t } from "../../i18n";
import { toast } from "../../stores/toast";
import type { Column } from "../../table/DataTable";
import { DataTable, EmptyList } from "../../table/DataTable";
import { Choice, Filters } from "../../table/Filters";
import { Badge } from "../../ui/Badge";
import { Button } from "../../ui/Button";
import { Dialog, DialogActions } from "../../ui/Dialog";
import { TextArea } from "../../ui/Field";
import { Page } from "../../ui/Page";
import { Notice } from "../../ui/feedback";

const c = t.alerts;
const STATES = ["open", "assigned", "closed", "noted"] as const;
const VERDICTS = ["true", "false", "expected"] as const;

/** What detection found, and what people make of it. */
export function AlertsPage() {
  const { search, filter } = useFilter();
  const { dialog, item, open, close } = useDialog();
  const alerts = useQuery(q.alerts({ state: search.state }));
  const chosen = alerts.data?.items.find((alert) => alert.id === item);
  const columns: Column<Alert>[] = [
    { id: "title", header: c.found, narrow: "title", cell: (row) => <span className="font-medium">{row.title}</span> },
    { id: "severity", header: c.severity, width: "7rem", narrow: "aside", cell: (row) => <Severity of={row.severity} /> },
    { id: "user", header: c.user, cell: (row) => <Mono>{row.user}</Mono> },
    { id: "account", header: c.account, cell: (row) => <Mono>{row.account}</Mono> },
    { id: "response", header: c.response, width: "7rem", cell: (row) => c.responses[row.response as keyof typeof c.responses] },
    { id: "raised", header: c.raised, cell: (row) => <When at={row.raised_at} /> },
    { id: "state", header: c.state, width: "8rem", cell: (row) => (row.assignee && row.state === "assigned" ? row.assignee : c.states[row.state as keyof typeof c.states]) },
    { id: "look", header: c.look, quiet: true, width: "6rem", cell: (row) => <Button size="sm" aria-label={`${c.look}: ${row.title}`} onClick={() => open("alert", row.id)}>{c.look}</Button> },
  ];
  return (
    <Page title={c.title} lead={c.lead}>
      <Filters>
        <Choice name="state" label={c.state} options={[["", c.all], ...STATES.map((state): [string, string] => [state, c.states[state]])]} />
      </Filters>
      <DataTable label={c.title} query={alerts} columns={columns} rowKey={(row) => row.id} empty={<EmptyList icon={<BellRing />} filtered={Boolean(search.state)} onClear={() => filter({ state: undefined })} title={c.none}>{c.noneBody}</EmptyList>} />
      {dialog === "alert" && chosen ? <Look alert={chosen} onClose={close} /> : null}
    </Page>
  );
}

function Severity({ of }: { of: string }) {
  const text = c.severities[of as keyof typeof c.severities];
  return <Badge tone={of === "critical" || of === "high" ? "bad" : of === "medium" ? "warn" : "plain"} icon={of === "low" ? "minus" : "alert"}>{text}</Badge>;
}

function Look({ alert, onClose }: { alert: Alert; onClose: () => void }) {
  const who = useWho();
  const { blocked } = useCan();
  const [comment, setComment] = useKept("comment", "");
  const why = blocked("session:kill", alert.scope);
  const take = useMutation({ meta: { inline: true }, mutationFn: () => api.alertAssign(alert.id, { to: who.user.name }), onSuccess: () => toast("ok", c.taken) });
  const done = useMutation({
    meta: { inline: true },
    mutationFn: (verdict: string) => api.alertClose(alert.id, { verdict, comment }),
    onSuccess: () => {
      toast("ok", c.closed);
      onClose();
    },
  });
  const seconds = Math.max(0, Math.floor((alert.deed_at ?? 0) / 1000) - 2);
  const error = take.error ?? done.error;
  return (
    <Dialog title={alert.title} about={alert.why} onClose={onClose}>
      {error ? <div className="mb-4"><Notice tone="bad" live>{messageOf(error)}</Notice></div> : null}
      <code className="block max-h-48 overflow-auto rounded-md border bg-sunken p-2.5 font-mono text-xs whitespace-pre-wrap text-ink [overflow-wrap:anywhere]">{alert.evidence}</code>
      <p className="mt-3 text-sm text-muted">
        {c.by(alert.rule, alert.attack, alert.times)} {alert.session ? <a className="text-accent underline underline-offset-2" href={`/sessions/${alert.session}?at=${seconds}`}>{c.watch}</a> : null}
      </p>
      {alert.state === "closed" ? (
        <p className="mt-3 text-sm">{c.closedAs(alert.closed_by ?? "", c.verdicts[alert.verdict as keyof typeof c.verdicts], alert.comment ?? "")}</p>
      ) : (
        <>
          <div className="mt-4"><TextArea label={c.comment} hint={c.commentHint} value={comment} onChange={(event) => setComment(event.target.value)} /></div>
          <DialogActions>
            {alert.state === "open" ? <Button blocked={why} busy={take.isPending} onClick={() => take.mutate()}>{c.take}</Button> : null}
            {VERDICTS.map((verdict) => <Button key={verdict} blocked={why ?? (comment.trim() ? undefined : c.commentFirst)} busy={done.isPending} onClick={() => done.mutate(verdict)}>{c.verdicts[verdict]}</Button>)}
          </DialogActions>
        </>
      )}
    </Dialog>
  );
}
