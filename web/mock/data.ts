import type { Account, ApiToken, Asset, AuditItem, Grant, Group, HostKey, Login, Obligations, Policy, Request, Role, Session, SshKey, User } from "../src/api/nouns.ts";
import { PERMISSIONS } from "../src/api/permissions.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";

export const now = () => Date.now();
const iso = (offset: number) => new Date(now() + offset).toISOString();

let seed = 7;
function random(): number {
  seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
  return seed / 2_147_483_648;
}
const pick = <T>(from: readonly [T, ...T[]]): T => from[Math.floor(random() * from.length)] ?? from[0];

export function id(prefix: string): string {
  return `${prefix}_01kb${Array.from({ length: 12 }, () => ALPHABET[Math.floor(random() * 32)]).join("")}`;
}

const hex = (length: number) => Array.from({ length }, () => "0123456789abcdef"[Math.floor(random() * 16)]).join("");
const b64 = (length: number) => Array.from({ length }, () => "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"[Math.floor(random() * 64)]).join("");

const user = (name: string, scope: string, groups: string[], roles: User["roles"], state: User["state"] = "active", seen = 3 * HOUR): User => ({
  id: id("usr"), name, email: `${name}@example.test`, scope, state, groups, roles, totp: state === "active", created_at: iso(-90 * DAY), last_seen_at: state === "invited" ? null : iso(-seen),
});

export const users: User[] = [
  user("ada", "/", ["platform"], [{ role: "administrator", scope: "/" }], "active", 2 * MINUTE),
  user("ben", "/emea", ["sre"], [{ role: "user", scope: "/emea" }], "active", 20 * MINUTE),
  user("cleo", "/emea", ["sre", "leads"], [{ role: "approver", scope: "/emea" }, { role: "user", scope: "/" }], "active", HOUR),
  user("dimitri", "/emea/payments", ["dba"], [{ role: "user", scope: "/emea/payments" }]),
  user("esra", "/", ["audit"], [{ role: "auditor", scope: "/" }], "active", 2 * DAY),
  user("fran", "/apac", ["netops"], [{ role: "operator", scope: "/apac" }], "active", 9 * DAY),
  user("vendor-hvac", "/emea", [], [{ role: "user", scope: "/emea" }], "invited"),
  user("gus", "/emea", ["sre"], [{ role: "user", scope: "/emea" }], "disabled", 40 * DAY),
];

export const groups: Group[] = [
  { id: id("grp"), description: "", name: "audit", scope: "/", members: ["esra"], roles: [{ role: "auditor", scope: "/" }] },
  { id: id("grp"), description: "", name: "dba", scope: "/emea/payments", members: ["dimitri"], roles: [] },
  { id: id("grp"), description: "", name: "leads", scope: "/emea", members: ["cleo"], roles: [{ role: "approver", scope: "/emea" }] },
  { id: id("grp"), description: "", name: "netops", scope: "/apac", members: ["fran"], roles: [] },
  { id: id("grp"), description: "", name: "platform", scope: "/", members: ["ada"], roles: [] },
  { id: id("grp"), description: "", name: "sre", scope: "/emea", members: ["ben", "cleo", "gus", "hana", "ivo", "jun", "kim"], roles: [] },
];

export const roles: Role[] = [
  { name: "administrator", built_in: true, permissions: PERMISSIONS },
  { name: "approver", built_in: true, permissions: ["request:create", "request:read", "request:approve", "session:read"] },
  { name: "auditor", built_in: true, permissions: PERMISSIONS.filter((each) => each.endsWith(":read")) },
  { name: "operator", built_in: true, permissions: ["user:read", "asset:read", "asset:write", "host_key:write", "secret:write", "policy:read", "request:create", "request:read", "grant:revoke", "session:read", "recording:read", "session:kill", "vault:read", "status:read"] },
  { name: "user", built_in: true, permissions: ["request:create"] },
  { name: "vault-keeper", built_in: false, permissions: ["vault:read", "vault:manage", "status:read"] },
];

export const scopes = ["/", "/apac", "/emea", "/emea/payments", "/emea/retail"].map((path) => ({ path }));

const asset = (name: string, platform: Asset["platform"], scope: string, labels: Asset["labels"]): Asset => ({
  id: id("ast"), name, platform, scope, labels, address: `${name}.${scope.split("/").at(-1) || "core"}.example.test:${{ linux: 22, network_device: 22, postgresql: 5432, mysql: 3306, redis: 6379, ldap: 636 }[platform]}`, created_at: iso(-60 * DAY),
});

