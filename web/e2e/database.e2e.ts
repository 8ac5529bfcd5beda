import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { Browser } from "./harness/browser";
import type { Seat } from "./harness/browser";
import { Postgres } from "./harness/postgres";
import { until } from "./harness/process";
import { Psql } from "./harness/psql";
import { World } from "./harness/world";

describe("a database", () => {
  let world: World;
  let target: Postgres;
  let browser: Browser;
  let using: Seat;
  let approving: Seat;
  let watching: Seat;
  let psql: Psql;

  beforeAll(async () => {
    [world, target] = await Promise.all([World.start(), Postgres.start()]);
    await target.declare(world);
    browser = await Browser.start(world.gate);
    using = await browser.seat(await world.person("ben", { groups: ["dba"] }));
    approving = await browser.seat(await world.person("cleo", { groups: ["leads"] }));
    watching = await browser.seat(world.ada);
  });
  afterAll(async () => {
    await browser?.end();
    await target?.remove();
    await world?.end();
  });

  it("is connected to by the line that the console shows, with a token shown once", async () => {
    const { page } = using;
    await page.goto("/access");
    await page.getByRole("button", { name: "Connect to app_admin@orders" }).click();
    const dialog = page.getByRole("dialog", { name: "Connect to app_admin@orders" });
    await page.reload();
    await dialog.getByLabel("Database").fill("shop");
    await using.axe("connect form");
    await dialog.getByRole("button", { name: "Make the token" }).click();
    const [download] = await Promise.all([page.waitForEvent("download"), dialog.getByRole("link", { name: "postern-ca.pem" }).click()]);
    await download.saveAs(join(world.gate.folder, "postern-ca.pem"));
    await using.axe("connect lines");
    const copied = async (name: string, begins: string) => {
      await dialog.getByRole("button", { name }).click();
      return until(name, () => page.evaluate(() => navigator.clipboard.readText()).then((text) => text.startsWith(begins) && text));
    };
    const line = await copied("Copy the psql line", "psql ");
    const token = await copied("Copy the token", "pst_");
    expect(line).not.toContain(token);
    await dialog.getByRole("button", { name: "Done" }).click();
    expect(await page.content()).not.toContain(token);
    psql = Psql.start(line, token, world.gate.folder);
    psql.type("select 6 * 7;");
    await psql.shows(/^42$/m);
  });

  it("is watched statement by statement, and shows what a rule refused", async () => {
    const { page } = watching;
    await page.goto("/sessions?live=true");
    await page.getByRole("link", { name: "app_admin@orders" }).click();
    await page.getByText("live", { exact: true }).first().waitFor();
    psql.type("select 'seen-' from nowhere;");
    psql.type("select 'seen-' || (40 + 2);");
    await page.getByText("select 'seen-' || (40 + 2)").waitFor();
    psql.type("create table mine (id int);");
    await psql.shows(/no-ddl/);
    await page.getByText("create table mine").waitFor();
    await page.getByText("refused").first().waitFor();
    await watching.axe("statements as they come");
  });

  it("lets a statement wait until somebody else says yes, or no", async () => {
    const { page } = approving;
    await page.goto("/");
    psql.type("delete from customer where false;");
    await page.getByRole("link", { name: /Requests/ }).first().getByText("1 decision waits for you").waitFor({ state: "attached" });
    await page.getByRole("link", { name: "1 statement waits for you" }).click();
    await page.getByText("delete from customer where false").waitFor();
    await page.reload();
    await page.getByText("delete from customer where false").waitFor();
    await approving.axe("statements that wait");
    await page.getByRole("button", { name: /^Approve/ }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("deletes-need-a-yes").waitFor();
    await approving.axe("deciding on a statement");
    await dialog.getByRole("button", { name: "Approve" }).click();
    await psql.shows(/^DELETE 0$/m);
    await page.getByText("No statement waits").waitFor();

    // One's own is somebody else's to decide on; and what is refused tells why.
    psql.type("delete from customer;");
    await using.page.goto("/requests?whose=statements");
    expect(await using.page.getByRole("button", { name: /^Approve/ }).getAttribute("aria-disabled")).toBe("true");
    await page.getByRole("button", { name: /^Deny/ }).click();
    await dialog.getByLabel("Reason").fill("Not all of them");
    await dialog.getByRole("button", { name: "Deny" }).click();
    await psql.shows(/Not all of them/);
    await psql.leave();
  });

  it("leaves a recording whose statements are found again", async () => {
    const { page } = watching;
    await page.getByText("verified").waitFor();
    await page.reload();
    const statements = page.getByRole("region", { name: "Statements" });
    await statements.getByText("select 6 * 7").waitFor();
    await statements.getByLabel("Search the statements").fill("seen-");
    const count = statements.getByText(/ statements?$/).first();
    await expect.poll(() => count.textContent()).toMatch(/^2 of \d+ statements$/);
    expect(await statements.getByText("select 6 * 7").count()).toBe(0);
    await statements.getByText("failed", { exact: true }).first().waitFor();
    await page.waitForURL(/q=seen-/);
    await page.reload();
    await expect.poll(() => count.textContent()).toMatch(/^2 of \d+ statements$/);
    await watching.axe("statements of a recording");
  });

  it("gives its secret out where policy says so, for a while, and takes it back changed", async () => {
    const { page } = using;
    await page.goto("/access");
    await page.getByRole("button", { name: "Check out the secret of app_admin@orders" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Reason").fill("The driver cannot go through the gate");
    await using.axe("check-out form");
    await dialog.getByRole("button", { name: "Check out" }).click();
    await dialog.getByText("It is shown now and never again.").waitFor();
    const secret = dialog.locator("[data-secret]");
    expect(await secret.textContent()).not.toContain("Horse");
    await dialog.getByRole("button", { name: "Show the secret" }).click();
    expect(await secret.textContent()).toBe("Horse:battery staple 9");
    await using.axe("a secret that is checked out");
    await dialog.getByRole("button", { name: "Done" }).click();
    await page.getByRole("link", { name: "Check-outs" }).click();
    await page.getByText("The driver cannot go through the gate").waitFor();
    await using.axe("check-outs");
    await page.getByRole("button", { name: "Give back: app_admin@orders" }).click();
    await page.reload();
    await dialog.getByRole("button", { name: "Give back" }).click();
    await page.getByRole("cell", { name: "given back" }).waitFor();
    await watching.page.goto("/rotations");
    await watching.page.getByText("after a check-out").waitFor();
    await Promise.all([using.leave(), approving.leave(), watching.leave()]);
  });
});
