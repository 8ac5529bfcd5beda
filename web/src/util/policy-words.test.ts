import { expect, it } from "vitest";

import type { Policy } from "../api/nouns";
import { documentOf, problemAt, problemsOf } from "../policy/document";
import { obligationWords, whoWords } from "./policy-words";

const POLICY: Policy = {
  id: "pol_0", name: "sre-root", scope: "/emea", description: "", effect: "allow", subjects: { users: [], groups: ["sre"] },
  accounts: { names: ["root"], assets: [], labels: { env: "prod" }, platforms: [] }, conditions: { networks: [], hours: [] }, access: "request",
  obligations: { capabilities: ["shell"], mfa_max_age_seconds: 0, approval: { count: 2, groups: ["leads"] }, reason_required: true, ticket_pattern: null, max_duration_seconds: 5430, idle_seconds: 900, concurrent_sessions: null, recording: "strict", clipboard: { copy: true, paste: true }, join: "watch", checkout_seconds: null, rotate_after_use: false, provision: null },
  revision: 1,
};

it("says what a policy does", () => {
  expect(whoWords(POLICY)).toBe("groups sre");
  expect(obligationWords(POLICY)[0]).toBe("2 people of leads must approve, never the requester.");
  const masking = { columns: ["iban"], tags: ["pii", "payment"], detectors: ["email" as const] };
  const statements = { read_only: false, rules: [], otherwise: "allow" as const, not_understood: "block" as const, budgets: {}, masking };
  expect(obligationWords({ ...POLICY, obligations: { ...POLICY.obligations, statements } })).toEqual(expect.arrayContaining([
    "In results of databases, columns named iban are hidden.",
    "In results of databases, columns are hidden that their asset tags pii, payment.",
    "In results of databases, e-mail addresses are hidden wherever they stand.",
  ]));
});

it("is the same as a document", () => {
  expect(documentOf(POLICY).obligations).toEqual({ capabilities: ["shell"], mfa_max_age: "0s", approval: { count: 2, groups: ["leads"] }, reason_required: true, ticket_pattern: null, max_duration: "1h30m30s", idle: "15m", concurrent_sessions: null, recording: "strict" });
  expect(documentOf({ ...POLICY, obligations: { ...POLICY.obligations, join: "control", clipboard: { copy: false, paste: true } } }).obligations).toMatchObject({ join: "control", clipboard: { copy: false } });
});

it("finds what is wrong with a field in a part of it", () => {
  const problems = problemsOf([{ field: "Policy.obligations.max_duration", message: "is no time" }, { field: "documents[0].conditions.hours[0].from", message: "is no hour" }]);
  expect(problemAt(problems, "obligations.max_duration")).toBe("is no time");
  expect(problemAt(problems, "conditions.hours")).toBe("is no hour");
  expect(problemAt(problems, "conditions.networks")).toBeUndefined();
});
