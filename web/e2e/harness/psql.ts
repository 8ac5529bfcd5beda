import { spawn } from "node:child_process";
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { expect } from "vitest";

import { until } from "./process";

/** psql as somebody has it open. */
export class Psql {
  private text = "";
  private over = false;

  private constructor(private readonly child: ChildProcessWithoutNullStreams) {
    const hear = (text: Buffer) => {
      this.text += text.toString("utf8");
    };
    child.stdout.on("data", hear);
    child.stderr.on("data", hear);
    child.on("exit", () => {
      this.over = true;
    });
  }

  /** Runs the line that the console shows, as a shell does, in `folder`. */
  static start(line: string, token: string, folder: string): Psql {
    return new Psql(spawn("bash", ["-c", `exec ${line} -X -A -t`], { cwd: folder, env: { PATH: process.env.PATH, PGPASSWORD: token, HOME: folder } }));
  }

  type(sql: string): void {
    this.child.stdin.write(`${sql}\n`);
  }

  async shows(pattern: RegExp): Promise<void> {
    await until(`${String(pattern)} in psql`, () => pattern.test(this.text) || undefined).catch(() => expect(this.text).toMatch(pattern));
  }

  async leave(): Promise<void> {
    this.child.stdin.end("\\q\n");
    await until("psql to end", () => this.over || undefined);
  }
}
