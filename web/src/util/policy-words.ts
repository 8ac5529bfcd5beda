import type { Policy } from "../api/nouns";
import { t } from "../i18n";
import { bytes, duration } from "./time";

const w = t.policies.words;
const list = (names: string[]) => names.join(", ");

/** Who it is about: users and groups in a few words. */
export function whoWords(policy: Policy): string {
  const { attributes, workloads } = policy.subjects;
  const others = [
    Object.keys(attributes ?? {}).length > 0 ? `${w.people} ${list(Object.entries(attributes ?? {}).map(([key, value]) => `${key}=${value}`))}` : "",
    workloads === true ? w.allWorkloads : Array.isArray(workloads) && workloads.length > 0 ? `${w.workloads} ${list(workloads)}` : "",
  ];
  const parts = [policy.subjects.groups.length > 0 ? `${w.groups} ${list(policy.subjects.groups)}` : "", policy.subjects.users.length > 0 ? `${w.users} ${list(policy.subjects.users)}` : "", ...others];
  return parts.filter(Boolean).join("; ") || t.policies.nobody;
}

/** Which accounts it reaches. */
export function accountWords(policy: Policy): string {
  const { names, assets, labels, platforms, kinds } = policy.accounts;
  const parts = [
    names.length > 0 ? `${w.accountsNamed} ${list(names)}` : "",
    assets.length > 0 ? `${w.onAssets} ${list(assets)}` : "",
    Object.keys(labels).length > 0 ? `${w.withLabels} ${list(Object.entries(labels).map(([key, value]) => `${key}=${value}`))}` : "",
    platforms.length > 0 ? `${w.onPlatforms} ${list(platforms.map((each) => t.assets.platforms[each]))}` : "",
    (kinds ?? []).length > 0 ? `${w.provedBy} ${list((kinds ?? []).map((each) => t.accounts.credentials[each]))}` : "",
  ];
  return parts.filter(Boolean).join(" ") || t.policies.anyAccount;
}

export function whenWords(policy: Policy): string[] {
  const { networks, hours, clients, ticket, risk } = policy.conditions;
  const said = hours.map((each) => w.hours((each.days ?? []).length > 0 ? (each.days ?? []).map((day) => t.policies.days[day]).join(", ") : w.everyDay, each.from, each.to, each.zone ?? "UTC") + ((each.except ?? []).length > 0 ? `, ${w.notOn(list(each.except ?? []))}` : ""));
  if (networks.length > 0) said.push(`${w.from} ${list(networks)}`);
  if ((clients ?? []).length > 0) said.push(`${w.by} ${list((clients ?? []).map((each) => t.policies.clients[each]))}`);
  if (ticket) said.push(`${w.ticketIn} ${list(ticket.states)}`);
  if (risk?.at_most) said.push(w.riskUpTo(t.requests.levels[risk.at_most]));
  if (risk?.at_least) said.push(w.riskFrom(t.requests.levels[risk.at_least]));
  return said.length > 0 ? said : [w.always];
}

/** What is hidden in the results of databases. */
function maskingWords(masking: NonNullable<Policy["obligations"]["statements"]>["masking"]): string[] {
  const { columns = [], tags = [], detectors = [] } = masking ?? {};
  return [
    columns.length > 0 ? w.maskedColumns(list(columns)) : "",
    tags.length > 0 ? w.maskedTags(list(tags)) : "",
    detectors.length > 0 ? w.maskedFound(list(detectors.map((each) => w.detectors[each]))) : "",
  ];
}

/** What sessions under it are bound to, a sentence each. */
export function obligationWords({ obligations: o, access }: Policy): string[] {
  const rule = o.approval;
  return [
    access === "request" ? (rule && rule.count > 0 ? w.approvals(rule.count, list(rule.groups ?? [])) : w.atOnce) : "",
    ...(access === "request" ? (rule?.next ?? []).map((stage) => w.approvalsThen(stage.count, list(stage.groups ?? []))) : []),
    access === "request" && rule?.remind ? w.remind(rule.remind) : "",
    access === "request" && rule?.escalate ? w.escalate(rule.escalate.after, list(rule.escalate.groups)) : "",
    o.reason_required && access === "request" ? w.reason : "",
    o.ticket_pattern ? w.ticket(o.ticket_pattern) : "",
    o.ticket_checked ? w.ticketChecked : "",
    o.mfa_max_age_seconds > 0 ? w.mfa(duration(o.mfa_max_age_seconds)) : w.mfaEach,
    w.max(duration(o.max_duration_seconds)),
    o.idle_seconds ? w.idle(duration(o.idle_seconds)) : "",
    o.concurrent_sessions ? w.concurrent(o.concurrent_sessions) : "",
    o.clipboard.copy ? "" : w.noCopy,
    o.clipboard.paste ? (o.clipboard.paste_bytes_max ? w.pasteMax(bytes(o.clipboard.paste_bytes_max)) : "") : w.noPaste,
    ...maskingWords(o.statements?.masking),
    o.join === "control" ? w.joinControl : w.joinWatch,
    o.watched ? w.watched : "",
    w.recording,
  ].filter(Boolean);
}
