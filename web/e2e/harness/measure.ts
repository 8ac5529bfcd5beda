import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import type { Page } from "playwright-core";

import { until } from "./process";
import { MEASURED } from "./results";

const LETTERS = "bcdefghijklmnopq";

/** Keeps what was measured for the report. */
export function measured(name: string, values: number[]): void {
  mkdirSync(MEASURED, { recursive: true });
  writeFileSync(join(MEASURED, name), JSON.stringify(values));
}

declare global {
  // When letters were typed on one page, or were shown on the other, in milliseconds of the machine's clock.
  var pressedAt: Record<string, number>;
  var shownAt: Record<string, number>;
}

/** Milliseconds from a key on one page to its letter on the terminal of another, for each of several. */
export async function delays(typing: Page, watching: Page): Promise<number[]> {
  await typing.evaluate(() => {
    globalThis.pressedAt = {};
    addEventListener("keydown", (event) => { globalThis.pressedAt[event.key] = Date.now(); }, { capture: true });
  });
  await typing.keyboard.type("# a");
  await until("the watcher to see where it begins", async () => (await watching.locator(".xterm-rows").first().textContent())?.replaceAll("\u00a0", " ").includes("# a"));
  await watching.evaluate(() => {
    globalThis.shownAt = {};
    const rows = document.querySelector(".xterm-rows");
    const look = () => {
      const [, letters = ""] = /# a([b-z]*)/.exec(rows?.textContent?.replaceAll("\u00a0", " ") ?? "") ?? [];
      for (const letter of letters) globalThis.shownAt[letter] ??= Date.now();
    };
    if (rows) new MutationObserver(look).observe(rows, { subtree: true, childList: true, characterData: true });
  });
  for (const letter of LETTERS) {
    await typing.keyboard.press(letter);
    await until(`${letter} at the watcher`, () => watching.evaluate((each) => each in globalThis.shownAt, letter));
  }
  await typing.keyboard.press("Enter");
  const pressed = await typing.evaluate(() => globalThis.pressedAt);
  const shown = await watching.evaluate(() => globalThis.shownAt);
  return [...LETTERS].map((letter) => (shown[letter] ?? Number.NaN) - (pressed[letter] ?? Number.NaN));
}
