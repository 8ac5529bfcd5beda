import { useMutation } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { History } from "lucide-react";
import { useState } from "react";

import { api } from "../../api/client";
import { messageOf } from "../../api/errors";
import type { BackTested, DetectionRule, Finding } from "../../api/nouns";
import { CopyButton, Mono } from "../../components/Copy";
import { FalseAlerts } from "../../components/FalseAlerts";
import { SeverityBadge } from "../../components/states";
import { useCan } from "../../hooks/useWho";
import { t } from "../../i18n";
import { toast } from "../../stores/toast";
import { Badge } from "../../ui/Badge";
import { Button } from "../../ui/Button";
import { Dialog, DialogActions } from "../../ui/Dialog";
import { SelectField } from "../../ui/Field";
import { Notice } from "../../ui/feedback";
import { Facts } from "../../ui/Page";
import { pb } from "../../util/path-builder";
import { playTime } from "../../util/time";

const c = t.alerts;
const DAYS = [7, 30, 90, 366];

/** One rule beside the list: what it goes by, what came of it, what it would have found, and its text. */
export function RuleDrawer({ rule, onEdit, onClose }: { rule: DetectionRule; onEdit: () => void; onClose: () => void }) {
  const { blocked } = useCan();
  const why = blocked("policy:write", "/");
  const { true_alerts, expected } = rule.figures;
  const text = JSON.stringify([rule.rule], null, 2);
  const turn = useMutation({
    meta: { inline: true },
    mutationFn: (on: boolean) => (on ? api.detectionRuleEnable(rule.id) : api.detectionRuleDisable(rule.id)),
    onSuccess: ({ waiting }, on) => toast("ok", waiting.length > 0 ? c.staysOn(rule.id) : on ? c.isOn(rule.id) : c.isOff(rule.id)),
  });
  return (
    <Dialog title={rule.title} about={<Mono>{rule.id}</Mono>} onClose={onClose} side>
      {turn.error ? <div className="mb-4"><Notice tone="bad" live>{messageOf(turn.error)}</Notice></div> : null}
      {rule.waiting ? <Asked of={rule} why={why} /> : null}
      <Facts
        items={[
          [c.state, <span key="e" className="flex flex-wrap items-center gap-2">{rule.enabled ? <Badge tone="ok" icon="check">{c.on}</Badge> : <Badge tone="plain" icon="minus">{c.off}</Badge>}{rule.own ? <span className="text-muted">{c.ownRule}</span> : null}</span>],
          [c.severity, <SeverityBadge key="s" severity={rule.severity as Finding["severity"]} />],
          [c.technique, <Mono key="t">{rule.attack}</Mono>],
          [c.does, c.acts[rule.response as keyof typeof c.acts]],
          rule.basis.length > 0 ? [c.basis, <span key="b" className="block max-w-[60ch] space-y-1">{rule.basis.map((line) => <span key={line} className="block">{line}</span>)}</span>] : [c.basis, <span key="b" className="text-muted">{c.noBasis}</span>],
          [c.raisedCount, c.figures(rule.figures.raised, true_alerts, expected)],
          [c.falseAlerts, <span key="f" className="flex flex-wrap items-center gap-x-2"><FalseAlerts of={rule} /><span className="text-muted">{c.budget(rule.false_budget_percent)}</span></span>],
        ]}
      />
      <BackTest rule={rule.id} />
      <details className="mt-6">
        <summary className="w-fit cursor-pointer text-sm font-semibold">{c.text}</summary>
        <div className="mt-1.5 flex items-center justify-end"><CopyButton text={text} label={c.copyText} /></div>
        <pre tabIndex={0} role="region" aria-label={c.text} className="max-h-80 overflow-auto rounded-md bg-sunken px-3 py-2.5 font-mono text-xs leading-5">{text}</pre>
      </details>
      <DialogActions>
        <Button blocked={why} onClick={onEdit}>{c.change}</Button>
        <Button look={rule.enabled ? "danger" : "primary"} blocked={why} busy={turn.isPending} onClick={() => turn.mutate(!rule.enabled)}>{rule.enabled ? c.turnOff : c.turnOn}</Button>
      </DialogActions>
    </Dialog>
  );
}

