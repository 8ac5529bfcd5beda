import type { Locator, Page } from "playwright-core";

import type { Estate } from "../harness/estate";

export type Who = "ada" | "ben" | "dan" | "cleo" | "esra" | "newcomer" | "nobody";

export interface Shot {
  name: string;
  path: string;
  who: Who;
  /** What is done before it is looked at. */
  act?: (page: Page) => Promise<unknown>;
  /** What the server is made to say, for states that the real one is not in. */
  answer?: { url: string; status: number; body: unknown };
}

const type = (page: Page, label: string, text: string) => page.getByLabel(label, { exact: true }).fill(text);
const press = (page: Page, name: string | RegExp) => page.getByRole("button", { name }).first().click();
const problem = (status: number, code: string, detail: string) => ({ status, body: { type: `/problems/${code}`, title: "Problem", status, code, detail } });

/** Has something tell what it has to tell; a list that is read anew meanwhile takes that away, and it is asked again. */
async function told(page: Page, what: Locator) {
  for (let tries = 1; ; tries += 1) {
    await what.focus();
    try {
      await page.getByRole("tooltip").waitFor({ timeout: 2000 });
      return;
    } catch (error) {
      if (tries === 8) throw error;
      await what.blur();
    }
  }
}

async function openTerminal(page: Page) {
  await press(page, "Open a terminal on deploy@web-1");
  await page.getByText("connected", { exact: true }).waitFor();
  await page.waitForTimeout(500);
  await page.keyboard.type("ls -la /etc | head -n 8; uptime\n");
  await page.waitForTimeout(700);
}

async function openSql(page: Page, text: string, side: string) {
  // What an earlier picture has opened is attached to again.
  if ((await page.getByRole("button", { name: "Open the console" }).count()) > 0) {
    await page.getByLabel("Database").fill("shop");
    await press(page, "Open the console");
  }
  await page.getByText("connected", { exact: true }).waitFor();
  await page.getByRole("textbox", { name: "Statements" }).fill(text);
  await page.keyboard.press("Control+Enter");
  await page.getByText(/^\d+ rows?( ·|$)|no-ddl/).first().waitFor();
  await press(page, side);
  if (side === "Tables") {
    await press(page, "Show the tables");
    await press(page, "Columns of public.customer");
  }
}

