import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { Browser } from "./harness/browser";
import type { Seat } from "./harness/browser";
import { World } from "./harness/world";

describe("what is filled in in a form", () => {
  let world: World;
  let browser: Browser;
  let seat: Seat;

  beforeAll(async () => {
    world = await World.start();
    browser = await Browser.start(world.gate);
    seat = await browser.seat(world.ada);
  });
  afterAll(async () => {
    await browser?.end();
    await world?.end();
  });

  it("is there again after a reload, and gone once the form was left", async () => {
    const { page } = seat;
    await page.goto("/assets?dialog=create");
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name").fill("db-7");
    await dialog.getByLabel("Address").fill("db-7.example.test:5432");
    await dialog.getByLabel("Platform").selectOption("postgresql");
    await page.reload();
    expect(await dialog.getByLabel("Name").inputValue()).toBe("db-7");
    expect(await dialog.getByLabel("Address").inputValue()).toBe("db-7.example.test:5432");
    expect(await dialog.getByLabel("Platform").inputValue()).toBe("postgresql");
    await dialog.getByRole("button", { name: "Cancel" }).click();
    await page.goto("/assets?dialog=create");
    expect(await dialog.getByLabel("Name").inputValue()).toBe("");
  });

  it("is gone once it was sent", async () => {
    const { page } = seat;
    await page.goto("/users?dialog=create");
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name", { exact: true }).fill("mona");
    await page.reload();
    expect(await dialog.getByLabel("Name", { exact: true }).inputValue()).toBe("mona");
    await dialog.getByRole("button", { name: "Add and make the link" }).click();
    await dialog.getByText("mona").first().waitFor();
    await page.goto("/users?dialog=create");
    expect(await dialog.getByLabel("Name", { exact: true }).inputValue()).toBe("");
  });

  it("is a policy that is being written, too", async () => {
    const { page } = seat;
    await page.goto("/policies/deploy-the-shop/edit");
    const text = page.getByRole("textbox", { name: "As text" });
    const changed = (await text.inputValue()).replace(/^description: .*$/m, "description: Until the end of the year");
    await text.fill(changed);
    await page.reload();
    await expect.poll(() => text.inputValue()).toContain("Until the end of the year");
    await expect.poll(() => page.getByLabel("Description").inputValue()).toContain("Until the end of the year");
  });

  it("is never a secret", async () => {
    const { page } = seat;
    await page.goto("/accounts?dialog=secret&item=deploy%40web-1");
    const dialog = page.getByRole("dialog");
    const field = dialog.locator("input[type=password], textarea").first();
    await field.fill("correct horse battery staple");
    expect(await page.evaluate(() => JSON.stringify({ ...sessionStorage, ...localStorage }))).not.toContain("battery");
    await page.reload();
    expect(await field.inputValue()).toBe("");
    await seat.leave();
  });
});
