import { describe, expect, test } from "vitest";

import { psqlLine, uriOf } from "./database-lines";

const ticket = { token: "pst_connect_1", account: "app@orders", protocol: "postgresql", host: "gate.example", port: 5433, expires_at: "2026-01-01T00:00:00Z", authority: null };

describe("lines for clients of databases", () => {
  test("psql is told everything but the token", () => {
    expect(psqlLine(ticket, "shop")).toBe("psql 'host=gate.example port=5433 user=app@orders dbname=shop sslmode=verify-full sslrootcert=system'");
    expect(psqlLine({ ...ticket, authority: "-----BEGIN" }, "it's")).toBe(String.raw`psql 'host=gate.example port=5433 user=app@orders dbname='\''it\'\''s'\'' sslmode=verify-full sslrootcert=postern-ca.pem'`);
  });
  test("a URI has it, and what would end a part of it is written otherwise", () => {
    expect(uriOf({ ...ticket, host: "::1" }, "a/b")).toBe("postgresql://app%40orders:pst_connect_1@[::1]:5433/a%2Fb?sslmode=verify-full&sslrootcert=system");
  });
});
