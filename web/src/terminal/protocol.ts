/** What a socket of a terminal says and takes: docs/reference/terminal.md. */
export const SUBPROTOCOL = "postern.terminal.v1";

export interface Clipboard {
  copy: boolean;
  paste: boolean;
  paste_bytes_max?: number | null;
}

/** Somebody else who looks on, or types too. */
export interface Watcher {
  user: string;
  control: boolean;
}

/** From the server, as text; output comes as bytes. */
export type Told =
  | { type: "attached"; offset: number; gap: boolean; paused_by?: string | null; watchers: Watcher[]; account: string; until: string; capabilities: string[]; clipboard: Clipboard }
  | { type: "notice"; text: string }
  | { type: "refused"; what: string; text: string }
  | { type: "paused"; by: string }
  | { type: "resumed"; by: string }
  | { type: "joined"; user: string; control: boolean }
  | { type: "left"; user: string; control: boolean }
  | { type: "exit"; status?: number; signal?: string }
  | { type: "detached" }
  | { type: "ended"; reason: string; message: string };

/** From the browser, as text; what is typed goes as bytes. */
export type Said =
  | { type: "attach"; ticket: string; cols: number; rows: number; from?: number }
  | { type: "paste"; text: string }
  | { type: "resize"; cols: number; rows: number }
  | { type: "ack"; bytes: number };

const TYPES = new Set(["attached", "notice", "refused", "paused", "resumed", "joined", "left", "exit", "detached", "ended"]);

function isTold(value: unknown): value is Told {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string" && TYPES.has(value.type);
}

/** Undefined for what a newer server may say and this console does not know. */
export function toldOf(text: string): Told | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isTold(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The login is over, or the ticket is of another one. */
export const CLOSED_SIGNED_OUT = 4401;
/** There is no such session any more. */
export const CLOSED_GONE = 4404;
