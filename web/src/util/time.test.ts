import { describe, expect, it } from "vitest";

import { bytes, duration, parseDuration, playTime } from "./time";

describe("durations", () => {
  it("shows the two largest units", () => {
    expect(duration(0)).toBe("0 s");
    expect(duration(59)).toBe("59 s");
    expect(duration(7_500)).toBe("2 h 5 min");
    expect(duration(90_061)).toBe("1 d 1 h");
  });

  it("reads what people write", () => {
    expect(parseDuration("30")).toBe(1_800);
    expect(parseDuration("1h30m")).toBe(5_400);
    expect(parseDuration("2 h")).toBe(7_200);
    expect(parseDuration("90 min")).toBe(5_400);
    expect(parseDuration("")).toBeUndefined();
    expect(parseDuration("soon")).toBeUndefined();
  });

  it("writes play time and sizes", () => {
    expect(playTime(62.9)).toBe("01:02");
    expect(playTime(3_723)).toBe("1:02:03");
    expect(bytes(512)).toBe("512 B");
    expect(bytes(1_572_864)).toBe("1.5 MiB");
  });
});
