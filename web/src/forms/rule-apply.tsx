import { useMutation } from "@tanstack/react-query";

import { api } from "../api/client";
import type { DetectionRule } from "../api/nouns";
import { FormDialog, fieldError } from "../components/FormDialog";
import { useKept } from "../hooks/useKept";
import { t } from "../i18n";
import { toast } from "../stores/toast";
import { TextArea } from "../ui/Field";

const c = t.alerts;

/** What a rule looks like, for who writes the first. */
const EXAMPLE = `- id: payroll.read
  title: The payroll was read
  severity: high
  attack: T1005
  respond: alert
  on: [command, exec, file]
  match: {path: '^/srv/payroll/'}
  hits: ["cat /srv/payroll/2026-11.csv"]
  misses: ["ls /srv"]
`;

/** Takes rules up as text; a new one is off until it is switched on. */
export function RuleApply({ rule, onTaken, onClose }: { rule: DetectionRule | undefined; onTaken: (id: string) => void; onClose: () => void }) {
  const [text, setText] = useKept("text", rule ? JSON.stringify([rule.rule], null, 2) : EXAMPLE);
  const apply = useMutation({
    meta: { inline: true },
    mutationFn: () => api.detectionRuleApply(text),
    onSuccess: ({ rules, waiting }) => {
      toast("ok", waiting.length > 0 ? c.takenWaits(waiting.length) : c.takenUp(rules.length));
      const [first] = [...rules, ...waiting];
      if (first) onTaken(first);
      else onClose();
    },
  });
  return (
    <FormDialog title={rule ? c.changeTitle(rule.id) : c.write} about={c.writeBody} submit={c.takeUp} busy={apply.isPending} error={apply.error} fields={["text"]} onSubmit={() => apply.mutate()} onClose={onClose} wide>
      <TextArea label={c.text} hint={c.textHint} mono rows={18} spellCheck={false} value={text} onChange={(event) => setText(event.target.value)} error={fieldError(apply.error, "text")} required />
    </FormDialog>
  );
}
