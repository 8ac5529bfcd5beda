import { describe, expect, test } from "vitest";

import { StatementLog, logOf } from "./statements";

describe("the statements of a database session", () => {
  test("are put together from what is told of them", () => {
    const log = new StatementLog();
    expect(log.add({ kind: "start" })).toBe(false);
    log.add({ kind: "statement", at_us: 1_500_000, statement: 1, text: "select ", parameters: [{ value: "7" }, { value: null }, { value: { base64: "AAA=" }, binary: true, bytes: 2 }] });
    log.add({ kind: "statement_text", statement: 1, text: { base64: btoa("$1") } });
    log.add({ kind: "statement_row", statement: 1, names: ["id", "name"], values: [{ value: "1" }, { value: null }] });
    log.add({ kind: "note", at_us: 2_000_000, text: "careful" });
    log.add({ kind: "statement_end", statement: 1, outcome: "failed", duration_us: 2500, rows: 0, tag: "", error: "no such table" });
    expect(log.entries).toEqual([
      { id: 1, at: 1.5, text: "select $1", parameters: ["7", "NULL", "⟨2 B⟩"], kept: [{ names: ["id", "name"], values: ["1", "NULL"] }], end: { outcome: "failed", seconds: 0.0025, rows: 0, tag: "", error: "no such table" } },
      { at: 2, note: "careful" },
    ]);
  });
  test("are read from a recording as far as it goes", () => {
    expect(logOf('{"kind":"statement","at_us":0,"statement":1,"text":"a"}\n{"kind":"statement_e').entries).toHaveLength(1);
  });
});
