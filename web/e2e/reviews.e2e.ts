import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { Browser } from "./harness/browser";
import type { Seat } from "./harness/browser";
import { fillGroup } from "./harness/fill";
import { itemsOf } from "./harness/read";
import { World } from "./harness/world";

const MANY = 5_000;

describe("an access review", () => {
  let world: World;
  let browser: Browser;
  let seat: Seat;

  beforeAll(async () => {
    world = await World.start();
    browser = await Browser.start(world.gate);
    for (const name of ["ben", "cyd"]) await world.ada.expect("POST", "/v1/users", { name, groups: ["developers"] });
    await world.person("mia", { roles: [{ role: "auditor", scope: "/" }] });
    seat = await browser.seat(world.ada);
  });
  afterAll(async () => {
    await browser?.end();
    await world?.end();
  });

  it("is started in the console, and tells what is known of each right", async () => {
    const { page } = seat;
    await page.goto("/reviews");
    await page.getByRole("button", { name: "Start a review" }).click();
    await page.getByLabel("Name", { exact: true }).fill("Developers, autumn");
    await page.getByLabel("People who are asked").fill("ada");
    await page.getByLabel("Of groups").fill("developers");
    await seat.axe("the start of a review");
    await page.getByRole("dialog").getByRole("button", { name: "Start", exact: true }).click();
    await page.getByRole("heading", { level: 1, name: "Developers, autumn" }).waitFor();
    const row = page.getByRole("row").filter({ hasText: "ben" });
    await row.getByText("not used yet, and not 30 days old").waitFor();
    await row.getByText("deploy-the-shop").waitFor();
    await seat.axe("a review");
  });

  it("is answered by keyboard alone, and what is revoked is gone", async () => {
    const { page } = seat;
    await page.getByRole("checkbox", { name: "Choose developers of ben" }).focus();
    await page.keyboard.press("Space");
    await page.keyboard.press("3");
    const dialog = page.getByRole("dialog");
    await dialog.getByText("Take 1 right away").waitFor();
    await page.keyboard.type("Moved to another team");
    await dialog.getByRole("button", { name: "Revoke" }).press("Enter");
    await page.getByText("Answered.", { exact: true }).waitFor();
    await page.getByRole("row").filter({ hasText: "ben" }).getByText("revoked").waitFor();
    const group = await world.ada.expect("GET", "/v1/groups/developers");
    expect(JSON.stringify(group)).not.toContain("\"ben\"");
  });

  it("gives its evidence when it is over", async () => {
    const { page } = seat;
    await page.getByRole("button", { name: "Close", exact: true }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Close", exact: true }).last().click();
    await page.getByText("Closed.", { exact: true }).waitFor();
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "Signed note" }).click()]);
    expect(download.suggestedFilename()).toMatch(/^rev_.*\.note$/);
  });

  it(`is worked through with ${MANY} rights`, async () => {
    const { page } = seat;
    await world.apply([{ kind: "Group", name: "clerks" }, { kind: "Policy", name: "clerks", access: "request", subjects: { groups: ["clerks"] } }]);
    await world.gate.stop();
    fillGroup(world.gate, "clerks", MANY);
    await world.gate.start();
    const review = await world.ada.read("POST", "/v1/reviews", { name: "Clerks", plan: { groups: ["clerks"], kinds: ["membership"], reviewers: { users: ["ada"] }, seconds: 86_400 } }, "id");
    await page.goto(`/reviews/${review}?size=500`);
    await page.getByRole("row").filter({ hasText: "clerk-00000" }).waitFor();
    expect(await page.getByRole("row").count()).toBeLessThan(120);
    await page.getByRole("button", { name: "Choose all that are shown" }).click();
    await page.getByText("500 rights chosen").waitFor();
    await page.getByRole("button", { name: "Keep", exact: true }).click();
    await page.getByRole("dialog").getByLabel("Reason").fill("Seasonal, until January");
    await page.getByRole("dialog").getByRole("button", { name: "Keep" }).click();
    await page.getByText("Answered.", { exact: true }).waitFor();
    await page.getByText("kept everything without the time to look").first().waitFor();
    const left = itemsOf(await world.ada.expect("GET", `/v1/reviews/${review}/items?state=kept&limit=500`));
    expect(left.length).toBe(500);
    await seat.axe("a long review");
    await seat.leave();
  }, 300_000);
});
