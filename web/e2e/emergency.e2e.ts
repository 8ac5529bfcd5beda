import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { Browser } from "./harness/browser";
import type { Seat } from "./harness/browser";
import { itemsOf, textOf } from "./harness/read";
import { TerminalOf } from "./harness/terminal";
import { World } from "./harness/world";

/** For when what people sign in by elsewhere is down: two of the leads say yes, and everybody proves a passkey. */
const EMERGENCY = {
  kind: "Policy", name: "emergency", access: "request", subjects: { groups: ["on-call"] }, accounts: { names: ["root"] },
  obligations: { ticket_pattern: "INC-[0-9]+", max_duration: "1h", approval: { count: 2, groups: ["leads"] }, break_glass: { passkey: true, review_by: ["risk"], review_within: "24h" } },
};

describe("break-glass by a quorum with passkeys", () => {
  let world: World;
  let browser: Browser;
  let asking: Seat;
  let first: Seat;
  let second: Seat;
  let reviewing: Seat;

  beforeAll(async () => {
    world = await World.start();
    browser = await Browser.start(world.gate);
    await world.apply([{ kind: "Group", name: "on-call" }, { kind: "Group", name: "risk" }, EMERGENCY]);
    const seat = async (name: string, group: string) => {
      const seated = await browser.seat(await world.person(name, { groups: [group] }));
      await seated.authenticator();
      return seated;
    };
    asking = await seat("ben", "on-call");
    first = await seat("cleo", "leads");
    second = await seat("dora", "leads");
    reviewing = await seat("rita", "risk");
  });
  afterAll(async () => {
    await browser?.end();
    await world?.end();
  });

  /** Registers the passkey of somebody's device. */
  async function register({ page }: Seat) {
    await page.goto("/profile?tab=passkeys&dialog=add-passkey");
    await page.getByLabel("What to call it").fill("laptop");
    await page.getByRole("button", { name: "Go on" }).click();
    await page.getByText("The passkey is registered.").waitFor();
  }

  /** Fills in the emergency and sends it. */
  async function ask({ page }: Seat) {
    await page.goto("/access");
    await page.getByRole("button", { name: "Break the glass for root@web-1" }).click();
    const form = page.getByRole("dialog", { name: "Emergency: root@web-1" });
    await form.getByText("a passkey, proved just now").waitFor();
    await form.getByLabel("Reason").fill("The shop is down and so is the directory");
    await form.getByLabel("Incident").fill("INC-77");
    await form.getByRole("button", { name: "Send the request" }).click();
  }

  async function proves({ page }: Seat) {
    const prove = page.getByRole("dialog", { name: "Prove it is you" });
    await prove.getByText("A one-time code is not enough.").waitFor();
    expect(await prove.getByLabel("One-time code").count()).toBe(0);
    await prove.getByRole("button", { name: "Use a passkey" }).click();
    await prove.waitFor({ state: "detached" });
  }

  it("is not to be had with a code, however fresh", async () => {
    const { page } = asking;
    await ask(asking);
    const prove = page.getByRole("dialog", { name: "Prove it is you" });
    await prove.getByText("you have none").waitFor();
    await asking.axe("a passkey is wanted");
    await prove.getByRole("button", { name: "Cancel" }).click();
    await page.getByRole("alert").getByText(/asks for a passkey/).waitFor();
    expect(itemsOf(await world.ada.expect("GET", "/v1/requests")).length).toBe(0);
  });

  it("is asked for with a passkey", async () => {
    await register(asking);
    await ask(asking);
    // The code of the sign-in is younger than five minutes: only the passkey is missing.
    await proves(asking);
    await asking.page.getByRole("heading", { level: 1, name: /root@web-1/ }).waitFor();
    await asking.page.getByText("Emergency", { exact: true }).waitFor();
    await asking.axe("an emergency that waits");
  });

  it("takes the passkeys of a quorum", async () => {
    for (const [at, seat] of [first, second].entries()) {
      const { page } = seat;
      await register(seat);
      await page.goto("/requests");
      await page.getByText("The shop is down and so is the directory").waitFor();
      await page.getByRole("button", { name: /^Approve/ }).click();
      await page.getByRole("dialog").getByRole("button", { name: "Approve" }).click();
      await proves(seat);
      await page.getByText(at === 0 ? "Approved. More approvals are needed." : "Approved.", { exact: true }).waitFor();
      if (at === 0) expect(textOf(itemsOf(await world.ada.expect("GET", "/v1/requests"))[0], "state")).toBe("pending");
    }
  });

  it("opens the account, and is reviewed by somebody else", async () => {
    const { page } = asking;
    await page.goto("/access");
    await page.getByRole("button", { name: "Open a terminal on root@web-1" }).click();
    await page.waitForURL(/\/terminals\/./);
    const terminal = new TerminalOf(page);
    await terminal.shows(/root@web-1:~#$/m);
    await terminal.type("id -un");
    await terminal.shows(/^root$/m);
    await page.getByRole("button", { name: "End" }).click();
    const review = reviewing.page;
    await review.goto("/break-glass?live=true");
    const row = review.getByRole("row").filter({ hasText: "root@web-1" });
    await row.getByText("Quorum").waitFor();
    await row.getByRole("button", { name: /^Review:/ }).click();
    await review.getByRole("dialog").getByLabel("What you found").fill("The shop was down; one look at who is root.");
    await review.getByRole("dialog").getByRole("button", { name: "Write it down" }).click();
    await review.getByText("Written down.").waitFor();
    await reviewing.axe("a reviewed emergency");
    await Promise.all([asking, first, second, reviewing].map((seat) => seat.leave()));
  });
});
