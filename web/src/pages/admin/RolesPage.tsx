import { useMutation, useQuery } from "@tanstack/react-query";
import { Pencil, Plus, Shapes } from "lucide-react";

import { api } from "../../api/client";
import type { Role } from "../../api/nouns";
import { q } from "../../api/queries";
import { PERMISSIONS } from "../../api/permissions";
import { Mono } from "../../components/Copy";
import { FormDialog, fieldError } from "../../components/FormDialog";
import { PermissionsEditor } from "../../components/PermissionsEditor";
import { useKept } from "../../hooks/useKept";
import { useDialog } from "../../hooks/useUrlState";
import { useCan } from "../../hooks/useWho";
import { t } from "../../i18n";
import { toast } from "../../stores/toast";
import type { Column } from "../../table/DataTable";
import { DataTable, EmptyList } from "../../table/DataTable";
import { Badge } from "../../ui/Badge";
import { Button, IconButton } from "../../ui/Button";
import { TextField } from "../../ui/Field";
import { Page } from "../../ui/Page";

export function RolesPage() {
  const { blocked } = useCan();
  const { dialog, item, open, close } = useDialog();
  const roles = useQuery(q.roles({ limit: 100 }));
  const chosen = roles.data?.items.find((role) => role.name === item);
  const columns: Column<Role>[] = [
    { id: "name", header: t.roles.name, width: "12rem", narrow: "title", cell: (row) => <Mono className="font-medium">{row.name}</Mono> },
    { id: "permissions", header: t.roles.permissions, cell: (row) => <span className="block py-1 font-mono text-xs leading-5 !whitespace-normal text-muted">{row.permissions.length >= PERMISSIONS.length ? <span className="font-sans text-sm">{t.roles.all}</span> : row.permissions.join("  ")}</span> },
    { id: "kind", header: t.roles.kind, width: "7rem", narrow: "aside", cell: (row) => <Badge tone="plain">{row.built_in ? t.roles.builtIn : t.roles.custom}</Badge> },
    { id: "edit", header: t.roles.edit, quiet: true, narrow: "aside", width: "3.5rem", cell: (row) => <IconButton label={`${t.roles.edit}: ${row.name}`} size="sm" blocked={row.built_in ? t.can.builtIn : blocked("role:write")} onClick={() => open("edit", row.name)}><Pencil className="size-4" aria-hidden /></IconButton> },
  ];
  return (
    <Page title={t.roles.title} lead={t.roles.lead} actions={<Button look="primary" blocked={blocked("role:write")} icon={<Plus className="size-4" aria-hidden />} onClick={() => open("create")}>{t.roles.add}</Button>}>
      <DataTable label={t.roles.title} query={roles} columns={columns} rowKey={(row) => row.name} empty={<EmptyList icon={<Shapes />} filtered={false} onClear={() => undefined} title={t.roles.none} />} />
      {dialog === "create" ? <RolePut onClose={close} /> : null}
      {dialog === "edit" && chosen && !chosen.built_in ? <RolePut role={chosen} onClose={close} /> : null}
    </Page>
  );
}

function RolePut({ role, onClose }: { role?: Role; onClose: () => void }) {
  const [name, setName] = useKept("name", role?.name ?? "");
  const [permissions, setPermissions] = useKept("permissions", role?.permissions ?? []);
  const save = useMutation({ meta: { inline: true }, mutationFn: () => api.rolePut(name.trim(), permissions), onSuccess: () => { toast("ok", t.roles.saved); onClose(); } });
  return (
    <FormDialog title={role ? t.roles.editTitle(role.name) : t.roles.createTitle} busy={save.isPending} error={save.error} fields={["name"]} onSubmit={() => save.mutate()} onClose={onClose}>
      {role ? null : <TextField label={t.roles.name} mono value={name} onChange={(event) => setName(event.target.value.toLowerCase())} required autoFocus pattern="[a-z0-9][a-z0-9._\-]*" error={fieldError(save.error, "name")} />}
      <PermissionsEditor legend={t.roles.permissions} value={permissions} onChange={setPermissions} />
    </FormDialog>
  );
}
