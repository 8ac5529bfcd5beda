import { api } from "../api/client";
import { path, withQuery } from "../api/http";

/** One thing that a live session's stream tells. */
export interface Frame {
  at_us?: number;
  kind: string;
  channel?: number;
  data?: string | { base64: string };
  cols?: number;
  rows?: number;
  text?: string | { base64: string };
  frames?: number;
  statement?: number;
  names?: string[];
  values?: { bytes?: number; binary?: boolean; value?: unknown }[];
  parameters?: { bytes?: number; binary?: boolean; value?: unknown }[];
  outcome?: string;
  duration_us?: number;
  tag?: string;
  error?: string;
}

const SUBPROTOCOL = "postern.join.v1";

function isFrame(value: unknown): value is Frame {
  return typeof value === "object" && value !== null && "kind" in value && typeof value.kind === "string";
}

function parsed(line: string): Frame | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isFrame(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The bytes of a frame: text where they are UTF-8, base64 where a character was cut in two. */
export function bytesOf(data: Frame["data"]): Uint8Array {
  if (typeof data === "string") return new TextEncoder().encode(data);
  if (!data) return new Uint8Array();
  return Uint8Array.from(atob(data.base64), (char) => char.codePointAt(0) ?? 0);
}

/** Follows a live session unseen until it ends or `signal` says so; ends normally when the server ends the stream. */
export async function follow(session: string, signal: AbortSignal, told: (frame: Frame) => void): Promise<void> {
  const response = await api.sessionWatch(session, signal);
  let rest = "";
  for await (const text of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const frame = parsed(line);
      if (frame) told(frame);
    }
  }
}

/** Joins a live session, seen by its user; `type` sends what is typed where `control` was asked for. */
export function join(session: string, control: boolean, signal: AbortSignal, told: (frame: Frame) => void): { type: (text: string) => void; over: Promise<void> } {
  const url = new URL(withQuery(path("sessions", session, "join"), { control }), location.href);
  url.protocol = url.protocol === "http:" ? "ws:" : "wss:";
  const socket = new WebSocket(url.href, SUBPROTOCOL);
  signal.addEventListener("abort", () => socket.close(1000));
  let ended = false;
  socket.addEventListener("message", (event: MessageEvent<unknown>) => {
    const frame = typeof event.data === "string" ? parsed(event.data) : undefined;
    if (!frame) return;
    if (frame.kind === "ended") ended = true;
    else told(frame);
  });
  const over = new Promise<void>((done, failed) => {
    socket.addEventListener("close", () => (ended ? done() : failed(new TypeError("the stream broke off"))));
  });
  return { type: (text) => socket.readyState === WebSocket.OPEN && socket.send(new TextEncoder().encode(text)), over };
}
