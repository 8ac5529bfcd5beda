import { useMutation } from "@tanstack/react-query";
import { useState } from "react";

import { api } from "../api/client";
import type { Link, User } from "../api/nouns";
import { FormDialog, fieldError } from "../components/FormDialog";
import { OneTimeLink } from "../components/OneTimeLink";
import { ReasonDialog } from "../components/ReasonDialog";
import { RolesEditor } from "../components/RolesEditor";
import { useKept } from "../hooks/useKept";
import { t } from "../i18n";
import { LabelsField } from "../policy/fields";
import { toast } from "../stores/toast";
import { TextField } from "../ui/Field";

interface Props {
  user: User;
  onClose: () => void;
}

export function UserEdit({ user, onClose }: Props) {
  const [email, setEmail] = useKept("email", user.email ?? "");
  const [scope, setScope] = useKept("scope", user.scope);
  const [identity, setIdentity] = useKept("identity", user.identity ?? "");
  const [attributes, setAttributes] = useKept<Record<string, string>>("attributes", user.attributes ?? {});
  const save = useMutation({
    meta: { inline: true },
    mutationFn: () => api.userChange(user.name, { ...(email.trim() ? { email: email.trim() } : {}), scope, attributes, ...(identity.trim() === (user.identity ?? "") ? {} : { identity: identity.trim() }) }),
    onSuccess: () => { toast("ok", t.users.saved); onClose(); },
  });
  return (
    <FormDialog title={t.users.editTitle(user.name)} busy={save.isPending} error={save.error} fields={["email", "scope", "identity", "attributes"]} onSubmit={() => save.mutate()} onClose={onClose}>
      <TextField label={t.users.email} optional={t.common.optional} type="email" value={email} onChange={(event) => setEmail(event.target.value)} error={fieldError(save.error, "email")} autoFocus />
      <TextField label={t.users.scope} hint={t.users.scopeHint} mono value={scope} onChange={(event) => setScope(event.target.value)} required pattern="/.*" error={fieldError(save.error, "scope")} />
      <LabelsField label={t.users.attributes} hint={t.users.attributesHint} value={attributes} onChange={setAttributes} error={fieldError(save.error, "attributes")} />
      {user.vendor || user.kind === "workload" ? null : <TextField label={t.users.identity} hint={t.users.identityHint} optional={t.common.optional} mono value={identity} onChange={(event) => setIdentity(event.target.value.toLowerCase())} error={fieldError(save.error, "identity")} autoComplete="off" spellCheck={false} />}
    </FormDialog>
  );
}

export function UserRoles({ user, onClose }: Props) {
  const [roles, setRoles] = useKept("roles", user.roles);
  const save = useMutation({
    meta: { inline: true },
    mutationFn: () => api.userRolesPut(user.name, roles),
    onSuccess: () => { toast("ok", t.users.saved); onClose(); },
  });
  return (
    <FormDialog title={t.users.rolesTitle(user.name)} about={t.users.rolesBody} busy={save.isPending} error={save.error} onSubmit={() => save.mutate()} onClose={onClose}>
      <RolesEditor value={roles} onChange={setRoles} defaultScope={user.scope} />
    </FormDialog>
  );
}

export function UserState({ user, onClose }: Props) {
  const disable = user.state !== "disabled";
  const change = useMutation({
    meta: { inline: true },
    mutationFn: () => api.userChange(user.name, { state: disable ? "disabled" : "active" }),
    onSuccess: () => { toast("ok", disable ? t.users.disabled(user.name) : t.users.enabled(user.name)); onClose(); },
  });
  return <ReasonDialog title={disable ? t.users.disableTitle(user.name) : `${t.users.enable} ${user.name}`} about={disable ? t.users.disableBody : undefined} submit={disable ? t.users.disable : t.users.enable} danger={disable} busy={change.isPending} error={change.error} onSubmit={() => change.mutate()} onClose={onClose} />;
}

export function UserLink({ user, onClose }: Props) {
  const [made, setMade] = useState<Link>();
  const make = useMutation({ meta: { inline: true }, mutationFn: () => api.userLink(user.name), onSuccess: setMade });
  if (made) return <OneTimeLink name={user.name} link={made} onClose={onClose} />;
  return <ReasonDialog title={t.users.newLink} about={t.users.newLinkBody} submit={t.users.newLinkSubmit} busy={make.isPending} error={make.error} onSubmit={() => make.mutate()} onClose={onClose} />;
}