export const assets: Asset[] = [
  asset("bastion-eu", "linux", "/emea", { env: "prod", tier: "edge" }),
  asset("core-sw-1", "network_device", "/apac", { env: "prod", site: "sin-1" }),
  asset("core-sw-2", "network_device", "/apac", { env: "prod", site: "sin-1" }),
  asset("ledger-db", "postgresql", "/emea/payments", { env: "prod", tier: "data", pci: "yes" }),
  ...Array.from({ length: 46 }, (_, index) => asset(`web-${index + 1}`, "linux", index % 3 === 0 ? "/emea/retail" : "/emea", { env: index % 4 === 3 ? "staging" : "prod", tier: "web" })),
  asset("reports-db", "mysql", "/emea/retail", { env: "prod", tier: "data" }),
  asset("session-cache", "redis", "/emea", { env: "prod", tier: "data" }),
];

export const hostKeys: HostKey[] = assets.slice(0, 8).flatMap((each, index) => {
  const key = (state: HostKey["state"], age: number): HostKey => ({ id: id("hky"), asset: each.name, fingerprint: `SHA256:${b64(43)}`, public_key: `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${b64(43)}`, state, seen_at: iso(-age) });
  return index === 4 ? [key("pinned", 60 * DAY), key("seen", 12 * MINUTE)] : [key("pinned", 60 * DAY)];
});

export const accounts: Account[] = assets.flatMap((each, index) => {
  const account = (name: string, credential: Account["credential"], state: Account["state"] = "managed", ready = true): Account => ({ id: id("acc"), name, asset: each.name, scope: each.scope, credential, owner: index % 3 === 0 ? "cleo" : null, state, ready, created_at: iso(-50 * DAY), last_used_at: ready ? iso(-random() * 20 * DAY) : null });
  if (each.platform === "linux") return index % 9 === 0 ? [account("root", "ssh_certificate"), account("deploy", "ssh_key"), account("oracle", "password", "discovered", false)] : [account("root", "ssh_certificate"), account("deploy", "ssh_key", "managed", index % 5 !== 4)];
  return each.platform === "network_device" ? [account("admin", "password")] : [account("app_admin", "password"), account("old_report", "password", "orphaned", false)];
});

const obligations = (patch: Partial<Obligations> = {}): Obligations => ({
  capabilities: ["shell", "exec", "sftp_read", "sftp_write", "env"], mfa_max_age_seconds: 12 * 3600, approval: { count: 1, groups: ["leads"] }, reason_required: true, ticket_pattern: "(CHG|INC)-[0-9]+", max_duration_seconds: 4 * 3600, idle_seconds: 900, concurrent_sessions: 3, recording: "strict", ...patch,
});

export const policies: Policy[] = [
  { id: id("pol"), name: "sre-root", scope: "/emea", description: "Root on production web servers for the people on call: by request, approved by a lead, tied to a ticket.", effect: "allow", subjects: { users: [], groups: ["sre"] }, accounts: { names: ["root"], assets: [], labels: { env: "prod" }, platforms: ["linux"] }, conditions: { networks: ["10.0.0.0/8", "192.0.2.0/24"], hours: [] }, access: "request", obligations: obligations(), revision: 7 },
  { id: id("pol"), name: "sre-deploy", scope: "/emea", description: "The deployment account, at once.", effect: "allow", subjects: { users: [], groups: ["sre"] }, accounts: { names: ["deploy"], assets: [], labels: {}, platforms: ["linux"] }, conditions: { networks: [], hours: [] }, access: "request", obligations: obligations({ approval: null, ticket_pattern: null, max_duration_seconds: 8 * 3600 }), revision: 2 },
  { id: id("pol"), name: "netops-standing", scope: "/apac", description: "Switches in working hours.", effect: "allow", subjects: { users: [], groups: ["netops"] }, accounts: { names: ["admin"], assets: [], labels: {}, platforms: ["network_device"] }, conditions: { networks: [], hours: [{ days: ["mon", "tue", "wed", "thu", "fri"], from: "08:00", to: "18:00", zone: "Asia/Singapore" }] }, access: "standing", obligations: obligations({ capabilities: ["shell"], approval: null, reason_required: false, ticket_pattern: null }), revision: 1 },
  { id: id("pol"), name: "payments-freeze", scope: "/emea/payments", description: "Nobody touches payments while the books close.", effect: "deny", subjects: { users: ["vendor-hvac"], groups: ["sre"] }, accounts: { names: [], assets: [], labels: { pci: "yes" }, platforms: [] }, conditions: { networks: [], hours: [{ days: [], from: "22:00", to: "04:00", zone: "Europe/Berlin" }] }, access: "request", obligations: obligations(), revision: 3 },
];
const sreRoot = policies[0]?.id ?? "";

