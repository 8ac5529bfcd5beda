import type { ApprovalRule, Demands as DemandsNoun } from "../api/nouns";
import { t } from "../i18n";
import { duration } from "../util/time";

export function approvalText(rule: ApprovalRule | null | undefined): string {
  if (!rule || rule.count === 0) return t.access.demand.atOnce;
  const stages = [rule, ...(rule.next ?? [])];
  return stages.map((stage) => t.access.demand.approvals(stage.count, (stage.groups ?? []).join(", "))).join(t.access.demand.andThen);
}

/** What a policy asks for, as short phrases. */
export function demandPhrases(demands: DemandsNoun, short: boolean): string[] {
  const d = t.access.demand;
  return [
    approvalText(demands.approval),
    demands.reason_required ? d.reason : "",
    demands.ticket_pattern ? (short ? d.ticketShort : d.ticket(demands.ticket_pattern)) : "",
    demands.passkey ? d.passkey : "",
    short || demands.passkey ? "" : demands.mfa_max_age_seconds > 0 ? d.mfa(duration(demands.mfa_max_age_seconds)) : d.mfaEach,
    d.max(duration(demands.max_duration_seconds)),
  ].filter(Boolean);
}

export function DemandLine({ demands }: { demands: DemandsNoun | null | undefined }) {
  if (!demands) return <span className="text-faint">{t.common.none}</span>;
  return <span className="text-muted xl:whitespace-nowrap">{demandPhrases(demands, true).join(" · ")}</span>;
}
