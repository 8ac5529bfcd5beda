import type { Permission } from "./nouns";

/** Every permission, in the order in which roles are shown. */
export const PERMISSIONS: Permission[] = [
  "user:read", "user:write", "group:write", "role:write", "asset:read", "asset:write", "host_key:write", "secret:write", "rotation:read", "rotation:write", "checkout:read", "policy:read", "policy:write",
  "request:create", "request:read", "request:approve", "grant:revoke", "review:read", "review:write", "report:read", "report:write", "session:read", "recording:read", "session:kill", "session:join", "audit:read", "vault:read", "vault:manage", "status:read",
];