const request = (who: string, account: string, reason: string, patch: Partial<Request> = {}): Request => ({
  id: id("req"), user: who, account, scope: "/emea", duration_seconds: 3600, reason, ticket: "CHG-4821", state: "pending", policy: sreRoot, approval: { count: 1, groups: ["leads"] }, approvals: [], grant: null, created_at: iso(-6 * MINUTE), expires_at: iso(3 * HOUR), ...patch,
});

export const requests: Request[] = [
  request("ben", "root@web-1", "Disk is at 97 % since the log rotation broke; move old logs aside and fix the unit."),
  request("dimitri", "app_admin@ledger-db", "Rebuild the index that the nightly close waits for. Tested on staging this morning; takes about forty minutes, no lock on the table.", { scope: "/emea/payments", duration_seconds: 5400, ticket: "INC-2077", approval: { count: 2, groups: ["leads", "platform"] }, approvals: [{ user: "cleo", approved: true, reason: "Agreed with the close team.", at: iso(-9 * MINUTE) }], created_at: iso(-31 * MINUTE) }),
  request("ada", "root@web-7", "Look at the kernel's out-of-memory reports from last night.", { created_at: iso(-12 * MINUTE), ticket: "INC-2080" }),
  request("cleo", "root@bastion-eu", "Rotate the sshd configuration.", { state: "granted", approvals: [{ user: "ada", approved: true, reason: null, at: iso(-50 * MINUTE) }], grant: "gra", created_at: iso(-55 * MINUTE) }),
  request("gus", "root@web-3", "testing", { state: "denied", ticket: null, approvals: [{ user: "cleo", approved: false, reason: "Say what you are testing, and use staging.", at: iso(-3 * DAY) }], created_at: iso(-3 * DAY - HOUR) }),
  request("ben", "root@web-12", "Patch window", { state: "expired", created_at: iso(-5 * DAY) }),
  request("ada", "root@web-2", "Not needed after all", { state: "withdrawn", created_at: iso(-6 * DAY) }),
  ...Array.from({ length: 70 }, (_, index) => request(pick(["ben", "cleo", "dimitri"]), `deploy@web-${1 + (index % 40)}`, pick(["Release 2026.11", "Roll back the release", "Warm the cache", "Change the feature flag file"]), { state: "granted", approval: null, ticket: null, created_at: iso(-(7 + index) * DAY) })),
];

const grant = (who: string, account: string, begun: number, length: number, patch: Partial<Grant> = {}): Grant => ({
  id: id("gra"), request: requests[3]?.id ?? "", user: who, account, scope: "/emea", policy: sreRoot, obligations: obligations(), starts_at: iso(-begun), ends_at: iso(length - begun), revoked_at: null, revoked_reason: null, state: length > begun ? "active" : "expired", ...patch,
});

export const grants: Grant[] = [
  grant("ada", "root@web-1", 20 * MINUTE, 2 * HOUR),
  grant("ada", "app_admin@reports-db", 5 * HOUR, 5 * HOUR + 90_000),
  grant("cleo", "root@bastion-eu", 50 * MINUTE, 4 * HOUR),
  grant("ben", "deploy@web-5", 10 * MINUTE, 8 * HOUR),
  grant("ben", "root@web-9", 2 * DAY, HOUR, { state: "revoked", revoked_at: iso(-2 * DAY + 20 * MINUTE), revoked_reason: "Change was cancelled" }),
  ...Array.from({ length: 30 }, (_, index) => grant(pick(["ben", "cleo", "dimitri"]), `deploy@web-${1 + index}`, (3 + index) * DAY, 2 * HOUR)),
];

const session = (who: string, account: string, ago: number, length: number | null, patch: Partial<Session> = {}): Session => ({
  id: id("ses"), user: who, account, scope: "/emea", protocol: "ssh", source: `10.20.${Math.floor(random() * 9)}.${Math.floor(random() * 250) + 2}`, policy: sreRoot, grant: id("gra"), state: length === null ? "live" : "ended", started_at: iso(-ago), ends_by: iso(2 * HOUR), ended_at: length === null ? null : iso(length - ago), end_reason: length === null ? null : "client_closed", recording: { bytes: Math.floor(4_000 + random() * 4_000_000), digest: length === null ? null : hex(64) }, ...patch,
});

