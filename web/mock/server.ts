import { createHash } from "node:crypto";

import type { Access, Permission, Who } from "../src/api/nouns.ts";
import { PERMISSIONS } from "../src/api/permissions.ts";
import * as data from "./data.ts";
import { asciicast } from "./recording.ts";

export interface Asked {
  method: string;
  parts: string[];
  query: URLSearchParams;
  body: Record<string, unknown>;
  /** Who asks, by the cookie `mock`: admin, user, auditor, nobody, empty, slow, broken, sealed. */
  as: string;
}

export interface Answer {
  status: number;
  body?: unknown;
  media?: string;
}

const ok = (body: unknown): Answer => ({ status: 200, body });
const nothing: Answer = { status: 204 };
const problem = (status: number, code: string, detail: string, more: object = {}): Answer => ({ status, body: { type: `/problems/${code}`, title: code, status, code, detail, ...more } });
const missing = problem(404, "not_found", "there is no such thing");

const LIMIT = 50;

/** One page of `items`; the cursor is where it begins. */
function page<T>({ query }: Asked, items: T[]): Answer {
  const limit = Number(query.get("limit") ?? LIMIT);
  const from = Number(query.get("cursor") ?? 0);
  return ok({ items: items.slice(from, from + limit), next: from + limit < items.length ? String(from + limit) : null });
}

function who(as: string): Who {
  const names: Record<string, string> = { user: "ben", auditor: "esra" };
  const user = data.users.find((each) => each.name === (names[as] ?? "ada"));
  const login = data.logins[0];
  if (!user || !login) throw new Error("the mock has no users");
  const held: Permission[] = as === "user" || as === "empty-user" ? ["request:create"] : as === "auditor" ? PERMISSIONS.filter((each) => each.endsWith(":read")) : PERMISSIONS;
  return { user, login, permissions: held.map((permission) => ({ permission, scope: user.scope })), scopes: [user.scope] };
}

function accessOf(): Access[] {
  return data.accounts.filter((each) => each.state === "managed").map((account, index): Access => {
    const asset = data.assets.find((each) => each.name === account.asset);
    const ref = `${account.name}@${account.asset}`;
    const grant = data.grants.find((each) => each.account === ref && each.user === "ada" && each.state === "active");
    const request = data.requests.find((each) => each.account === ref && each.user === "ada" && each.state === "pending");
    const policy = account.name === "deploy" ? data.policies[1] : data.policies[0];
    const o = policy?.obligations;
    const state = grant ? "ready" : request ? "pending" : index === 9 ? "unavailable" : "request";
    return {
      account: ref, asset: { name: account.asset, platform: asset?.platform ?? "linux", labels: asset?.labels ?? {} }, state, grant: grant?.id ?? null, ends_at: grant?.ends_at ?? null, request: request?.id ?? null, policy: policy?.name ?? "",
      demands: { mfa_max_age_seconds: o?.mfa_max_age_seconds ?? 0, approval: o?.approval, reason_required: o?.reason_required ?? true, ticket_pattern: o?.ticket_pattern, max_duration_seconds: o?.max_duration_seconds ?? 3600 },
      reasons: state === "unavailable" ? [{ code: "outside_conditions", message: "policy `sre-root` allows it only at other hours or from other networks" }] : [], ssh: state === "ready" ? `ssh -p 2222 ${ref}@gate.example.test` : null,
    };
  });
}

const contains = (text: string, wanted: string | null) => !wanted || text.toLowerCase().includes(wanted.toLowerCase());
const labelled = (labels: Record<string, string>, wanted: string | null) => !wanted || wanted.split(",").every((pair) => { const [key = "", value = ""] = pair.split(/[=:]/); return labels[key] === value; });

function access({ query }: Asked): Access[] {
  return accessOf().filter((each) => contains(`${each.account} ${Object.entries(each.asset.labels).join(" ")}`, query.get("q")) && labelled(each.asset.labels, query.get("label")));
}

function login(asked: Asked): Answer {
  const { method, parts, body } = asked;
  if (method === "POST" && parts[1] === "factor") return body.code === "000000" ? ok({ login: who(asked.as).login }) : problem(401, "sign_in_failed", "the code is wrong");
  if (method === "POST") {
    if (body.password === "wrong") return problem(401, "sign_in_failed", "Name, password or code is wrong.");
    if (!body.code && !body.recovery_code) return problem(401, "code_required", "a one-time code is needed");
    if (body.code && body.code !== "000000") return problem(401, "sign_in_failed", "Name, password or code is wrong.");
    return ok({ user: who(asked.as).user, login: who(asked.as).login, mfa: true });
  }
  if (method === "DELETE") return nothing;
  return asked.as === "nobody" ? problem(401, "unauthenticated", "sign in first") : ok(who(asked.as));
}

