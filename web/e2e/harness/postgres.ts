import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { ROOT } from "./gate";
import { Child, freePort, reachable, until } from "./process";
import type { World } from "./world";

const PASSWORD = "Horse:battery staple 9";

/** A real PostgreSQL with a database `shop`, in which `app_admin` owns a table `customer`. */
export class Postgres {
  private constructor(readonly folder: string, readonly port: number, private readonly child: Child) {}

  static async start(): Promise<Postgres> {
    const port = await freePort();
    const folder = mkdtempSync(join(tmpdir(), "postern-pg-"));
    // PostgreSQL runs as a user of its own, who must be able to enter.
    chmodSync(folder, 0o755);
    writeFileSync(join(folder, "passwords"), `app_admin:${PASSWORD}\npostgres:tr0ub4dor&3\n`);
    const child = Child.start("bash", [join(ROOT, "scripts/pg-target.sh"), folder, String(port)], join(folder, "outer.log"));
    await until("PostgreSQL to listen", () => reachable(port).then((yes) => yes || undefined));
    return new Postgres(folder, port, child);
  }

  /** What it is known by, PEM. */
  get certificate(): string {
    return readFileSync(join(this.folder, "cluster/server.crt"), "utf8");
  }

  /** Makes it known as `orders`, with rules on what the people of `dba` may do there. */
  async declare(world: World): Promise<void> {
    const { certificate } = this;
    await world.apply([
      { kind: "Asset", name: "orders", platform: "postgresql", address: `127.0.0.1:${this.port}`, labels: { env: "prod", tier: "data" }, server_ca: certificate, column_tags: { pii: ["email", "phone*"], payment: ["iban", "card_number"] } },
      { kind: "Account", account: "app_admin@orders", credential: "password" },
      { kind: "Group", name: "dba" },
      {
        kind: "Policy", name: "orders-by-rules", access: "standing", subjects: { groups: ["dba"] }, accounts: { assets: ["orders"] },
        obligations: {
          capabilities: ["query", "copy_out"], mfa_max_age: "12h", reason_required: false, max_duration: "8h", checkout: "30m",
          statements: { rules: [{ name: "no-ddl", classes: ["ddl"], action: "block" }, { name: "deletes-need-a-yes", classes: ["delete"], action: "ask" }] },
        },
      },
    ]);
    await world.ada.expect("PUT", "/v1/accounts/app_admin@orders/secret", { password: PASSWORD });
  }

  async remove(): Promise<void> {
    await this.child.end("SIGKILL");
    rmSync(this.folder, { recursive: true, force: true });
  }
}
