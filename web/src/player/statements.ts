import type { Frame } from "./watch";

/** A statement of a database session, as far as it has been told. */
export interface Ran {
  id: number;
  /** Seconds since the session began. */
  at: number;
  text: string;
  parameters: string[];
  /** What is kept of its rows, where policy keeps any: the columns' names, if they are told, and the values. */
  kept: { names: string[]; values: string[] }[];
  end?: RanEnd;
}

export type RanOutcome = "done" | "failed" | "refused" | "skipped" | "unknown";

export interface RanEnd {
  outcome: RanOutcome;
  seconds: number;
  rows: number;
  tag: string;
  error: string;
}

/** What Postern said in between. */
export interface Said {
  at: number;
  note: string;
}

export type Entry = Ran | Said;

const OUTCOMES: RanOutcome[] = ["done", "failed", "refused", "skipped", "unknown"];

function textOf(data: unknown): string {
  if (typeof data === "string") return data;
  if (typeof data === "object" && data !== null && "base64" in data && typeof data.base64 === "string") {
    return new TextDecoder().decode(Uint8Array.from(atob(data.base64), (char) => char.codePointAt(0) ?? 0));
  }
  return "";
}

/** A parameter as people read it: one in binary form is told by its length. */
function parameterOf(given: { value?: unknown; binary?: boolean; bytes?: number }): string {
  if (given.value === null || given.value === undefined) return "NULL";
  return given.binary ? `⟨${given.bytes ?? 0} B⟩` : textOf(given.value);
}

/** The statements of a database session and what was said in between, in the order of time. */
export class StatementLog {
  readonly entries: Entry[] = [];
  private readonly byId = new Map<number, Ran>();

  /** Takes a frame in; says whether it told anything of statements. */
  add(frame: Frame): boolean {
    const at = (frame.at_us ?? 0) / 1_000_000;
    const known = this.byId.get(frame.statement ?? -1);
    switch (frame.kind) {
      case "statement": {
        const ran: Ran = { id: frame.statement ?? 0, at, text: textOf(frame.text), parameters: (frame.parameters ?? []).map(parameterOf), kept: [] };
        this.byId.set(ran.id, ran);
        this.entries.push(ran);
        return true;
      }
      case "statement_text":
        if (known) known.text += textOf(frame.text);
        return known !== undefined;
      case "statement_row":
        known?.kept.push({ names: (frame.names ?? []).map(textOf), values: (frame.values ?? []).map(parameterOf) });
        return known !== undefined;
      case "statement_end":
        if (known) {
          known.end = {
            outcome: OUTCOMES.find((outcome) => outcome === frame.outcome) ?? "unknown",
            seconds: (frame.duration_us ?? 0) / 1_000_000,
            rows: typeof frame.rows === "number" ? frame.rows : 0,
            tag: frame.tag ?? "",
            error: frame.error ?? "",
          };
        }
        return known !== undefined;
      case "note":
        this.entries.push({ at, note: textOf(frame.text) });
        return true;
      default:
        return false;
    }
  }
}

/** The log of a recording's lines of JSON. */
export function logOf(lines: string): StatementLog {
  const log = new StatementLog();
  for (const line of lines.split("\n")) {
    try {
      if (line.includes('"kind"')) log.add(JSON.parse(line));
    } catch {
      // The last line of a recording that broke off.
    }
  }
  return log;
}
