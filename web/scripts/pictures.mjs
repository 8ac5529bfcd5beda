// Opens every page in both themes at two widths, runs axe on it, and writes the pictures with a contact sheet.
// Ends in one line of name=value pairs; exits non-zero when axe finds something serious or a page complains.
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { chromium } from "playwright-core";
import { build, preview } from "vite";

const OUT = resolve(import.meta.dirname, "../../target/pictures");
// A part of it: names that match the first argument, in the theme and at the width given after it.
const [ONLY, THEME, WIDTH] = process.argv.slice(2);
const WIDTHS = WIDTH ? [Number(WIDTH)] : [390, 1440];
const THEMES = THEME ? [THEME] : ["light", "dark"];
const AXE = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

if (!process.env.PICTURES_NO_BUILD) await build({ logLevel: "warn" });
const server = await preview({ preview: { port: 4199, strictPort: false }, logLevel: "warn" });
const base = server.resolvedUrls.local[0].replace(/\/$/, "");

async function firstOf(path, pick) {
  const answer = await fetch(`${base}/v1/${path}`);
  return pick((await answer.json()).items);
}
const sessions = await firstOf("sessions?limit=10", (items) => items);
const ended = sessions.find((each) => each.state === "ended").id;
const live = sessions.find((each) => each.state === "live").id;
const altered = sessions.find((each) => each.end_reason === "killed").id;
const request = await firstOf("requests?limit=5", (items) => items.find((each) => each.approvals.length === 1).id);
const event = await firstOf("audit?limit=3", (items) => items[1].index);
const hostKey = await firstOf("assets/web-1/host-keys", (items) => encodeURIComponent(items.find((each) => each.state === "seen").fingerprint));

