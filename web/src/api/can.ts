import { t } from "../i18n";
import type { Permission, Who } from "./nouns";

/** Undefined when something may be done; otherwise why not, in words for the person. */
export type Blocked = string | undefined;

/** Whether `scope` is `outer` or lies below it. */
export function scopeContains(outer: string, scope: string): boolean {
  return outer === "/" || scope === outer || scope.startsWith(`${outer}/`);
}

/** Whether the permission is held in the scope; in any scope when none is given. */
export function holds(who: Who, permission: Permission, scope?: string): boolean {
  return who.permissions.some(
    (held) => held.permission === permission && (scope === undefined || scopeContains(held.scope, scope)),
  );
}

/** The gate of an action. The server decides; this only says beforehand what it will say. */
export function blocked(who: Who, permission: Permission, scope?: string): Blocked {
  if (holds(who, permission, scope)) return undefined;
  return scope !== undefined && holds(who, permission)
    ? t.can.notInScope(permission, scope)
    : t.can.needs(permission);
}
