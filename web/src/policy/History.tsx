import { useMutation, useQuery } from "@tanstack/react-query";
import { RotateCcw } from "lucide-react";
import { useState } from "react";

import { api } from "../api/client";
import type { Policy, PolicyRevision } from "../api/nouns";
import { q } from "../api/queries";
import { Mono } from "../components/Copy";
import { QueryError } from "../components/QueryError";
import { ReasonDialog } from "../components/ReasonDialog";
import { When } from "../components/When";
import { useCan } from "../hooks/useWho";
import { t } from "../i18n";
import { toast } from "../stores/toast";
import { Badge } from "../ui/Badge";
import { Button } from "../ui/Button";
import { Skeleton } from "../ui/feedback";
import { Panel } from "../ui/Page";
import { documentOf } from "./document";

const h = t.policies.history;

/** What a policy said in each of its revisions, the newest first, by whom; and the way back to one. */
export function History({ policy }: { policy: Policy }) {
  const revisions = useQuery(q.policyRevisions(policy.name));
  if (revisions.isError && !revisions.data) return <div className="mt-5"><Panel><QueryError error={revisions.error} onRetry={() => void revisions.refetch()} /></Panel></div>;
  if (!revisions.data) return <Skeleton className="mt-5 h-40 w-full" />;
  return (
    <ul aria-label={h.title} className="mt-5 max-w-4xl divide-y rounded-lg border bg-surface">
      {revisions.data.items.toReversed().map((each) => <Revision key={each.revision} revision={each} current={each.revision === policy.revision} />)}
    </ul>
  );
}

function Revision({ revision, current }: { revision: PolicyRevision; current: boolean }) {
  const { blocked } = useCan();
  const [shown, setShown] = useState(false);
  const [going, setGoing] = useState(false);
  const written = useQuery({ ...q.documentText(documentOf(revision)), enabled: shown });
  const back = useMutation({ meta: { inline: true }, mutationFn: () => api.policyRollback(revision.name, revision.revision), onSuccess: ({ proposal }) => { toast("ok", proposal ? t.policies.proposed : t.policies.saved); setGoing(false); } });
  return (
    <li className="px-4 py-3 text-sm">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
        <span className="min-w-0 flex-1 basis-64">
          <span className="font-medium">{t.policies.revision(revision.revision)}</span>{current ? <> <Badge tone="ok" icon="check">{h.current}</Badge></> : null}
          <span className="block text-muted">{revision.author ? <>{h.by} <Mono>{revision.author}</Mono>, </> : null}<When at={revision.changed_at} />{revision.approved_by ? <>, {h.agreed} <Mono>{revision.approved_by}</Mono></> : null}</span>
        </span>
        {current ? null : <Button size="sm" icon={<RotateCcw className="size-4" aria-hidden />} blocked={blocked("policy:write", revision.scope)} aria-label={`${h.back}: ${t.policies.revision(revision.revision)}`} onClick={() => setGoing(true)}>{h.back}</Button>}
      </div>
      <details className="mt-2" onToggle={(event) => setShown(event.currentTarget.open)}><summary className="cursor-pointer text-muted">{h.text}</summary><pre className="mt-2 max-h-96 overflow-auto rounded-md border bg-canvas px-3 py-2 font-mono text-xs leading-5" tabIndex={0} role="region" aria-label={`${h.text}: ${t.policies.revision(revision.revision)}`}>{written.data?.text ?? ""}</pre></details>
      {going ? <ReasonDialog title={h.backTitle(revision.revision)} about={h.backBody} submit={h.back} busy={back.isPending} error={back.error} onSubmit={() => back.mutate()} onClose={() => setGoing(false)} /> : null}
    </li>
  );
}
