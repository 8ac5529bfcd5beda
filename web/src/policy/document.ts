import type { Document, Policy } from "../api/nouns";
import { duration } from "../util/time";

/** A policy as `access.yaml` has it. */
export type PolicyDocument = Extract<Document, { kind: "Policy" }>;

/** A span of time as documents have it: `1h30m`. */
export function period(seconds: number): string {
  return seconds === 0 ? "0s" : duration(seconds, Number.POSITIVE_INFINITY).replaceAll(" min", "m").replaceAll(" ", "");
}

/** The document that describes a policy, with everything in it: what was left out here would be lost by editing. */
export function documentOf({ name, scope, description, effect, subjects, accounts, conditions, access, obligations }: Policy): PolicyDocument {
  return { kind: "Policy", name, scope, description, effect, subjects, accounts, conditions, access, obligations: obligationsOf(obligations) };
}

function obligationsOf(obligations: Policy["obligations"]): PolicyDocument["obligations"] {
  const { mfa_max_age_seconds: mfa, max_duration_seconds: max, idle_seconds: idle, checkout_seconds: checkout, clipboard, join, rotate_after_use: rotate, provision, statements, ...same } = obligations;
  const isFree = clipboard.copy && clipboard.paste && !clipboard.paste_bytes_max;
  return {
    ...same,
    mfa_max_age: period(mfa),
    max_duration: period(max),
    ...(idle ? { idle: period(idle) } : {}),
    ...(checkout ? { checkout: period(checkout) } : {}),
    ...(isFree ? {} : { clipboard }),
    ...(join === "watch" ? {} : { join }),
    ...(rotate ? { rotate_after_use: rotate } : {}),
    ...(provision ? { provision } : {}),
    ...(statements ? { statements } : {}),
  };
}

/** What a new policy begins with: it reaches nobody yet. */
export function newPolicy(scope: string): PolicyDocument {
  return {
    kind: "Policy", name: "new-policy", scope, description: "", effect: "allow", access: "request",
    subjects: { groups: [], users: [] },
    accounts: { names: [], assets: [], labels: {}, platforms: [] },
    conditions: { networks: [], hours: [] },
    obligations: { capabilities: ["shell", "exec"], mfa_max_age: "12h", approval: { count: 1, groups: [] }, reason_required: true, max_duration: "4h", recording: "strict" },
  };
}

/** What is wrong, by field; a field's own path, without the kind or the place of its document. */
export type Problems = Map<string, string>;

export function problemsOf(found: { field: string; message: string }[]): Problems {
  return new Map(found.map(({ field, message }) => [field.replace(/^(Policy|documents\[\d+\])\.?/, ""), message]));
}

/** What is wrong with a field or with a part of it. */
export function problemAt(problems: Problems, field: string): string | undefined {
  for (const [at, message] of problems) if (at === field || at.startsWith(`${field}.`) || at.startsWith(`${field}[`)) return message;
  return undefined;
}
