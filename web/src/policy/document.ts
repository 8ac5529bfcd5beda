import type { Document, Policy } from "../api/nouns";
import { duration } from "../util/time";

/** A policy as `access.yaml` has it. */
export type PolicyDocument = Extract<Document, { kind: "Policy" }>;

/** A span of time as documents have it: `1h30m`. */
export function period(seconds: number): string {
  return seconds === 0 ? "0s" : duration(seconds, Number.POSITIVE_INFINITY).replaceAll(" min", "m").replaceAll(" ", "");
}

/** The document that describes a policy. */
export function documentOf({ name, scope, description, effect, subjects, accounts, conditions, access, obligations: o }: Policy): PolicyDocument {
  const free = o.clipboard.copy && o.clipboard.paste && !o.clipboard.paste_bytes_max;
  return {
    kind: "Policy", name, scope, description, effect, subjects, accounts, conditions, access,
    obligations: {
      capabilities: o.capabilities,
      mfa_max_age: period(o.mfa_max_age_seconds),
      approval: o.approval ?? null,
      reason_required: o.reason_required,
      ticket_pattern: o.ticket_pattern ?? null,
      max_duration: period(o.max_duration_seconds),
      idle: o.idle_seconds ? period(o.idle_seconds) : null,
      concurrent_sessions: o.concurrent_sessions ?? null,
      recording: o.recording,
      ...(free ? {} : { clipboard: o.clipboard }),
      ...(o.join === "watch" ? {} : { join: o.join }),
    },
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
