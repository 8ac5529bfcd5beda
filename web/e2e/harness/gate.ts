import { X509Certificate, createHash } from "node:crypto";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import https from "node:https";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { Child, freePort, until } from "./process";

export const ROOT = resolve(import.meta.dirname, "../../..");
export const BINARY = process.env.POSTERN_BIN ?? join(ROOT, "target/debug/postern");

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: unknown;
}

/** Postern itself, as a process with a data folder of its own. */
export class Gate {
  readonly folder = mkdtempSync(join(tmpdir(), "postern-console-"));
  readonly data = join(this.folder, "data");
  private child: Child | undefined;

  private constructor(readonly port: number, readonly sshPort: number, readonly pgPort: number) {}

  /** A gate on ports of its own, not started yet. Browsers have passkeys for names only, never for addresses: it is `localhost`. */
  static async prepare(): Promise<Gate> {
    const gate = new Gate(await freePort(), await freePort(), await freePort());
    const places = ["safe-a", "safe-b"].map((name) => join(gate.folder, name));
    for (const place of places) mkdirSync(place);
    writeFileSync(join(gate.folder, "postern.toml"), `[https]\npublic_url = "${gate.url}"\n\n[break_glass]\nplaces = ${JSON.stringify(places)}\n\n[[channels]]\nname = "duty"\nkind = "syslog"\naddress = "127.0.0.1:9"\ntransport = "udp"\n`);
    return gate;
  }

  get url(): string {
    return `https://localhost:${this.port}`;
  }

  get log(): string {
    return join(this.folder, "postern.log");
  }

  /** Makes the data folder with its first administrator; gives what was shown. */
  setUp(admin: string, password: string): { totp_secret: string } {
    const shown = execFileSync(BINARY, ["setup", "--data", this.data, "--admin", admin, "--password-stdin", "-o", "json"], { input: password, encoding: "utf8", stdio: ["pipe", "pipe", "pipe"] });
    const parsed: { totp_secret: string } = JSON.parse(shown);
    return parsed;
  }

  /** Starts it, under another program if one is given: with another clock, say. */
  async start(env: NodeJS.ProcessEnv = {}): Promise<void> {
    const args = ["serve", "--data", this.data, "--config", join(this.folder, "postern.toml"), "--https", `127.0.0.1:${this.port}`, "--ssh", `127.0.0.1:${this.sshPort}`, "--pg", `127.0.0.1:${this.pgPort}`];
    const child = Child.start(BINARY, args, this.log, env);
    this.child = child;
    await until("postern to be ready", async () => {
      if (child.isOver) throw new Error(`postern ended at once:\n${readFileSync(this.log, "utf8").slice(-2000)}`);
      if (!existsSync(join(this.data, "ca.pem"))) return undefined;
      const answer = await this.call("GET", "/readyz").catch(() => undefined);
      return answer?.status === 200 || undefined;
    });
  }

  /** The link for the first administrator, which it prints while there is none. */
  setupLink(): Promise<string> {
    return until("the set-up link", () => /https:\/\/\S+\/setup\/\S+/.exec(this.child?.said.join("\n") ?? "")?.[0]);
  }

  async stop(): Promise<void> {
    await this.child?.end("SIGTERM");
    this.child = undefined;
  }

  async remove(): Promise<void> {
    await this.child?.end("SIGKILL");
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** What a browser must be told to take this server's certificate, and no other that it does not know. */
  get authorityPin(): string {
    const key = new X509Certificate(readFileSync(join(this.data, "ca.pem"))).publicKey.export({ type: "spki", format: "der" });
    return createHash("sha256").update(key).digest("base64");
  }

  /** A call of the API, with somebody's token. */
  call(method: string, path: string, body?: unknown, token?: string): Promise<Answer> {
    const headers: Record<string, string> = { accept: "application/json" };
    if (body !== undefined) headers["content-type"] = "application/json";
    if (token) headers.authorization = `Bearer ${token}`;
    return new Promise((done, failed) => {
      const request = https.request({ host: "localhost", port: this.port, method, path, headers, ca: readFileSync(join(this.data, "ca.pem")), agent: false }, (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (chunk: string) => {
          text += chunk;
        });
        response.on("error", failed).on("end", () => done({ status: response.statusCode ?? 0, headers: response.headers, body: text.startsWith("{") || text.startsWith("[") ? JSON.parse(text) : text }));
      });
      request.on("error", failed);
      request.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }
}
