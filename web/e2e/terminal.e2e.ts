import { createHash, randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { Browser } from "./harness/browser";
import type { Seat } from "./harness/browser";
import { TerminalOf } from "./harness/terminal";
import { Wire } from "./harness/wire";
import { World } from "./harness/world";

const FILE_BYTES = 3 * 1024 * 1024;

describe("the terminal in the browser", () => {
  let world: World;
  let browser: Browser;
  let wire: Wire;
  let seat: Seat;
  let terminal: TerminalOf;

  beforeAll(async () => {
    world = await World.start();
    wire = await Wire.to(world.gate.port);
    browser = await Browser.start(world.gate);
    seat = await browser.seat(await world.person("ben", { groups: ["developers"] }), { baseURL: wire.url });
    terminal = new TerminalOf(seat.page);
  });
  afterAll(async () => {
    await browser?.end();
    await wire?.cut();
    await world?.end();
  });

  it("is opened from the palette, by the keyboard alone", async () => {
    const { page } = seat;
    await page.goto("/");
    await page.getByRole("heading", { name: "Hello, ben" }).waitFor();
    await page.keyboard.press("Control+k");
    await page.getByRole("combobox").waitFor();
    await page.keyboard.type("deploy@web-1");
    await page.getByRole("option", { name: "Open a terminal on deploy@web-1" }).waitFor();
    await page.keyboard.press("Enter");
    await terminal.shows(/deploy@web-1:~\$$/m);
    await terminal.type("PS1='$ '");
    await terminal.shows(/^\$$/m);
  });

  it("shows colours out of 256 and of 16 million, and characters of every width", async () => {
    await terminal.type("printf '\\033[38;5;208mtwo-oh-eight\\033[0m \\033[38;2;10;200;100mtrue-colour\\033[0m \\xe6\\xbc\\xa2\\xe5\\xad\\x97|\\n'");
    await terminal.shows(/^two-oh-eight true-colour 漢字\|$/m);
    const colour = (text: string) => seat.page.locator(".xterm-rows span", { hasText: new RegExp(`^${text}$`) }).last().evaluate((span) => getComputedStyle(span).color);
    expect(await colour("two-oh-eight")).toBe("rgb(255, 135, 0)");
    expect(await colour("true-colour")).toBe("rgb(10, 200, 100)");
  });

  it("follows the size of the window", async () => {
    const { page } = seat;
    const size = async () => {
      await terminal.type("clear; stty size");
      await terminal.shows(/^\d+ \d+$/m);
      const [rows = 0, cols = 0] = /^(\d+) (\d+)$/m.exec(await terminal.text())?.slice(1).map(Number) ?? [];
      return { rows, cols };
    };
    const before = await size();
    await page.setViewportSize({ width: 1000, height: 600 });
    await expect.poll(async () => (await size()).rows).toBeLessThan(before.rows);
    const after = await size();
    expect(after.cols).toBeLessThan(before.cols);
    await page.setViewportSize({ width: 1280, height: 860 });
  });

  it("copies and pastes", async () => {
    const { page } = seat;
    await terminal.shows(/^\$$/m);
    await page.evaluate(() => navigator.clipboard.writeText("echo pasted-$((6*7))\n"));
    await page.keyboard.press("Control+Shift+V");
    // The shell takes pasted lines as text, not as commands, until somebody says so.
    await terminal.shows(/echo pasted-\$/);
    expect(await terminal.text()).not.toMatch(/^pasted-42$/m);
    await page.keyboard.press("Enter");
    await terminal.shows(/^pasted-42$/m);
    const box = await page.locator(".xterm-rows > div", { hasText: /^pasted-42/ }).last().boundingBox();
    await page.mouse.dblclick((box?.x ?? 0) + 20, (box?.y ?? 0) + 5);
    await page.keyboard.press("Control+Shift+C");
    await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toContain("pasted-42");
  });

  it("goes on where it was after the network broke off", async () => {
    const { page } = seat;
    await terminal.type("clear; for n in 1 2 3 4 5 6 7 8 9 10 11 12; do echo tick-$n; sleep 0.3; done; echo all-ticks");
    await terminal.shows(/^tick-2$/m);
    await wire.cut();
    await page.getByText("reconnecting").waitFor();
    await wire.mend();
    await page.getByText("connected", { exact: true }).waitFor();
    await terminal.shows(/^all-ticks$/m);
    const ticks = (await terminal.text()).split("\n").filter((line) => line.startsWith("tick-"));
    expect(ticks).toEqual(Array.from({ length: 12 }, (_, index) => `tick-${index + 1}`));
  });

  it("moves files both ways, with their bytes as they are", async () => {
    const { page } = seat;
    const content = randomBytes(FILE_BYTES);
    const file = join(world.gate.folder, "release.bin");
    writeFileSync(file, content);
    const sum = createHash("sha256").update(content).digest("hex");
    await page.getByRole("button", { name: "Files" }).click();
    const files = page.getByRole("region", { name: "Files" });
    await files.getByText("Nothing in this folder.").or(files.getByRole("listitem").first()).waitFor();
    await seat.axe("files");
    await files.getByLabel("Files to upload").setInputFiles(file);
    await files.getByText("3.0 MiB, done").waitFor();
    await page.getByRole("group", { name: "Terminal on deploy@web-1" }).click();
    await terminal.type("clear; sha256sum release.bin | cut -c1-64");
    await terminal.shows(new RegExp(`^${sum}`, "m"));

    // A second time it is there already: nothing is written over without a word.
    await files.getByLabel("Files to upload").setInputFiles(file);
    await files.getByRole("button", { name: "Overwrite" }).click();
    await expect.poll(() => files.getByText("3.0 MiB, done").count()).toBe(2);

    const [download] = await Promise.all([page.waitForEvent("download"), files.getByRole("button", { name: /^release\.bin/ }).click()]);
    expect(createHash("sha256").update(readFileSync(await download.path())).digest("hex")).toBe(sum);

    // Dropped onto the list.
    const dropped = await page.evaluateHandle(() => {
      const transfer = new DataTransfer();
      transfer.items.add(new File(["dropped"], "dropped.txt"));
      return transfer;
    });
    await files.dispatchEvent("drop", { dataTransfer: dropped });
    await files.getByRole("button", { name: /^dropped\.txt/ }).waitFor();
    await files.getByRole("button", { name: "More actions: dropped.txt" }).click();
    await page.getByRole("menuitem", { name: "Remove" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
    await files.getByRole("button", { name: /^dropped\.txt/ }).waitFor({ state: "detached" });
    await files.getByRole("button", { name: "Close the files" }).click();
  });

  it("has many, each a session of its own, and leaves to the keyboard", async () => {
    const { page } = seat;
    await page.getByRole("group", { name: "Terminal on deploy@web-1" }).click();
    await page.keyboard.press("Control+Shift+E");
    expect(await page.evaluate(() => document.activeElement?.tagName)).toBe("BUTTON");
    await page.getByRole("button", { name: "Open a terminal", exact: true }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Open a terminal on deploy@web-1" }).click();
    await page.getByRole("button", { name: "deploy@web-1 (2)", exact: true }).waitFor();
    await terminal.shows(/deploy@web-1:~\$$/m);
    await terminal.type("echo the-second");
    await terminal.shows(/^the-second$/m);
    await page.getByRole("button", { name: "deploy@web-1", exact: true }).click();
    await terminal.shows(/all-ticks|release|\$$/m);
    expect(await terminal.text()).not.toContain("the-second");
    // Other pages can be looked at meanwhile: the terminals go on.
    await page.getByRole("link", { name: "Home" }).click();
    await page.getByText("2 terminals open in this tab").waitFor({ state: "attached" });
    await page.getByRole("link", { name: /Terminals/ }).click();
    await terminal.shows(/^the-second$/m);
  });

  it("says when the shell has ended, and opens it again", async () => {
    const { page } = seat;
    await terminal.type("exit");
    await page.getByRole("button", { name: "Open again" }).click();
    await terminal.shows(/deploy@web-1:~\$$/m);
    await page.getByRole("button", { name: "End" }).click();
    await page.getByRole("button", { name: "Close the terminal on deploy@web-1", exact: true }).click();
    await page.getByText("No terminal is open here").waitFor();
    await seat.axe("no terminal");
    await expect.poll(async () => JSON.stringify(await world.ada.expect("GET", "/v1/sessions?live=true"))).toContain('"items":[]');
    await seat.leave();
  });
});
