import type { Page } from "playwright-core";
import { expect } from "vitest";

import { until } from "./process";

/** The terminal on a page, as somebody uses it. */
export class TerminalOf {
  constructor(readonly page: Page) {}

  /** What is on the screen now, line by line. */
  async text(): Promise<string> {
    return (await this.page.locator(".xterm-rows").first().locator(":scope > div").allTextContents()).map((line) => line.replaceAll("\u00a0", " ").trimEnd()).join("\n");
  }

  /** Waits until the screen shows it. */
  async shows(pattern: RegExp): Promise<void> {
    let last = "";
    await until(`${String(pattern)} in a terminal`, async () => {
      last = await this.text();
      return pattern.test(last) || undefined;
    }).catch(() => expect(last).toMatch(pattern));
  }

  async type(line: string): Promise<void> {
    await this.page.keyboard.type(line);
    await this.page.keyboard.press("Enter");
  }
}
