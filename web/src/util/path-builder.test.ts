import { expect, it } from "vitest";

import { pb } from "./path-builder";

it("escapes what comes from names", () => {
  expect(pb.user("a/b?c")).toBe("/users/a%2Fb%3Fc");
  expect(pb.session("ses_01")).toBe("/sessions/ses_01");
});
