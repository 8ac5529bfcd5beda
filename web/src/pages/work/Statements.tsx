import { useMutation, useQuery } from "@tanstack/react-query";
import { Check, DatabaseZap, X } from "lucide-react";

import { api } from "../../api/client";
import type { WaitingStatement } from "../../api/nouns";
import { q } from "../../api/queries";
import { Mono } from "../../components/Copy";
import { ReasonDialog } from "../../components/ReasonDialog";
import { Ago, Left } from "../../components/When";
import { useDialog } from "../../hooks/useUrlState";
import { useCan, useWho } from "../../hooks/useWho";
import { t } from "../../i18n";
import { toast } from "../../stores/toast";
import type { Column } from "../../table/DataTable";
import { DataTable, EmptyList } from "../../table/DataTable";
import { Button } from "../../ui/Button";
import { pb } from "../../util/path-builder";

const s = t.statements;
// One that lapses does so without an event.
const LOOK_MS = 15_000;

/** Statements of database sessions that wait until somebody has said yes. */
export function Statements() {
  const who = useWho();
  const { blocked } = useCan();
  const { dialog, item, open, close } = useDialog();
  const statements = useQuery({ ...q.statements(), refetchInterval: LOOK_MS });
  const chosen = statements.data?.items.find((statement) => statement.id === item);
  const why = (row: WaitingStatement) => (row.user === who.user.name ? s.own : blocked("request:approve", row.scope));
  const columns: Column<WaitingStatement>[] = [
    { id: "account", header: s.account, narrow: "title", cell: (row) => <Mono className="font-medium">{row.account}</Mono> },
    { id: "user", header: s.user, cell: (row) => <Mono>{row.user}</Mono> },
    { id: "text", header: s.text, cell: (row) => <code title={row.text} className="line-clamp-3 max-w-[64ch] font-mono text-xs whitespace-pre-wrap [overflow-wrap:anywhere]">{row.text}</code> },
    { id: "rule", header: s.rule, cell: (row) => <Mono className="text-muted">{row.rule}</Mono> },
    { id: "asked", header: s.asked, cell: (row) => <Ago at={row.asked_at} /> },
    { id: "lapses", header: s.lapses, cell: (row) => <Left until={row.expires_at} /> },
    {
      id: "decide", header: s.decide, quiet: true, width: "11rem",
      cell: (row) => (
        <span className="relative z-10 flex gap-2 max-md:[&>button]:h-9 max-md:[&>button]:flex-1">
          <Button size="sm" look="primary" blocked={why(row)} aria-label={`${s.approve}: ${row.user}, ${row.account}`} icon={<Check className="size-4" aria-hidden />} onClick={() => open("approve", row.id)}>{s.approve}</Button>
          <Button size="sm" look="danger" blocked={why(row)} aria-label={`${s.deny}: ${row.user}, ${row.account}`} icon={<X className="size-4" aria-hidden />} onClick={() => open("deny", row.id)}>{s.deny}</Button>
        </span>
      ),
    },
  ];
  return (
    <>
      <DataTable label={s.title} query={statements} columns={columns} rowKey={(row) => row.id} rowTo={(row) => ({ to: pb.session(row.session) })} skeletonRows={3} empty={<EmptyList icon={<DatabaseZap />} filtered={false} onClear={() => undefined} title={s.none}>{s.noneBody}</EmptyList>} />
      {chosen && (dialog === "approve" || dialog === "deny") ? <Decide key={chosen.id} statement={chosen} approve={dialog === "approve"} onClose={close} /> : null}
    </>
  );
}

function Decide({ statement, approve, onClose }: { statement: WaitingStatement; approve: boolean; onClose: () => void }) {
  const decide = useMutation({
    meta: { inline: true },
    mutationFn: (reason: string) => (approve ? api.statementApprove(statement.id, reason) : api.statementDeny(statement.id, reason)),
    onSuccess: () => {
      toast("ok", approve ? s.approved : s.denied);
      onClose();
    },
  });
  return (
    <ReasonDialog
      title={approve ? s.approveTitle(statement.user, statement.account) : s.denyTitle(statement.user, statement.account)}
      label={approve ? s.remark : s.reason}
      hint={approve ? undefined : s.reasonHint}
      needed={!approve}
      danger={!approve}
      submit={approve ? s.approve : s.deny}
      busy={decide.isPending}
      error={decide.error}
      onSubmit={(reason) => decide.mutate(reason)}
      onClose={onClose}
    >
      <pre tabIndex={0} className="mb-4 max-h-64 overflow-auto rounded-md border bg-sunken px-3 py-2 font-mono text-xs whitespace-pre-wrap text-ink [overflow-wrap:anywhere]">{statement.text}</pre>
      <p className="mb-4 text-xs text-muted">{s.byRule(statement.rule)} · <Left until={statement.expires_at} /></p>
    </ReasonDialog>
  );
}