export const sessions: Session[] = [
  session("cleo", "root@bastion-eu", 47 * MINUTE, null),
  session("ben", "deploy@web-5", 4 * MINUTE, null),
  session("ada", "root@web-1", 3 * HOUR, 26 * MINUTE),
  session("dimitri", "app_admin@ledger-db", 5 * HOUR, 64 * MINUTE, { end_reason: "expired" }),
  session("ben", "root@web-9", 2 * DAY, 20 * MINUTE, { end_reason: "revoked" }),
  session("fran", "admin@core-sw-1", 2 * DAY, 3 * MINUTE, { end_reason: "killed" }),
  session("ben", "root@web-3", 3 * DAY, 12 * MINUTE, { end_reason: "unknown" }),
  ...Array.from({ length: 110 }, (_, index) => session(pick(["ben", "cleo", "dimitri", "fran"]), pick(["root@web-2", "deploy@web-11", "root@web-20", "admin@core-sw-2"]), (4 + index) * DAY - Math.floor(random() * 9 * HOUR), Math.floor(random() * HOUR), { end_reason: pick(["client_closed", "client_closed", "idle", "target_closed"]) })),
];

export const sshKeys: SshKey[] = [
  { id: id("key"), user: "ada", fingerprint: `SHA256:${b64(43)}`, algorithm: "ssh-ed25519", public_key: "ssh-ed25519 AAAA", comment: "ada@thinkpad", created_at: iso(-80 * DAY), last_used_at: iso(-3 * HOUR) },
  { id: id("key"), user: "ada", fingerprint: `SHA256:${b64(43)}`, algorithm: "sk-ssh-ed25519@openssh.com", public_key: "sk-ssh-ed25519@openssh.com AAAA", comment: "security key, blue", created_at: iso(-30 * DAY), last_used_at: null },
];

export const tokens: ApiToken[] = [
  { id: id("tok"), user: "ada", name: "terraform", permissions: ["asset:read", "asset:write", "policy:read"], scope: "/emea", created_at: iso(-20 * DAY), expires_at: iso(70 * DAY), last_used_at: iso(-HOUR) },
  { id: id("tok"), user: "ada", name: "nightly report", permissions: ["audit:read"], scope: "/", created_at: iso(-200 * DAY), expires_at: iso(2 * DAY), last_used_at: iso(-DAY) },
];

export const logins: Login[] = [
  { id: id("lgn"), source: "10.20.1.7", client: "Firefox 145 on Linux", created_at: iso(-2 * HOUR), last_used_at: iso(-5_000), expires_at: iso(10 * HOUR), mfa_at: iso(-2 * HOUR) },
  { id: id("lgn"), source: "10.20.1.7", client: "postern 0.1.0", created_at: iso(-DAY), last_used_at: iso(-3 * HOUR), expires_at: iso(11 * HOUR), mfa_at: iso(-DAY) },
];

const event = (ago: number, who: string, action: string, target: string, outcome: AuditItem["event"]["outcome"] = "done", details: Record<string, unknown> = {}): AuditItem["event"] => ({
  at: iso(-ago), actor: who === "system" ? { kind: "system" } : who === "?" ? { kind: "unknown", source: "203.0.113.9" } : { kind: "user", name: who, source: "10.20.1.7" }, action, target, scope: "/emea", outcome, ...(Object.keys(details).length > 0 ? { details } : {}),
});

const recent: AuditItem["event"][] = [
  event(2 * MINUTE, "ada", "login.create", "ada", "done", { mfa: true }),
  event(4 * MINUTE, "ben", "session.open", sessions[1]?.id ?? "", "intent", { account: "deploy@web-5", policy: "sre-deploy", protocol: "ssh" }),
  event(6 * MINUTE, "ben", "request.create", requests[0]?.id ?? "", "done", { account: "root@web-1", ticket: "CHG-4821" }),
  event(12 * MINUTE, "system", "host_key.seen", "web-1", "done", { fingerprint: hostKeys[4]?.fingerprint }),
  event(14 * MINUTE, "?", "login.create", "root", "refused"),
  event(50 * MINUTE, "ada", "request.approve", requests[3]?.id ?? "", "done"),
  event(3 * HOUR, "ada", "session.close", sessions[2]?.id ?? "", "done", { reason: "client_closed", digest: hex(64) }),
  event(5 * HOUR, "ada", "secret.put", "deploy@web-5"),
  event(6 * HOUR, "system", "session.open", sessions[6]?.id ?? "", "unknown", { note: "the server died" }),
];
export const events: AuditItem[] = [
  ...recent,
  ...Array.from({ length: 180 }, (_, index) => event((8 + index) * HOUR, pick(["ben", "cleo", "ada", "system"]), pick(["session.open", "session.close", "grant.expire", "request.create"]), pick([sessions[3]?.id ?? "", requests[1]?.id ?? "", grants[0]?.id ?? ""]))),
].map((each, index) => ({ index: 48_211 - index, hash: hex(64), event: each }));