const type = async (page, label, text) => page.getByLabel(label, { exact: true }).fill(text);
/** name, address, who asks, and what is done before the picture. */
const PAGES = [
  ["sign-in", "/sign-in", "nobody"],
  ["sign-in-code", "/sign-in", "nobody", async (page) => { await type(page, "User name", "ada"); await type(page, "Password", "x"); await page.getByRole("button", { name: "Sign in" }).click(); await page.getByLabel("One-time code").waitFor(); }],
  ["sign-in-failed", "/sign-in?next=%2Faudit", "nobody", async (page) => { await type(page, "User name", "ada"); await type(page, "Password", "wrong"); await page.getByRole("button", { name: "Sign in" }).click(); await page.getByRole("alert").waitFor(); }],
  ["setup", "/setup/setup-1", "nobody"],
  ["enrol", "/enrol/enrol-1", "nobody", async (page) => { await type(page, "Password", "correct horse battery"); }],
  ["enrol-codes", "/enrol/enrol-1", "nobody", async (page) => { await type(page, "Password", "correct horse battery staple"); await type(page, "Password once more", "correct horse battery staple"); await type(page, "Code it shows now", "000000"); await page.getByRole("button", { name: "Finish" }).click(); await page.getByText("Keep these recovery codes").waitFor(); }],
  ["link-gone", "/enrol/gone", "nobody"],
  ["confirm", "/confirm/factor-1", "admin"],
  ["home", "/", "admin"],
  ["home-user", "/", "user"],
  ["home-empty", "/", "empty"],
  ["access", "/access", "admin"],
  ["access-request", "/access?dialog=request&item=root%40web-4", "admin", async (page) => { await page.getByRole("button", { name: "Send the request" }).click(); }],
  ["requests", "/requests", "admin"],
  ["requests-all", "/requests?whose=all", "admin"],
  ["requests-empty", "/requests", "empty"],
  ["requests-deny", "/requests", "admin", async (page) => { await page.getByRole("button", { name: /^Deny/ }).first().click(); }],
  ["request", `/requests/${request}`, "admin"],
  ["grants", "/grants", "admin"],
  ["sessions", "/sessions", "admin"],
  ["session-replay", `/sessions/${ended}`, "admin", async (page) => { await page.getByRole("button", { name: "du -xh /var/log | sort -h | tail -4" }).click(); await page.waitForTimeout(900); }],
  ["session-search", `/sessions/${ended}`, "admin", async (page) => { await page.getByLabel("Search in the output").fill("/var"); await page.waitForTimeout(600); }],
  ["session-live", `/sessions/${live}`, "admin", async (page) => page.waitForTimeout(7000)],
  ["session-altered", `/sessions/${altered}`, "admin", async (page) => page.waitForTimeout(600)],
  ["session-kill", `/sessions/${live}?dialog=kill`, "admin"],
  ["session-forbidden", `/sessions/${ended}`, "user"],
  ["assets", "/assets", "admin"],
  ["assets-empty", "/assets", "empty"],
  ["asset", "/assets/web-1", "admin"],
  ["asset-pin", `/assets/web-1?dialog=pin&item=${hostKey}`, "admin"],
  ["asset-create", "/assets?dialog=create", "admin"],
  ["accounts", "/accounts", "admin"],
  ["account-secret", "/accounts?dialog=secret&item=admin%40core-sw-1", "admin"],
  ["policies", "/policies", "admin"],
  ["policy", "/policies/sre-root", "admin"],
  ["policy-text", "/policies/sre-root?tab=text", "admin"],
  ["policy-edit", "/policies/sre-root?dialog=edit", "admin"],
  ["policy-deny", "/policies/payments-freeze", "auditor"],
  ["users", "/users", "admin"],
  ["users-auditor", "/users", "auditor"],
  ["users-create", "/users?dialog=create", "admin"],
  ["user-link", "/users/ben?dialog=link", "admin", async (page) => { await page.getByRole("button", { name: "Make the link" }).click(); await page.getByText("Works until").waitFor(); }],
  ["user", "/users/ben", "admin"],
  ["user-menu", "/users/ben", "auditor", async (page) => { await page.getByRole("button", { name: "More actions" }).click(); }],
  ["groups", "/groups", "admin"],
  ["group-edit", "/groups?dialog=edit&item=leads", "admin"],
  ["roles", "/roles", "admin"],
  ["scopes", "/scopes", "admin"],
  ["audit", "/audit", "admin"],
  ["audit-event", `/audit?item=${event}`, "admin", async (page) => { await page.getByRole("button", { name: "Prove that it is in the ledger" }).click(); await page.getByText("In the ledger").first().waitFor(); }],
  ["vault", "/vault", "admin"],
  ["vault-sealed", "/vault?dialog=unseal", "sealed"],
  ["status", "/status", "admin"],
  ["profile", "/profile", "admin"],
  ["profile-logins", "/profile?tab=logins", "admin"],
  ["profile-tokens", "/profile?tab=tokens&dialog=add-token", "admin"],
  ["profile-me", "/profile?tab=me", "admin"],
  ["palette", "/", "admin", async (page) => { await page.keyboard.press("Control+k"); await page.getByRole("combobox").fill("web-1"); await page.waitForTimeout(500); }],
  ["step-up", "/requests", "step-up", async (page) => { await page.getByRole("button", { name: /^Approve/ }).first().click(); await page.getByRole("dialog").getByRole("button", { name: "Approve" }).click(); await page.getByLabel("One-time code").waitFor(); }],
  ["broken", "/sessions", "broken"],
  ["forbidden", "/audit", "user"],
  ["not-found", "/nowhere", "admin"],
].filter(([name]) => !ONLY || name.match(ONLY));

if (!ONLY) await rm(OUT, { recursive: true, force: true });
await mkdir(OUT, { recursive: true });
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions", "--no-first-run"],
});

