import { useMutation } from "@tanstack/react-query";
import { useState } from "react";

import { api } from "../api/client";
import type { Link, RoleAssignment } from "../api/nouns";
import { FormDialog, fieldError, names } from "../components/FormDialog";
import { OneTimeLink } from "../components/OneTimeLink";
import { RolesEditor } from "../components/RolesEditor";
import { letGo, useKept } from "../hooks/useKept";
import { useWho } from "../hooks/useWho";
import { t } from "../i18n";
import { TextField } from "../ui/Field";

export function UserCreate({ onClose }: { onClose: () => void }) {
  const who = useWho();
  const [name, setName] = useKept("name", "");
  const [email, setEmail] = useKept("email", "");
  const [scope, setScope] = useKept("scope", who.user.scope);
  const [groups, setGroups] = useKept("groups", "");
  const [roles, setRoles] = useKept<RoleAssignment[]>("roles", [{ role: "user", scope: who.user.scope }]);
  const [made, setMade] = useState<Link>();
  const create = useMutation({
    meta: { inline: true },
    mutationFn: () => api.userCreate({ name: name.trim(), ...(email.trim() ? { email: email.trim() } : {}), scope, groups: names(groups), roles }),
    onSuccess: ({ link }) => {
      letGo();
      setMade(link);
    },
  });
  if (made) return <OneTimeLink name={name} link={made} onClose={onClose} />;
  return (
    <FormDialog title={t.users.createTitle} submit={t.users.submit} busy={create.isPending} error={create.error} fields={["name", "email", "scope", "groups"]} onSubmit={() => create.mutate()} onClose={onClose}>
      <TextField label={t.users.name} hint={t.users.nameHint} mono value={name} onChange={(event) => setName(event.target.value.toLowerCase())} required autoFocus pattern="[a-z0-9][a-z0-9._\-]*" maxLength={63} error={fieldError(create.error, "name")} autoComplete="off" spellCheck={false} />
      <TextField label={t.users.email} optional={t.common.optional} type="email" value={email} onChange={(event) => setEmail(event.target.value)} error={fieldError(create.error, "email")} autoComplete="off" />
      <TextField label={t.users.scope} hint={t.users.scopeHint} mono value={scope} onChange={(event) => setScope(event.target.value)} required pattern="/.*" error={fieldError(create.error, "scope")} spellCheck={false} />
      <TextField label={t.users.groups} hint={t.users.groupsHint} optional={t.common.optional} mono value={groups} onChange={(event) => setGroups(event.target.value)} error={fieldError(create.error, "groups")} autoComplete="off" spellCheck={false} />
      <RolesEditor value={roles} onChange={setRoles} defaultScope={scope} />
    </FormDialog>
  );
}
