import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { Browser } from "./harness/browser";
import type { Seat } from "./harness/browser";
import { MANY, fill } from "./harness/fill";
import { measured } from "./harness/measure";
import { World } from "./harness/world";

const name = (n: number) => `node-${String(n).padStart(6, "0")}`;
const MORE = /more than 10,000/;

/** What is done on each page: from the click to the rows that it is about, in milliseconds. */
const LISTS = [
  { path: "/assets", column: "Name", first: name(0), last: "web-1", search: name(77_777) },
  { path: "/accounts", column: "Account", first: `root@${name(0)}`, last: "root@web-1", search: name(77_777) },
  { path: "/rotations", column: "Planned", first: `root@${name(MANY - 1)}`, last: `root@${name(0)}` },
  { path: "/findings", column: "Severity", first: `root@${name(MANY - 1)}`, last: `root@${name(0)}` },
];

describe("a hundred thousand rows", () => {
  let world: World;
  let browser: Browser;
  let seat: Seat;

  beforeAll(async () => {
    world = await World.start();
    await world.gate.stop();
    fill(world.gate);
    await world.gate.start();
    browser = await Browser.start(world.gate);
    seat = await browser.seat(world.ada);
  });
  afterAll(async () => {
    await browser?.end();
    await world?.end();
  });

  const took: Record<string, number[]> = { open: [], page: [], sort: [], filter: [] };
  async function timed(what: string, act: () => Promise<unknown>): Promise<void> {
    const began = performance.now();
    await act();
    took[what]?.push(performance.now() - began);
  }

  for (const list of LISTS) {
    it(`are opened, paged, sorted and filtered: ${list.path}`, async () => {
      const { page } = seat;
      const row = (text: string) => page.getByRole("row").filter({ hasText: text }).first();
      await timed("open", async () => {
        await page.goto(list.path);
        await row(list.first).waitFor();
      });
      await page.getByText(MORE).waitFor();
      for (let turn = 0; turn < 3; turn += 1) {
        const before = await page.getByRole("row").nth(1).textContent();
        await timed("page", async () => {
          await page.getByRole("button", { name: "Next" }).click();
          await expect.poll(() => page.getByRole("row").nth(1).textContent(), { interval: 10 }).not.toBe(before);
        });
      }
      await page.goto(list.path);
      await row(list.first).waitFor();
      const header = page.getByRole("columnheader", { name: list.column }).getByRole("button");
      await timed("sort", async () => {
        await header.click();
        await page.waitForURL(/sort=/);
        await expect.poll(() => page.getByRole("region").first().getAttribute("aria-busy"), { interval: 10 }).toBe("false");
      });
      await timed("sort", async () => {
        await header.click();
        await page.waitForURL(/sort=-/);
        await expect.poll(() => page.getByRole("region").first().getAttribute("aria-busy"), { interval: 10 }).toBe("false");
      });
      const { search } = list;
      if (search) {
        await page.getByRole("searchbox").first().fill(search);
        await timed("filter", () => row(search).waitFor());
        await expect.poll(() => page.getByRole("row").count()).toBe(2);
      }
    });
  }

  it("scroll without a stutter", async () => {
    const { page } = seat;
    await page.goto("/accounts?size=500");
    await page.getByRole("row").filter({ hasText: `root@${name(0)}` }).first().waitFor();
    // The longest time between two frames while it is scrolled through.
    const longest = await page.evaluate(async () => {
      let [last, most] = [performance.now(), 0];
      for (let step = 0; step < 120; step += 1) {
        scrollBy(0, 160);
        await new Promise((done) => requestAnimationFrame(done));
        const now = performance.now();
        most = Math.max(most, now - last);
        last = now;
      }
      return most;
    });
    measured("scroll_frame_ms", [longest]);
    for (const [what, values] of Object.entries(took)) measured(`${what}_ms`, values);
    await seat.leave();
  });
});
