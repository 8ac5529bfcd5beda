import { describe, expect, it } from "vitest";

import { moved, parseCast, squeeze } from "./asciicast";

const CAST = [
  '{"version":3,"term":{"cols":100,"rows":30}}',
  '[0.5,"o","$ "]',
  '[1.0,"i","df"]',
  '[10.0,"i","\\u007ff -h\\r"]',
  '[0.5,"o","Files\\u001b[31mystem\\u001b[0m  Size\\r\\n"]',
  "not an event",
].join("\n");

describe("recordings", () => {
  it("adds up the intervals of version 3", () => {
    const cast = parseCast(CAST);
    expect(cast).toMatchObject({ cols: 100, rows: 30, duration: 12 });
    expect(cast.events.map((event) => event.at)).toEqual([0.5, 1.5, 11.5, 12]);
  });

  it("takes times of version 2 as they are", () => {
    expect(parseCast('{"version":2,"width":80,"height":24}\n[1,"o","a"]\n[3,"o","b"]').duration).toBe(3);
  });

  it("squeezes idle time", () => {
    expect(squeeze(parseCast(CAST).events, 2).map((event) => event.at)).toEqual([0.5, 1.5, 3.5, 4]);
  });

  it("finds the same moment again when idle time is cut", () => {
    const { events } = parseCast(CAST);
    const squeezed = squeeze(events, 2);
    expect(moved(11.5, events, squeezed)).toBe(3.5);
    expect(moved(2.5, events, squeezed)).toBe(2.5);
    expect(moved(9, events, squeezed)).toBe(3.5);
    expect(moved(3.5, squeezed, events)).toBe(11.5);
  });
});
