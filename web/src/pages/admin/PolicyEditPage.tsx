import { useMutation, useQuery } from "@tanstack/react-query";
import { useNavigate, useParams } from "@tanstack/react-router";
import { useMemo, useState } from "react";

import { api } from "../../api/client";
import { messageOf } from "../../api/errors";
import type { DocumentsWritten } from "../../api/nouns";
import { q } from "../../api/queries";
import { Mono } from "../../components/Copy";
import { Crumb } from "../../components/Crumb";
import { QueryError } from "../../components/QueryError";
import { useCan, useWho } from "../../hooks/useWho";
import { t } from "../../i18n";
import { documentOf, newPolicy } from "../../policy/document";
import type { PolicyDocument } from "../../policy/document";
import { Effects } from "../../policy/Effects";
import { PolicyForm } from "../../policy/PolicyForm";
import { PolicyText } from "../../policy/PolicyText";
import { Reach } from "../../policy/Reach";
import { useDraft } from "../../policy/useDraft";
import { toast } from "../../stores/toast";
import { Button } from "../../ui/Button";
import { Notice, Skeleton } from "../../ui/feedback";
import { Page, Panel } from "../../ui/Page";
import { pb } from "../../util/path-builder";

/** `/policies/{name}/edit` and `/policy-new`: the form, the text, and whom it concerns. */
export function PolicyEditPage() {
  const { name } = useParams({ strict: false });
  const who = useWho();
  const policy = useQuery({ ...q.policy(name ?? ""), enabled: name !== undefined });
  const initial = useMemo(() => (name === undefined ? newPolicy(who.user.scope) : policy.data && documentOf(policy.data)), [name, policy.data, who.user.scope]);
  const written = useQuery({ ...q.documentText(initial), enabled: initial !== undefined });
  if (policy.isError && !policy.data) return <Page title={name} above={<Crumb to={pb.policies()} text={t.policies.title} />}><Panel><QueryError error={policy.error} onRetry={() => void policy.refetch()} /></Panel></Page>;
  if (written.isError) return <Page title={name ?? t.policies.add}><Panel><QueryError error={written.error} onRetry={() => void written.refetch()} /></Panel></Page>;
  if (!initial || !written.data) return <Page title={<Mono>{name ?? ""}</Mono>}><Skeleton className="h-64 w-full" /></Page>;
  // What somebody else saves meanwhile does not overwrite what is being typed: the server's revision decides when saving.
  return <Editor key={name ?? ""} initial={initial} written={written.data} isNew={name === undefined} />;
}

/** The newest one that was whole: while something is wrong the answers stay those of what was right before. */
function useSettled(document: PolicyDocument | undefined): PolicyDocument | undefined {
  const [settled, setSettled] = useState(document);
  if (document && document !== settled) setSettled(document);
  return settled;
}

function Editor({ initial, written, isNew }: { initial: PolicyDocument; written: DocumentsWritten; isNew: boolean }) {
  const [first] = useState(initial);
  const draft = useDraft(first, written);
  const navigate = useNavigate();
  const { blocked } = useCan();
  const { document, problems, textProblems, failure, isChecking } = draft;
  const save = useMutation({
    meta: { inline: true },
    mutationFn: () => api.documentsApply([document]),
    onSuccess: ({ changes }) => {
      const waits = changes.some((change) => change.action === "propose");
      toast("ok", waits ? t.policies.proposed : t.policies.saved);
      void navigate({ to: waits && isNew ? pb.policies() : pb.policy(document.name) });
    },
  });
  const wrong = problems.size > 0 || textProblems.length > 0 || failure ? t.policies.notYet : isChecking ? t.policies.checking : undefined;
  const settled = useSettled(wrong ? undefined : document);
  const error = save.error ?? failure;
  return (
    <Page
      name={isNew ? t.policies.add : first.name}
      above={isNew ? <Crumb to={pb.policies()} text={t.policies.title} /> : <Crumb to={pb.policy(first.name)} text={first.name} />}
      title={isNew ? t.policies.add : <>{t.actions.edit} <Mono className="!text-[1.125rem]">{first.name}</Mono></>}
      lead={t.policies.editLead}
      actions={
        <>
          <Button onClick={() => void navigate({ to: isNew ? pb.policies() : pb.policy(first.name) })}>{t.actions.cancel}</Button>
          <Button look="primary" blocked={blocked("policy:write", document.scope) ?? wrong} busy={save.isPending} onClick={() => save.mutate()}>{t.actions.save}</Button>
        </>
      }
    >
      {error ? <div className="mb-5"><Notice tone="bad" live>{error instanceof Error && !save.error ? error.message : messageOf(error)}</Notice></div> : null}
      <div className="grid gap-x-8 gap-y-8 lg:grid-cols-2 2xl:grid-cols-[minmax(0,1fr)_minmax(0,1fr)_24rem]">
        <PolicyForm document={document} problems={problems} isNew={isNew} onChange={draft.setDocument} />
        <div className="min-w-0"><PolicyText draft={draft} /></div>
        <div className="space-y-8 lg:col-span-2 2xl:col-span-1">{settled ? <Effects draft={settled} /> : null}<Reach draft={settled} /></div>
      </div>
    </Page>
  );
}
