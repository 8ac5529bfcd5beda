import { expect, it } from "vitest";

import { strengthOf } from "./strength";

it("judges passwords", () => {
  expect(strengthOf("", "ada").hint).toBe("empty");
  expect(strengthOf("short", "ada").hint).toBe("short");
  expect(strengthOf("aaaaaaaaaaaaaaaa", "ada").hint).toBe("repeats");
  expect(strengthOf("ada-lovelace-1", "ada").hint).toBe("name");
  expect(strengthOf("Password1234!", "ben").score).toBe(2);
  expect(strengthOf("correct horse battery staple", "ben").score).toBe(4);
});
