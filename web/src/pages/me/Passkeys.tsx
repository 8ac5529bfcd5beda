import { useMutation, useQuery } from "@tanstack/react-query";
import { Fingerprint, Plus } from "lucide-react";
import { useState } from "react";

import { api } from "../../api/client";
import type { Passkey } from "../../api/nouns";
import { q } from "../../api/queries";
import { FormDialog, fieldError } from "../../components/FormDialog";
import { ReasonDialog } from "../../components/ReasonDialog";
import { Ago, When } from "../../components/When";
import { passkeyFailure } from "../../hooks/usePasskey";
import { useDialog } from "../../hooks/useUrlState";
import { t } from "../../i18n";
import { toast } from "../../stores/toast";
import type { Column } from "../../table/DataTable";
import { DataTable, EmptyList } from "../../table/DataTable";
import { Button } from "../../ui/Button";
import { TextField } from "../../ui/Field";
import { PASSKEYS, createPasskey } from "../../util/passkey";

const p = t.profile;

export function Passkeys() {
  const { dialog, item, open, close } = useDialog();
  const passkeys = useQuery(q.passkeys());
  const chosen = passkeys.data?.items.find((passkey) => passkey.id === item);
  const columns: Column<Passkey>[] = [
    { id: "name", header: p.name, narrow: "title", cell: (row) => <span className="font-medium">{row.name}</span> },
    { id: "added", header: p.added, cell: (row) => <When at={row.created_at} /> },
    { id: "used", header: p.used, cell: (row) => <Ago at={row.last_used_at} /> },
    { id: "remove", header: p.removeKey, quiet: true, width: "6rem", cell: (row) => <Button size="sm" look="danger" aria-label={`${p.removeKey}: ${row.name}`} onClick={() => open("remove-passkey", row.id)}>{p.removeKey}</Button> },
  ];
  // Browsers bind passkeys to names and never to addresses.
  const nameless = !PASSKEYS || /^[\d.]+$|:/.test(location.hostname) ? p.passkeyBlocked : undefined;
  return (
    <>
      <div className="mb-3 flex flex-wrap items-center justify-between gap-3"><p className="text-sm text-muted">{p.passkeysLead}</p><Button look="primary" blocked={nameless} icon={<Plus className="size-4" aria-hidden />} onClick={() => open("add-passkey")}>{p.addPasskey}</Button></div>
      <DataTable label={p.tabs.passkeys} query={passkeys} columns={columns} rowKey={(row) => row.id} skeletonRows={3} empty={<EmptyList icon={<Fingerprint />} filtered={false} onClear={() => undefined} title={p.noPasskeys}>{p.noPasskeysBody}</EmptyList>} />
      {dialog === "add-passkey" ? <AddPasskey onClose={close} /> : null}
      {dialog === "remove-passkey" && chosen ? <RemovePasskey passkey={chosen} onClose={close} /> : null}
    </>
  );
}

function AddPasskey({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState("");
  const add = useMutation({
    meta: { inline: true },
    mutationFn: async () => {
      const { id, options } = await api.passkeyOptions();
      const credential = await createPasskey(options).catch((error: unknown) => Promise.reject(passkeyFailure(error)));
      await api.passkeyAdd({ id, name: name.trim(), credential });
    },
    onSuccess: () => { toast("ok", p.passkeyAdded); onClose(); },
  });
  return (
    <FormDialog title={p.passkeyTitle} about={p.passkeyBody} submit={p.passkeyGo} busy={add.isPending} error={add.error} fields={["name"]} onSubmit={() => add.mutate()} onClose={onClose}>
      <TextField label={p.passkeyName} hint={p.passkeyNameHint} value={name} onChange={(event) => setName(event.target.value)} required autoFocus maxLength={60} error={fieldError(add.error, "name")} />
    </FormDialog>
  );
}

function RemovePasskey({ passkey, onClose }: { passkey: Passkey; onClose: () => void }) {
  const remove = useMutation({ meta: { inline: true }, mutationFn: () => api.passkeyRemove(passkey.id), onSuccess: () => { toast("ok", p.keyRemoved); onClose(); } });
  return <ReasonDialog title={p.passkeyRemoveTitle(passkey.name)} about={p.passkeyRemoveBody} submit={p.removeKey} danger busy={remove.isPending} error={remove.error} onSubmit={() => remove.mutate()} onClose={onClose} />;
}
