import type { DetectionRule } from "../api/nouns";
import { t } from "../i18n";
import { Badge } from "../ui/Badge";

const c = t.alerts;

/** Whether more of a rule's alerts were false than is tolerable. */
export const isOver = (rule: DetectionRule) => (rule.false_percent ?? 0) > rule.false_budget_percent;

/** How many of a rule's closed alerts were false, against what is tolerable. */
export function FalseAlerts({ of: rule }: { of: DetectionRule }) {
  const { true_alerts, false_alerts, expected } = rule.figures;
  const closed = true_alerts + false_alerts + expected;
  if (closed === 0) return <span className="text-faint">{c.noneClosed}</span>;
  const text = c.falseOf(false_alerts, closed);
  return isOver(rule) ? <Badge tone="bad" icon="alert">{text}</Badge> : <span className="tabular-nums">{text}</span>;
}
