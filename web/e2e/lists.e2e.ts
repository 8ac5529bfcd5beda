import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { Browser } from "./harness/browser";
import type { Seat } from "./harness/browser";
import { World } from "./harness/world";

const ASSETS = 1200;
const name = (n: number) => `node-${String(n).padStart(5, "0")}`;

describe("a long listing", () => {
  let world: World;
  let browser: Browser;
  let seat: Seat;

  beforeAll(async () => {
    world = await World.start();
    browser = await Browser.start(world.gate);
    for (let from = 0; from < ASSETS; from += 400) {
      await world.apply(Array.from({ length: 400 }, (_, index) => ({ kind: "Asset", name: name(from + index), platform: "linux", address: `${name(from + index)}.example.test:22`, labels: { tier: "node" } })));
    }
    seat = await browser.seat(world.ada);
  });
  afterAll(async () => {
    await browser?.end();
    await world?.end();
  });

  it("is paged, sorted and filtered by the server, and its state is in the address", async () => {
    const { page } = seat;
    await page.goto("/assets");
    await page.getByRole("link", { name: name(0) }).waitFor();
    await page.getByText(`1–50 of ${(ASSETS + 1).toLocaleString("en-GB")}`).waitFor();
    const header = page.getByRole("columnheader", { name: "Name" });
    await header.getByRole("button").click();
    await header.getByRole("button").click();
    await page.getByRole("link", { name: "web-1" }).waitFor();
    expect(await header.getAttribute("aria-sort")).toBe("descending");
    await page.getByRole("button", { name: "Next" }).click();
    await page.getByText("51–100 of").waitFor();
    await page.reload();
    await page.getByText("51–100 of").waitFor();
    expect(await header.getAttribute("aria-sort")).toBe("descending");
    await page.getByRole("searchbox").first().fill("node-0070");
    await page.getByRole("link", { name: "node-00709" }).waitFor();
    await expect.poll(() => page.getByRole("row").count()).toBe(11);
    await seat.axe("sorted and filtered");
  });

  it("shows five hundred rows at once without having them all in the page", async () => {
    const { page } = seat;
    await page.goto("/assets");
    await page.getByLabel("Rows on a page").selectOption("500");
    await page.getByText("1–500 of").waitFor();
    await expect.poll(() => page.getByRole("row").count()).toBeLessThan(120);
    await page.keyboard.press("End");
    await page.mouse.move(700, 400);
    await expect.poll(async () => { await page.mouse.wheel(0, 20_000); return page.getByRole("link", { name: name(499) }).count(); }).toBe(1);
    await seat.axe("a long page");
    await seat.leave();
  });
});
