import { useMutation } from "@tanstack/react-query";

import { api } from "../api/client";
import type { Account } from "../api/nouns";
import { FormDialog, fieldError } from "../components/FormDialog";
import { useKept } from "../hooks/useKept";
import { t } from "../i18n";
import { toast } from "../stores/toast";
import { SelectField, TextField } from "../ui/Field";

const CREDENTIALS = ["password", "ssh_key", "ssh_certificate"] as const satisfies Account["credential"][];
const STATES = ["managed", "discovered", "orphaned", "disabled"] as const satisfies Account["state"][];

/** Adds an account to an asset, or changes the one given. */
export function AccountPut({ asset, account, onClose }: { asset?: string; account?: Account | undefined; onClose: () => void }) {
  const [name, setName] = useKept("name", account?.name ?? "");
  const [on, setOn] = useKept("on", account?.asset ?? asset ?? "");
  const [credential, setCredential] = useKept<Account["credential"]>("credential", account?.credential ?? "password");
  const [owner, setOwner] = useKept("owner", account?.owner ?? "");
  const [state, setState] = useKept<Account["state"]>("state", account?.state ?? "managed");
  const ref = `${name.trim()}@${on.trim()}`;
  const save = useMutation({
    meta: { inline: true },
    mutationFn: () => api.accountPut(ref, { credential, owner: owner.trim() || null, state }),
    onSuccess: () => { toast("ok", t.accounts.saved); onClose(); },
  });
  return (
    <FormDialog title={account ? t.accounts.editTitle(ref) : t.accounts.createTitle} busy={save.isPending} error={save.error} fields={["name", "owner", "asset"]} onSubmit={() => save.mutate()} onClose={onClose}>
      {account ? null : (
        <>
          <TextField label={t.accounts.name} mono value={name} onChange={(event) => setName(event.target.value)} required autoFocus error={fieldError(save.error, "name")} autoComplete="off" spellCheck={false} />
          {asset ? null : <TextField label={t.accounts.asset} mono value={on} onChange={(event) => setOn(event.target.value)} required error={fieldError(save.error, "asset")} autoComplete="off" spellCheck={false} />}
        </>
      )}
      <SelectField label={t.accounts.credential} value={credential} onChange={(event) => setCredential(CREDENTIALS.find((each) => each === event.target.value) ?? "password")}>
        {CREDENTIALS.map((each) => <option key={each} value={each}>{t.accounts.credentials[each]}</option>)}
      </SelectField>
      <TextField label={t.accounts.owner} hint={t.accounts.ownerHint} optional={t.common.optional} mono value={owner} onChange={(event) => setOwner(event.target.value)} error={fieldError(save.error, "owner")} autoComplete="off" spellCheck={false} />
      <SelectField label={t.accounts.state} value={state} onChange={(event) => setState(STATES.find((each) => each === event.target.value) ?? "managed")}>
        {STATES.map((each) => <option key={each} value={each}>{t.accounts.states[each]}</option>)}
      </SelectField>
    </FormDialog>
  );
}
