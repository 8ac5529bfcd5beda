/** What a socket of an SQL console says and takes: docs/reference/sql-console.md. */
export const SUBPROTOCOL = "postern.sql.v1";

/** A value: null, its text, or the beginning of its text and its length in bytes. */
export type Value = string | null | [text: string, bytes: number];

export interface Column {
  name: string;
  /** Whether its values are numbers. */
  number: boolean;
}

export interface Failure {
  code: string;
  message: string;
  more: string[];
}

/** From the server. */
export type Told =
  | { type: "attached"; account: string; protocol: "postgresql" | "mysql"; export: boolean; transaction: boolean }
  | { type: "columns"; run: number; columns: Column[] }
  | { type: "rows"; run: number; rows: Value[][] }
  | { type: "paused"; run: number }
  | { type: "done"; run: number; tag: string }
  | ({ type: "failed"; run: number } & Failure)
  | { type: "notice"; text: string }
  | { type: "finished"; run: number; millis: number; transaction: boolean; cut: boolean }
  | { type: "ended"; message: string };

/** From the browser. */
export type Said =
  | { type: "attach"; ticket: string }
  | { type: "run"; run: number; text: string }
  | { type: "more" }
  | { type: "cancel" }
  | { type: "close" };

const TYPES = new Set(["attached", "columns", "rows", "paused", "done", "failed", "notice", "finished", "ended"]);

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

/** The longest text that is run at once, in bytes; a message is bounded. */
export const TEXT_BYTES_MAX = 60 * 1024;

/** The login is over, or the ticket is of another one. */
export const CLOSED_SIGNED_OUT = 4401;
/** There is no such console any more. */
export const CLOSED_GONE = 4404;
