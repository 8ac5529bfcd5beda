import { useMutation, useQuery } from "@tanstack/react-query";
import { KeyRound, Plus } from "lucide-react";
import { useState } from "react";

import { api } from "../../api/client";
import type { SshKey } from "../../api/nouns";
import { q } from "../../api/queries";
import { FormDialog, fieldError } from "../../components/FormDialog";
import { Mono } from "../../components/Copy";
import { ReasonDialog } from "../../components/ReasonDialog";
import { Ago, When } from "../../components/When";
import { useKept } from "../../hooks/useKept";
import { useDialog, useFilter } from "../../hooks/useUrlState";
import { t } from "../../i18n";
import { toast } from "../../stores/toast";
import type { Column } from "../../table/DataTable";
import { DataTable, EmptyList } from "../../table/DataTable";
import { Pager, sizeOf } from "../../table/Pager";
import { Button } from "../../ui/Button";
import { TextArea, TextField } from "../../ui/Field";

const p = t.profile;

export function Keys() {
  const { search } = useFilter();
  const { dialog, item, open, close } = useDialog();
  const keys = useQuery(q.sshKeys({ cursor: search.cursor, limit: sizeOf(search) }));
  const chosen = keys.data?.items.find((key) => key.id === item);
  const columns: Column<SshKey>[] = [
    { id: "comment", header: p.comment, narrow: "title", cell: (row) => <span className="font-medium">{row.comment || row.algorithm}</span> },
    { id: "algorithm", header: t.assets.algorithm, cell: (row) => <Mono className="text-muted">{row.algorithm}</Mono> },
    { id: "fingerprint", header: p.fingerprint, cell: (row) => <Mono className="!text-xs [overflow-wrap:anywhere]">{row.fingerprint}</Mono> },
    { id: "added", header: p.added, cell: (row) => <When at={row.created_at} /> },
    { id: "used", header: p.used, cell: (row) => <Ago at={row.last_used_at} /> },
    { id: "remove", header: p.removeKey, quiet: true, width: "6rem", cell: (row) => <Button size="sm" look="danger" aria-label={`${p.removeKey}: ${row.comment || row.fingerprint}`} onClick={() => open("remove-key", row.id)}>{p.removeKey}</Button> },
  ];
  return (
    <>
      <div className="mb-3 flex flex-wrap items-center justify-between gap-3"><p className="text-sm text-muted">{p.keysLead}</p><Button look="primary" icon={<Plus className="size-4" aria-hidden />} onClick={() => open("add-key")}>{p.addKey}</Button></div>
      <DataTable label={p.tabs.keys} query={keys} columns={columns} rowKey={(row) => row.id} skeletonRows={3} empty={<EmptyList icon={<KeyRound />} filtered={false} onClear={() => undefined} title={p.noKeys}>{p.noKeysBody}</EmptyList>} />
      <Pager next={keys.data?.next} />
      {dialog === "add-key" ? <AddKey onClose={close} /> : null}
      {dialog === "remove-key" && chosen ? <RemoveKey sshKey={chosen} onClose={close} /> : null}
    </>
  );
}

function AddKey({ onClose }: { onClose: () => void }) {
  const [key, setKey] = useState("");
  const [comment, setComment] = useKept("comment", "");
  const secret = key.includes("PRIVATE KEY");
  const add = useMutation({
    meta: { inline: true },
    mutationFn: () => api.sshKeyAdd({ public_key: key.trim(), ...(comment.trim() ? { comment: comment.trim() } : {}) }),
    onSuccess: () => { toast("ok", p.keyAdded); onClose(); },
  });
  return (
    <FormDialog title={p.keyTitle} submit={p.addKey} busy={add.isPending} error={add.error} fields={["public_key", "comment"]} onSubmit={() => { if (!secret) add.mutate(); }} onClose={onClose}>
      <TextArea label={p.key} hint={p.keyHint} mono rows={4} value={key} onChange={(event) => setKey(event.target.value)} required autoFocus spellCheck={false} error={secret ? p.keyPrivate : fieldError(add.error, "public_key")} />
      <TextField label={p.comment} optional={t.common.optional} value={comment} onChange={(event) => setComment(event.target.value)} error={fieldError(add.error, "comment")} />
    </FormDialog>
  );
}

function RemoveKey({ sshKey, onClose }: { sshKey: SshKey; onClose: () => void }) {
  const remove = useMutation({ meta: { inline: true }, mutationFn: () => api.sshKeyRemove(sshKey.id), onSuccess: () => { toast("ok", p.keyRemoved); onClose(); } });
  return (
    <ReasonDialog title={p.removeKeyTitle} about={p.removeKeyBody} submit={p.removeKey} danger busy={remove.isPending} error={remove.error} onSubmit={() => remove.mutate()} onClose={onClose}>
      <code className="block rounded-md bg-sunken px-3 py-2 font-mono text-xs [overflow-wrap:anywhere]">{sshKey.fingerprint} {sshKey.comment}</code>
    </ReasonDialog>
  );
}
