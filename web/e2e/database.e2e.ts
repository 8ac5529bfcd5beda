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

  it("has columns of which somebody says what they hold", async () => {
    const { page } = watching;
    await page.goto("/assets/orders");
    await page.getByText("email, phone*", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Edit" }).click();
    const dialog = page.getByRole("dialog", { name: "Edit orders" });
    const tags = dialog.getByLabel("Column tags");
    await tags.fill("pii email");
    await dialog.getByText("Write each line as tag: column, column.").waitFor();
    await tags.fill("pii: customer.email");
    await dialog.getByRole("button", { name: "Save" }).click();
    await dialog.getByText(/write `email`, for any table/).waitFor();
    await watching.axe("asset form");
    await tags.fill("pii: email, born");
    await dialog.getByRole("button", { name: "Save" }).click();
    await dialog.waitFor({ state: "hidden" });
    await page.getByText("born, email", { exact: true }).waitFor();
    expect(await page.getByText("payment", { exact: true }).count()).toBe(0);
    expect(await world.ada.expect("GET", "/v1/assets/orders")).toMatchObject({ column_tags: { pii: ["born", "email"] }, server_ca: target.certificate });
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

  it("is used in the browser, where rules, people and reloads are as with psql", async () => {
    const { page } = using;
    await page.goto("/access");
    await page.getByRole("link", { name: "Open an SQL console on app_admin@orders" }).click();
    await page.getByLabel("Database").fill("shop");
    await using.axe("before an SQL console");
    await page.getByRole("button", { name: "Open the console" }).click();
    await page.getByText("connected", { exact: true }).waitFor();
    const editor = page.getByRole("textbox", { name: "Statements" });
    const run = async (text: string) => {
      await editor.fill(text);
      await page.keyboard.press("Control+Enter");
    };
    await run("select n as number, 'row ' || n as text from generate_series(1, 1200) n");
    await page.getByText("500 rows are shown; there are more").waitFor();
    await page.getByRole("button", { name: "Show more rows" }).click();
    await page.getByText("1,000 rows are shown; there are more").waitFor();
    // Of many rows only those near what is seen are in the page.
    expect(await page.getByRole("region", { name: "Rows" }).getByRole("row").count()).toBeLessThan(120);
    await page.getByRole("region", { name: "Rows" }).evaluate((frame) => frame.scrollTo(0, frame.scrollHeight));
    await page.getByRole("cell", { name: "row 1000" }).waitFor();
    await page.getByRole("button", { name: "Show more rows" }).click();
    await page.getByText("1,200 rows", { exact: false }).waitFor();
    await using.axe("rows in an SQL console");
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Save as CSV" }).click()]);
    expect(download.suggestedFilename()).toMatch(/\.csv$/);

    await page.getByRole("button", { name: "Tables" }).click();
    await page.getByRole("button", { name: "Show the tables" }).click();
    await page.getByRole("button", { name: "Columns of public.customer" }).click();
    await using.axe("tables in an SQL console");
    await run("create table mine (id int)");
    await page.getByText(/no-ddl/).first().waitFor();
    await run("delete from customer where false");
    await approving.page.goto("/requests?whose=statements");
    await approving.page.getByRole("button", { name: /^Approve/ }).click();
    await approving.page.getByRole("dialog").getByRole("button", { name: "Approve" }).click();
    await page.getByText("DELETE 0").first().waitFor();
    await run("select pg_sleep(600)");
    await page.getByText("Running", { exact: true }).first().waitFor();
    await until("the statement to be cancelled", async () => {
      // Before it has begun on the target one word cancels nothing.
      await page.getByRole("button", { name: "Cancel" }).click({ timeout: 1000 }).catch(() => {});
      return (await page.getByText("57014").count()) > 0 || undefined;
    });

    // A reload finds the session and the text as they were.
    await run("begin");
    await page.getByText("in a transaction").waitFor();
    await page.reload();
    await page.getByText("in a transaction").waitFor();
    await page.getByText("connected", { exact: true }).waitFor();
    expect(await editor.inputValue()).toBe("begin");
    await watching.page.goto("/sessions?live=true");
    await watching.page.getByRole("link", { name: "app_admin@orders" }).first().click();
    await watching.page.getByRole("button", { name: "Terminate" }).click();
    const dialog = watching.page.getByRole("dialog");
    await dialog.getByLabel("Reason").fill("Enough of it");
    await dialog.getByRole("button", { name: "Terminate" }).click();
    await page.getByText("The session is over").first().waitFor();
    await using.axe("an SQL console that is over");
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
