import { useQuery } from "@tanstack/react-query";
import { Check, CircleHelp, Minus, X } from "lucide-react";
import { useState } from "react";

import type { DraftPolicy } from "../api/client";
import type { Explained } from "../api/nouns";
import { q } from "../api/queries";
import { AccessBadge } from "../components/AccessAction";
import { Mono } from "../components/Copy";
import { QueryError } from "../components/QueryError";
import { RiskBadge, RiskSignals } from "../components/states";
import { useUrlState } from "../hooks/useUrlState";
import { t } from "../i18n";
import { TextField } from "../ui/Field";
import { Notice, Skeleton } from "../ui/feedback";
import { Panel, Section } from "../ui/Page";
import { Press } from "../ui/Press";

const r = t.policies.reach;
const ACCOUNT = /^[^@\s]+@[a-zA-Z0-9][\w.-]*$/;

/** *Who can reach this?* and *why?*, as the server decides at this moment: with what is saved, or as if `draft` were. */
export function Reach({ draft }: { draft?: DraftPolicy | undefined }) {
  const { search, set } = useUrlState();
  const account = search.account ?? "";
  const user = search.user ?? "";
  const [text, setText] = useState(account);
  const reach = useQuery({ ...q.accountReach(account, draft), enabled: ACCOUNT.test(account) });
  return (
    <Section title={r.title}>
      {draft ? <p className="-mt-1 mb-3 text-xs text-muted">{r.asDrafted}</p> : null}
      <form onSubmit={(event) => { event.preventDefault(); set({ account: text.trim() || undefined, user: undefined }, { replace: true }); }} className="flex items-end gap-2">
        <div className="min-w-0 flex-1"><TextField label={r.account} mono value={text} onChange={(event) => setText(event.target.value)} placeholder="root@web-1" list="reach-accounts" spellCheck={false} autoComplete="off" /></div>
        <Press type="submit">{r.ask}</Press>
      </form>
      <div className="mt-3">
        {reach.isError ? <Panel><QueryError error={reach.error} onRetry={() => void reach.refetch()} /></Panel> : null}
        {reach.isLoading ? <Skeleton className="h-16 w-full" /> : null}
        {reach.data ? (
          <Panel>
            {reach.data.items.length === 0 ? <p className="px-4 py-3 text-sm text-muted">{r.nobody}</p> : null}
            <ul aria-label={r.title}>
              {reach.data.items.map((item) => (
                <li key={item.user} className="flex items-center gap-3 border-b px-4 py-2 text-sm last:border-b-0">
                  <Mono className="min-w-0 flex-1 truncate font-medium">{item.user}</Mono>
                  <Mono className="truncate text-xs text-muted">{item.access.policy}</Mono>
                  <AccessBadge state={item.access.state} />
                  <button type="button" aria-label={r.whyFor(item.user)} onClick={() => set({ user: item.user }, { replace: true })} className="text-sm text-accent hover:underline">{r.why}</button>
                </li>
              ))}
            </ul>
            {reach.data.next ? <p className="border-t px-4 py-2 text-xs text-muted">{r.more}</p> : null}
          </Panel>
        ) : null}
      </div>
      {ACCOUNT.test(account) ? <WhyForm key={`${account}/${user}`} draft={draft} account={account} user={user} onAsk={(name) => set({ user: name || undefined }, { replace: true })} /> : null}
    </Section>
  );
}

function WhyForm({ draft, account, user, onAsk }: { draft: DraftPolicy | undefined; account: string; user: string; onAsk: (user: string) => void }) {
  const [text, setText] = useState(user);
  const why = useQuery({ ...q.explain(user, account, draft), enabled: user !== "" });
  return (
    <div className="mt-4">
      <form onSubmit={(event) => { event.preventDefault(); onAsk(text.trim()); }} className="flex items-end gap-2">
        <div className="min-w-0 flex-1"><TextField label={r.user} mono value={text} onChange={(event) => setText(event.target.value)} spellCheck={false} autoComplete="off" /></div>
        <Press type="submit">{r.why}</Press>
      </form>
      {why.isError ? <Panel className="mt-3"><QueryError error={why.error} onRetry={() => void why.refetch()} /></Panel> : null}
      {why.data ? (
        <div className="mt-3 space-y-3">
          <Notice tone={why.data.explanation.outcome === "permit" ? "ok" : why.data.explanation.outcome === "step_up" ? "info" : "warn"} title={r.outcomes[why.data.explanation.outcome](user, account)}>
            {why.data.messages.length > 0 ? <ul>{why.data.messages.map((message) => <li key={message}>{message}</li>)}</ul> : null}
          </Notice>
          {why.data.risk ? <div className="text-sm"><p className="mb-1 flex items-center gap-2">{t.requests.risk}<RiskBadge risk={why.data.risk} /></p><div className="text-xs text-muted"><RiskSignals risk={why.data.risk} /></div></div> : null}
          <Panel>
            <ul aria-label={r.verdicts}>
              {why.data.explanation.policies.map((each) => <li key={each.policy} className="flex items-start gap-2.5 border-b px-4 py-2 text-sm last:border-b-0"><VerdictIcon each={each} /><Mono className="min-w-0 flex-1 truncate">{each.policy}</Mono><span className="text-right text-xs text-muted">{r.verdict[each.verdict.code]}</span></li>)}
            </ul>
          </Panel>
        </div>
      ) : null}
    </div>
  );
}

function VerdictIcon({ each }: { each: Explained }) {
  switch (each.verdict.code) {
    case "allows": case "step_up": return <Check className="mt-0.5 size-4 text-ok" aria-hidden />;
    case "denies": return <X className="mt-0.5 size-4 text-bad" aria-hidden />;
    case "refuses": return <CircleHelp className="mt-0.5 size-4 text-warn" aria-hidden />;
    default: return <Minus className="mt-0.5 size-4 text-faint" aria-hidden />;
  }
}
