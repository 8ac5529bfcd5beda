import { useMutation } from "@tanstack/react-query";
import { useState } from "react";

import { api } from "../api/client";
import { FormDialog, fieldError, names } from "../components/FormDialog";
import { letGo, useKept } from "../hooks/useKept";
import { t } from "../i18n";
import { toast } from "../stores/toast";
import { TextArea, TextField } from "../ui/Field";
import { duration, parseDuration } from "../util/time";

const c = t.templates;
const HOUR = 3600;

/** Keeps a wish to be made again: for oneself, or for everybody of a scope. It gives no right. */
export function TemplateCreate({ onClose }: { onClose: () => void }) {
  const [name, setName] = useKept("name", "");
  const [accounts, setAccounts] = useKept("accounts", "");
  const [length, setLength] = useKept("length", duration(HOUR));
  const [reason, setReason] = useKept("reason", "");
  const [ticket, setTicket] = useKept("ticket", "");
  const [scope, setScope] = useKept("scope", "");
  const [tried, setTried] = useState(false);
  const seconds = parseDuration(length);
  const create = useMutation({
    meta: { inline: true },
    mutationFn: () =>
      api.templateCreate({
        name: name.trim(),
        ...(scope.trim() ? { scope: scope.trim() } : {}),
        wish: { accounts: names(accounts), duration_seconds: seconds ?? 0, reason: reason.trim(), ...(ticket.trim() ? { ticket: ticket.trim() } : {}) },
      }),
    onSuccess: () => {
      letGo();
      toast("ok", c.kept);
      onClose();
    },
  });
  const failed = (field: string) => fieldError(create.error, field);
  return (
    <FormDialog
      title={c.add}
      about={c.addBody}
      busy={create.isPending}
      error={create.error}
      fields={["name", "scope", "wish.accounts", "wish.reason", "wish.ticket"]}
      onSubmit={() => {
        setTried(true);
        if (seconds) create.mutate();
      }}
      onClose={onClose}
    >
      <TextField label={c.name} value={name} onChange={(event) => setName(event.target.value)} required maxLength={80} autoFocus error={failed("name")} />
      <TextField label={c.accounts} hint={c.accountsHint} mono value={accounts} onChange={(event) => setAccounts(event.target.value)} optional={t.common.optional} spellCheck={false} autoComplete="off" error={failed("wish.accounts")} />
      <TextField label={t.requestForm.duration} value={length} onChange={(event) => setLength(event.target.value)} error={tried && !seconds ? t.requestForm.durationBad : undefined} />
      <TextArea label={c.reason} value={reason} onChange={(event) => setReason(event.target.value)} optional={t.common.optional} maxLength={1000} error={failed("wish.reason")} />
      <TextField label={c.ticket} mono value={ticket} onChange={(event) => setTicket(event.target.value)} optional={t.common.optional} spellCheck={false} autoComplete="off" error={failed("wish.ticket")} />
      <TextField label={c.share} hint={c.shareHint} mono value={scope} onChange={(event) => setScope(event.target.value)} optional={t.common.optional} spellCheck={false} autoComplete="off" error={failed("scope")} />
    </FormDialog>
  );
}
