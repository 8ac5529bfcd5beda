import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { Browser } from "./harness/browser";
import type { Seat } from "./harness/browser";
import { Person } from "./harness/person";
import { World } from "./harness/world";

describe("a new enrolment link for somebody who exists", () => {
  let world: World;
  let browser: Browser;
  let making: Seat;
  let refused: Seat;
  let confirming: Seat;
  let url: string;

  beforeAll(async () => {
    world = await World.start();
    browser = await Browser.start(world.gate);
    await world.person("ben", { groups: ["developers"] });
    await world.ada.expect("POST", "/v1/users", { name: "ben-adm", identity: "ben" });
    await world.ada.expect("POST", "/v1/users", { name: "nightly", kind: "workload", roles: [{ role: "user", scope: "/" }] });
    await world.apply([{ kind: "Policy", name: "nightly", subjects: { workloads: ["nightly"] }, accounts: { names: ["root"] }, access: "standing" }]);
    making = await browser.seat(world.ada);
    const administrator = { roles: [{ role: "administrator", scope: "/" }] };
    const hugo = await world.person("hugo", administrator);
    refused = await browser.seat(hugo);
    const ivy = await Person.enrol(world.gate, "ivy", await hugo.read("POST", "/v1/users", { name: "ivy", ...administrator }, "link", "url"));
    confirming = await browser.seat(await ivy.signIn());
  });
  afterAll(async () => {
    await browser?.end();
    await world?.end();
  });

  it("is made, and opens nothing yet", async () => {
    const { page } = making;
    await page.goto("/users/ben?dialog=link");
    await page.getByRole("button", { name: "Make the link" }).click();
    const shown = page.getByRole("dialog");
    await shown.getByText("A new enrolment link waits").waitFor();
    await making.axe("a link that waits");
    url = (await shown.getByText(/^https:/).first().textContent()) ?? "";
    await shown.getByRole("button", { name: "Done" }).click();
    const own = page.getByRole("button", { name: "Confirm it: ben" });
    await own.waitFor();
    await page.locator("[aria-disabled='true']", { hasText: "Confirm it" }).waitFor();
    const stranger = await browser.seat();
    await stranger.page.goto(new URL(url).pathname);
    await stranger.page.getByText("This link no longer works").or(stranger.page.getByRole("alert")).first().waitFor();
    await stranger.leave();
  });

  it("is not confirmed by an account that its maker has made today", async () => {
    const { page } = refused;
    await page.goto("/users/ben");
    await page.getByRole("button", { name: "Confirm it: ben" }).click();
    await page.getByText(/has made your account/).waitFor();
    await page.getByText("A new enrolment link waits").waitFor();
    await refused.leave();
  });

  it("is confirmed by somebody else, and works", async () => {
    const { page } = confirming;
    await page.goto("/users");
    await page.getByRole("link", { name: "ben", exact: true }).first().waitFor();
    await confirming.axe("users with a link that waits");
    await page.getByRole("button", { name: "Confirm it: ben" }).click();
    await page.getByText("The link works now.").waitFor();
    await page.getByText("A new enrolment link waits").waitFor({ state: "detached" });
    const stranger = await browser.seat();
    await stranger.page.goto(new URL(url).pathname);
    await stranger.page.getByLabel("Password", { exact: true }).waitFor();
    await stranger.leave();
  });

  it("and so is the token of a workload that may do more than its maker", async () => {
    const wish = { name: "backup", permissions: ["request:create"], expires_in_seconds: 3600, user: "nightly" };
    const token = await world.ada.read("POST", "/v1/tokens", wish, "token");
    const { page } = confirming;
    await page.goto("/users/nightly");
    await page.getByText("A new token of a workload waits").waitFor();
    await confirming.axe("a token that waits");
    const works = async () => (await world.gate.call("GET", "/v1/login", undefined, token)).status;
    expect(await works()).toBe(401);
    await page.getByRole("button", { name: "Confirm it: nightly, backup" }).click();
    await page.getByText("The token works now.").waitFor();
    await page.getByText("A new token of a workload waits").waitFor({ state: "detached" });
    expect(await works()).toBe(200);
  });

  it("and both users of a person name each other", async () => {
    const { page } = confirming;
    await page.goto("/users/ben");
    await page.getByRole("link", { name: "ben-adm" }).click();
    await page.getByRole("heading", { level: 1, name: "ben-adm" }).waitFor();
    await page.getByRole("link", { name: "ben", exact: true }).click();
    await page.getByRole("heading", { level: 1, name: "ben", exact: true }).waitFor();
    await Promise.all([making.leave(), confirming.leave()]);
  });
});