/** Every page of the console, and the states that it can be in. */
export function shots({ request, ended, live, altered, links, seenKey, database, discovery, review, alert }: Estate): Shot[] {
  return [
    { name: "sign-in", path: "/sign-in", who: "nobody" },
    { name: "sign-in-code", path: "/sign-in", who: "nobody", act: async (page) => { await type(page, "User name", "ada"); await type(page, "Password", "correct horse battery staple"); await press(page, "Sign in"); await page.getByLabel("One-time code").waitFor(); } },
    { name: "sign-in-failed", path: "/sign-in?next=%2Faudit", who: "nobody", act: async (page) => { await type(page, "User name", "nobody"); await type(page, "Password", "wrong"); await press(page, "Sign in"); await page.getByRole("alert").waitFor(); } },
    { name: "enrol", path: links.enrol, who: "nobody", act: (page) => type(page, "Password", "correct horse battery") },
    { name: "enrol-passkey", path: links.enrol, who: "nobody", act: async (page) => { await page.getByRole("button", { name: "Make a passkey" }).scrollIntoViewIfNeeded(); } },
    { name: "link-gone", path: "/enrol/gone", who: "nobody" },
    { name: "home", path: "/", who: "ada" },
    { name: "home-user", path: "/", who: "ben" },
    { name: "home-approver", path: "/", who: "cleo" },
    { name: "home-empty", path: "/", who: "newcomer" },
    { name: "access", path: "/access", who: "ben" },
    { name: "access-none", path: "/access", who: "newcomer" },
    { name: "access-filtered", path: "/access?q=nothing-like-this", who: "ben" },
    { name: "access-request", path: "/access?dialog=request&item=root%40web-6", who: "ben", act: (page) => press(page, "Send the request") },
    { name: "access-later", path: "/access?dialog=request&item=root%40web-6", who: "ben", act: (page) => type(page, "Begins", "2027-01-11T06:30") },
    { name: "access-connect", path: "/access?dialog=connect&item=app_admin%40orders", who: "dan", act: async (page) => { await type(page, "Database", "shop"); await press(page, "Make the token"); await page.getByText("Opens connections,").waitFor(); } },
    { name: "access-database", path: "/access?q=orders", who: "dan" },
    { name: "sql-open", path: "/sql?account=app_admin%40orders", who: "dan" },
    { name: "sql", path: "/sql?account=app_admin%40orders", who: "dan", act: (page) => openSql(page, "select id, name, name || '@example.com' as mail\n  from customer\n order by id", "Tables") },
    { name: "sql-refused", path: "/sql?account=app_admin%40orders", who: "dan", act: (page) => openSql(page, "drop table customer", "History") },
    { name: "access-checkout", path: "/access?dialog=checkout&item=app_admin%40orders", who: "dan" },
    { name: "break-glass", path: "/break-glass", who: "dan" },
    { name: "break-glass-admin", path: "/break-glass", who: "ada" },
    { name: "break-glass-review", path: "/break-glass", who: "ada", act: (page) => press(page, /^Review:/) },
    { name: "break-glass-ask", path: "/access?dialog=emergency&item=root%40web-12", who: "dan" },
    { name: "access-emergency", path: "/access?q=web-12", who: "dan" },
    { name: "checkouts", path: "/checkouts", who: "dan" },
    { name: "checkouts-admin", path: "/checkouts", who: "ada" },
    { name: "statements", path: "/requests?whose=statements", who: "cleo" },
    { name: "statements-deny", path: "/requests?whose=statements", who: "cleo", act: (page) => press(page, /^Deny/) },
    { name: "requests", path: "/requests", who: "cleo" },
    { name: "requests-mine", path: "/requests?whose=mine", who: "ben" },
    { name: "requests-all", path: "/requests?whose=all", who: "ada" },
    { name: "requests-empty", path: "/requests", who: "newcomer" },
    { name: "templates", path: "/requests?whose=templates", who: "ben" },
    { name: "templates-keep", path: "/requests?whose=templates&dialog=template", who: "ada" },
    { name: "requests-deny", path: "/requests", who: "cleo", act: (page) => press(page, /^Deny/) },
    { name: "request", path: `/requests/${request}`, who: "cleo" },
    { name: "reports", path: "/reports", who: "ada" },
    { name: "reports-run", path: "/reports?dialog=run", who: "ada" },
    { name: "reports-schedule", path: "/reports?dialog=schedule", who: "ada" },
    { name: "retention-place", path: "/retention?dialog=place", who: "ada" },
    { name: "retention", path: "/retention?dialog=place", who: "ada", act: async (page) => { await type(page, "For", "Matter 2026-114"); await type(page, "User", "ben"); await page.getByRole("dialog").getByRole("button", { name: "Place a hold" }).click(); await page.getByText("in force").first().waitFor(); } },
    { name: "reviews", path: "/reviews", who: "ada" },
    { name: "reviews-start", path: "/reviews?dialog=start", who: "ada" },
    { name: "review", path: `/reviews/${review}?whose=all`, who: "ada" },
    { name: "review-attributes", path: `/reviews/${review}?whose=all&q=department`, who: "ada" },
    { name: "review-decide", path: `/reviews/${review}?state=waiting`, who: "ada", act: async (page) => { await page.getByRole("checkbox").first().check(); await press(page, "Keep"); } },
    { name: "reviews-none", path: "/reviews", who: "newcomer" },
    { name: "grants", path: "/grants", who: "ada" },
    { name: "grants-revoke", path: "/grants", who: "ada", act: (page) => press(page, /^Revoke/) },
    { name: "terminals-none", path: "/terminals", who: "ada" },
    { name: "terminal-open", path: "/terminals?dialog=open", who: "ben" },
    { name: "terminal", path: "/access", who: "ben", act: openTerminal },
    { name: "terminal-files", path: "/access", who: "ben", act: async (page) => { await openTerminal(page); await press(page, "Files"); await page.getByLabel("Folder", { exact: true }).fill("/etc"); await page.keyboard.press("Enter"); await page.getByRole("button", { name: /^hosts \d/ }).waitFor(); } },
    { name: "sessions", path: "/sessions", who: "ada" },
    { name: "session-replay", path: `/sessions/${ended}`, who: "ada", act: async (page) => { await page.getByRole("list").getByRole("button", { name: /worker/ }).click(); await page.waitForTimeout(600); } },
    { name: "session-search", path: `/sessions/${ended}`, who: "ada", act: async (page) => { await type(page, "Search in the output", "web-1"); await page.getByText(/^[1-9]\d* hits?$/).waitFor(); } },
    { name: "session-live", path: `/sessions/${live}`, who: "ada", act: (page) => page.getByText("Live", { exact: true }).waitFor() },
    { name: "session-database-live", path: `/sessions/${database.live}`, who: "ada", act: (page) => page.getByText("Live", { exact: true }).waitFor() },
    { name: "session-database", path: `/sessions/${database.ended}`, who: "ada" },
    { name: "session-altered", path: `/sessions/${altered}`, who: "ada", act: (page) => page.getByText("altered").first().waitFor() },
    { name: "session-kill", path: `/sessions/${live}?dialog=kill`, who: "ada" },
    { name: "session-hidden", path: `/sessions/${ended}`, who: "newcomer" },
    { name: "assets", path: "/assets", who: "ada" },
    { name: "asset", path: "/assets/web-1", who: "ada" },
    { name: "asset-key", path: `/assets/web-2?dialog=pin&item=${encodeURIComponent(seenKey)}`, who: "ada" },
    { name: "asset-database", path: "/assets/orders", who: "ada" },
    { name: "asset-tags", path: "/assets/orders?dialog=edit", who: "ada" },
    { name: "asset-create", path: "/assets?dialog=create", who: "ada" },
    { name: "accounts", path: "/accounts", who: "ada" },
    { name: "account-secret", path: "/accounts?dialog=secret&item=admin%40core-sw-1", who: "ada" },
    { name: "rotations", path: "/rotations", who: "ada" },
    { name: "rotations-broken", path: "/rotations?state=broken", who: "ada" },
    { name: "discovery", path: "/discovery", who: "ada" },
    { name: "discovery-start", path: "/discovery?dialog=start", who: "ada" },
    { name: "discovery-run", path: `/discovery/${discovery}`, who: "ada" },
    { name: "inventory", path: "/discovery?tab=inventory", who: "ada" },
    { name: "findings", path: "/findings", who: "ada" },
    { name: "findings-accept", path: "/findings", who: "ada", act: async (page) => { await press(page, /^More actions/); await page.getByRole("menuitem", { name: "Accept for a time" }).click(); } },
    { name: "findings-menu", path: "/findings", who: "esra", act: (page) => press(page, /^More actions/) },
    { name: "account-rotate", path: "/accounts?dialog=rotate&item=admin%40core-sw-1", who: "ada" },
    { name: "policies", path: "/policies", who: "ada" },
    { name: "policy", path: "/policies/sre-root", who: "ada" },
    { name: "policy-text", path: "/policies/sre-root?tab=text", who: "ada" },
    { name: "policy-history", path: "/policies/sre-root?tab=history", who: "ada", act: (page) => page.getByText("As text").last().click() },
    { name: "policy-reach", path: "/policies/sre-root?account=root%40web-4&user=ben", who: "ada", act: (page) => page.getByRole("list", { name: "What each policy says" }).waitFor() },
    { name: "policy-use", path: "/policies/sre-deploy?tab=use", who: "ada" },
    { name: "right-size", path: "/right-size", who: "ada" },
    { name: "search", path: "/search", who: "ada" },
    { name: "search-found", path: "/search?q=echo", who: "ada" },
    { name: "search-wrong", path: "/search?q=owner:ada", who: "ada" },
    { name: "alerts", path: "/alerts", who: "ada" },
    { name: "alert", path: `/alerts?dialog=alert&item=${alert}`, who: "ada", act: (page) => page.getByRole("list", { name: "What was said" }).waitFor() },
    { name: "alerts-rules", path: "/alerts?tab=rules", who: "ada" },
    { name: "alerts-rule", path: "/alerts?tab=rules&dialog=rule&item=credentials.shadow", who: "ada", act: async (page) => { await press(page, "Try it"); await page.getByText(/It would have found/).first().waitFor(); } },
    { name: "alerts-basis", path: "/alerts?tab=rules&dialog=rule&item=access.unusual_hour", who: "esra" },
    { name: "alerts-write", path: "/alerts?tab=rules&dialog=apply", who: "ada" },
    { name: "alerts-forbidden", path: "/alerts?state=closed", who: "newcomer" },
    { name: "policy-edit", path: "/policies/sre-root/edit", who: "ada" },
    { name: "policy-edit-demands", path: "/policies/sre-root/edit", who: "ada", act: (page) => page.getByRole("heading", { name: "What binds them" }).evaluate((heading) => heading.scrollIntoView()) },
    { name: "policy-draft", path: "/policies/sre-root/edit?account=root%40web-4", who: "ada", act: async (page) => { await page.getByLabel("People by name").fill("esra"); await page.getByRole("list", { name: "Who can reach this?" }).getByText("esra").waitFor(); await page.getByRole("list", { name: "Who can reach this?" }).scrollIntoViewIfNeeded(); } },
    { name: "policy-risk", path: "/policies/sre-root/edit?account=root%40web-4&user=ben", who: "ada", act: async (page) => { const risk = page.getByLabel("Risk", { exact: true }); await risk.selectOption({ label: "low at most" }); const why = page.getByText("allows it at low risk at most").first(); await why.waitFor(); await why.evaluate((text) => text.scrollIntoView({ block: "center" })); } },
    { name: "policy-wrong", path: "/policies/sre-root/edit", who: "ada", act: async (page) => { const text = page.getByRole("textbox", { name: "As text" }); await text.fill((await text.inputValue()).replace("max_duration: 4h", "max_duration: soon")); await page.getByText(/^line \d+/).first().waitFor(); } },
    { name: "policy-new", path: "/policy-new", who: "ada" },
    { name: "policy-deny", path: "/policies/payments-freeze", who: "esra" },
    { name: "users", path: "/users", who: "ada" },
    { name: "users-auditor", path: "/users", who: "esra" },
    { name: "users-create", path: "/users?dialog=create", who: "ada" },
    { name: "user", path: "/users/ben", who: "ada" },
    { name: "user-privileged", path: "/users/ben-adm", who: "ada" },
    { name: "user-vendor", path: "/users/lift-tech", who: "ada" },
    { name: "user-vendor-terms", path: "/users/lift-tech?dialog=vendor", who: "ada" },
    { name: "user-menu", path: "/users/ben", who: "esra", act: (page) => press(page, "More actions") },
    { name: "user-link", path: "/users/vendor-hvac?dialog=link", who: "ada" },
    { name: "groups", path: "/groups", who: "ada" },
    { name: "group-edit", path: "/groups?dialog=edit&item=leads", who: "ada" },
    { name: "roles", path: "/roles", who: "ada" },
    { name: "scopes", path: "/scopes", who: "ada" },
    { name: "audit", path: "/audit", who: "ada" },
    { name: "audit-event", path: "/audit?item=3", who: "ada", act: async (page) => { await press(page, "Prove that it is in the ledger"); await page.getByText("In the ledger").first().waitFor(); } },
    { name: "vault", path: "/vault", who: "ada" },
    { name: "vault-seal", path: "/vault?dialog=seal", who: "ada" },
    { name: "status", path: "/status", who: "ada" },
    { name: "settings", path: "/settings", who: "ada" },
    { name: "settings-archive", path: "/settings", who: "ada", answer: { url: "**/v1/archive", status: 200, body: { url: "https://objects.example.test", bucket: "postern-archive", keep_seconds: 220_752_000, archived: 48_211, behind: 3, archived_at: "2026-11-26T04:00:00Z" } }, act: (page) => page.getByText("postern-archive").scrollIntoViewIfNeeded() },
    { name: "home-charts", path: "/", who: "ada", act: (page) => page.getByText("Assets that discovery has seen").scrollIntoViewIfNeeded() },
    { name: "home-history", path: "/", who: "ada", act: async (page) => { await page.getByText("As a table").first().click(); await page.getByRole("region", { name: "Sessions, as a table" }).scrollIntoViewIfNeeded(); } },
    { name: "requests-risk", path: "/requests", who: "cleo", act: (page) => told(page, page.getByRole("button", { name: /^Risk: / }).first()) },
    { name: "requests-approve", path: "/requests", who: "cleo", act: (page) => press(page, /^Approve/) },
    { name: "profile", path: "/profile", who: "ben" },
    { name: "profile-key", path: "/profile?dialog=add-key", who: "newcomer" },
    { name: "profile-passkeys", path: "/profile?tab=passkeys", who: "ben" },
    { name: "profile-passkey", path: "/profile?tab=passkeys&dialog=add-passkey", who: "ben" },
    { name: "profile-logins", path: "/profile?tab=logins", who: "ada" },
    { name: "profile-tokens", path: "/profile?tab=tokens&dialog=add-token", who: "ada" },
    { name: "profile-notices", path: "/profile?tab=notices", who: "cleo" },
    { name: "profile-me", path: "/profile?tab=me", who: "ada" },
    { name: "palette", path: "/", who: "ada", act: async (page) => { await page.keyboard.press("Control+k"); await page.getByRole("combobox").fill("web-1"); await page.waitForTimeout(500); } },
    { name: "step-up", path: "/requests", who: "cleo", answer: { url: "**/v1/requests/*/approve", ...problem(428, "step_up_required", "a fresh second factor is needed") }, act: async (page) => { await press(page, /^Approve/); await page.getByRole("dialog").getByRole("button", { name: "Approve" }).click(); await page.getByRole("heading", { name: "Prove it is you" }).waitFor(); } },
    { name: "broken", path: "/sessions", who: "ada", answer: { url: "**/v1/sessions?*", ...problem(500, "internal", "the database cannot be read: disk I/O error") } },
    { name: "sealed", path: "/sessions", who: "ada", answer: { url: "**/v1/sessions?*", ...problem(503, "sealed", "the vault is sealed") } },
    { name: "forbidden", path: "/audit", who: "newcomer" },
    { name: "not-found", path: "/nowhere", who: "ada" },
  ];
}
