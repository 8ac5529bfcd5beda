import type { SqlConsoleOpened } from "../api/nouns";
import { forget } from "../stores/sql";
import { CLOSED_GONE, CLOSED_SIGNED_OUT, SUBPROTOCOL, toldOf } from "./protocol";
import type { Column, Failure, Said, Told, Value } from "./protocol";

const RETRY_MS = [250, 500, 1000, 2000, 4000, 4000, 4000, 4000];
/** Runs of the console's own, whose rows are not the person's. */
const OWN_FROM = 1_000_000;

export interface Result {
  columns: Column[];
  rows: Value[][];
  /** What the target says that it did; none while rows come. */
  tag?: string;
}

export type Run = {
  number: number;
  text: string;
  began: number;
  results: Result[];
  notices: string[];
  failure?: Failure;
  /** More rows wait. */
  paused: boolean;
  /** It has been asked to stop. */
  cancelled: boolean;
  /** How long it took; none while it runs. */
  millis?: number;
  /** Rows were left out because there were too many. */
  cut?: boolean;
};

export interface Shown {
  state: "connecting" | "open" | "lost" | "over";
  /** Why it is over. */
  why?: string;
  protocol?: "postgresql" | "mysql";
  export: boolean;
  transaction: boolean;
  /** What runs, or ran last. */
  run?: Run;
  /** What ran before, the newest first. */
  history: Run[];
}

const HISTORY_MAX = 50;

/** A console's session as a page sees it: attaches, attaches again after the network broke off, and keeps what came. */
export class SqlSession {
  private socket: WebSocket | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private failures = 0;
  private number = 0;
  private own = OWN_FROM;
  private readonly asked = new Map<number, { rows: Value[][]; settle: (rows: Value[][]) => void; fail: (why: Error) => void }>();
  private readonly listeners = new Set<() => void>();
  private shown: Shown = { state: "connecting", export: false, transaction: false, history: [] };

  constructor(private readonly opened: SqlConsoleOpened) {}

