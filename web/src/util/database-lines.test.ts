import { describe, expect, test } from "vitest";

import { linesOf, uriOf } from "./database-lines";

const ticket = { token: "pst_connect_1", account: "app@orders", protocol: "postgresql", host: "gate.example", port: 5433, expires_at: "2026-01-01T00:00:00Z", authority: null };

describe("lines for clients of databases", () => {
  test("psql is told everything but the token", () => {
    expect(linesOf(ticket, "shop")[0]?.line).toBe("psql 'host=gate.example port=5433 user=app@orders dbname=shop sslmode=verify-full sslrootcert=system'");
    expect(linesOf({ ...ticket, authority: "-----BEGIN" }, "it's")[0]?.line).toBe(String.raw`psql 'host=gate.example port=5433 user=app@orders dbname='\''it\'\''s'\'' sslmode=verify-full sslrootcert=postern-ca.pem'`);
  });
  test("a URI has it, and what would end a part of it is written otherwise", () => {
    expect(uriOf({ ...ticket, host: "::1" }, "a/b")).toBe("postgresql://app%40orders:pst_connect_1@[::1]:5433/a%2Fb?sslmode=verify-full&sslrootcert=system");
  });
  test("clients of MySQL and Redis ask for it too", () => {
    const own = { ...ticket, authority: "-----BEGIN" };
    const lines = (protocol: string, database: string) => [ticket, own].flatMap((each) => linesOf({ ...each, protocol }, database).map(({ line }) => line));
    expect(lines("mysql", "shop")).toEqual([
      "mariadb -h gate.example -P 5433 -u app@orders -p --protocol=tcp --ssl-verify-server-cert shop",
      "mysql -h gate.example -P 5433 -u app@orders -p --protocol=tcp --ssl-mode=VERIFY_IDENTITY shop",
      "mariadb -h gate.example -P 5433 -u app@orders -p --protocol=tcp --ssl-ca=postern-ca.pem --ssl-verify-server-cert shop",
      "mysql -h gate.example -P 5433 -u app@orders -p --protocol=tcp --ssl-mode=VERIFY_IDENTITY --ssl-ca=postern-ca.pem shop",
    ]);
    expect(lines("redis", "")).toEqual([
      "redis-cli --tls -h gate.example -p 5433 --user app@orders --askpass",
      "redis-cli --tls -h gate.example -p 5433 --user app@orders --askpass --cacert postern-ca.pem",
    ]);
    expect(lines("mysql", "a b; c")[0]).toMatch(/ 'a b; c'$/);
    expect(uriOf({ ...own, protocol: "mysql" }, "shop")).toBe("mysql://app%40orders:pst_connect_1@gate.example:5433/shop?ssl-ca=postern-ca.pem");
    expect(uriOf({ ...ticket, protocol: "redis" }, "2")).toBe("rediss://app%40orders:pst_connect_1@gate.example:5433/2");
  });
});
