import { useMutation } from "@tanstack/react-query";

import { api } from "../api/client";
import type { Group } from "../api/nouns";
import { FormDialog, fieldError, names } from "../components/FormDialog";
import { RolesEditor } from "../components/RolesEditor";
import { useKept } from "../hooks/useKept";
import { useWho } from "../hooks/useWho";
import { t } from "../i18n";
import { toast } from "../stores/toast";
import { TextArea, TextField } from "../ui/Field";

/** Makes a group, or changes the one given. */
export function GroupPut({ group, onClose }: { group?: Group | undefined; onClose: () => void }) {
  const who = useWho();
  const [name, setName] = useKept("name", group?.name ?? "");
  const [scope, setScope] = useKept("scope", group?.scope ?? who.user.scope);
  const [members, setMembers] = useKept("members", (group?.members ?? []).join("\n"));
  const [roles, setRoles] = useKept("roles", group?.roles ?? []);
  const save = useMutation({
    meta: { inline: true },
    mutationFn: () => api.groupPut(name.trim(), { scope, members: names(members), roles }),
    onSuccess: () => { toast("ok", t.groups.saved); onClose(); },
  });
  return (
    <FormDialog title={group ? t.groups.editTitle(group.name) : t.groups.createTitle} busy={save.isPending} error={save.error} fields={["name", "scope", "members"]} onSubmit={() => save.mutate()} onClose={onClose}>
      {group ? null : <TextField label={t.groups.name} mono value={name} onChange={(event) => setName(event.target.value.toLowerCase())} required autoFocus pattern="[a-z0-9][a-z0-9._\-]*" error={fieldError(save.error, "name")} />}
      <TextField label={t.groups.scope} mono value={scope} onChange={(event) => setScope(event.target.value)} required pattern="/.*" error={fieldError(save.error, "scope")} />
      <TextArea label={t.groups.members} hint={t.groups.membersHint} mono rows={6} value={members} onChange={(event) => setMembers(event.target.value)} error={fieldError(save.error, "members")} spellCheck={false} />
      <RolesEditor value={roles} onChange={setRoles} defaultScope={scope} />
    </FormDialog>
  );
}
