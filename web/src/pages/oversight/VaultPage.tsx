import { useMutation, useQuery } from "@tanstack/react-query";
import { Lock, LockOpen, RefreshCw } from "lucide-react";
import { useState } from "react";

import { api } from "../../api/client";
import { q } from "../../api/queries";
import { Mono } from "../../components/Copy";
import { FormDialog } from "../../components/FormDialog";
import { PasswordField } from "../../components/PasswordField";
import { QueryError } from "../../components/QueryError";
import { ReasonDialog } from "../../components/ReasonDialog";
import { useDialog } from "../../hooks/useUrlState";
import { useCan } from "../../hooks/useWho";
import { t } from "../../i18n";
import { toast } from "../../stores/toast";
import { Badge } from "../../ui/Badge";
import { Button } from "../../ui/Button";
import { SelectField, TextArea } from "../../ui/Field";
import { Notice, Skeleton } from "../../ui/feedback";
import { Facts, Page, Panel } from "../../ui/Page";

const v = t.vault;

export function VaultPage() {
  const { blocked } = useCan();
  const { dialog, open, close } = useDialog();
  const vault = useQuery(q.vault());
  const manage = blocked("vault:manage");
  const sealed = vault.data?.sealed;
  const known = vault.data;
  return (
    <Page
      title={v.title}
      lead={v.lead}
      actions={
        <>
          <Button blocked={manage ?? (sealed ? v.alreadySealed : undefined)} icon={<RefreshCw className="size-4" aria-hidden />} onClick={() => open("rotate")}>{v.rotate}</Button>
          {sealed ? (
            <Button look="primary" blocked={manage} icon={<LockOpen className="size-4" aria-hidden />} onClick={() => open("unseal")}>{v.unseal}</Button>
          ) : (
            <Button look="danger" blocked={manage} icon={<Lock className="size-4" aria-hidden />} onClick={() => open("seal")}>{v.seal}</Button>
          )}
        </>
      }
    >
      {vault.isError && !known ? <Panel><QueryError error={vault.error} onRetry={() => void vault.refetch()} /></Panel> : null}
      {vault.isPending ? <Skeleton className="h-40 w-full max-w-3xl" /> : null}
      {known ? (
        <div className="flex max-w-3xl flex-col gap-4">
          {known.sealed ? <Notice tone="bad" title={t.errors.sealed}>{v.sealedBody}</Notice> : null}
          <Panel className="px-4 py-4">
            <Facts
              items={[
                [t.requests.state, known.sealed ? <Badge key="s" tone="bad" icon="x">{v.sealed}</Badge> : <Badge key="s" tone="ok" icon="check">{v.unsealed}</Badge>],
                [v.id, known.vault_id ? <Mono key="i">{known.vault_id}</Mono> : t.common.unknown],
                [v.current, known.kek_current === null || known.kek_current === undefined ? t.common.unknown : <Mono key="k">{String(known.kek_current)}</Mono>],
                [v.count, String(known.kek_count)],
                [v.recipients, <ul key="r">{known.recipients.map((each, index) => <li key={index}>{v.recipientKinds[each] ?? each}</li>)}</ul>],
              ]}
            />
          </Panel>
        </div>
      ) : null}
      {dialog === "seal" ? <Act title={v.sealTitle} about={v.sealBody} submit={v.seal} danger done={v.sealDone} run={api.vaultSeal} onClose={close} /> : null}
      {dialog === "rotate" ? <Act title={v.rotateTitle} about={v.rotateBody} submit={v.rotate} done={v.rotated} run={api.vaultRotateKey} onClose={close} /> : null}
      {dialog === "unseal" ? <Unseal kinds={known?.recipients ?? []} onClose={close} /> : null}
    </Page>
  );
}

function Act({ title, about, submit, done, danger = false, run, onClose }: { title: string; about: string; submit: string; done: string; danger?: boolean; run: () => Promise<unknown>; onClose: () => void }) {
  const act = useMutation({ meta: { inline: true }, mutationFn: run, onSuccess: () => { toast("ok", done); onClose(); } });
  return <ReasonDialog title={title} about={about} submit={submit} danger={danger} busy={act.isPending} error={act.error} onSubmit={() => act.mutate()} onClose={onClose} />;
}

function Unseal({ kinds, onClose }: { kinds: string[]; onClose: () => void }) {
  const offered = kinds.length > 0 ? kinds : ["passphrase", "shares", "key_file"];
  const [kind, setKind] = useState(offered[0] ?? "passphrase");
  const [secret, setSecret] = useState("");
  const unseal = useMutation({
    meta: { inline: true },
    gcTime: 0,
    mutationFn: () => api.vaultUnseal(kind === "key_file" ? { key_file: true } : kind === "shares" ? { shares: secret.split("\n").map((line) => line.trim()).filter(Boolean) } : { passphrase: secret }),
    onSuccess: () => { toast("ok", v.unsealDone); onClose(); },
  });
  return (
    <FormDialog title={v.unsealTitle} submit={v.unseal} busy={unseal.isPending} error={unseal.error} onSubmit={() => unseal.mutate()} onClose={onClose}>
      <SelectField label={v.with} value={kind} onChange={(event) => { setKind(event.target.value); setSecret(""); }}>
        {offered.map((each) => <option key={each} value={each}>{v.recipientKinds[each] ?? each}</option>)}
      </SelectField>
      {kind === "passphrase" ? <PasswordField label={v.passphrase} value={secret} onChange={(event) => setSecret(event.target.value)} autoComplete="off" /> : null}
      {kind === "shares" ? <TextArea label={v.shares} hint={v.sharesHint} mono rows={5} value={secret} onChange={(event) => setSecret(event.target.value)} required spellCheck={false} autoComplete="off" /> : null}
      {kind === "key_file" ? <p className="mt-3 text-sm text-muted">{v.keyFileHint}</p> : null}
    </FormDialog>
  );
}
