import { expect, it } from "vitest";

import type { Policy } from "../api/nouns";
import { obligationWords, policyText, whoWords } from "./policy-words";

const POLICY: Policy = {
  id: "pol_0", name: "sre-root", scope: "/emea", description: "", effect: "allow", subjects: { users: [], groups: ["sre"] },
  accounts: { names: ["root"], assets: [], labels: { env: "prod" }, platforms: [] }, conditions: { networks: [], hours: [] }, access: "request",
  obligations: { capabilities: ["shell"], mfa_max_age_seconds: 0, approval: { count: 2, groups: ["leads"] }, reason_required: true, ticket_pattern: null, max_duration_seconds: 5430, idle_seconds: 900, concurrent_sessions: null, recording: "strict", clipboard: { copy: true, paste: true }, join: "watch", checkout_seconds: null, rotate_after_use: false, provision: null },
  revision: 1,
};

it("says what a policy does", () => {
  expect(whoWords(POLICY)).toBe("groups sre");
  expect(obligationWords(POLICY)[0]).toBe("2 people of leads must approve, never the requester.");
});

it("writes the document that apply takes", () => {
  expect(policyText(POLICY)).toBe(`kind: Policy
name: sre-root
scope: /emea
effect: allow
subjects:
  groups: [sre]
accounts:
  names: [root]
  labels:
    env: prod
access: request
obligations:
  capabilities: [shell]
  mfa_max_age: "0s"
  approval:
    count: 2
    groups: [leads]
  reason_required: true
  max_duration: "1h30m30s"
  idle: "15m"
  recording: strict
`);
});
