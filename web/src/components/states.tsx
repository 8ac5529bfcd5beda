import type { Account, Checkout, DiscoveryRun, Finding, Grant, HostKey, Policy, Request, Review, ReviewItem, Risk, Rotation, Session, User } from "../api/nouns";
import { t } from "../i18n";
import { Badge } from "../ui/Badge";

export function RequestBadge({ state }: { state: Request["state"] }) {
  const text = t.requests.states[state];
  switch (state) {
    case "pending": return <Badge tone="warn" icon="wait">{text}</Badge>;
    case "granted": return <Badge tone="ok" icon="check">{text}</Badge>;
    case "denied": return <Badge tone="bad" icon="x">{text}</Badge>;
    case "expired": return <Badge tone="plain" icon="clock">{text}</Badge>;
    case "withdrawn": return <Badge tone="plain" icon="minus">{text}</Badge>;
  }
}

export function RiskBadge({ risk }: { risk: Risk }) {
  const text = t.requests.levels[risk.level];
  switch (risk.level) {
    case "low": return <Badge tone="plain" icon="dot">{text}</Badge>;
    case "elevated": return <Badge tone="warn" icon="alert">{text}</Badge>;
    case "high": return <Badge tone="bad" icon="alert">{text}</Badge>;
  }
}

/** What a risk follows from, a sentence each. */
export function RiskSignals({ risk }: { risk: Risk }) {
  if (risk.signals.length === 0) return <p>{t.requests.riskNone}</p>;
  return <ul className="list-disc space-y-0.5 pl-4">{risk.signals.map((signal) => <li key={signal}>{t.requests.signals[signal]}</li>)}</ul>;
}

export function GrantBadge({ state }: { state: Grant["state"] }) {
  const text = t.grants.states[state];
  switch (state) {
    case "active": return <Badge tone="ok" icon="check">{text}</Badge>;
    case "scheduled": return <Badge tone="info" icon="clock">{text}</Badge>;
    case "revoked": return <Badge tone="bad" icon="ban">{text}</Badge>;
    case "expired": return <Badge tone="plain" icon="minus">{text}</Badge>;
  }
}

export function CheckoutBadge({ state }: { state: Checkout["state"] }) {
  const text = t.checkouts.states[state];
  switch (state) {
    case "open": return <Badge tone="warn" icon="clock">{text}</Badge>;
    case "checked_in": return <Badge tone="ok" icon="check">{text}</Badge>;
    case "expired": return <Badge tone="plain" icon="minus">{text}</Badge>;
  }
}

export function SeverityBadge({ severity }: { severity: Finding["severity"] }) {
  const text = t.findings.severities[severity];
  switch (severity) {
    case "critical": return <Badge tone="bad" icon="alert">{text}</Badge>;
    case "high": return <Badge tone="bad" icon="alert">{text}</Badge>;
    case "medium": return <Badge tone="warn" icon="alert">{text}</Badge>;
    case "low": return <Badge tone="plain" icon="dot">{text}</Badge>;
  }
}

export function ReviewBadge({ state }: { state: Review["state"] }) {
  return state === "open" ? <Badge tone="info" icon="wait">{t.reviews.states.open}</Badge> : <Badge tone="plain" icon="minus">{t.reviews.states.closed}</Badge>;
}

export function AdviceBadge({ advice }: { advice: ReviewItem["advice"] }) {
  const text = t.reviews.decisions[advice];
  switch (advice) {
    case "keep": return <Badge tone="ok" icon="check">{text}</Badge>;
    case "reduce": return <Badge tone="warn" icon="minus">{text}</Badge>;
    case "revoke": return <Badge tone="bad" icon="x">{text}</Badge>;
  }
}

