import { useMutation } from "@tanstack/react-query";
import { useState } from "react";

import { api } from "../api/client";
import type { Grant } from "../api/nouns";
import { FormDialog, fieldError } from "../components/FormDialog";
import { letGo, useKept } from "../hooks/useKept";
import { t } from "../i18n";
import { toast } from "../stores/toast";
import { TextArea, TextField } from "../ui/Field";
import { duration, parseDuration } from "../util/time";

/** Asks for a longer window of one's own grant. */
export function GrantExtend({ grant, onClose }: { grant: Grant; onClose: () => void }) {
  const longest = grant.obligations.max_duration_seconds;
  const [length, setLength] = useKept("length", duration(longest));
  const [reason, setReason] = useKept("reason", "");
  const [ticket, setTicket] = useKept("ticket", "");
  const [tried, setTried] = useState(false);
  const seconds = parseDuration(length);
  const bad = !seconds ? t.requestForm.durationBad : seconds > longest ? t.requestForm.durationLong(duration(longest)) : undefined;
  const extend = useMutation({
    meta: { inline: true },
    mutationFn: () => api.grantExtend(grant.id, { duration_seconds: seconds ?? 0, ...(reason.trim() ? { reason: reason.trim() } : {}), ...(ticket.trim() ? { ticket: ticket.trim() } : {}) }),
    onSuccess: (request) => {
      letGo();
      toast("ok", request.state === "granted" ? t.grants.extended : t.grants.extensionSent);
      onClose();
    },
  });
  const pattern = grant.obligations.ticket_pattern;
  return (
    <FormDialog title={t.grants.extendTitle(grant.account)} about={t.grants.extendBody} submit={t.grants.extend} busy={extend.isPending} error={extend.error} fields={["duration_seconds"]} onSubmit={() => { setTried(true); if (!bad) extend.mutate(); }} onClose={onClose}>
      <TextField label={t.grants.extendFor} value={length} onChange={(event) => setLength(event.target.value)} hint={t.requestForm.durationHint(duration(longest))} error={(tried ? bad : undefined) ?? fieldError(extend.error, "duration_seconds")} autoFocus />
      <TextArea label={t.requestForm.reason} value={reason} onChange={(event) => setReason(event.target.value)} required={grant.obligations.reason_required} optional={grant.obligations.reason_required ? undefined : t.common.optional} maxLength={500} />
      <TextField label={t.requestForm.ticket} mono value={ticket} onChange={(event) => setTicket(event.target.value)} hint={pattern ? t.requestForm.ticketHint(pattern) : undefined} optional={pattern ? undefined : t.common.optional} autoComplete="off" spellCheck={false} />
    </FormDialog>
  );
}
