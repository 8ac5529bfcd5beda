const SHORT = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const SHORT_YEAR = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });
const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const FULL = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium", hourCycle: "h23" });

function sameDay(a: Date, b: Date): boolean {
  return a.toDateString() === b.toDateString();
}

/** As short as it can be read: the clock for today, the day besides, the year where it is another. */
export function shortTime(at: Date, now: Date): string {
  if (sameDay(at, now)) return CLOCK.format(at);
  return at.getFullYear() === now.getFullYear() ? SHORT.format(at) : SHORT_YEAR.format(at);
}

export function fullTime(at: Date): string {
  return FULL.format(at);
}

export function utcTime(at: Date): string {
  return `${at.toISOString().replace("T", " ").replace(/\.\d+Z$/, "")} UTC`;
}

const UNITS: [seconds: number, name: string][] = [
  [86_400, "d"],
  [3_600, "h"],
  [60, "min"],
  [1, "s"],
];

/** `2 h 5 min`: the largest units that are not nothing, two unless told. */
export function duration(seconds: number, units = 2): string {
  let rest = Math.max(0, Math.round(seconds));
  const parts: string[] = [];
  for (const [size, name] of UNITS) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) parts.push(`${count} ${name}`);
    if (parts.length === units) break;
  }
  return parts.length > 0 ? parts.join(" ") : "0 s";
}

/** `1:02:03` or `02:03`, as players write it. */
export function playTime(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  const two = (n: number) => String(n).padStart(2, "0");
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${two(m)}:${two(s)}`;
}

/** Reads `90`, `90m`, `1h30m`, `2 h` as seconds; minutes when no unit is given. Undefined when it is none of these. */
export function parseDuration(text: string): number | undefined {
  const compact = text.replaceAll(/\s+/g, "").toLowerCase();
  if (/^\d+$/.test(compact)) return Number(compact) * 60;
  const found = /^(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?:in)?)?(?:(\d+)s)?$/.exec(compact);
  if (!found || compact === "") return undefined;
  const [, d = "0", h = "0", m = "0", s = "0"] = found;
  return Number(d) * 86_400 + Number(h) * 3_600 + Number(m) * 60 + Number(s);
}

export function bytes(count: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = count;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(value < 10 ? 1 : 0)} ${units[unit] ?? ""}`;
}

export function count(n: number): string {
  return n.toLocaleString();
}

/** The same to a tenth of a second. */
export function exactTime(seconds: number): string {
  const tenths = Math.floor(Math.max(0, seconds) * 10);
  return `${playTime(Math.floor(tenths / 10))}.${tenths % 10}`;
}