const findings = [];
const complaints = [];
const shots = [];
async function shoot(theme, width) {
  const context = await browser.newContext({ viewport: { width, height: width < 600 ? 844 : 900 }, isMobile: width < 600, hasTouch: width < 600, colorScheme: theme, locale: "en-GB", timezoneId: "Europe/Berlin", reducedMotion: "reduce", permissions: ["clipboard-read", "clipboard-write"] });
  for (const [name, address, as, act] of PAGES) {
    const id = `${name}-${theme}-${width}`;
    await context.clearCookies();
    await context.addCookies([{ name: "mock", value: as, url: base }]);
    const page = await context.newPage();
    page.on("pageerror", (error) => complaints.push(`${id}: ${error.message}`));
    page.on("console", (message) => {
      if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) complaints.push(`${id}: ${message.text()}`);
    });
    try {
      await page.goto(base + address);
      await page.waitForLoadState("load");
      await page.locator("h1, h2, p").first().waitFor({ timeout: 8000 });
      await page.locator(".skeleton").first().waitFor({ state: "detached", timeout: 8000 }).catch(() => complaints.push(`${id}: still loading`));
      await act?.(page);
      await page.waitForTimeout(250);
    } catch (error) {
      complaints.push(`${id}: ${error.message.split("\n")[0]}`);
    }
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    if (wide > 0) complaints.push(`${id}: ${wide} px wider than the screen`);
    const file = `${id}.png`;
    await page.screenshot({ path: join(OUT, file) });
    shots.push({ name, theme, width, file });
    await page.evaluate(AXE);
    const { violations } = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"] }));
    for (const violation of violations) for (const node of violation.nodes) findings.push({ id, rule: violation.id, impact: violation.impact, target: node.target.join(" "), help: node.failureSummary?.split("\n")[1]?.trim() ?? violation.help });
    await page.close();
  }
  await context.close();
}
await Promise.all(THEMES.flatMap((theme) => WIDTHS.map((width) => shoot(theme, width))));

const sheet = `<!doctype html><meta charset="utf-8"><title>Pictures</title><style>body{font:13px sans-serif;margin:24px;background:#888}figure{display:inline-block;margin:8px;vertical-align:top}img{display:block;height:420px}</style>${shots.map((shot) => `<figure><a href="${shot.file}"><img src="${shot.file}" loading="lazy"></a><figcaption>${shot.name} · ${shot.theme} · ${shot.width}</figcaption></figure>`).join("")}`;
await writeFile(join(OUT, "index.html"), sheet);
await writeFile(join(OUT, "axe.json"), JSON.stringify(findings, null, 1));
// A sheet for each theme and width, to look at all of it at once.
for (const theme of THEMES) {
  for (const width of WIDTHS) {
    const some = shots.filter((shot) => shot.theme === theme && shot.width === width);
    const page = await browser.newPage({ viewport: { width: 1800, height: 1000 } });
    const images = await Promise.all(some.map(async (shot) => `<figure style="display:inline-block;margin:6px"><img style="height:${width < 600 ? 520 : 270}px" src="data:image/png;base64,${(await readFile(join(OUT, shot.file))).toString("base64")}"><figcaption>${shot.name}</figcaption></figure>`));
    await page.setContent(`<body style="margin:8px;background:#777;font:12px sans-serif">${images.join("")}</body>`);
    await page.screenshot({ path: join(OUT, `sheet-${theme}-${width}.png`), fullPage: true });
    await page.close();
  }
}
await browser.close();
await server.close();

const serious = findings.filter((each) => each.impact === "serious" || each.impact === "critical");
const rules = new Map();
for (const each of findings) {
  const key = `${each.impact} ${each.rule} ${each.target}`;
  const known = rules.get(key) ?? { ...each, pages: [] };
  known.pages.push(each.id);
  rules.set(key, known);
}
for (const each of rules.values()) console.log(`axe ${each.impact} ${each.rule}: ${each.target} (${each.pages.length}: ${each.pages.slice(0, 3).join(", ")}) ${each.help}`);
for (const text of new Set(complaints)) console.log(`page ${text}`);
console.log(`pictures=${shots.length} axe_serious=${serious.length} axe_all=${findings.length} complaints=${complaints.length}`);
process.exit(serious.length + complaints.length > 0 ? 1 : 0);
