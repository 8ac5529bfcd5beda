import { appendFileSync, mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

import type { AxeResults, RunOptions } from "axe-core";
import { chromium } from "playwright-core";
import type { Browser as Chromium, BrowserContext, BrowserContextOptions, Page } from "playwright-core";
import { expect } from "vitest";

import { RESULTS } from "./results";
import type { Gate } from "./gate";
import type { Person } from "./person";


const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const RULES: RunOptions = { runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"] };
const ACTION_MS = 15_000;

declare global {
  // What axe puts into the page.
  var axe: { run: (root: Document, options: RunOptions) => Promise<AxeResults> };
}

/** Chromium that takes the certificates of one gate. */
export class Browser {
  private constructor(private readonly gate: Gate, private readonly chromium: Chromium) {}

  static async start(gate: Gate): Promise<Browser> {
    mkdirSync(RESULTS, { recursive: true });
    const args = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run", `--ignore-certificate-errors-spki-list=${gate.authorityPin}`];
    return new Browser(gate, await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args }));
  }

  /** A browser of somebody's own, on a page: signed in as the person, or as nobody. */
  async seat(person?: Person, options: BrowserContextOptions = {}): Promise<Seat> {
    const context = await this.chromium.newContext({ baseURL: this.gate.url, viewport: { width: 1280, height: 860 }, locale: "en-GB", timezoneId: "Europe/Berlin", reducedMotion: "reduce", permissions: ["clipboard-read", "clipboard-write"], ...options });
    context.setDefaultTimeout(ACTION_MS);
    if (person) await context.addCookies([person.cookie]);
    return new Seat(context, await context.newPage());
  }

  async end(): Promise<void> {
    await this.chromium.close();
  }
}

/** Somebody's browser. What a page complains about on its console fails the test at `leave`. */
export class Seat {
  readonly complaints: string[] = [];

  constructor(readonly context: BrowserContext, readonly page: Page) {
    this.listen(page);
    context.on("page", (other) => this.listen(other));
  }

  private listen(page: Page): void {
    page.on("pageerror", (error) => this.complaints.push(error.message));
    page.on("console", (message) => {
      // A refusal or a server that is down is what some tests are about; the page's own failures never are.
      if (message.type() === "error" && !/Failed to load resource|WebSocket connection/.test(message.text())) this.complaints.push(message.text());
    });
  }

  /** What axe finds on the page as it is; nothing serious may be among it. */
  async axe(name: string, page: Page = this.page): Promise<void> {
    await page.evaluate(AXE);
    const { violations } = await page.evaluate((rules) => globalThis.axe.run(document, rules), RULES);
    const found = violations.flatMap((violation) => violation.nodes.map((node) => ({ page: name, rule: violation.id, impact: violation.impact, target: node.target.join(" "), summary: node.failureSummary })));
    appendFileSync(join(RESULTS, "axe.jsonl"), `${JSON.stringify({ page: name, found })}\n`);
    expect(found.filter((each) => each.impact === "serious" || each.impact === "critical"), `axe on ${name}`).toEqual([]);
  }

  /** Gives the browser a device that keeps passkeys and whose person always says yes. */
  async authenticator(): Promise<void> {
    const cdp = await this.context.newCDPSession(this.page);
    await cdp.send("WebAuthn.enable");
    await cdp.send("WebAuthn.addVirtualAuthenticator", { options: { protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true } });
  }

  async leave(): Promise<void> {
    await this.context.close();
    expect(this.complaints, "what the pages complained about").toEqual([]);
  }
}
