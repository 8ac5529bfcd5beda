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

/** Where a moment of `from` lies in `to`, the same events at other times. */
export function moved(at: number, from: CastEvent[], to: CastEvent[]): number {
  const index = from.findLastIndex((event) => event.at <= at);
  const [before, there] = [from[index], to[index]];
  const next = to[index + 1];
  if (!before || !there) return Math.min(at, next?.at ?? at);
  return Math.min(there.at + (at - before.at), next?.at ?? Number.POSITIVE_INFINITY);
}
