import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { Browser } from "./harness/browser";
import type { Seat } from "./harness/browser";
import { Person } from "./harness/person";
import { World } from "./harness/world";

describe("a policy", () => {
  let world: World;
  let browser: Browser;
  let seat: Seat;

  beforeAll(async () => {
    world = await World.start();
    browser = await Browser.start(world.gate);
    await world.person("ben", { groups: ["developers"] });
    seat = await browser.seat(world.ada);
  });
  afterAll(async () => {
    await browser?.end();
    await world?.end();
  });

  it("is written as text by its form, and fills in the form from its text", async () => {
    const { page } = seat;
    await page.goto("/policies/root-for-a-task");
    await page.getByRole("button", { name: "Edit" }).click();
    const text = page.getByRole("textbox", { name: "As text" });
    await expect.poll(() => text.inputValue()).toContain("ticket_pattern: CHG-[0-9]+");
    await page.getByLabel("Longest window").fill("90m");
    await expect.poll(() => text.inputValue()).toMatch(/max_duration: ("?1h30m|"?90m)/);
    await seat.axe("policy editor");
    await text.fill((await text.inputValue()).replace(/max_duration: .*/, "max_duration: 3h").replace("count: 1", "count: 2"));
    await expect.poll(() => page.getByLabel("Longest window").inputValue()).toBe("3h");
    expect(await page.getByLabel("Approvals needed").inputValue()).toBe("2");
  });

  it("says while one types what is wrong with it, and where, and is not saved like that", async () => {
    const { page } = seat;
    const text = page.getByRole("textbox", { name: "As text" });
    const good = await text.inputValue();
    await text.fill(good.replace("max_duration: 3h", "max_duration: soon"));
    await page.getByText(/^line \d+/).first().waitFor();
    await seat.axe("policy editor with a mistake");
    const save = page.getByRole("button", { name: "Save" });
    expect(await save.getAttribute("aria-disabled")).toBe("true");
    await text.fill(good);
    await expect.poll(() => save.getAttribute("aria-disabled")).toBe(null);
    await save.click();
    await page.getByText("Saved.", { exact: true }).waitFor();
    await page.getByText("2 people of leads must approve, never the requester.").waitFor();
    await page.getByRole("tab", { name: "History" }).click();
    const history = page.getByRole("list", { name: "History" });
    await history.getByText("in force").waitFor();
    await history.getByText("As text").last().click();
    await history.getByText(/max_duration: 2h/).first().waitFor();
    await seat.axe("a policy's history");
    await page.getByRole("button", { name: "Go back to it: revision 1" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Go back to it" }).click();
    await page.getByText("revision 3").first().waitFor();
    await page.getByRole("tab", { name: "In words" }).click();
    await page.getByText("1 person of leads must approve, never the requester.").waitFor();
  });

  it("is asked whom it lets reach an account, and why", async () => {
    const { page } = seat;
    await page.getByLabel("Account", { exact: true }).fill("deploy@web-1");
    await page.getByRole("button", { name: "Ask" }).click();
    await page.getByRole("list", { name: "Who can reach this?" }).getByText("ben").waitFor();
    await page.getByRole("button", { name: "Why ben?" }).click();
    await page.getByRole("list", { name: "What each policy says" }).getByText("deploy-the-shop").waitFor();
    await page.reload();
    await page.getByRole("list", { name: "What each policy says" }).getByText("deploy-the-shop").waitFor();
    await seat.axe("who and why");
  });

  it("is asked whom it would let reach an account before it is saved", async () => {
    const { page } = seat;
    await page.goto("/policies/deploy-the-shop/edit?account=deploy@web-1");
    const list = page.getByRole("list", { name: "Who can reach this?" });
    await list.getByText("ben").waitFor();
    await page.getByLabel("People by name").fill("ada");
    await list.getByText("ada").waitFor();
    await page.getByRole("button", { name: "Why ada?" }).click();
    await page.getByText("ada can connect to deploy@web-1").waitFor();
    const changes = page.getByRole("list", { name: "What it would change" });
    await changes.getByText("ada").waitFor();
    await changes.getByText("deploy@web-1").waitFor();
    await page.getByText("It lets 1 person do more").waitFor();
    await page.getByRole("button", { name: "Try it on the last 90 days" }).click();
    await page.getByText(/requests? of the last 90 days, 0 answered otherwise/).waitFor();
    await page.getByLabel("To do").selectOption({ label: "see the secret" });
    await page.getByText("ada cannot, on deploy@web-1: see the secret.").waitFor();
    await page.getByLabel("To do").selectOption({ label: "connect" });
    await page.getByLabel("Account", { exact: true }).fill("service=shop");
    await page.getByRole("button", { name: "Ask" }).click();
    await list.getByText("deploy@web-1").first().waitFor();
    await seat.axe("who could reach it");
    await page.goto("/policies/deploy-the-shop/edit?account=deploy@web-1");
    await page.getByRole("button", { name: "Cancel" }).click();
    await page.goto("/policies/deploy-the-shop?account=deploy@web-1");
    await list.getByText("ben").waitFor();
    expect(await list.getByText("ada").count()).toBe(0);
  });

  it("is made anew and deleted", async () => {
    const { page } = seat;
    await page.goto("/policies");
    await page.getByRole("button", { name: "Add a policy" }).click();
    const save = page.getByRole("button", { name: "Save" });
    expect(await save.getAttribute("aria-disabled")).toBe("true");
    await page.getByLabel("Name", { exact: true }).fill("night-shift");
    await page.getByLabel("Groups").first().fill("developers");
    await page.getByLabel("Account names").fill("deploy");
    await expect.poll(() => save.getAttribute("aria-disabled")).toBe(null);
    await save.click();
    await page.getByRole("heading", { level: 1, name: "night-shift" }).waitFor();
    await page.getByRole("button", { name: "Delete" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await page.getByText("Deleted.").waitFor();
  });

  it("that lets somebody do more waits for somebody else", async () => {
    const administrator = { roles: [{ role: "administrator", scope: "/" }] };
    const hugo = await world.person("hugo", administrator);
    const ivy = await Person.enrol(world.gate, "ivy", await hugo.read("POST", "/v1/users", { name: "ivy", ...administrator }, "link", "url"));
    const { page } = seat;
    await page.goto("/policies/deploy-the-shop/edit");
    await page.getByLabel("People by name").fill("hugo");
    const save = page.getByRole("button", { name: "Save" });
    await expect.poll(() => save.getAttribute("aria-disabled")).toBe(null);
    await save.click();
    await page.getByText("waits for the yes of somebody else").waitFor();
    await page.goto("/policies");
    await page.locator("[aria-disabled='true']", { hasText: "Agree" }).waitFor();
    const other = await browser.seat(await ivy.signIn());
    await other.page.goto("/policies");
    await other.page.getByRole("list", { name: "What it would change" }).getByText("hugo").waitFor();
    await other.axe("a change that waits");
    await other.page.getByRole("button", { name: "Agree: deploy-the-shop" }).click();
    await other.page.getByText("It holds now.").waitFor();
    await other.page.goto("/users/hugo");
    const reach = other.page.getByRole("list", { name: "What they can reach" });
    await reach.getByText("deploy@web-1").waitFor();
    await other.axe("what somebody can reach");
    await other.leave();
    await seat.leave();
  });
});
