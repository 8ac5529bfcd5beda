import { useMutation, useQuery } from "@tanstack/react-query";
import { useNavigate, useParams } from "@tanstack/react-router";
import { Check, Pencil, Trash2, X } from "lucide-react";
import type { ReactNode } from "react";

import { api } from "../../api/client";
import type { Policy } from "../../api/nouns";
import { q } from "../../api/queries";
import { CopyButton, Mono } from "../../components/Copy";
import { Crumb } from "../../components/Crumb";
import { QueryError } from "../../components/QueryError";
import { ReasonDialog } from "../../components/ReasonDialog";
import { EffectBadge } from "../../components/states";
import { useDialog, useUrlState } from "../../hooks/useUrlState";
import { useCan } from "../../hooks/useWho";
import { t } from "../../i18n";
import { documentOf } from "../../policy/document";
import { Reach } from "../../policy/Reach";
import { History } from "../../policy/History";
import { RightSize } from "../../policy/RightSize";
import { toast } from "../../stores/toast";
import { Button } from "../../ui/Button";
import { cx } from "../../ui/cx";
import { Notice, Skeleton } from "../../ui/feedback";
import { Page, Panel } from "../../ui/Page";
import { TabPanel, Tabs } from "../../ui/Tabs";
import { pb } from "../../util/path-builder";
import { accountWords, obligationWords, whenWords, whoWords } from "../../util/policy-words";

export function PolicyPage() {
  const { name = "" } = useParams({ strict: false });
  const policy = useQuery(q.policy(name));
  const above = <Crumb to={pb.policies()} text={t.policies.title} />;
  if (policy.isError && !policy.data) return <Page title={name} above={above}><Panel><QueryError error={policy.error} onRetry={() => void policy.refetch()} /></Panel></Page>;
  if (!policy.data) return <Page title={<Mono>{name}</Mono>} above={above}><Skeleton className="h-64 w-full" /></Page>;
  return <Shown policy={policy.data} />;
}

function Shown({ policy }: { policy: Policy }) {
  const { blocked } = useCan();
  const { search, set } = useUrlState();
  const { dialog, open, close } = useDialog();
  const navigate = useNavigate();
  const write = blocked("policy:write", policy.scope);
  return (
    <Page
      name={policy.name}
      above={<Crumb to={pb.policies()} text={t.policies.title} />}
      title={<Mono className="!text-[1.125rem]">{policy.name}</Mono>}
      lead={<span className="flex flex-wrap items-center gap-3"><EffectBadge effect={policy.effect} /><Mono>{policy.scope}</Mono><span>{t.policies.revision(policy.revision)}</span></span>}
      actions={
        <>
          <Button blocked={write} icon={<Pencil className="size-4" aria-hidden />} onClick={() => void navigate({ to: pb.policyEdit(policy.name) })}>{t.policies.edit}</Button>
          <Button look="danger" blocked={write} icon={<Trash2 className="size-4" aria-hidden />} onClick={() => open("remove")}>{t.policies.remove}</Button>
        </>
      }
    >
      {policy.description ? <p className="mb-5 max-w-[70ch] text-base text-pretty">{policy.description}</p> : null}
      <Tabs label={t.policies.title} value={search.tab ?? "words"} onChange={(tab) => set({ tab: tab === "words" ? undefined : tab }, { replace: true })} items={[{ value: "words", label: t.policies.readable }, { value: "text", label: t.policies.text }, ...(policy.effect === "allow" ? [{ value: "use", label: t.rightSize.tab }] : []), { value: "history", label: t.policies.history.title }]}>
        <TabPanel value="words"><div className="grid items-start gap-x-8 xl:grid-cols-[minmax(0,1fr)_24rem]"><Words policy={policy} /><div className="mt-5"><Reach /></div></div></TabPanel>
        <TabPanel value="text"><Text policy={policy} /></TabPanel>
        <TabPanel value="use"><RightSize policy={policy} /></TabPanel>
        <TabPanel value="history"><History policy={policy} /></TabPanel>
      </Tabs>
      {dialog === "remove" ? <Remove policy={policy} onClose={close} /> : null}
    </Page>
  );
}

function Words({ policy }: { policy: Policy }) {
  const allowed = new Set(policy.obligations.capabilities);
  return (
    <div className="mt-5 max-w-4xl">
      {policy.effect === "deny" ? <div className="mb-4"><Notice tone="warn">{t.policies.words.denies}</Notice></div> : null}
      <dl className="divide-y rounded-lg border bg-surface">
        <Row name={t.policies.parts.who}>{whoWords(policy)}</Row>
        <Row name={t.policies.parts.accounts}>{accountWords(policy)}</Row>
        <Row name={t.policies.parts.when}>{whenWords(policy).map((line) => <p key={line}>{line}</p>)}</Row>
        {policy.effect === "allow" ? (
          <>
            <Row name={t.policies.parts.how}>{policy.access === "request" ? t.policies.words.byRequest : t.policies.words.standing}</Row>
            <Row name={t.policies.parts.may}>
              <ul className="grid gap-x-6 gap-y-1 xs:grid-cols-2">
                {(Object.keys(t.capabilities) as (keyof typeof t.capabilities)[]).map((each) => (
                  <li key={each} className={cx("flex items-center gap-2", !allowed.has(each) && "text-faint")}>
                    {allowed.has(each) ? <Check className="size-4 shrink-0 text-ok" aria-label={t.common.yes} /> : <X className="size-4 shrink-0" aria-label={t.common.no} />}
                    {t.capabilities[each]}
                  </li>
                ))}
              </ul>
            </Row>
            <Row name={t.policies.parts.bound}><ul className="space-y-1">{obligationWords(policy).map((line) => <li key={line}>{line}</li>)}</ul></Row>
          </>
        ) : null}
      </dl>
    </div>
  );
}

function Row({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="grid gap-x-6 gap-y-1 px-4 py-3 sm:grid-cols-[12rem_minmax(0,1fr)]">
      <dt className="text-sm text-muted">{name}</dt>
      <dd className="text-sm [overflow-wrap:anywhere]">{children}</dd>
    </div>
  );
}

function Text({ policy }: { policy: Policy }) {
  const written = useQuery(q.documentText(documentOf(policy)));
  const text = written.data?.text ?? "";
  return (
    <div className="mt-5 max-w-4xl">
      {written.isError ? <Panel><QueryError error={written.error} onRetry={() => void written.refetch()} /></Panel> : null}
      <div className="relative rounded-lg border bg-surface">
        <div className="absolute top-2 right-2"><CopyButton text={text} label={t.policies.copy} /></div>
        <pre className="overflow-x-auto px-4 py-3 font-mono text-xs leading-5" tabIndex={0} role="region" aria-label={t.policies.text}>{text}</pre>
      </div>
      <p className="mt-2 text-sm text-muted">{t.policies.applyHint}</p>
    </div>
  );
}

function Remove({ policy, onClose }: { policy: Policy; onClose: () => void }) {
  const navigate = useNavigate();
  const remove = useMutation({ meta: { inline: true }, mutationFn: () => api.policyDelete(policy.name), onSuccess: ({ proposal }) => { toast("ok", proposal ? t.policies.proposed : t.policies.removed); void navigate({ to: pb.policies() }); } });
  return <ReasonDialog title={t.policies.removeTitle(policy.name)} about={t.policies.removeBody} submit={t.policies.remove} danger busy={remove.isPending} error={remove.error} onSubmit={() => remove.mutate()} onClose={onClose} />;
}
