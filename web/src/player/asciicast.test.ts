import { describe, expect, it } from "vitest";

import { stepsOf, parseCast, plain, search, squeeze } from "./asciicast";

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

  it("reads commands from what was typed and shown", () => {
    const events = [
      { at: 0, code: "o", data: "$ " },
      { at: 1, code: "i", data: "dg" },
      { at: 1, code: "o", data: "dg" },
      { at: 2, code: "i", data: "\u007ff -h" },
      { at: 2, code: "o", data: "\b\u001b[Kf -h" },
      { at: 3, code: "i", data: "\r" },
      { at: 3, code: "o", data: "\r\nthe hunter had 2 dogs\r\n" },
      { at: 4, code: "o", data: "Password: " },
      { at: 5, code: "i", data: "hunter2\r" },
      { at: 5.1, code: "o", data: "\r\nwelcome hunter, 2 messages\r\n$ " },
      { at: 5.5, code: "i", data: "id; date\r" },
      { at: 5.6, code: "o", data: "id; date\r\nuid=0" },
      { at: 6, code: "m", data: "sftp read /etc/hosts" },
      { at: 7, code: "x", data: "0" },
    ];
    expect(stepsOf(events)).toEqual([
      { at: 3, kind: "command", text: "df -h" },
      { at: 5, kind: "hidden", text: "" },
      { at: 5.5, kind: "command", text: "id; date" },
      { at: 6, kind: "mark", text: "sftp read /etc/hosts" },
      { at: 7, kind: "exit", text: "0" },
    ]);
  });

  it("finds text that is coloured and split", () => {
    expect(search(parseCast(CAST).events, "filesystem")).toMatchObject([{ at: 12, match: "Filesystem" }]);
    expect(plain("\u001b]0;title\u0007x")).toBe("x");
  });
});
