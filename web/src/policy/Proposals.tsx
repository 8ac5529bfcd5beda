import { useMutation, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Check, X } from "lucide-react";
import { useState } from "react";

import { api } from "../api/client";
import type { Proposal } from "../api/nouns";
import { q } from "../api/queries";
import { Mono } from "../components/Copy";
import { ReasonDialog } from "../components/ReasonDialog";
import { Ago } from "../components/When";
import { useCan, useWho } from "../hooks/useWho";
import { t } from "../i18n";
import { toast } from "../stores/toast";
import { Button } from "../ui/Button";
import { Skeleton } from "../ui/feedback";
import { Panel, Section } from "../ui/Page";
import { pb } from "../util/path-builder";
import { Diff } from "./Effects";

const p = t.policies.proposals;

/** Changes that let somebody do more and wait for the yes of somebody else. */
export function Proposals() {
  const waiting = useQuery(q.proposals());
  const items = waiting.data?.items ?? [];
  if (items.length === 0) return null;
  return <Section className="mb-8" title={p.title}><div className="space-y-4">{items.map((each) => <Waiting key={each.id} proposal={each} />)}</div></Section>;
}

function Waiting({ proposal }: { proposal: Proposal }) {
  const who = useWho();
  const { blocked } = useCan();
  const [refusing, setRefusing] = useState(false);
  const shown = useQuery(q.proposal(proposal.id));
  const document = proposal.document ? { kind: "Policy" as const, ...proposal.document } : undefined;
  const written = useQuery({ ...q.documentText(document), enabled: document !== undefined });
  const why = blocked("policy:write", proposal.scope);
  const own = proposal.author === who.user.name;
  const approve = useMutation({ mutationFn: () => api.proposalApprove(proposal.id), onSuccess: () => toast("ok", p.approved) });
  const refuse = useMutation({ meta: { inline: true }, mutationFn: (reason: string) => api.proposalRefuse(proposal.id, reason), onSuccess: () => { toast("ok", p.refused); setRefusing(false); } });
  return (
    <Panel className="px-4 py-3">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
        <p className="min-w-0 flex-1 basis-64 text-sm">
          <Link to={pb.policy(proposal.policy)} className="font-medium underline underline-offset-2"><Mono>{proposal.policy}</Mono></Link>{document ? null : <> {p.removal}</>}, {p.by} <Mono>{proposal.author}</Mono>, <Ago at={proposal.created_at} />
        </p>
        <span className="flex gap-2">
          <Button size="sm" look="primary" icon={<Check className="size-4" aria-hidden />} blocked={own ? p.own : why} busy={approve.isPending} aria-label={`${p.approve}: ${proposal.policy}`} onClick={() => approve.mutate()}>{p.approve}</Button>
          <Button size="sm" look="danger" icon={<X className="size-4" aria-hidden />} blocked={why} aria-label={`${own ? p.takeBack : p.refuse}: ${proposal.policy}`} onClick={() => setRefusing(true)}>{own ? p.takeBack : p.refuse}</Button>
        </span>
      </div>
      <div className="mt-3">{shown.data?.diff ? <Diff diff={shown.data.diff} /> : shown.isLoading ? <Skeleton className="h-10 w-full" /> : null}</div>
      {document ? <details className="mt-3 text-sm"><summary className="cursor-pointer text-muted">{p.text}</summary><pre className="mt-2 max-h-80 overflow-auto rounded-md border bg-canvas px-3 py-2 font-mono text-xs leading-5" tabIndex={0} role="region" aria-label={`${p.text}: ${proposal.policy}`}>{written.data?.text ?? ""}</pre></details> : null}
      {refusing ? <ReasonDialog title={own ? p.takeBackTitle(proposal.policy) : p.refuseTitle(proposal.policy)} {...(own ? {} : { label: t.requests.reason, needed: true })} submit={own ? p.takeBack : p.refuse} danger busy={refuse.isPending} error={refuse.error} onSubmit={(reason) => refuse.mutate(reason)} onClose={() => setRefusing(false)} /> : null}
    </Panel>
  );
}
