import { useMutation } from "@tanstack/react-query";

import { api } from "../api/client";
import { FormDialog, fieldError } from "../components/FormDialog";
import { letGo, useKept } from "../hooks/useKept";
import { useWho } from "../hooks/useWho";
import { t } from "../i18n";
import { toast } from "../stores/toast";
import { TextField } from "../ui/Field";

const h = t.holds;
const FIELDS = ["reason", "scope", "user", "asset", "account", "session", "from", "until"];

function given(values: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value.trim()]).filter(([, value]) => value));
}

/** Places a hold; with `session`, on that session. */
export function HoldPlace({ session: wanted, onClose }: { session?: string; onClose: () => void }) {
  const who = useWho();
  const [reason, setReason] = useKept("reason", "");
  const [scope, setScope] = useKept("scope", who.user.scope);
  const [user, setUser] = useKept("user", "");
  const [asset, setAsset] = useKept("asset", "");
  const [account, setAccount] = useKept("account", "");
  const [session, setSession] = useKept("session", wanted ?? "");
  const [from, setFrom] = useKept("from", "");
  const [until, setUntil] = useKept("until", "");
  const place = useMutation({
    meta: { inline: true },
    mutationFn: () => {
      const days = { from: from ? `${from}T00:00:00Z` : "", until: until ? `${until}T00:00:00Z` : "" };
      return api.holdPlace({ reason: reason.trim(), ...given({ scope, user, asset, account, session, ...days }) });
    },
    onSuccess: () => {
      letGo();
      toast("ok", h.placeDone);
      onClose();
    },
  });
  const error = (field: string) => fieldError(place.error, field);
  const optional = t.common.optional;
  return (
    <FormDialog title={h.place} about={h.placeBody} submit={h.place} busy={place.isPending} error={place.error} fields={FIELDS} onSubmit={() => place.mutate()} onClose={onClose}>
      <TextField label={h.reason} hint={h.reasonHint} value={reason} onChange={(event) => setReason(event.target.value)} required maxLength={500} error={error("reason")} />
      <div className="grid gap-x-5 sm:grid-cols-2 [&>*]:mt-4!">
        <TextField label={h.user} mono optional={optional} value={user} onChange={(event) => setUser(event.target.value)} error={error("user")} />
        <TextField label={h.asset} mono optional={optional} value={asset} onChange={(event) => setAsset(event.target.value)} error={error("asset")} />
        <TextField label={h.account} mono optional={optional} placeholder="root@web-1" value={account} onChange={(event) => setAccount(event.target.value)} error={error("account")} />
        <TextField label={h.session} mono optional={optional} placeholder="ses_…" value={session} onChange={(event) => setSession(event.target.value)} error={error("session")} />
        <TextField type="date" label={h.from} hint={h.fromHint} optional={optional} value={from} onChange={(event) => setFrom(event.target.value)} error={error("from")} />
        <TextField type="date" label={h.until} hint={h.untilHint} optional={optional} value={until} onChange={(event) => setUntil(event.target.value)} error={error("until")} />
      </div>
      <TextField label={h.scope} mono value={scope} onChange={(event) => setScope(event.target.value)} required pattern="/.*" error={error("scope")} />
    </FormDialog>
  );
}
