import { useMutation, useQuery } from "@tanstack/react-query";

import { api } from "../api/client";
import type { Policy, PolicyRightSized } from "../api/nouns";
import { q } from "../api/queries";
import { Mono } from "../components/Copy";
import { QueryError } from "../components/QueryError";
import { useCan } from "../hooks/useWho";
import { t } from "../i18n";
import { toast } from "../stores/toast";
import { Button } from "../ui/Button";
import { Notice, Skeleton } from "../ui/feedback";
import { Facts, Panel, Section } from "../ui/Page";
import { few } from "./few";

const r = t.rightSize;
const NAMED_MAX = 8;

/** What was used of a policy, and the narrower one that would have done. */
export function RightSize({ policy }: { policy: Policy }) {
  const sized = useQuery(q.rightSize(policy.name));
  if (sized.isError && !sized.data) return <div className="mt-5"><Panel><QueryError error={sized.error} onRetry={() => void sized.refetch()} /></Panel></div>;
  if (!sized.data) return <Skeleton className="mt-5 h-40 w-full" />;
  return <Shown policy={policy} sized={sized.data} />;
}

function Shown({ policy, sized }: { policy: Policy; sized: PolicyRightSized }) {
  const unused = [...sized.unused_users, ...sized.unused_groups, ...(sized.unused_workloads ?? []), ...(sized.unused_attributes ? [t.users.attributes] : []), ...(sized.unused_capabilities ?? []).map((each) => t.capabilities[each])];
  return (
    <div className="mt-5 max-w-4xl space-y-6">
      <div className="rounded-lg border bg-surface px-4 py-3">
        <Facts columns items={[
          [r.uses, sized.uses.toLocaleString()],
          [r.people, r.of(sized.people_used, sized.people)],
          [r.accounts, r.of(sized.accounts_used, sized.accounts)],
          unused.length > 0 ? [r.unused, unused.join(", ")] : null,
          sized.unused_members.length > 0 ? [r.members, <Mono key="members">{few(sized.unused_members, NAMED_MAX)}</Mono>] : null,
          sized.unused_accounts.length > 0 ? [r.unusedAccounts, <Mono key="accounts">{few(sized.unused_accounts, NAMED_MAX)}</Mono>] : null,
        ]} />
      </div>
      {sized.unused ? <Notice tone="warn">{r.nobody}</Notice> : sized.proposed ? <Proposed policy={policy} sized={sized} /> : <Notice tone="ok">{r.fits}</Notice>}
    </div>
  );
}

function Proposed({ policy, sized }: { policy: Policy; sized: PolicyRightSized }) {
  const { blocked } = useCan();
  const document = sized.proposed ? { kind: "Policy" as const, ...sized.proposed } : undefined;
  const written = useQuery(q.documentText(document));
  const apply = useMutation({ mutationFn: () => api.documentsApply(document ? [document] : []), onSuccess: () => toast("ok", r.applied) });
  return (
    <>
      <Section title={r.changes} aside={<Button look="primary" size="sm" busy={apply.isPending} blocked={blocked("policy:write", policy.scope)} onClick={() => apply.mutate()}>{r.apply}</Button>}>
        <Panel><ul className="divide-y">{sized.changes.map((change) => <li key={change} className="px-4 py-2 text-sm [overflow-wrap:anywhere]">{change}</li>)}</ul></Panel>
      </Section>
      <Section title={r.would}>
        <Panel>
          <ul className="divide-y text-sm">
            <li className="px-4 py-2">{r.people_less(sized.diff?.people_narrowed ?? 0)}</li>
            <li className="px-4 py-2">{r.uses_refused(sized.uses_refused)}</li>
            <li className="px-4 py-2">{r.requests(sized.simulated?.changed.length ?? 0, sized.simulated?.requests ?? 0)}</li>
            {sized.simulated?.changed.slice(0, 20).map((each) => <li key={`${each.at} ${each.user} ${each.account}`} className="px-4 py-2 text-muted"><Mono>{each.user}</Mono> <Mono>{each.account}</Mono> {each.messages.join("; ")}</li>)}
          </ul>
        </Panel>
      </Section>
      <Section title={r.proposed}>
        <pre className="overflow-x-auto rounded-lg border bg-surface px-4 py-3 font-mono text-xs leading-5" tabIndex={0} role="region" aria-label={r.proposed}>{written.data?.text ?? ""}</pre>
      </Section>
    </>
  );
}