/** What was decided, and whether it has been done. */
export function DecisionBadge({ item }: { item: ReviewItem }) {
  if (!item.decision) return <Badge tone="info" icon="wait">{t.reviews.itemStates.waiting}</Badge>;
  if (item.effect === "failed") return <Badge tone="bad" icon="alert">{t.reviews.itemStates.failed}</Badge>;
  switch (item.decision) {
    case "keep": return <Badge tone="ok" icon="check">{t.reviews.itemStates.kept}</Badge>;
    case "reduce": return <Badge tone="plain" icon="minus">{t.reviews.itemStates.reduced}</Badge>;
    case "revoke": return <Badge tone="plain" icon="x">{t.reviews.itemStates.revoked}</Badge>;
  }
}

export function RunBadge({ state }: { state: DiscoveryRun["state"] }) {
  const text = t.discovery.states[state];
  switch (state) {
    case "running": return <Badge tone="live">{text}</Badge>;
    case "done": return <Badge tone="ok" icon="check">{text}</Badge>;
    case "cancelled": return <Badge tone="plain" icon="ban">{text}</Badge>;
  }
}

export function SessionBadge({ state }: { state: Session["state"] }) {
  const text = t.sessions.states[state];
  switch (state) {
    case "live": return <Badge tone="live">{text}</Badge>;
    case "opening": return <Badge tone="info" icon="dashed">{text}</Badge>;
    case "ended": return <Badge tone="plain" icon="minus">{text}</Badge>;
  }
}

/** What kind of user it is, where it is no ordinary one. */
export function KindBadge({ user }: { user: User }) {
  const kind = user.kind === "workload" ? "workload" : user.vendor ? "vendor" : user.identity ? "privileged" : "person";
  if (kind === "person") return null;
  return <Badge tone={kind === "vendor" ? "warn" : "info"} icon="dot">{t.users.kindBadges[kind]}</Badge>;
}

export function UserBadge({ state }: { state: User["state"] }) {
  const text = t.users.states[state];
  switch (state) {
    case "active": return <Badge tone="ok" icon="check">{text}</Badge>;
    case "invited": return <Badge tone="info" icon="wait">{text}</Badge>;
    case "disabled": return <Badge tone="plain" icon="ban">{text}</Badge>;
  }
}

export function AccountBadge({ state }: { state: Account["state"] }) {
  const text = t.accounts.states[state];
  switch (state) {
    case "managed": return <Badge tone="ok" icon="check">{text}</Badge>;
    case "discovered": return <Badge tone="info" icon="dot">{text}</Badge>;
    case "orphaned": return <Badge tone="warn" icon="alert">{text}</Badge>;
    case "disabled": return <Badge tone="plain" icon="ban">{text}</Badge>;
  }
}

export function HostKeyBadge({ state }: { state: HostKey["state"] }) {
  const text = t.assets.keyStates[state];
  switch (state) {
    case "pinned": return <Badge tone="ok" icon="check">{text}</Badge>;
    case "seen": return <Badge tone="warn" icon="alert">{text}</Badge>;
    case "rejected": return <Badge tone="bad" icon="x">{text}</Badge>;
  }
}

export function EffectBadge({ effect }: { effect: Policy["effect"] }) {
  return effect === "allow" ? <Badge tone="ok" icon="check">{t.policies.allow}</Badge> : <Badge tone="bad" icon="ban">{t.policies.deny}</Badge>;
}

export function ReadyBadge({ account }: { account: Account }) {
  if (account.credential === "ssh_certificate") return <Badge tone="plain" icon="minus">{t.accounts.nothing}</Badge>;
  return account.ready ? <Badge tone="ok" icon="check">{t.accounts.isReady}</Badge> : <Badge tone="warn" icon="alert">{t.accounts.notReady}</Badge>;
}

export function RotationBadge({ state }: { state: Rotation["state"] }) {
  const text = t.rotations.states[state];
  switch (state) {
    case "current": return <Badge tone="ok" icon="check">{text}</Badge>;
    case "broken": return <Badge tone="bad" icon="alert">{text}</Badge>;
    case "refused": return <Badge tone="warn" icon="x">{text}</Badge>;
    case "cancelled": case "superseded": return <Badge tone="plain" icon="minus">{text}</Badge>;
    case "planned": return <Badge tone="info" icon="clock">{text}</Badge>;
    default: return <Badge tone="info" icon="dashed">{text}</Badge>;
  }
}