function link({ method, parts }: Asked): Answer {
  const token = parts[1] ?? "";
  if (token === "gone") return missing;
  const purpose = token.startsWith("setup") ? "setup" : token.startsWith("factor") ? "factor" : "enrol";
  if (method === "GET") {
    const secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
    return ok({ purpose, user: purpose === "setup" ? null : purpose === "factor" ? "ada" : "ben", expires_at: new Date(data.now() + 540_000).toISOString(), totp: purpose === "factor" ? null : { secret, otpauth_uri: `otpauth://totp/Postern:ben?secret=${secret}&issuer=Postern` } });
  }
  if (parts[2] === "confirm") return nothing;
  return ok({ user: data.users[1], recovery_codes: Array.from({ length: 10 }, (_, index) => `${"kx7f m2qd 9wtz 4hbn c8rp".split(" ")[index % 5]}-${"v3ya 6jds q1le p5gu z0ni".split(" ")[(index * 2) % 5]}`) });
}

function requests(asked: Asked): Answer {
  const { method, parts, query, body } = asked;
  const me = who(asked.as).user.name;
  const one = data.requests.find((each) => each.id === parts[1]);
  if (parts[1] && !one) return missing;
  if (one && method === "POST") {
    if (parts[2] === "withdraw") one.state = "withdrawn";
    else {
      one.approvals.push({ user: me, approved: parts[2] === "approve", reason: String(body.reason ?? "") || null, at: new Date().toISOString() });
      if (parts[2] === "deny") one.state = "denied";
      else if (one.approvals.length >= (one.approval?.count ?? 1)) one.state = "granted";
    }
  }
  if (one) return ok(one);
  if (method === "POST") {
    const made = { ...data.requests[0], id: data.id("req"), user: me, account: String(body.account), reason: String(body.reason ?? ""), ticket: body.ticket ? String(body.ticket) : null, duration_seconds: Number(body.duration_seconds), approvals: [], state: "pending" as const, created_at: new Date().toISOString() };
    return { status: 201, body: made };
  }
  return page(asked, data.requests.filter((each) => (!query.get("waiting") || (each.state === "pending" && each.user !== me)) && (!query.get("mine") || each.user === me) && (!query.get("state") || each.state === query.get("state"))));
}

function sessions(asked: Asked): Answer {
  const { method, parts, query, as } = asked;
  const one = data.sessions.find((each) => each.id === parts[1]);
  if (parts[1] && !one) return missing;
  if (one && parts[2] === "recording") return { status: 200, body: asciicast(), media: "application/x-asciicast" };
  if (one && parts[2] === "integrity") {
    const verdict = one.state === "live" ? "live" : one.end_reason === "unknown" ? "incomplete" : one.end_reason === "killed" ? "altered" : "verified";
    return ok({ verdict, digest: one.recording?.digest, ledger_digest: one.recording?.digest, detail: verdict === "altered" ? "chunk 3, at byte 41280, is not what was written" : null });
  }
  if (one && method === "POST" && parts[2] === "kill") Object.assign(one, { state: "ended", end_reason: "killed", ended_at: new Date().toISOString() });
  if (one && method === "POST") return parts[2] === "message" ? nothing : ok(one);
  if (one) return ok(one);
  const mine = as === "user";
  const [from, until, asset] = [query.get("from"), query.get("until"), query.get("asset")];
  return page(asked, data.sessions.filter((each) => (query.get("live") !== "true" || each.state === "live") && contains(each.user, query.get("user")) && contains(each.account, query.get("account")) && (!asset || each.account.endsWith(`@${asset}`)) && (!mine || each.user === "ben") && (!from || each.started_at >= from) && (!until || each.started_at < until)));
}

/** A proof that really adds up: the leaf and one sibling under a root. */
function proof(index: number): Answer {
  const item = data.events.find((each) => each.index === index);
  if (!item) return missing;
  const hash = (...bytes: Buffer[]) => createHash("sha256").update(Buffer.concat(bytes)).digest();
  const leaf = Buffer.from(JSON.stringify(item.event));
  const leafHash = hash(Buffer.of(0), leaf);
  const siblings = Array.from({ length: 16 }, (_, level) => hash(Buffer.from(`sibling ${level}`)));
  const root = siblings.reduce((node, sibling, level) => (Math.floor(index / 2 ** level) % 2 === 1 ? hash(Buffer.of(1), sibling, node) : hash(Buffer.of(1), node, sibling)), leafHash);
  const size = 65_536;
  return ok({ index, leaf: leaf.toString("base64"), hash: leafHash.toString("hex"), path: siblings.map((each) => each.toString("hex")), size, root: root.toString("hex"), checkpoint: `postern.ledger/7d1f\n${size}\n${root.toString("base64")}\n\n— postern.ledger/7d1f 4nqLhQ8=\n` });
}

function audit(asked: Asked): Answer {
  const { parts, query } = asked;
  if (parts[2] === "proof") return proof(Number(parts[1]));
  if (parts[1]) {
    const one = data.events.find((each) => each.index === Number(parts[1]));
    return one ? ok(one) : missing;
  }
  return page(asked, data.events.filter(({ event }) => contains("name" in event.actor ? event.actor.name : event.actor.kind, query.get("actor")) && contains(event.action, query.get("action")) && contains(event.target, query.get("target")) && (!query.get("outcome") || event.outcome === query.get("outcome"))));
}

