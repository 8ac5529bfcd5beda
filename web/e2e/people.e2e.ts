import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { Browser } from "./harness/browser";
import type { Seat } from "./harness/browser";
import type { Person } from "./harness/person";
import { Ssh } from "./harness/ssh";
import { World } from "./harness/world";

const DAY_MS = 86_400_000;

/** What a field for a local time takes: tomorrow. The browsers of the tests are in Berlin. */
const tomorrow = () => new Date(Date.now() + DAY_MS).toLocaleString("sv-SE", { timeZone: "Europe/Berlin" }).slice(0, 16).replace(" ", "T");

describe("several people, each in a browser of their own", () => {
  let world: World;
  let browser: Browser;
  let ben: Person;
  let keeping: Seat;
  let asking: Seat;
  let away: Seat;
  let standing: Seat;
  let reviewing: Seat;
  let shell: Ssh;

  beforeAll(async () => {
    world = await World.start();
    browser = await Browser.start(world.gate);
    ben = await world.person("ben", { groups: ["developers"] });
    keeping = await browser.seat(world.ada);
    asking = await browser.seat(ben);
    away = await browser.seat(await world.person("cleo", { groups: ["leads"] }));
    // Of none of the groups that may say yes: only in somebody's place.
    standing = await browser.seat(await world.person("dora", { roles: [{ role: "approver", scope: "/" }] }));
    reviewing = await browser.seat(await world.person("rita", { roles: [{ role: "user", scope: "/" }] }));
  });
  afterAll(async () => {
    await browser?.end();
    await world?.end();
  });

  it("share a template with a scope", async () => {
    const { page } = keeping;
    await page.goto("/requests?whose=templates");
    await page.getByText("No templates").waitFor();
    await page.getByRole("button", { name: "Keep a wish" }).click();
    const form = page.getByRole("dialog", { name: "Keep a wish" });
    await form.getByLabel("Name").fill("Patch window");
    await form.getByLabel("Accounts").fill("root@web-1");
    await form.getByLabel("For how long").fill("45m");
    await form.getByLabel("Reason").fill("Patches of the month");
    await form.getByLabel("Ticket").fill("CHG-4900");
    await form.getByLabel("Share with a scope").fill("/");
    await keeping.axe("a template");
    await form.getByRole("button", { name: "Save" }).click();
    await page.getByText("It is kept.").waitFor();
    await page.getByRole("row").filter({ hasText: "Patch window" }).getByText("root@web-1").waitFor();
    await keeping.axe("templates");
  });

  it("go away and say who answers in their place", async () => {
    const { page } = away;
    await page.goto("/profile?tab=away");
    await page.getByRole("button", { name: "Name a stand-in" }).click();
    const form = page.getByRole("dialog", { name: "Name a stand-in" });
    await form.getByLabel("Who answers in your place").fill("dora");
    await form.getByLabel("Until").fill(tomorrow());
    await form.getByRole("button", { name: "Name a stand-in" }).click();
    await page.getByRole("row").filter({ hasText: "dora" }).waitFor();
  });

  it("ask by a template of others, and put a file to it", async () => {
    const { page } = asking;
    await page.goto("/requests?whose=templates");
    const row = page.getByRole("row").filter({ hasText: "Patch window" });
    expect(await row.getByRole("button", { name: "Remove Patch window" }).getAttribute("aria-disabled")).toBe("true");
    await row.getByRole("link", { name: "Ask by Patch window" }).click();
    const form = page.getByRole("dialog", { name: "Request root@web-1" });
    await expect.poll(() => form.getByLabel("Ticket").inputValue()).toBe("CHG-4900");
    expect(await form.getByLabel("For how long").inputValue()).toBe("45 min");
    expect(await form.getByLabel("Reason").inputValue()).toBe("Patches of the month");
    await form.getByLabel("Reason").fill("Patches of November");
    await page.reload();
    await expect.poll(() => form.getByLabel("Reason").inputValue()).toBe("Patches of November");
    await form.getByRole("button", { name: "Send the request" }).click();
    await page.getByRole("heading", { level: 1, name: /root@web-1/ }).waitFor();
    await page.getByLabel("Put a file to it").setInputFiles({ name: "plan.txt", mimeType: "text/plain", buffer: Buffer.from("1. kernel\n2. openssl\n") });
    await page.getByRole("list", { name: "Files" }).getByText("plan.txt").waitFor();
    await asking.axe("a request with a file");
  });

  it("are answered by who stands in, after a word about it", async () => {
    const { page } = standing;
    await page.goto("/requests");
    await page.getByRole("link", { name: "root@web-1" }).click();
    const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "plan.txt" }).click()]);
    expect(file.suggestedFilename()).toBe("plan.txt");
    await page.getByRole("list", { name: "Who may answer it" }).getByText("dora stands in").waitFor();
    await page.getByLabel("Say something").fill("Is a restart needed?");
    await page.getByRole("button", { name: "Send" }).click();
    await asking.page.getByRole("list", { name: "What was said" }).getByText("Is a restart needed?").waitFor();
    await asking.page.getByLabel("Say something").fill("At 22:00, the shop is told.");
    await asking.page.getByRole("button", { name: "Send" }).click();
    await page.getByRole("list", { name: "What was said" }).getByText("At 22:00, the shop is told.").waitFor();
    await page.getByRole("button", { name: /^Approve/ }).click();
    await page.getByRole("dialog").getByLabel("Remark").fill("Not before ten.");
    await page.getByRole("dialog").getByRole("button", { name: "Approve" }).click();
    await page.getByText("Approved.").waitFor();
    await asking.page.getByText("in the place of").waitFor();
    await asking.page.getByText("Not before ten.").waitFor();
    await standing.axe("an answered request");
  });

  it("use it by ssh, and get more time from who is back", async () => {
    shell = await Ssh.open(ben, "root@web-1");
    await shell.run("id -un");
    const { page } = away;
    await page.goto("/profile?tab=away");
    await page.getByRole("button", { name: "End: cleo, dora" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "End" }).click();
    await page.getByText("Ended.", { exact: true }).waitFor();
    await asking.page.goto("/grants");
    await asking.page.getByRole("button", { name: "Extend: ben, root@web-1" }).click();
    const form = asking.page.getByRole("dialog", { name: "More time on root@web-1" });
    await form.getByLabel("How long from now").fill("1h");
    await form.getByLabel("Reason").fill("openssl takes longer");
    await form.getByLabel("Ticket").fill("CHG-4900");
    await asking.axe("more time");
    await form.getByRole("button", { name: "Extend" }).click();
    await asking.page.getByText("The wish for more time has been sent.").waitFor();
    // Who stood in does so no more.
    await standing.page.goto("/requests");
    await standing.page.getByText("Nobody waits for you").waitFor();
    await page.goto("/requests");
    await page.getByText("openssl takes longer").waitFor();
    await page.getByRole("button", { name: /^Approve/ }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Approve" }).click();
    await page.getByText("Approved.").waitFor();
    await shell.run("echo still here");
  });

  it("hand it back, which ends what is open", async () => {
    const { page } = asking;
    await page.goto("/grants");
    await page.getByRole("button", { name: "Hand back: ben, root@web-1" }).click();
    const dialog = page.getByRole("dialog", { name: "Hand root@web-1 back" });
    await dialog.getByLabel("Reason").fill("All patched");
    await dialog.getByRole("button", { name: "Hand back" }).click();
    await page.getByText("Handed back.").waitFor();
    await shell.over();
    await page.getByRole("row").filter({ hasText: "root@web-1" }).getByText("revoked").waitFor();
  });

  it("are looked at by a reviewer, who sees the use and keeps the right", async () => {
    const review = await world.ada.read("POST", "/v1/reviews", { name: "Developers, winter", plan: { groups: ["developers"], kinds: ["membership"], reviewers: { users: ["rita"] }, seconds: 86_400 } }, "id");
    const { page } = reviewing;
    await page.goto(`/reviews/${review}`);
    const row = page.getByRole("row").filter({ hasText: "ben" });
    await row.waitFor();
    await page.getByRole("checkbox", { name: "Choose developers of ben" }).check();
    await page.getByRole("button", { name: "Keep", exact: true }).click();
    await page.getByRole("dialog").getByLabel("Reason").fill("Patched every server this month");
    await page.getByRole("dialog").getByRole("button", { name: "Keep" }).click();
    await page.getByText("Answered.", { exact: true }).waitFor();
    await reviewing.axe("an answered review");
  });

  it("take the template away again", async () => {
    const { page } = keeping;
    await page.goto("/requests?whose=templates");
    await page.getByRole("button", { name: "Remove Patch window" }).click();
    await page.getByText("It is shared with /: nobody there can choose it any more.").waitFor();
    await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
    await page.getByText("It is gone.").waitFor();
    await asking.page.goto("/requests?whose=templates");
    await asking.page.getByText("No templates").waitFor();
    await Promise.all([keeping, asking, away, standing, reviewing].map((seat) => seat.leave()));
  });
});
