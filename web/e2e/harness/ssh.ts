import { execFileSync, spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import type { Person } from "./person";
import { until } from "./process";

/** A shell that somebody opens through the gate with OpenSSH's client. */
export class Ssh {
  private shown = "";
  private isOver = false;

  private constructor(private readonly child: ChildProcess) {
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.shown += text;
    });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.shown += text;
    });
    child.on("exit", () => {
      this.isOver = true;
    });
  }

  /** Opens it; the first time it registers a key and proves a factor by a code. */
  static async open(person: Person, account: string): Promise<Ssh> {
    const folder = person.gate.folder;
    const key = join(folder, `${person.name}.key`);
    const env: NodeJS.ProcessEnv = { ...process.env };
    if (!person.hasKey) {
      execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", `${person.name}@laptop`, "-f", key]);
      await person.expect("POST", "/v1/ssh-keys", { public_key: readFileSync(`${key}.pub`, "utf8").trim() });
      person.hasKey = true;
      const ask = join(folder, `${person.name}.askpass`);
      writeFileSync(ask, `#!/bin/sh\necho "$ONE_TIME_CODE"\n`, { mode: 0o700 });
      Object.assign(env, { SSH_ASKPASS: ask, SSH_ASKPASS_REQUIRE: "force", ONE_TIME_CODE: await person.code() });
    }
    const options = ["-tt", "-F", "none", "-i", key, "-o", "IdentitiesOnly=yes", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-p", String(person.gate.sshPort)];
    const child = spawn("setpriv", ["--pdeathsig", "KILL", "ssh", ...options, `${account}@127.0.0.1`], { env, stdio: "pipe" });
    const ssh = new Ssh(child);
    await ssh.until(/[#$] $/);
    return ssh;
  }

  /** Waits until what was shown so far looks so. */
  async until(pattern: RegExp): Promise<void> {
    await until(`${String(pattern)} in a shell`, () => {
      if (!pattern.test(this.shown) && this.isOver) throw new Error(`the shell ended:\n${this.shown}`);
      return pattern.test(this.shown) || undefined;
    });
  }

  /** Types a line, and waits for the next prompt. */
  async run(line: string): Promise<void> {
    this.shown = "";
    this.child.stdin?.write(`${line}\n`);
    await this.until(/[#$] $/);
  }

  /** Types the line that ends the shell, and waits until it has. */
  async leave(): Promise<void> {
    this.child.stdin?.write("exit\n");
    await this.over();
  }

  async over(): Promise<void> {
    await until("a shell to be over", () => this.isOver || undefined);
  }
}
