import { useMutation } from "@tanstack/react-query";
import { useState } from "react";

import { api } from "../api/client";
import type { Permission } from "../api/nouns";
import { PERMISSIONS } from "../api/permissions";
import { CopyLine } from "../components/Copy";
import { FormDialog, fieldError } from "../components/FormDialog";
import { PermissionsEditor } from "../components/PermissionsEditor";
import { letGo, useKept } from "../hooks/useKept";
import { useCan, useWho } from "../hooks/useWho";
import { t } from "../i18n";
import { Button } from "../ui/Button";
import { Dialog, DialogActions } from "../ui/Dialog";
import { SelectField, TextField } from "../ui/Field";
import { Notice } from "../ui/feedback";

const p = t.profile;
const DAY = 86_400;
const LENGTHS = [1, 7, 30, 90, 365];

/** Makes a token and shows it once. */
export function TokenCreate({ onClose }: { onClose: () => void }) {
  const who = useWho();
  const { can } = useCan();
  const [name, setName] = useKept("name", "");
  const [scope, setScope] = useKept("scope", who.user.scope);
  const [days, setDays] = useKept("days", "30");
  const [permissions, setPermissions] = useKept<Permission[]>("permissions", []);
  const [tried, setTried] = useState(false);
  const make = useMutation({
    meta: { inline: true },
    gcTime: 0,
    mutationFn: () => api.tokenCreate({ name: name.trim(), permissions, scope, expires_in_seconds: Number(days) * DAY }),
    onSuccess: letGo,
  });
  if (make.data) {
    return (
      <Dialog title={p.tokenMade(name)} onClose={onClose} dismissable={false}>
        <Notice tone="warn">{p.tokenOnce}</Notice>
        <CopyLine text={make.data.token} label={p.copyToken} className="mt-4 py-1.5" />
        <DialogActions><Button look="primary" onClick={onClose}>{t.actions.done}</Button></DialogActions>
      </Dialog>
    );
  }
  return (
    <FormDialog title={p.tokenTitle} submit={p.addToken} busy={make.isPending} error={make.error} fields={["name", "scope"]} onSubmit={() => { setTried(true); if (permissions.length > 0) make.mutate(); }} onClose={onClose}>
      <TextField label={p.tokenName} value={name} onChange={(event) => setName(event.target.value)} required autoFocus error={fieldError(make.error, "name")} />
      <SelectField label={p.tokenExpires} value={days} onChange={(event) => setDays(event.target.value)}>
        {LENGTHS.map((each) => <option key={each} value={each}>{p.days(each)}</option>)}
      </SelectField>
      <TextField label={p.tokenScope} mono value={scope} onChange={(event) => setScope(event.target.value)} required pattern="/.*" error={fieldError(make.error, "scope")} />
      <PermissionsEditor legend={p.tokenPermissions} value={permissions} onChange={setPermissions} among={PERMISSIONS.filter((each) => can(each))} />
      {tried && permissions.length === 0 ? <p role="alert" className="mt-2 text-sm text-bad">{p.permissionsNone}</p> : null}
    </FormDialog>
  );
}
