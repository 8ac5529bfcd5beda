import type { Permission } from "../api/nouns";
import { PERMISSIONS } from "../api/permissions";
import { CheckField } from "../ui/Field";

/** Permissions to choose from. */
export function PermissionsEditor({ legend, value, onChange, among = PERMISSIONS }: { legend: string; value: Permission[]; onChange: (permissions: Permission[]) => void; among?: Permission[] }) {
  return (
    <fieldset className="mt-4">
      <legend className="mb-1 text-sm font-medium">{legend}</legend>
      <div className="grid grid-cols-1 gap-x-4 xs:grid-cols-2">
        {among.map((permission) => (
          <CheckField key={permission} label={<span className="font-mono text-xs">{permission}</span>} checked={value.includes(permission)} onChange={(event) => onChange(event.target.checked ? [...value, permission] : value.filter((each) => each !== permission))} />
        ))}
      </div>
    </fieldset>
  );
}
