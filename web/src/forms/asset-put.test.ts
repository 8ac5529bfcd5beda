import { expect, it } from "vitest";

import { parseTags, tagLines } from "./asset-put";

it("reads tags as they are written", () => {
  const tags = { pii: ["email", "phone*"], payment: ["iban"] };
  expect(parseTags(tagLines(tags).join("\n"))).toEqual(tags);
  expect(parseTags("pii: user:*, *:mail\n\n pii: user:*, note ")).toEqual({ pii: ["user:*", "*:mail", "note"] });
  expect(parseTags("")).toEqual({});
  for (const wrong of ["pii", "pii:", ": email", "pii: ,"]) expect(parseTags(wrong)).toBeUndefined();
});
