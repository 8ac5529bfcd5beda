/** One event of a recording; `at` is seconds since its beginning. */
export interface CastEvent {
  at: number;
  code: string;
  data: string;
}

export interface Cast {
  cols: number;
  rows: number;
  events: CastEvent[];
  duration: number;
}

export interface Step {
  at: number;
  kind: "command" | "hidden" | "mark" | "exit";
  text: string;
}

export interface Hit {
  at: number;
  before: string;
  match: string;
  after: string;
}

const HITS_MAX = 200;
const CONTEXT = 40;
const SHOWN_MAX = 4000;
const ECHO_SECONDS = 0.5;
const ECHO_EVENTS_MAX = 40;

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    // The last line of a recording that broke off.
    return null;
  }
}

function size(header: Record<string, unknown>): { cols: number; rows: number } {
  const term = isRecord(header.term) ? header.term : header;
  return { cols: positive(term.cols ?? term.width, 80), rows: positive(term.rows ?? term.height, 24) };
}

function positive(value: unknown, fallback: number): number {
  return typeof value === "number" && value > 0 ? value : fallback;
}

/** Reads asciicast v2 and v3. Lines that are not events are left out. */
export function parseCast(text: string): Cast {
  const lines = text.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("#"));
  const first = parsed(lines[0] ?? "");
  const header = isRecord(first) ? first : {};
  const relative = header.version === 3;
  let clock = 0;
  const events: CastEvent[] = [];
  for (const line of lines.slice(1)) {
    const event = parsed(line);
    if (!Array.isArray(event)) continue;
    const [time, code, data] = event;
    if (typeof time !== "number" || typeof code !== "string") continue;
    clock = relative ? clock + time : time;
    events.push({ at: clock, code, data: typeof data === "string" ? data : String(data ?? "") });
  }
  return { ...size(header), events, duration: clock };
}

/** What the player shows when idle time is cut to `limit` seconds: the same events, closer together. */
export function squeeze(events: CastEvent[], limit: number | undefined): CastEvent[] {
  if (limit === undefined) return events;
  let shift = 0;
  let last = 0;
  return events.map((event) => {
    const gap = event.at - last;
    last = event.at;
    if (gap > limit) shift += gap - limit;
    return { ...event, at: event.at - shift };
  });
}

// eslint-disable-next-line no-control-regex
const ESCAPES = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\-_]|[()][0-9A-Za-z])/g;

/** Text without what moves the cursor or colours it. */
export function plain(text: string): string {
  return text.replaceAll(ESCAPES, "");
}

/** Whether what was typed was shown while it was typed: its characters appear in the output in their order. */
function echoed(typed: string, shown: string): boolean {
  let from = 0;
  for (const char of typed) {
    const at = shown.indexOf(char, from);
    if (at === -1) return false;
    from = at + 1;
  }
  return true;
}

/** What was shown right after an event: a line that is pasted whole is echoed only then. */
function shownAfter(events: CastEvent[], index: number): string {
  const until = (events[index]?.at ?? 0) + ECHO_SECONDS;
  let shown = "";
  for (const event of events.slice(index + 1, index + ECHO_EVENTS_MAX)) {
    if (event.at > until || event.code === "i") break;
    if (event.code === "o") shown += plain(event.data);
  }
  return shown;
}

/**
 * The steps that one can jump to: lines that were typed, at the time they were sent, and the recording's markers.
 * A line that the screen did not show, which is how passwords are typed, is not repeated here.
 */
export function stepsOf(events: CastEvent[]): Step[] {
  const steps: Step[] = [];
  let line = "";
  let shown = "";
  for (const [index, event] of events.entries()) {
    if (event.code === "o") shown = (shown + plain(event.data)).slice(-SHOWN_MAX);
    else if (event.code === "m") steps.push({ at: event.at, kind: "mark", text: event.data });
    else if (event.code === "x") steps.push({ at: event.at, kind: "exit", text: event.data });
    else if (event.code === "i") {
      for (const char of plain(event.data)) {
        if (char === "\r" || char === "\n") {
          const text = line.trim();
          const seen = text !== "" && (echoed(text, shown) || shownAfter(events, index).includes(text));
          if (text) steps.push(seen ? { at: event.at, kind: "command", text } : { at: event.at, kind: "hidden", text: "" });
          line = "";
        } else if (char === "\u007f" || char === "\b") line = line.slice(0, -1);
        else if (char === "\u0003" || char === "\u0015") line = "";
        else if (char >= " ") {
          // What stood there before the first key is no echo of it.
          if (line === "") shown = "";
          line += char;
        }
      }
    }
  }
  return steps;
}

/** Where `needle` was shown; output is read as one text, so that a hit may span several writes. */
export function search(events: CastEvent[], needle: string): Hit[] {
  const wanted = needle.trim().toLowerCase();
  if (wanted.length < 2) return [];
  const starts: { from: number; at: number }[] = [];
  let text = "";
  for (const event of events) {
    if (event.code !== "o") continue;
    starts.push({ from: text.length, at: event.at });
    text += plain(event.data).replaceAll(/\r\n?/g, "\n");
  }
  const lower = text.toLowerCase();
  const hits: Hit[] = [];
  let cursor = 0;
  for (let at = lower.indexOf(wanted); at !== -1 && hits.length < HITS_MAX; at = lower.indexOf(wanted, at + wanted.length)) {
    while ((starts[cursor + 1]?.from ?? Number.POSITIVE_INFINITY) <= at) cursor += 1;
    const end = at + wanted.length;
    hits.push({
      at: starts[cursor]?.at ?? 0,
      before: text.slice(Math.max(0, at - CONTEXT), at).split("\n").pop() ?? "",
      match: text.slice(at, end),
      after: text.slice(end, end + CONTEXT).split("\n")[0] ?? "",
    });
  }
  return hits;
}
