import { expect, it } from "vitest";

import { yaml } from "./yaml";

it("writes what apply reads", () => {
  const text = yaml({
    kind: "Policy",
    name: "sre-root",
    empty: [],
    none: null,
    networks: ["10.0.0.0/8"],
    hours: [{ days: ["mon", "tue"], from: "08:00", to: "18:00" }],
    obligations: { approval: { count: 1, groups: ["leads"] }, reason_required: true, ticket_pattern: "CHG-[0-9]+" },
  });
  expect(text).toBe(`kind: Policy
name: sre-root
networks: ["10.0.0.0/8"]
hours:
  - days: [mon, tue]
    from: "08:00"
    to: "18:00"
obligations:
  approval:
    count: 1
    groups: [leads]
  reason_required: true
  ticket_pattern: "CHG-[0-9]+"
`);
});
