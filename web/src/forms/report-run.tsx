import { useMutation } from "@tanstack/react-query";

import { api } from "../api/client";
import type { Report, ReportSchedule } from "../api/nouns";
import { FormDialog, fieldError } from "../components/FormDialog";
import { letGo, useKept } from "../hooks/useKept";
import { useWho } from "../hooks/useWho";
import { t } from "../i18n";
import { toast } from "../stores/toast";
import { SelectField, TextField } from "../ui/Field";

const r = t.reports;
const KINDS = Object.keys(r.kinds) as Report["kind"][];
const EVERIES = Object.keys(r.everies) as ReportSchedule["every"][];
const DAYS = 90;

function ago(days: number): string {
  return new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10);
}

/** Has a report made: now, over a period; or again and again. */
export function ReportRun({ again, onClose }: { again: boolean; onClose: () => void }) {
  const who = useWho();
  const [kind, setKind] = useKept<string>("kind", "pci-dss");
  const [scope, setScope] = useKept("scope", who.user.scope);
  const [since, setSince] = useKept("since", ago(DAYS));
  const [until, setUntil] = useKept("until", "");
  const [every, setEvery] = useKept<string>("every", "month");
  const run = useMutation({
    meta: { inline: true },
    mutationFn: async () => {
      const about = { kind: kind as Report["kind"], scope };
      if (again) await api.reportSchedule({ ...about, every: every as ReportSchedule["every"] });
      else await api.reportRun({ ...about, since: `${since}T00:00:00Z`, ...(until ? { until: `${until}T00:00:00Z` } : {}) });
    },
    onSuccess: () => {
      letGo();
      toast("ok", again ? r.scheduled : r.done);
      onClose();
    },
  });
  const error = (field: string) => fieldError(run.error, field);
  return (
    <FormDialog title={again ? r.schedule : r.add} about={again ? r.scheduleBody : r.runBody} submit={again ? r.schedule : r.run} busy={run.isPending} error={run.error} fields={["scope", "since", "until"]} onSubmit={() => run.mutate()} onClose={onClose}>
      <SelectField label={r.kind} value={kind} onChange={(event) => setKind(event.target.value)}>
        {KINDS.map((each) => <option key={each} value={each}>{r.kinds[each]}</option>)}
      </SelectField>
      <TextField label={r.scope} mono value={scope} onChange={(event) => setScope(event.target.value)} required pattern="/.*" error={error("scope")} />
      {again ? (
        <SelectField label={r.every} value={every} onChange={(event) => setEvery(event.target.value)}>
          {EVERIES.map((each) => <option key={each} value={each}>{r.everies[each]}</option>)}
        </SelectField>
      ) : (
        <div className="grid gap-x-5 sm:grid-cols-2 [&>*]:mt-4!">
          <TextField type="date" label={r.since} value={since} onChange={(event) => setSince(event.target.value)} required error={error("since")} />
          <TextField type="date" label={r.until} hint={r.untilHint} optional={t.common.optional} value={until} onChange={(event) => setUntil(event.target.value)} error={error("until")} />
        </div>
      )}
    </FormDialog>
  );
}