/** A change by which the rule may find less, asked for by one person: somebody else makes it too, or drops it. */
function Asked({ of: rule, why }: { of: DetectionRule; why: string | undefined }) {
  const { waiting } = rule;
  const answer = useMutation({
    meta: { inline: true },
    mutationFn: (yes: boolean) => {
      if (!yes) return api.detectionRuleEnable(rule.id);
      return waiting?.enabled && waiting.body ? api.detectionRuleApply(`[${waiting.body}]`) : api.detectionRuleDisable(rule.id);
    },
    onSuccess: (changed, yes) => toast("ok", changed.waiting.length > 0 ? c.staysOn(rule.id) : !yes ? c.isOn(rule.id) : waiting?.enabled ? c.takenUp(1) : c.isOff(rule.id)),
  });
  if (!waiting) return null;
  return (
    <div className="mb-4">
      <Notice tone="warn" title={c.asked(waiting.author, !waiting.enabled)}>{c.askedBody}</Notice>
      {waiting.enabled && waiting.body ? (
        <details className="mt-2">
          <summary className="w-fit cursor-pointer text-sm font-semibold">{c.askedText}</summary>
          <pre tabIndex={0} role="region" aria-label={c.askedText} className="mt-1.5 max-h-80 overflow-auto rounded-md bg-sunken px-3 py-2.5 font-mono text-xs leading-5">{JSON.stringify([JSON.parse(waiting.body)], null, 2)}</pre>
        </details>
      ) : null}
      {answer.error ? <div className="mt-2"><Notice tone="bad" live>{messageOf(answer.error)}</Notice></div> : null}
      <div className="mt-2 flex gap-2">
        <Button blocked={why} busy={answer.isPending} onClick={() => answer.mutate(false)}>{c.keepOn}</Button>
        <Button look="danger" blocked={why} busy={answer.isPending} onClick={() => answer.mutate(true)}>{waiting.enabled ? c.changeToo : c.turnOffToo}</Button>
      </div>
    </div>
  );
}

/** What the rule would have said over the past: the ledger's events and the recordings of sessions. */
function BackTest({ rule }: { rule: string }) {
  const { blocked } = useCan();
  const [days, setDays] = useState("30");
  const test = useMutation({ meta: { inline: true, keeps: true }, mutationFn: () => api.detectionRuleTest(rule, Number(days)) });
  return (
    <section className="mt-6" aria-label={c.backTest}>
      <h3 className="text-sm font-semibold">{c.backTest}</h3>
      <p className="mt-0.5 text-sm text-muted">{c.backTestBody}</p>
      <div className="mt-2 flex items-end gap-2">
        <div className="w-40"><SelectField label={c.since} value={days} onChange={(event) => setDays(event.target.value)}>{DAYS.map((each) => <option key={each} value={each}>{c.lastDays(each)}</option>)}</SelectField></div>
        <Button icon={<History className="size-4" aria-hidden />} blocked={blocked("recording:read", "/")} busy={test.isPending} onClick={() => test.mutate()}>{c.tryIt}</Button>
      </div>
      {test.error ? <div className="mt-3"><Notice tone="bad" live>{messageOf(test.error)}</Notice></div> : null}
      {test.data ? <Tested of={test.data} /> : null}
    </section>
  );
}

function Tested({ of: tested }: { of: BackTested }) {
  return (
    <div className="mt-3" aria-live="polite">
      <Notice tone={tested.found > 0 ? "warn" : "ok"} title={c.wouldFind(tested.found)}>{c.lookedAt(tested.events, tested.recordings, tested.unreadable)}</Notice>
      {tested.findings.length > 0 ? (
        <ol aria-label={c.wouldHaveFound} className="mt-2 max-h-80 divide-y overflow-auto rounded-md border text-sm">
          {tested.findings.map((each, index) => (
            <li key={index} className="px-3 py-2">
              <p className="flex flex-wrap items-baseline gap-x-2">
                <Mono className="font-medium">{each.user}</Mono>{each.account ? <Mono className="text-muted">{each.account}</Mono> : null}
                {each.session ? <Link to={pb.session(each.session)} search={{ at: String(Math.max(0, Math.floor((each.deed_at ?? 0) / 1000) - 2)) }} className="ml-auto text-accent underline underline-offset-2">{each.deed_at === null || each.deed_at === undefined ? c.session : c.watch(playTime(each.deed_at / 1000))}</Link> : null}
              </p>
              <code className="mt-0.5 block font-mono text-xs text-ink [overflow-wrap:anywhere]">{each.evidence}</code>
              {each.why ? <p className="text-xs text-muted">{each.why}</p> : null}
            </li>
          ))}
        </ol>
      ) : null}
      {tested.found > tested.findings.length ? <p className="mt-1 text-xs text-muted">{c.firstOf(tested.findings.length, tested.found)}</p> : null}
    </div>
  );
}
