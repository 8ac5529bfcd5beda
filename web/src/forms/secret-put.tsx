import { useMutation } from "@tanstack/react-query";
import { useState } from "react";

import { api } from "../api/client";
import type { Account } from "../api/nouns";
import { FormDialog, fieldError } from "../components/FormDialog";
import { PasswordField } from "../components/PasswordField";
import { t } from "../i18n";
import { toast } from "../stores/toast";
import { TextArea } from "../ui/Field";
import { Notice } from "../ui/feedback";

/** Puts a secret into the vault. There is no way to read one back. */
export function SecretPut({ account, onClose }: { account: Account; onClose: () => void }) {
  const [secret, setSecret] = useState("");
  const ref = `${account.name}@${account.asset}`;
  const key = account.credential === "ssh_key";
  const save = useMutation({
    meta: { inline: true },
    // The result would keep the secret in the cache of mutations.
    gcTime: 0,
    mutationFn: () => api.secretPut(ref, key ? { private_key: secret.endsWith("\n") ? secret : `${secret}\n` } : { password: secret }),
    onSuccess: () => { setSecret(""); toast("ok", t.accounts.secretSaved); onClose(); },
  });
  return (
    <FormDialog title={t.accounts.secretTitle(ref)} submit={t.accounts.submitSecret} busy={save.isPending} error={save.error} fields={["password", "private_key"]} onSubmit={() => save.mutate()} onClose={onClose}>
      <div className="mb-4"><Notice tone="info">{account.credential === "ssh_certificate" ? t.accounts.certificate : t.accounts.secretBody}</Notice></div>
      {key ? (
        <TextArea label={t.accounts.privateKey} hint={t.accounts.keyHint} mono rows={9} value={secret} onChange={(event) => setSecret(event.target.value)} required spellCheck={false} autoComplete="off" error={fieldError(save.error, "private_key")} />
      ) : (
        <PasswordField label={t.accounts.password} value={secret} onChange={(event) => setSecret(event.target.value)} autoComplete="new-password" error={fieldError(save.error, "password")} />
      )}
    </FormDialog>
  );
}
