import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { Browser } from "./harness/browser";
import type { Seat } from "./harness/browser";
import type { Person } from "./harness/person";
import { World } from "./harness/world";

const ROOT_FRESH = {
  kind: "Policy", name: "deploy-fresh", access: "standing", subjects: { groups: ["careful"] }, accounts: { names: ["deploy"] },
  obligations: { capabilities: ["shell"], mfa_max_age: "1s", reason_required: false, max_duration: "1h" },
};

describe("passkeys", () => {
  let world: World;
  let browser: Browser;
  let ben: Person;
  let seat: Seat;

  beforeAll(async () => {
    world = await World.start();
    browser = await Browser.start(world.gate);
    await world.apply([{ kind: "Group", name: "careful" }, ROOT_FRESH]);
    ben = await world.person("ben", { groups: ["careful"] });
    seat = await browser.seat(ben);
    await seat.authenticator();
  });
  afterAll(async () => {
    await browser?.end();
    await world?.end();
  });

  it("is added to one's own profile", async () => {
    const { page } = seat;
    await page.goto("/profile?tab=passkeys");
    await page.getByText("No passkeys yet").waitFor();
    await seat.axe("no passkeys");
    await page.getByRole("button", { name: "Add a passkey" }).click();
    await page.getByLabel("What to call it").fill("laptop");
    await page.reload();
    await page.getByLabel("What to call it").fill("laptop");
    await page.getByRole("button", { name: "Go on" }).click();
    await page.getByText("The passkey is registered.").waitFor();
    await page.getByRole("cell", { name: "laptop", exact: true }).waitFor();
    await seat.axe("passkeys");
    // The same device is not registered twice.
    await page.getByRole("button", { name: "Add a passkey" }).click();
    await page.getByLabel("What to call it").fill("again");
    await page.getByRole("button", { name: "Go on" }).click();
    await page.getByText("This device has a passkey for you already.").waitFor();
    await page.getByRole("button", { name: "Cancel" }).click();
  });

  async function signOut() {
    const { page } = seat;
    await page.getByRole("button", { name: "ben" }).click();
    await page.getByRole("menuitem", { name: "Sign out" }).click();
    await page.waitForURL(/\/sign-in/);
  }

  it("signs in by itself, without name, password or code", async () => {
    const { page } = seat;
    await signOut();
    await page.getByRole("button", { name: "Use a passkey" }).click();
    await page.getByRole("heading", { name: "Hello, ben" }).waitFor();
  });

  it("is the second factor after a password", async () => {
    const { page } = seat;
    await signOut();
    await page.getByLabel("User name").fill("ben");
    await page.getByLabel("Password", { exact: true }).fill(ben.password);
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await page.getByLabel("One-time code").waitFor();
    await seat.axe("second factor");
    await page.getByRole("button", { name: "Use a passkey" }).click();
    await page.getByRole("heading", { name: "Hello, ben" }).waitFor();
  });

  it("answers on the spot where policy asks for a fresh factor", async () => {
    const { page } = seat;
    // The factor of the flow before has to become older than the policy lets it be.
    await new Promise((resolve) => setTimeout(resolve, 2000));
    await page.goto("/access");
    await page.getByRole("button", { name: "Open a terminal on deploy@web-1" }).click();
    const ask = page.getByRole("dialog", { name: "Prove it is you" });
    await ask.waitFor();
    await seat.axe("step-up");
    // Given up, nothing is opened.
    await ask.getByRole("button", { name: "Cancel" }).click();
    await ask.waitFor({ state: "detached" });
    expect(page.url()).toContain("/access");
    await page.getByRole("button", { name: "Open a terminal on deploy@web-1" }).click();
    await ask.getByRole("button", { name: "Use a passkey" }).click();
    await page.waitForURL(/\/terminals\/./);
    await page.getByText("connected", { exact: true }).waitFor();
    await page.getByRole("button", { name: "End" }).click();
  });

  it("is made by an enrolment link too, and is the only factor then", async () => {
    const dora = await browser.seat();
    const { page } = dora;
    await dora.authenticator();
    await page.goto(await world.ada.read("POST", "/v1/users", { name: "dora" }, "link", "url"));
    await page.getByLabel("Password", { exact: true }).fill("seven quiet herons wade");
    await page.getByLabel("Password once more").fill("seven quiet herons wade");
    await page.getByRole("button", { name: "Make a passkey" }).click();
    await page.getByText("The passkey is made").waitFor();
    await dora.axe("enrolment with a passkey");
    await page.getByRole("button", { name: "Finish" }).click();
    await page.getByRole("heading", { name: "Keep these recovery codes" }).waitFor();
    await page.getByLabel("I have kept them somewhere safe").check();
    await page.getByRole("button", { name: "Go to sign-in" }).click();
    await page.getByRole("button", { name: "Use a passkey" }).click();
    await page.getByRole("heading", { name: "Hello, dora" }).waitFor();
    await dora.leave();
  });

  it("can be taken away, and then signs in no more", async () => {
    const { page } = seat;
    await page.goto("/profile?tab=passkeys");
    await page.getByRole("button", { name: "Remove: laptop" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
    await page.getByText("No passkeys yet").waitFor();
    await signOut();
    await page.getByRole("button", { name: "Use a passkey" }).click();
    await page.getByRole("alert").waitFor();
    await seat.leave();
  });
});
