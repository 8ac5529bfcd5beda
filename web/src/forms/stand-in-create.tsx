import { useMutation } from "@tanstack/react-query";

import { api } from "../api/client";
import { FormDialog, fieldError } from "../components/FormDialog";
import { letGo, useKept } from "../hooks/useKept";
import { t } from "../i18n";
import { toast } from "../stores/toast";
import { TextField } from "../ui/Field";

const p = t.profile;

/** Names who answers requests while one is away. */
export function StandInCreate({ onClose }: { onClose: () => void }) {
  const [who, setWho] = useKept("stand_in", "");
  const [from, setFrom] = useKept("from", "");
  const [until, setUntil] = useKept("until", "");
  const [reason, setReason] = useKept("reason", "");
  const name = useMutation({
    meta: { inline: true },
    mutationFn: () =>
      api.standInCreate({
        stand_in: who.trim(),
        ...(from ? { starts_at: new Date(from).toISOString() } : {}),
        ends_at: new Date(until).toISOString(),
        ...(reason.trim() ? { reason: reason.trim() } : {}),
      }),
    onSuccess: () => {
      letGo();
      toast("ok", p.awayNamed);
      onClose();
    },
  });
  return (
    <FormDialog title={p.awayAdd} about={p.awayLead} submit={p.awayAdd} busy={name.isPending} error={name.error} fields={["stand_in", "ends_at"]} onSubmit={() => name.mutate()} onClose={onClose}>
      <TextField label={p.awayWho} hint={p.awayWhoHint} mono value={who} onChange={(event) => setWho(event.target.value)} required autoFocus spellCheck={false} autoComplete="off" error={fieldError(name.error, "stand_in")} />
      <TextField type="datetime-local" label={p.awayFrom} hint={p.awayFromHint} optional={t.common.optional} value={from} onChange={(event) => setFrom(event.target.value)} />
      <TextField type="datetime-local" label={p.awayUntil} value={until} onChange={(event) => setUntil(event.target.value)} required error={fieldError(name.error, "ends_at")} />
      <TextField label={p.awayReason} optional={t.common.optional} value={reason} onChange={(event) => setReason(event.target.value)} maxLength={500} />
    </FormDialog>
  );
}