  connect(): void {
    if (!this.socket && this.shown.state !== "over") this.dial();
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  readonly snapshot = (): Shown => this.shown;

  get busy(): boolean {
    return this.shown.run !== undefined && this.shown.run.millis === undefined;
  }

  run(text: string): void {
    if (this.busy || this.asked.size > 0) return;
    this.number += 1;
    const before = this.shown.run;
    const run: Run = { number: this.number, text, began: Date.now(), results: [], notices: [], paused: false, cancelled: false };
    this.set({ run, history: before ? [{ ...before, results: [] }, ...this.shown.history].slice(0, HISTORY_MAX) : this.shown.history });
    this.say({ type: "run", run: run.number, text });
  }

  /** Runs a statement of the console's own and gives its rows. */
  ask(text: string): Promise<Value[][]> {
    if (this.busy || this.asked.size > 0 || this.shown.state !== "open") return Promise.reject(new Error("busy"));
    this.own += 1;
    const run = this.own;
    return new Promise((settle, fail) => {
      this.asked.set(run, { rows: [], settle, fail: (why) => fail(why) });
      this.say({ type: "run", run, text });
    });
  }

  more(): void {
    this.change((run) => ({ ...run, paused: false }));
    this.say({ type: "more" });
  }

  cancel(): void {
    this.change((run) => ({ ...run, paused: false, cancelled: true }));
    this.say({ type: "cancel" });
  }

  close(): void {
    this.say({ type: "close" });
    this.over(undefined);
    this.socket?.close(1000);
  }

  /** Lets go of it without ending it: who comes back in time attaches again. */
  release(): void {
    clearTimeout(this.timer);
    const { socket } = this;
    this.socket = undefined;
    socket?.close(1000);
  }

  private set(patch: Partial<Shown>): void {
    this.shown = { ...this.shown, ...patch };
    for (const listener of this.listeners) listener();
  }

  private change(change: (run: Run) => Run): void {
    if (this.shown.run) this.set({ run: change(this.shown.run) });
  }

  private say(said: Said): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(said));
  }

  private dial(): void {
    const { host } = location;
    const socket = new WebSocket(`wss://${host}/v1/sql-consoles/${encodeURIComponent(this.opened.console)}/socket`, SUBPROTOCOL);
    this.socket = socket;
    socket.addEventListener("open", () => this.say({ type: "attach", ticket: this.opened.ticket }));
    socket.addEventListener("message", ({ data }: MessageEvent<unknown>) => {
      const told = socket === this.socket && typeof data === "string" ? toldOf(data) : undefined;
      if (told) this.hear(told);
    });
    socket.addEventListener("close", ({ code }) => {
      if (socket !== this.socket || this.shown.state === "over") return;
      this.socket = undefined;
      const wait = RETRY_MS[this.failures];
      if (code === CLOSED_GONE || code === CLOSED_SIGNED_OUT || code === 1000 || wait === undefined) return this.over(undefined);
      this.failures += 1;
      this.lose();
      this.timer = setTimeout(() => this.dial(), wait);
    });
  }

  /** What ran when the line was lost has been cancelled. */
  private lose(): void {
    for (const asked of this.asked.values()) asked.fail(new Error("lost"));
    this.asked.clear();
    if (this.busy) this.change((run) => ({ ...run, cancelled: true, paused: false, millis: Date.now() - run.began }));
    this.set({ state: "lost" });
  }

  private over(why: string | undefined): void {
    clearTimeout(this.timer);
    if (this.shown.state === "over") return;
    this.lose();
    this.set({ state: "over", ...(why === undefined ? {} : { why }) });
    forget(this.opened.account);
  }

  private hear(told: Told): void {
    if ("run" in told && told.run >= OWN_FROM) return this.hearOwn(told.run, told);
    switch (told.type) {
      case "attached":
        this.failures = 0;
        return this.set({ state: "open", protocol: told.protocol, export: told.export, transaction: told.transaction });
      case "columns":
        return this.change((run) => ({ ...run, results: [...run.results, { columns: told.columns, rows: [] }] }));
      case "rows":
        return this.onLast(told.run, (result) => ({ ...result, rows: [...result.rows, ...told.rows] }));
      case "paused":
        return this.change((run) => ({ ...run, paused: true }));
      case "done":
        return this.onDone(told.tag);
      case "failed":
        return this.change((run) => ({ ...run, failure: { code: told.code, message: told.message, more: told.more } }));
      case "notice":
        return this.shown.run ? this.change((run) => ({ ...run, notices: [...run.notices, told.text] })) : undefined;
      case "finished":
        this.change((run) => ({ ...run, millis: told.millis, paused: false, cut: told.cut }));
        return this.set({ transaction: told.transaction });
      case "ended":
        return this.over(told.message);
    }
  }

  private hearOwn(number: number, told: Told): void {
    const asked = this.asked.get(number);
    if (!asked) return;
    if (told.type === "rows") asked.rows.push(...told.rows);
    else if (told.type === "paused") this.say({ type: "more" });
    else if (told.type === "failed") asked.fail(new Error(told.message));
    else if (told.type === "finished") {
      this.asked.delete(number);
      asked.settle(asked.rows);
    }
  }

  private onLast(number: number, change: (result: Result) => Result): void {
    this.change((run) => (run.number === number && run.results.length > 0 ? { ...run, results: run.results.map((result, at) => (at === run.results.length - 1 ? change(result) : result)) } : run));
  }

  /** A statement that gave no rows is a result of its own. */
  private onDone(tag: string): void {
    this.change((run) => {
      const last = run.results.at(-1);
      if (last && last.tag === undefined) return { ...run, results: [...run.results.slice(0, -1), { ...last, tag }] };
      return { ...run, results: [...run.results, { columns: [], rows: [], tag }] };
    });
  }
}
