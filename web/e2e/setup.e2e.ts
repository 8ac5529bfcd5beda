import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { Browser } from "./harness/browser";
import type { Seat } from "./harness/browser";
import { Gate } from "./harness/gate";
import { codeOf } from "./harness/person";

const PASSWORD = "seven quiet herons wade";
const stepNow = () => Math.floor(Date.now() / 30_000);

describe("the first administrator", () => {
  let gate: Gate;
  let browser: Browser;
  let seat: Seat;
  let link: string;
  let secret: string;
  const recovery: string[] = [];

  beforeAll(async () => {
    gate = await Gate.prepare();
    await gate.start();
    link = await gate.setupLink();
    browser = await Browser.start(gate);
    seat = await browser.seat();
  });
  afterAll(async () => {
    await browser?.end();
    await gate?.remove();
  });

  it("is set up by the one-time link, over a reload in the middle", async () => {
    const { page } = seat;
    await page.goto(link);
    await page.getByRole("heading", { name: "Set up Postern" }).waitFor();
    await seat.axe("set-up");
    await page.getByLabel("Your user name").fill("ada");
    await page.reload();
    await page.getByLabel("Your user name").fill("ada");
    await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await page.getByLabel("Password once more").fill(PASSWORD);
    await page.getByText("No camera? Type this secret instead").click();
    secret = (await page.getByRole("group").locator("code").first().textContent())?.replaceAll(/\s/g, "") ?? "";
    await page.getByLabel("Code it shows now").fill(codeOf(secret, stepNow()));
    await page.getByRole("button", { name: "Become the administrator" }).click();
    await page.getByRole("heading", { name: "Keep these recovery codes" }).waitFor();
    await seat.axe("recovery codes");
    recovery.push(...(await page.getByRole("listitem").allTextContents()));
    expect(recovery.length).toBeGreaterThanOrEqual(8);
    await page.getByLabel("I have kept them somewhere safe").check();
    await page.getByRole("button", { name: "Go to sign-in" }).click();
  });

  it("signs in with password and code, after a wrong password was refused", async () => {
    const { page } = seat;
    await page.getByLabel("User name").fill("ada");
    await page.getByLabel("Password", { exact: true }).fill("not the password");
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await page.getByRole("alert").waitFor();
    await seat.axe("sign-in refused");
    await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await page.getByLabel("One-time code").fill(codeOf(secret, stepNow() + 1));
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await page.getByRole("heading", { name: "Hello, ada" }).waitFor();
  });

  it("finds that the link works only once", async () => {
    const { page } = seat;
    await page.goto(link);
    await page.getByRole("heading", { name: "This link no longer works" }).waitFor();
    await seat.axe("link used");
  });

  it("signs in with a recovery code, which works once", async () => {
    for (const good of [true, false]) {
      const other = await browser.seat();
      const { page } = other;
      await page.goto("/sign-in");
      await page.getByLabel("User name").fill("ada");
      await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
      await page.getByRole("button", { name: "Sign in", exact: true }).click();
      await page.getByRole("button", { name: "Use a recovery code instead" }).click();
      await page.getByLabel("Recovery code").fill(recovery[0] ?? "");
      await page.getByRole("button", { name: "Sign in", exact: true }).click();
      await (good ? page.getByRole("heading", { name: "Hello, ada" }) : page.getByRole("alert")).waitFor();
      await other.leave();
    }
    await seat.leave();
  });
});