let sealed = false;

function vault({ method, parts, as }: Asked): Answer {
  if (method === "POST" && parts[1] === "seal") sealed = true;
  if (method === "POST" && parts[1] === "unseal") sealed = false;
  return ok({ sealed: sealed || as === "sealed", vault_id: "7d1f0c22-51ab", kek_current: 3, kek_count: 3, recipients: ["key_file", "passphrase", "shares"] });
}

function named<T extends { name: string }>(asked: Asked, items: T[], listed: T[] = items): Answer {
  if (!asked.parts[1]) return page(asked, listed);
  const one = items.find((each) => each.name === asked.parts[1]);
  return one ? ok(one) : missing;
}

const routes: Record<string, (asked: Asked) => Answer> = {
  login,
  logins: (asked) => (asked.method === "DELETE" ? nothing : page(asked, data.logins)),
  links: link,
  access: (asked) => page(asked, access(asked)),
  requests,
  grants: (asked) => {
    if (asked.method === "POST") return ok({});
    const state = asked.query.get("state");
    return page(asked, data.grants.filter((each) => (!asked.query.get("mine") || each.user === who(asked.as).user.name) && (!state || each.state === state)));
  },
  sessions,
  users: (asked) => {
    if (asked.method === "POST") return { status: 201, body: asked.parts[2] ? { url: "https://gate.example.test/enrol/7q0m9d", expires_at: new Date(data.now() + 86_400_000).toISOString() } : { user: data.users[6], link: { url: "https://gate.example.test/enrol/7q0m9dzkf2w8xnc4t1h6", expires_at: new Date(data.now() + 86_400_000).toISOString() } } };
    const { query } = asked;
    return named(asked, data.users, data.users.filter((each) => contains(`${each.name} ${each.email}`, query.get("q")) && (!query.get("state") || each.state === query.get("state")) && (!query.get("scope") || each.scope.startsWith(query.get("scope") ?? ""))));
  },
  groups: (asked) => named(asked, data.groups),
  roles: (asked) => named(asked, data.roles),
  scopes: (asked) => page(asked, data.scopes),
  assets: (asked) => {
    const { parts, query } = asked;
    if (parts[2] === "host-keys") return page(asked, data.hostKeys.filter((each) => each.asset === parts[1]));
    return named(asked, data.assets, data.assets.filter((each) => contains(`${each.name} ${each.address}`, query.get("q")) && labelled(each.labels, query.get("label")) && (!query.get("platform") || each.platform === query.get("platform")) && (!query.get("scope") || each.scope.startsWith(query.get("scope") ?? ""))));
  },
  accounts: (asked) => page(asked, data.accounts.filter((each) => contains(`${each.name}@${each.asset}`, asked.query.get("q")) && (!asked.query.get("asset") || each.asset === asked.query.get("asset")))),
  policies: (asked) => named(asked, data.policies),
  "ssh-keys": (asked) => page(asked, data.sshKeys),
  "ssh-ca": () => ok({ public_key: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPzMock0000000000000000000000000000000000000 postern-user-ca" }),
  tokens: (asked) => (asked.method === "POST" ? { status: 201, body: { token: "pst_7q0m9dzkf2w8xnc4t1h6vj3r5a", api_token: data.tokens[0] } } : page(asked, data.tokens)),
  audit,
  vault,
  status: ({ as }) => ok({ version: "0.1.0", started_at: new Date(data.now() - 400_000_000).toISOString(), vault_sealed: sealed || as === "sealed", ledger: { size: 48_212, checkpoint_size: 48_212 }, sessions_live: 2, problems: as === "sealed" ? ["the vault is sealed"] : [] }),
};

const EMPTY_KEEPS = new Set(["login", "links", "vault", "status", "roles"]);

/** What the mock answers. */
export function answer(asked: Asked): Answer {
  const [first = ""] = asked.parts;
  const route = routes[first];
  if (!route) return missing;
  if (asked.as === "nobody" && first !== "login" && first !== "links") return problem(401, "unauthenticated", "sign in first");
  if (asked.as === "broken" && first !== "login") return problem(503, "unavailable", "the database does not answer");
  if (asked.as === "user" && ["users", "audit", "vault", "status", "policies", "assets", "accounts", "groups", "roles"].includes(first)) return problem(403, "forbidden", `this needs the permission ${first === "users" ? "user" : first}:read`);
  if (asked.as.startsWith("empty") && !EMPTY_KEEPS.has(first) && asked.method === "GET" && asked.parts.length === 1) return ok({ items: [], next: null });
  if (asked.as === "step-up" && asked.method !== "GET" && first !== "login") return problem(428, "step_up_required", "prove a factor first", { max_age_seconds: 300 });
  return route(asked);
}
