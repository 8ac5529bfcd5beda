import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { openSync } from "node:fs";
import net from "node:net";

const TRIES_MAX = 600;
const PAUSE_MS = 50;

export const sleep = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));

/** Asks again and again until there is an answer. */
export async function until<T>(what: string, condition: () => Promise<T | false | undefined> | T | false | undefined): Promise<T> {
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    const found = await condition();
    if (found !== false && found !== undefined) return found;
    await sleep(PAUSE_MS);
  }
  throw new Error(`waited in vain for ${what}`);
}

/** A port that nothing listens on. */
export function freePort(): Promise<number> {
  return new Promise((done, failed) => {
    const server = net.createServer();
    server.on("error", failed);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => done(typeof address === "object" && address ? address.port : 0));
    });
  });
}

export function reachable(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = net.connect({ port, host: "127.0.0.1" });
    socket.on("connect", () => {
      socket.destroy();
      done(true);
    });
    socket.on("error", () => done(false));
  });
}

/** A process that ends when we do, whatever ends us. */
export class Child {
  readonly said: string[] = [];
  private ended = false;

  private constructor(private readonly process: ChildProcess) {
    process.on("exit", () => {
      this.ended = true;
    });
    let rest = "";
    process.stdout?.setEncoding("utf8").on("data", (text: string) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      this.said.push(...lines);
    });
  }

  static start(command: string, args: string[], log: string, env: NodeJS.ProcessEnv = {}): Child {
    const file = openSync(log, "a", 0o600);
    return new Child(spawn("setpriv", ["--pdeathsig", "KILL", command, ...args], { stdio: ["ignore", "pipe", file], env: { ...process.env, DIE_WITH_PARENT: "1", ...env } }));
  }

  get isOver(): boolean {
    return this.ended;
  }

  /** Sends the signal and waits until it is over. */
  async end(signal: NodeJS.Signals): Promise<void> {
    if (this.ended) return;
    this.process.kill(signal);
    await until("a process to end", () => this.ended || undefined);
  }
}
