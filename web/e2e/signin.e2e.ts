import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { Browser } from "./harness/browser";
import type { Seat } from "./harness/browser";
import type { Person } from "./harness/person";
import { measured } from "./harness/measure";
import { World } from "./harness/world";

// Another clock for the server, from Debian's package libfaketime.
const FAKETIME = readdirSync("/usr/lib").map((name) => join("/usr/lib", name, "faketime/libfaketimeMT.so.1")).find((path) => existsSync(path)) ?? "";

describe("being signed in", () => {
  let world: World;
  let browser: Browser;
  let ben: Person;

  beforeAll(async () => {
    world = await World.start();
    browser = await Browser.start(world.gate);
    ben = await world.person("ben", { groups: ["developers"] });
  });
  afterAll(async () => {
    await browser?.end();
    await world?.end();
  });

  async function signInOn({ page }: Seat, person: Person) {
    await page.getByLabel("User name").fill(person.name);
    await page.getByLabel("Password", { exact: true }).fill(person.password);
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await page.getByLabel("One-time code").fill(await person.code());
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
  }

  it("is asked for by every page, which is there again afterwards", async () => {
    const seat = await browser.seat();
    await seat.page.goto("/access?q=web-1");
    await seat.page.waitForURL(/\/sign-in/);
    await signInOn(seat, ben);
    await seat.page.getByRole("heading", { name: "My access" }).waitFor();
    expect(new URL(seat.page.url()).search).toBe("?q=web-1");
    await seat.leave();
  });

  it("leads nowhere but into the console", async () => {
    const seat = await browser.seat(world.ada);
    await seat.page.goto("/sign-in?next=https://example.test/");
    expect(new URL(seat.page.url()).origin).toBe(world.gate.url);
    await seat.leave();
  });

  it("shows what one may not do, with the reason, and what one may not see as forbidden", async () => {
    const seat = await browser.seat(ben);
    await seat.page.goto("/audit");
    await seat.page.getByText("You may not see this").waitFor();
    await seat.axe("forbidden");
    await seat.leave();
    const auditor = await browser.seat(await world.person("esra", { roles: [{ role: "auditor", scope: "/" }] }));
    await auditor.page.goto("/users");
    const add = auditor.page.getByRole("button", { name: "Add a user" });
    expect(await add.getAttribute("aria-disabled")).toBe("true");
    await add.focus();
    await auditor.page.getByRole("tooltip").getByText("Needs the permission user:write.").waitFor();
    await auditor.leave();
  });

  it("follows in one tab what was done in another", async () => {
    const seat = await browser.seat(world.ada);
    const other = await seat.context.newPage();
    await seat.page.goto("/groups");
    await other.goto("/groups");
    await other.getByRole("button", { name: "Add a group" }).click();
    await other.getByRole("dialog").getByLabel("Name").fill("night-shift");
    await other.getByRole("dialog").getByRole("button", { name: "Save" }).click();
    await seat.page.getByText("night-shift").waitFor();
    // The theme, too.
    await other.getByRole("button", { name: "ada" }).click();
    await other.getByRole("menuitem", { name: "Dark" }).click();
    await expect.poll(() => seat.page.evaluate(() => document.documentElement.dataset.theme)).toBe("dark");
    await seat.leave();
  });

  it("outlives a restart of the server under an open page", async () => {
    const seat = await browser.seat(world.ada);
    const { page } = seat;
    await page.goto("/groups");
    await page.getByText("night-shift").waitFor();
    const began = performance.now();
    await world.gate.stop();
    measured("stop_ms", [performance.now() - began]);
    await page.getByRole("link", { name: "Policies" }).click();
    await page.getByText("The server cannot be reached").first().waitFor();
    // That it could not be reached is also on the page's console, rightly.
    seat.complaints.length = 0;
    await world.gate.start();
    await page.getByRole("button", { name: "Try again" }).click();
    await page.getByRole("link", { name: "deploy-the-shop" }).waitFor();
    // Live refresh is back as well.
    await page.getByRole("link", { name: "Groups" }).click();
    await world.ada.expect("PUT", "/v1/groups/day-shift", { members: [] });
    await page.getByText("day-shift").waitFor();
    await seat.leave();
  });

  it("ends in every tab when it ends in one", async () => {
    const dora = await world.person("dora", { groups: ["developers"] });
    const seat = await browser.seat(dora);
    const other = await seat.context.newPage();
    await other.goto("/access");
    await other.getByRole("heading", { name: "My access" }).waitFor();
    await seat.page.goto("/");
    await seat.page.getByRole("button", { name: "dora" }).click();
    await seat.page.getByRole("menuitem", { name: "Sign out" }).click();
    await seat.page.waitForURL(/\/sign-in/);
    await other.waitForURL(/\/sign-in/);
    expect(await other.getByText("root@web-1").count()).toBe(0);
    // Who signs in in one is signed in in the other; somebody else's page is not left standing.
    await signInOn(seat, dora);
    await seat.page.getByRole("heading", { name: "Hello, dora" }).waitFor();
    await other.goto("/access");
    await other.getByRole("heading", { name: "My access" }).waitFor();
    await seat.context.clearCookies();
    await seat.page.goto("/sign-in");
    await signInOn(seat, ben);
    await other.waitForURL((url) => url.pathname === "/");
    await other.getByRole("button", { name: "ben" }).waitFor();
    await seat.leave();
  });

  it("is taken up again in the middle of a form, which loses nothing", async () => {
    const seat = await browser.seat(ben);
    const { page } = seat;
    await page.goto("/access");
    await page.getByRole("button", { name: "Request root@web-1" }).click();
    const form = page.getByRole("dialog", { name: "Request root@web-1" });
    await form.getByLabel("Reason").fill("The disk fills up every night");
    await form.getByLabel("Ticket").fill("CHG-77");
    // What was typed outlives a reload, too.
    await page.reload();
    expect(await form.getByLabel("Reason").inputValue()).toBe("The disk fills up every night");
    await ben.expect("DELETE", "/v1/logins");
    await form.getByRole("button", { name: "Send the request" }).click();
    const again = page.getByRole("dialog", { name: "Sign in again" });
    await again.waitFor();
    await seat.axe("sign in again");
    expect(await again.getByLabel("User name").inputValue()).toBe("ben");
    await again.getByLabel("Password", { exact: true }).fill(ben.password);
    await again.getByRole("button", { name: "Sign in", exact: true }).click();
    await again.getByLabel("One-time code").fill(await ben.code());
    await again.getByRole("button", { name: "Sign in", exact: true }).click();
    // What was asked for is asked again: the request is there, as it was written.
    await page.waitForURL(/\/requests\/req_/);
    await page.getByText("The disk fills up every night").waitFor();
    await page.getByText("CHG-77").waitFor();
    await seat.leave();
    await ben.signIn();
  });

  it("ends everywhere at once, and every open page says so", async () => {
    const seat = await browser.seat(ben);
    const other = await seat.context.newPage();
    await seat.page.goto("/profile?tab=logins");
    await other.goto("/sessions");
    await other.getByRole("radio", { name: "Live" }).click();
    await other.waitForURL(/live=true/);
    await seat.page.getByRole("button", { name: "Sign out everywhere" }).click();
    await seat.axe("sign out everywhere");
    await seat.page.getByRole("dialog").getByRole("button", { name: "Sign out everywhere" }).click();
    await seat.page.waitForURL(/\/sign-in/);
    // The other tab shows nothing any more, and is there again afterwards.
    await other.getByText("You have been signed out. Sign in to go on.").waitFor();
    await signInOn({ page: other } as Seat, ben);
    await other.getByRole("heading", { name: "Sessions" }).waitFor();
    expect(new URL(other.url()).searchParams.get("live")).toBe("true");
    await seat.leave();
  });

  it("is over after its time, under an open page", async () => {
    const seat = await browser.seat(world.ada);
    const { page } = seat;
    await page.goto("/users");
    await page.getByRole("link", { name: "ben" }).waitFor();
    await world.gate.stop();
    await world.gate.start({ LD_PRELOAD: FAKETIME, FAKETIME: "+2d", FAKETIME_DONT_FAKE_MONOTONIC: "1" });
    await page.getByRole("dialog", { name: "Sign in again" }).waitFor();
    await seat.axe("signed out under an open page");
    await page.getByRole("button", { name: "Leave, and lose what is not saved" }).click();
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    expect(new URL(page.url()).pathname).toBe("/sign-in");
    await seat.leave();
  });
});
