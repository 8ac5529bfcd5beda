import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { ROOT } from "./gate";
import { Child, freePort, reachable, until } from "./process";

/** A real OpenSSH server on a small machine of its own. */
export class Target {
  private constructor(readonly folder: string, readonly port: number, readonly password: string, private readonly child: Child) {}

  static async start(name: string): Promise<Target> {
    const port = await freePort();
    const folder = mkdtempSync(join(tmpdir(), "postern-target-"));
    // The target's own root, who is nobody here, must be able to enter.
    chmodSync(folder, 0o755);
    const password = "the deployment account of web-1";
    writeFileSync(join(folder, "accounts"), `root:\ndeploy:${password}\n`);
    const child = Child.start("bash", [join(ROOT, "scripts/ssh-target.sh"), folder, String(port), name], join(folder, "outer.log"));
    await until(`${name} to listen`, () => reachable(port).then((yes) => yes || undefined));
    return new Target(folder, port, password, child);
  }

  get hostKey(): string {
    return readFileSync(join(this.folder, "host_key.pub"), "utf8").trim();
  }

  /** Lets certificates of this authority in. */
  trust(authority: string): void {
    writeFileSync(join(this.folder, "user_ca.pub"), authority, { mode: 0o644 });
  }

  async remove(): Promise<void> {
    await this.child.end("SIGKILL");
    rmSync(this.folder, { recursive: true, force: true });
  }
}
