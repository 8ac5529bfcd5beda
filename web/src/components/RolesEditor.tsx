import { useQuery } from "@tanstack/react-query";
import { Plus, X } from "lucide-react";

import type { RoleAssignment } from "../api/nouns";
import { q } from "../api/queries";
import { t } from "../i18n";
import { Button, IconButton } from "../ui/Button";

const BOX = "h-8 rounded-md border border-line-strong/60 bg-surface px-2 text-sm";

/** Roles, each in its scope. */
export function RolesEditor({ value, onChange, defaultScope }: { value: RoleAssignment[]; onChange: (roles: RoleAssignment[]) => void; defaultScope: string }) {
  const roles = useQuery(q.roles({ limit: 100 }));
  const known = roles.data?.items.map((role) => role.name) ?? [];
  const set = (index: number, patch: Partial<RoleAssignment>) => onChange(value.map((each, at) => (at === index ? { ...each, ...patch } : each)));
  return (
    <fieldset className="mt-4 first:mt-0">
      <legend className="mb-1 text-sm font-medium">{t.users.roles}</legend>
      <div className="flex flex-col gap-2">
        {value.map((each, index) => (
          <div key={index} className="flex items-center gap-2">
            <select aria-label={t.users.role} value={each.role} onChange={(event) => set(index, { role: event.target.value })} className={`${BOX} min-w-0 flex-1`}>
              {[...new Set([each.role, ...known])].filter(Boolean).map((name) => <option key={name}>{name}</option>)}
            </select>
            <span className="text-xs text-muted">{t.users.roleIn}</span>
            <input aria-label={t.users.scope} value={each.scope} onChange={(event) => set(index, { scope: event.target.value })} className={`${BOX} w-36 font-mono text-xs`} required pattern="/.*" />
            <IconButton label={t.users.removeRole} size="sm" onClick={() => onChange(value.filter((_, at) => at !== index))}><X className="size-4" aria-hidden /></IconButton>
          </div>
        ))}
        {value.length === 0 ? <p className="text-xs text-muted">{t.users.rolesNone}</p> : null}
        <div><Button size="sm" icon={<Plus className="size-4" aria-hidden />} onClick={() => onChange([...value, { role: known.find((name) => name === "user") ?? known[0] ?? "user", scope: defaultScope }])}>{t.users.addRole}</Button></div>
      </div>
    </fieldset>
  );
}

export function RoleTags({ roles }: { roles: RoleAssignment[] }) {
  if (roles.length === 0) return <span className="text-faint">{t.common.none}</span>;
  return (
    <span className="flex flex-wrap gap-x-2.5 gap-y-0.5">
      {roles.map((each) => (
        <span key={`${each.role}${each.scope}`} className="whitespace-nowrap">
          {each.role} <span className="font-mono text-xs text-muted">{each.scope}</span>
        </span>
      ))}
    </span>
  );
}
