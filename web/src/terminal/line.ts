import type { Said, Told } from "./protocol";
import { CLOSED_GONE, CLOSED_SIGNED_OUT, SUBPROTOCOL, toldOf } from "./protocol";

const ACK_BYTES = 64 * 1024;
const MESSAGE_BYTES_MAX = 60 * 1024;
const RETRY_FIRST_MS = 250;
const RETRY_MAX_MS = 4000;

export type LineState = "connecting" | "open" | "lost" | "detached" | "gone" | "signed-out" | "over";

export interface LineEvents {
  state: (state: LineState) => void;
  told: (told: Told) => void;
  /** Output; `shown` is called when it is on the screen. */
  output: (bytes: Uint8Array, shown: () => void) => void;
  /** Output was lost: what comes begins on a cleared screen. */
  gap: () => void;
  size: () => { cols: number; rows: number };
}

type Connect = (url: string, subprotocol: string) => WebSocket;

/** A line to a terminal's session: attaches, and attaches again from where it was after the network broke off. */
export class Line {
  private socket: WebSocket | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private failures = 0;
  private received: number | undefined;
  private shown = 0;
  private acked = 0;
  private final: LineState | undefined;
  private readonly retryNow = () => this.retry();

  constructor(private readonly url: string, private readonly ticket: string, private readonly events: LineEvents, private readonly make: Connect = (at, subprotocol) => new WebSocket(at, subprotocol)) {}

  connect(): void {
    this.final = undefined;
    this.events.state(this.received === undefined ? "connecting" : "lost");
    addEventListener("online", this.retryNow);
    this.dial();
  }

  type(data: string): void {
    const bytes = new TextEncoder().encode(data);
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(bytes);
  }

  /** Long texts go in parts, since a message is bounded. */
  paste(text: string): void {
    let part = "";
    let size = 0;
    for (const char of text) {
      const bytes = char.length > 1 ? 4 : 3;
      if (size + bytes > MESSAGE_BYTES_MAX) {
        this.say({ type: "paste", text: part });
        part = "";
        size = 0;
      }
      part += char;
      size += bytes;
    }
    if (part) this.say({ type: "paste", text: part });
  }

  resize(cols: number, rows: number): void {
    this.say({ type: "resize", cols, rows });
  }

  /** Lets go of the session without ending it. */
  dispose(): void {
    this.stop("over");
    this.socket?.close(1000);
  }

  private say(said: Said): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(said));
  }

  private dial(): void {
    const socket = this.make(this.url, SUBPROTOCOL);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    socket.addEventListener("open", () => {
      this.say({ type: "attach", ticket: this.ticket, ...this.events.size(), ...(this.received === undefined ? {} : { from: this.received }) });
    });
    socket.addEventListener("message", (event: MessageEvent<unknown>) => {
      if (socket !== this.socket) return;
      if (event.data instanceof ArrayBuffer) this.onBytes(new Uint8Array(event.data));
      else if (typeof event.data === "string") this.onTold(toldOf(event.data));
    });
    socket.addEventListener("close", (event) => {
      if (socket === this.socket) this.onClose(event.code);
    });
  }

  private onBytes(bytes: Uint8Array): void {
    this.received = (this.received ?? 0) + bytes.length;
    this.events.output(bytes, () => {
      this.shown += bytes.length;
      if (this.shown - this.acked >= ACK_BYTES) {
        this.acked = this.shown;
        this.say({ type: "ack", bytes: this.shown });
      }
    });
  }

  private onTold(told: Told | undefined): void {
    if (!told) return;
    if (told.type === "attached") {
      this.failures = 0;
      if (told.gap) this.events.gap();
      // What was received before and is not on the screen yet counts on from here, too.
      if (this.received !== told.offset) this.shown = this.acked = told.offset;
      this.received = told.offset;
      this.events.state("open");
    } else if (told.type === "ended") this.stop("over");
    else if (told.type === "detached") this.stop("detached");
    this.events.told(told);
  }

  private onClose(code: number): void {
    this.socket = undefined;
    if (this.final) return;
    if (code === CLOSED_GONE) this.stop("gone");
    else if (code === CLOSED_SIGNED_OUT) this.stop("signed-out");
    else {
      this.events.state(this.received === undefined && this.failures === 0 ? "connecting" : "lost");
      this.timer = setTimeout(this.retryNow, Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** this.failures));
      this.failures += 1;
    }
  }

  private retry(): void {
    clearTimeout(this.timer);
    if (!this.final && !this.socket) this.dial();
  }

  private stop(state: LineState): void {
    if (this.final) return;
    this.final = state;
    clearTimeout(this.timer);
    removeEventListener("online", this.retryNow);
    this.events.state(state);
  }
}
