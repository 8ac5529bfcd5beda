import { expect, test } from "vitest";

import { csvOf } from "./csv";

test("rows are written so that every reader finds the same fields", () => {
  const columns = [{ name: "id", number: true }, { name: 'a "name"', number: false }];
  expect(csvOf(columns, [["1", "x, y"], ["2", null], ["3", "two\nlines"], ["4", ["the beginning", 99_999]]])).toBe('id,"a ""name"""\r\n1,"x, y"\r\n2,\r\n3,"two\nlines"\r\n4,the beginning\r\n');
});
