import { useQuery } from "@tanstack/react-query";
import { Check, CircleHelp, Minus, X } from "lucide-react";
import { useState } from "react";

import type { DraftPolicy } from "../api/client";
import type { AccessVerb, Explained, WhoCan } from "../api/nouns";
import { q } from "../api/queries";
import { Mono } from "../components/Copy";
import { QueryError } from "../components/QueryError";
import { RiskBadge, RiskSignals } from "../components/states";
import { useUrlState } from "../hooks/useUrlState";
import { t } from "../i18n";
import { Badge } from "../ui/Badge";
import { SelectField, TextField } from "../ui/Field";
import { Notice, Skeleton } from "../ui/feedback";
import { Panel, Section } from "../ui/Page";
import { Press } from "../ui/Press";

const r = t.policies.reach;
const ACCOUNT = /^[^@\s]+@[a-zA-Z0-9][\w.-]*$/;
const LABELS = /^[\w./-]+=[^=,]+(,[\w./-]+=[^=,]+)*$/;
const ACTIONS = ["connect", "request", "checkout", "shell", "exec", "sftp_read", "sftp_write", "local_forward", "remote_forward", "dynamic_forward", "agent", "x11", "env", "query", "copy_in", "copy_out", "replication"] as const satisfies AccessVerb[];

const words = (action: AccessVerb) => (action === "connect" || action === "request" || action === "checkout" ? r.actions[action] : t.capabilities[action]);

/** *Who can do this?* and *why?*, as the server decides at this moment: with what is saved, or as if `draft` were. */
export function Reach({ draft }: { draft?: DraftPolicy | undefined }) {
  const { search, set } = useUrlState();
  const on = search.account ?? "";
  const action = ACTIONS.find((each) => each === search.action) ?? "connect";
  const user = search.user ?? "";
  const [text, setText] = useState(on);
  const asked = ACCOUNT.test(on) || LABELS.test(on);
  const about = ACCOUNT.test(on) ? on : (search.on ?? "");
  const who = useQuery({ ...q.whoCan(on, action, draft), enabled: asked });
  const wrong = text !== "" && !ACCOUNT.test(text.trim()) && !LABELS.test(text.trim()) ? r.accountHint : undefined;
  return (
    <Section title={r.title}>
      {draft ? <p className="-mt-1 mb-3 text-xs text-muted">{r.asDrafted}</p> : null}
      <form onSubmit={(event) => { event.preventDefault(); set({ account: text.trim() || undefined, user: undefined, on: undefined }, { replace: true }); }} className="flex flex-wrap items-end gap-2">
        <div className="min-w-48 flex-1"><TextField label={r.account} hint={wrong} mono value={text} onChange={(event) => setText(event.target.value)} placeholder="root@web-1" spellCheck={false} autoComplete="off" /></div>
        <div className="w-44"><SelectField label={r.action} value={action} onChange={(event) => set({ action: event.target.value === "connect" ? undefined : event.target.value }, { replace: true })}>{ACTIONS.map((each) => <option key={each} value={each}>{words(each)}</option>)}</SelectField></div>
        <Press type="submit">{r.ask}</Press>
      </form>
      <div className="mt-3">
        {who.isError ? <Panel><QueryError error={who.error} onRetry={() => void who.refetch()} /></Panel> : null}
        {who.isLoading ? <Skeleton className="h-16 w-full" /> : null}
        {who.data ? (
          <Panel>
            {who.data.items.length === 0 ? <p className="px-4 py-3 text-sm text-muted">{r.nobody}</p> : null}
            <ul aria-label={r.title}>
              {who.data.items.map((item) => (
                <li key={`${item.user} ${item.account}`} className="flex flex-wrap items-center gap-x-3 gap-y-1 border-b px-4 py-2 text-sm last:border-b-0">
                  <Mono className="min-w-0 flex-1 truncate font-medium">{item.user}</Mono>
                  {ACCOUNT.test(on) ? null : <Mono className="truncate">{item.account}</Mono>}
                  <Mono className="truncate text-xs text-muted">{item.policy ?? ""}</Mono>
                  <AnswerBadge answer={item.answer} />
                  <button type="button" aria-label={r.whyFor(item.user)} onClick={() => set({ user: item.user, on: item.account }, { replace: true })} className="text-sm text-accent hover:underline">{r.why}</button>
                </li>
              ))}
            </ul>
            {who.data.next ? <p className="border-t px-4 py-2 text-xs text-muted">{r.more}</p> : null}
          </Panel>
        ) : null}
      </div>
      {ACCOUNT.test(about) ? <WhyForm key={`${about}/${user}/${action}`} draft={draft} account={about} action={action} user={user} onAsk={(name) => set({ user: name || undefined }, { replace: true })} /> : null}
    </Section>
  );
}

function AnswerBadge({ answer }: { answer: WhoCan["answer"] }) {
  switch (answer) {
    case "allowed": return <Badge tone="ok" icon="check">{r.answers.allowed}</Badge>;
    case "step_up": return <Badge tone="info" icon="check">{r.answers.step_up}</Badge>;
    case "on_request": return <Badge tone="plain" icon="dot">{r.answers.on_request}</Badge>;
    case "refused": return <Badge tone="plain" icon="ban">{r.answers.refused}</Badge>;
  }
}

function WhyForm({ draft, account, action, user, onAsk }: { draft: DraftPolicy | undefined; account: string; action: AccessVerb; user: string; onAsk: (user: string) => void }) {
  const [text, setText] = useState(user);
  const why = useQuery({ ...q.explain(user, account, action, draft), enabled: user !== "" });
  const answer = why.data?.answered.answer;
  return (
    <div className="mt-4">
      <form onSubmit={(event) => { event.preventDefault(); onAsk(text.trim()); }} className="flex items-end gap-2">
        <div className="min-w-0 flex-1"><TextField label={r.user} mono value={text} onChange={(event) => setText(event.target.value)} spellCheck={false} autoComplete="off" /></div>
        <Press type="submit">{r.why}</Press>
      </form>
      {why.isError ? <Panel className="mt-3"><QueryError error={why.error} onRetry={() => void why.refetch()} /></Panel> : null}
      {why.data && answer ? (
        <div className="mt-3 space-y-3">
          <Notice tone={answer === "allowed" ? "ok" : answer === "refused" ? "warn" : "info"} title={r.outcomes[answer](user, account, words(action))}>
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
