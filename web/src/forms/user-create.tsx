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
import { toast } from "../stores/toast";
import { SelectField, TextField } from "../ui/Field";
import type { Terms } from "./user-profile";
import { TermsFields, termsOf, wanted } from "./user-profile";

const KINDS = ["person", "privileged", "vendor", "workload"] as const;
type Kind = (typeof KINDS)[number];

export function UserCreate({ onClose }: { onClose: () => void }) {
  const who = useWho();
  const [name, setName] = useKept("name", "");
  const [email, setEmail] = useKept("email", "");
  const [scope, setScope] = useKept("scope", who.user.scope);
  const [groups, setGroups] = useKept("groups", "");
  const [roles, setRoles] = useKept<RoleAssignment[]>("roles", [{ role: "user", scope: who.user.scope }]);
  const [kind, setKind] = useKept<Kind>("kind", "person");
  const [identity, setIdentity] = useKept("identity", "");
  const [terms, setTerms] = useKept<Terms>("terms", termsOf(undefined));
  const [made, setMade] = useState<Link>();
  const more = () => {
    switch (kind) {
      case "person": return {};
      case "privileged": return { identity: identity.trim() };
      case "vendor": return { vendor: wanted(terms) };
      case "workload": return { kind: "workload" as const };
    }
  };
  const create = useMutation({
    meta: { inline: true },
    mutationFn: () => api.userCreate({ name: name.trim(), ...(email.trim() ? { email: email.trim() } : {}), scope, groups: names(groups), roles: kind === "vendor" || kind === "workload" ? [] : roles, ...more() }),
    onSuccess: ({ link }) => {
      letGo();
      if (link) setMade(link);
      else { toast("ok", t.users.workloadMade(name)); onClose(); }
    },
  });
  if (made) return <OneTimeLink name={name} link={made} onClose={onClose} />;
  return (
    <FormDialog title={t.users.createTitle} submit={t.users.submit} busy={create.isPending} error={create.error} fields={["name", "email", "scope", "groups", "identity", "vendor.sponsor", "vendor.company", "vendor.ends_at", "vendor.networks", "vendor.hours"]} onSubmit={() => create.mutate()} onClose={onClose}>
      <TextField label={t.users.name} hint={t.users.nameHint} mono value={name} onChange={(event) => setName(event.target.value.toLowerCase())} required autoFocus pattern="[a-z0-9][a-z0-9._\-]*" maxLength={63} error={fieldError(create.error, "name")} autoComplete="off" spellCheck={false} />
      <TextField label={t.users.email} optional={t.common.optional} type="email" value={email} onChange={(event) => setEmail(event.target.value)} error={fieldError(create.error, "email")} autoComplete="off" />
      <TextField label={t.users.scope} hint={t.users.scopeHint} mono value={scope} onChange={(event) => setScope(event.target.value)} required pattern="/.*" error={fieldError(create.error, "scope")} spellCheck={false} />
      <TextField label={t.users.groups} hint={t.users.groupsHint} optional={t.common.optional} mono value={groups} onChange={(event) => setGroups(event.target.value)} error={fieldError(create.error, "groups")} autoComplete="off" spellCheck={false} />
      <SelectField label={t.users.kind} value={kind} onChange={(event) => setKind(event.target.value as Kind)}>
        {KINDS.map((each) => <option key={each} value={each}>{t.users.kinds[each]}</option>)}
      </SelectField>
      {kind === "privileged" ? <TextField label={t.users.identity} hint={t.users.identityHint} mono value={identity} onChange={(event) => setIdentity(event.target.value.toLowerCase())} required error={fieldError(create.error, "identity")} autoComplete="off" spellCheck={false} /> : null}
      {kind === "vendor" ? <TermsFields value={terms} onChange={setTerms} error={create.error} /> : null}
      {kind === "person" || kind === "privileged" ? <RolesEditor value={roles} onChange={setRoles} defaultScope={scope} /> : null}
    </FormDialog>
  );
}
