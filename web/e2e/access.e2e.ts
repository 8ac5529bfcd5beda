import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { Browser } from "./harness/browser";
import type { Seat } from "./harness/browser";
import type { Person } from "./harness/person";
import { TerminalOf } from "./harness/terminal";
import { delays, measured } from "./harness/measure";
import { World } from "./harness/world";

describe("access, from the request to the recording", () => {
  let world: World;
  let browser: Browser;
  let ben: Person;
  let asking: Seat;
  let approving: Seat;
  let watching: Seat;
  let session: string;

  beforeAll(async () => {
    world = await World.start();
    browser = await Browser.start(world.gate);
    ben = await world.person("ben", { groups: ["developers"] });
    asking = await browser.seat(ben);
    approving = await browser.seat(await world.person("cleo", { groups: ["leads"] }));
    watching = await browser.seat(world.ada);
  });
  afterAll(async () => {
    await browser?.end();
    await world?.end();
  });

  it("is asked for where it is listed, with what the policy demands said before", async () => {
    const { page } = asking;
    await page.goto("/access");
    await page.getByRole("button", { name: "Request root@web-1" }).click();
    const dialog = page.getByRole("dialog", { name: "Request root@web-1" });
    await dialog.getByText("1 approval from leads").waitFor();
    await page.reload();
    await asking.axe("request form");
    await dialog.getByLabel("Reason").fill("The disk is full");
    await dialog.getByLabel("Ticket").fill("not a ticket");
    await dialog.getByRole("button", { name: "Send the request" }).click();
    await dialog.getByText("Does not match").waitFor();
    await dialog.getByLabel("Ticket").fill("CHG-17");
    await dialog.getByRole("button", { name: "Send the request" }).click();
    await page.getByText("The request has been sent.").waitFor();
    await page.getByRole("heading", { level: 1, name: /root@web-1/ }).waitFor();
    // Nobody approves a request of their own: it is not offered, and refused.
    await page.getByRole("button", { name: "Withdraw" }).waitFor();
    const own = await world.gate.call("POST", `/v1/requests/${page.url().split("/").pop()}/approve`, {}, ben.token);
    expect(own.status).toBe(403);
  });

  it("reaches the approver's open page by itself, and is approved", async () => {
    const { page } = approving;
    await page.goto("/");
    await page.getByRole("link", { name: /Requests/ }).first().getByText("1 decision waits for you").waitFor({ state: "attached" });
    await page.goto("/requests");
    await page.getByText("The disk is full").waitFor();
    await page.reload();
    // Ben is new here and has never used it: an approver is told, with the reasons.
    await page.getByRole("link", { name: "root@web-1" }).click();
    await page.getByLabel("Say something").fill("Which disk?");
    await page.getByRole("button", { name: "Send" }).click();
    await asking.page.getByRole("list", { name: "What was said" }).getByText("Which disk?").waitFor();
    await asking.page.getByLabel("Say something").fill("/var, since noon");
    await asking.page.getByRole("button", { name: "Send" }).click();
    await page.getByRole("list", { name: "What was said" }).getByText("/var, since noon").waitFor();
    await page.goto("/requests");
    await page.getByRole("button", { name: /^Risk: high/ }).focus();
    await page.getByRole("tooltip").getByText("They became a user in the last seven days.").waitFor();
    await page.getByRole("button", { name: /^Approve/ }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Approve" }).click();
    await page.getByText("Approved.").waitFor();
  });

  it("opens a terminal with one click, which lives over a reload", async () => {
    const { page } = asking;
    await page.goto("/access");
    await page.getByRole("button", { name: "Open a terminal on root@web-1" }).click();
    await page.waitForURL(/\/terminals\/./);
    session = page.url().split("/").pop() ?? "";
    const terminal = new TerminalOf(page);
    await terminal.shows(/root@web-1:~#$/m);
    await terminal.type("printf 'gr\\xc3\\xbc\\xc3\\x9fe \\xe2\\x98\\x83 %s\\n' \"$(tput colors 2>/dev/null || echo $TERM)\"; stty size");
    await terminal.shows(/^grüße ☃ /m);
    await asking.axe("terminal");
    await terminal.type("kept=over-the-reload");
    await page.reload();
    await terminal.shows(/grüße ☃ /);
    await terminal.type("echo it-is-$kept");
    await terminal.shows(/^it-is-over-the-reload$/m);
  });

  it("is watched by a third person, who holds and releases the input and sends a message", async () => {
    const { page } = watching;
    await page.goto("/sessions?live=true");
    await page.getByRole("link", { name: "root@web-1" }).click();
    const seen = new TerminalOf(page);
    await seen.shows(/it-is-over-the-reload/);
    await watching.axe("watching");
    await new TerminalOf(asking.page).type("echo seen-$((40+2))");
    await seen.shows(/^seen-42$/m);
    measured("watch_ms", await delays(asking.page, page));
    await page.getByRole("button", { name: "Pause" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Pause" }).click();
    await asking.page.getByText("paused by ada").waitFor();
    await page.getByRole("button", { name: "Resume" }).click();
    await asking.page.getByText("paused by ada").waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Message" }).click();
    await page.getByRole("dialog").getByLabel("Message").fill("Please finish by ten.");
    await page.getByRole("dialog").getByRole("button", { name: "Send" }).click();
    await asking.page.getByText("Please finish by ten.").first().waitFor();
  });

  it("is joined, which its user sees; typing in it is refused where the policy does not give it", async () => {
    const { page } = watching;
    await page.getByRole("button", { name: "Join" }).click();
    expect(await page.getByRole("menuitem", { name: /Type too/ }).getAttribute("aria-disabled")).toBe("true");
    await page.getByRole("menuitem", { name: "Look on, seen by the user" }).click();
    await asking.page.getByText("ada watches").waitFor();
    await page.getByRole("button", { name: "Leave" }).click();
    await asking.page.getByText("ada watches").waitFor({ state: "detached" });
  });

  it("is ended by the one who watches, and its user is told why", async () => {
    const { page } = watching;
    await page.getByRole("button", { name: "Terminate" }).click();
    await page.getByRole("dialog").getByLabel("Reason").fill("It is ten");
    await page.getByRole("dialog").getByRole("button", { name: "Terminate" }).click();
    await asking.page.getByText(/It is ten|terminated/).first().waitFor();
    await asking.axe("terminal ended");
  });

  it("is replayed, searched and found intact", async () => {
    const { page } = watching;
    await page.getByText("verified").waitFor();
    await page.getByRole("button", { name: /echo it-is-/ }).waitFor();
    await page.reload();
    await page.getByRole("button", { name: /echo it-is-/ }).click();
    await page.getByLabel("Search in the output").fill("seen-42");
    await page.getByRole("button", { name: "seen-42" }).first().click();
    await page.getByText("verified").waitFor();
    await watching.axe("replay");
    const text = await world.ada.expect("GET", `/v1/sessions/${session}/recording?format=text`);
    expect(text).toContain("seen-42");
    await Promise.all([asking.leave(), approving.leave(), watching.leave()]);
  });
});
