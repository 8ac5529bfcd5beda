import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { fillMonth } from "./fill";
import type { Person } from "./person";
import { Postgres } from "./postgres";
import { until } from "./process";
import { Psql } from "./psql";
import { itemsOf, textOf, valueOf } from "./read";
import { Ssh } from "./ssh";
import { World } from "./world";
import type { Document } from "./world";

const range = (length: number) => Array.from({ length }, (_, index) => index + 1);

function asset(name: string, platform: string, scope: string, port: number, labels: Record<string, string>): Document {
  return { kind: "Asset", name, platform, scope, address: `${name}.example.test:${port}`, labels };
}

/** A company's worth of things, none of which is reachable but `web-1` and `web-2`. */
function documents(address: string): Document[] {
  const webs = range(44).map((n) => n + 2);
  return [
    { kind: "Asset", name: "web-2", platform: "linux", scope: "/emea", address, labels: { env: "staging", tier: "web" } },
    ...webs.map((n) => asset(`web-${n}`, "linux", n % 3 === 0 ? "/emea/retail" : "/emea", 22, { env: n % 4 === 3 ? "staging" : "prod", tier: "web" })),
    asset("core-sw-1", "network_device", "/apac", 22, { env: "prod", site: "sin-1" }),
    asset("ledger-db", "postgresql", "/emea/payments", 5432, { env: "prod", tier: "data", pci: "yes" }),
    asset("reports-db", "mysql", "/emea/retail", 3306, { env: "prod", tier: "data" }),
    asset("session-cache", "redis", "/emea", 6379, { env: "prod", tier: "data" }),
    { kind: "Account", account: "root@web-2", credential: "ssh_certificate" },
    ...webs.flatMap((n) => [{ kind: "Account", account: `root@web-${n}`, credential: "ssh_certificate" }, { kind: "Account", account: `deploy@web-${n}`, credential: "ssh_key" }]),
    { kind: "Account", account: "admin@core-sw-1", credential: "password" },
    { kind: "Account", account: "app_admin@ledger-db", credential: "password" },
    { kind: "Account", account: "app_admin@reports-db", credential: "password" },
    { kind: "Group", name: "sre", description: "People on call" },
    { kind: "Group", name: "dba", description: "People who keep the databases" },
    { kind: "Group", name: "netops" },
    { kind: "Role", name: "vault-keeper", permissions: ["vault:read", "vault:manage", "status:read"] },
    {
      kind: "Policy", name: "sre-root", scope: "/emea", description: "Root on production for the people on call: by request, approved by a lead, tied to a ticket.", access: "request",
      subjects: { groups: ["sre"] }, accounts: { names: ["root"], labels: { env: "prod" } },
      conditions: { networks: ["127.0.0.0/8", "10.0.0.0/8"], hours: [{ days: ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], from: "00:00", to: "24:00", zone: "Europe/Berlin" }] },
      obligations: { capabilities: ["shell", "exec", "sftp_read"], mfa_max_age: "4h", approval: { count: 2, groups: ["leads"] }, ticket_pattern: "(CHG|INC)-[0-9]+", max_duration: "4h", idle: "15m", concurrent_sessions: 2 },
    },
    { kind: "Policy", name: "sre-deploy", scope: "/emea", description: "The deployment account, at once.", access: "request", subjects: { groups: ["sre"] }, accounts: { names: ["deploy"] }, obligations: { capabilities: ["shell", "exec", "sftp_read", "sftp_write"], mfa_max_age: "12h", max_duration: "8h" } },
    { kind: "Policy", name: "staging-root", scope: "/emea", description: "Root on staging at any time.", access: "standing", subjects: { groups: ["sre"] }, accounts: { names: ["root"], labels: { env: "staging" } }, obligations: { capabilities: ["shell", "exec"], mfa_max_age: "12h", reason_required: false, max_duration: "8h" } },
    { kind: "Policy", name: "netops-standing", scope: "/apac", description: "Switches in working hours.", access: "standing", subjects: { groups: ["netops"] }, accounts: { names: ["admin"] }, obligations: { capabilities: ["shell"], mfa_max_age: "12h", reason_required: false, max_duration: "4h", idle: "10m" } },
    { kind: "Policy", name: "payments-freeze", scope: "/emea/payments", description: "Nobody touches payments while the books close.", effect: "deny", subjects: { groups: ["sre"] }, accounts: { labels: { pci: "yes" } } },
    { kind: "Policy", name: "audit-read", scope: "/emea", description: "The auditors' own look at retail, whoever they are.", access: "standing", subjects: { attributes: { department: "audit" } }, accounts: { names: ["deploy"], assets: ["web-9"] }, obligations: { capabilities: ["sftp_read"], mfa_max_age: "1h", max_duration: "1h" } },
    { kind: "Policy", name: "dba-ledger", scope: "/emea/payments", description: "The ledger's database for its keepers.", access: "request", subjects: { groups: ["dba"] }, accounts: { names: ["app_admin"] }, obligations: { capabilities: ["shell"], mfa_max_age: "1h", approval: { count: 1, groups: ["leads"] }, max_duration: "2h" } },
  ];
}

async function sessions(world: World, ben: Person): Promise<[ended: string, altered: string, live: string]> {
  const first = await Ssh.open(ben, "deploy@web-1");
  await first.run("hostname; uptime");
  await first.run("ls --color=always -la / | tail -n 12");
  await first.run("seq -f 'web-1 worker %g: ready' 1 12");
  await first.leave();
  const second = await Ssh.open(ben, "deploy@web-1");
  await second.run("id");
  await second.leave();
  const third = await Ssh.open(ben, "deploy@web-1");
  await third.run("ls -la /etc | head -20");
  await third.run("cat /etc/shadow | head -1");
  await third.run("unset HISTFILE; tmux ls");
  // The newest comes first.
  const [live = "", altered = "", ended = ""] = itemsOf(await world.ada.expect("GET", "/v1/sessions?limit=3")).map((each) => textOf(each, "id"));
  alter(world, altered);
  return [ended, altered, live];
}

/** Changes one byte of a recording on disk, as somebody would who has the disk and not the keys. */
function alter(world: World, session: string): void {
  const folder = join(world.gate.data, "recordings");
  const name = readdirSync(folder, { recursive: true, encoding: "utf8" }).find((each) => each.includes(session));
  if (!name) throw new Error(`no recording of ${session} in ${folder}`);
  const bytes = readFileSync(join(folder, name));
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
  writeFileSync(join(folder, name), bytes);
}

/** What detection made of it: one is looked at, one was nothing, one waits. */
async function alerts(ada: Person, cleo: Person): Promise<string> {
  const raised = await until("alerts", async () => {
    const all = itemsOf(await ada.expect("GET", "/v1/alerts?state=open"));
    return all.some((each) => textOf(each, "rule") === "credentials.shadow") && all.length > 1 ? all : undefined;
  });
  const [looked = ""] = raised.filter((each) => textOf(each, "rule") === "credentials.shadow").map((each) => textOf(each, "id"));
  await ada.expect("POST", `/v1/alerts/${looked}/assign`, { to: cleo.name });
  await ada.expect("POST", `/v1/alerts/${looked}/comment`, { text: "He reads the head of it only; is that in a runbook?" });
  const [nothing = ""] = raised.map((each) => textOf(each, "id")).filter((id) => id !== looked);
  await ada.expect("POST", `/v1/alerts/${nothing}/close`, { verdict: "false", comment: "Nothing secret was typed there." });
  return looked;
}

/** The key that an asset has presented, once it has. */
function seen(ada: Person, asset: string): Promise<string> {
  return until(`a key of ${asset}`, async () => {
    const [key] = itemsOf(await ada.expect("GET", `/v1/assets/${asset}/host-keys`));
    return key === undefined ? undefined : textOf(key, "fingerprint");
  });
}

/** Lets the database be looked at. */
async function discovered(ada: Person, postgres: Postgres): Promise<string> {
  await ada.expect("PUT", "/v1/assets/orders/connector", { discovery_account: "app_admin", certificates: postgres.certificate });
  const id = await ada.read("POST", "/v1/discoveries", { assets: ["orders"] }, "id");
  await until("the discovery to be over", async () => (await ada.read("GET", `/v1/discoveries/${id}`, undefined, "state")) !== "running" || undefined);
  return id;
}

/** Uses the database; the last statement waits for a yes. */
async function queried(world: World, dan: Person): Promise<{ ended: string; live: string }> {
  const open = async () => {
    const ticket = await dan.expect("POST", "/v1/connect-tokens", { account: "app_admin@orders" });
    const line = `psql 'host=127.0.0.1 port=${world.gate.pgPort} user=app_admin@orders dbname=shop sslmode=verify-full sslrootcert=${join(world.gate.data, "ca.pem")}'`;
    return Psql.start(line, textOf(ticket, "token"), world.gate.folder);
  };
  const first = await open();
  for (const [sql, shown] of QUERIES) {
    first.type(sql);
    await first.shows(shown);
  }
  await first.leave();
  const second = await open();
  second.type("select count(*) from customer;");
  await second.shows(/^\d+$/m);
  second.type("delete from customer\n where id in (select id from customer order by id limit 1);");
  await until("the statement to wait", async () => itemsOf(await world.ada.expect("GET", "/v1/statements")).length > 0 || undefined);
  const sessions = itemsOf(await world.ada.expect("GET", "/v1/sessions?account=app_admin%40orders&limit=2"));
  const [live = "", ended = ""] = sessions.map((each) => textOf(each, "id"));
  return { live, ended };
}

const QUERIES: [string, RegExp][] = [
  ["select version();", /PostgreSQL/],
  ["select id, name\n  from customer\n order by id\n limit 3;", /\|/],
  ["select * from invoices;", /does not exist/],
  ["drop table customer;", /no-ddl/],
  ["begin; update customer set name = name where id = 1; rollback;", /ROLLBACK/],
];

/** A world with enough in it that pages look as they will. */
export class Estate {
  private constructor(
    readonly world: World,
    /** Asks for access. */
    readonly ben: Person,
    /** Approves. */
    readonly cleo: Person,
    /** Reads everything and changes nothing. */
    readonly esra: Person,
    /** Has nothing yet. */
    readonly newcomer: Person,
    /** A request of ben's that waits. */
    readonly request: string,
    /** Sessions: one that is over, one that is live, one whose recording was changed on disk. */
    readonly ended: string,
    readonly live: string,
    readonly altered: string,
    /** Paths of one-time links that nobody has used. */
    readonly links: { enrol: string },
    /** The fingerprint of a key that web-2 has presented and nobody has decided on. */
    readonly seenKey: string,
    /** Uses the database. */
    readonly dan: Person,
    /** Sessions with the database: one that is over, one in which a statement waits. */
    readonly database: { ended: string; live: string },
    /** A discovery that is over. */
    readonly discovery: string,
    readonly postgres: Postgres,
    /** An access review that can be answered. */
    readonly review: string,
    /** An alert that somebody looks at. */
    readonly alert: string,
  ) {}

  async end(): Promise<void> {
    await this.postgres.remove();
    await this.world.end();
  }

  static async start(): Promise<Estate> {
    const [world, postgres] = await Promise.all([World.start(), Postgres.start()]);
    const { ada } = world;
    await postgres.declare(world);
    for (const path of ["/emea", "/emea/payments", "/emea/retail", "/apac"]) await ada.expect("POST", "/v1/scopes", { path });
    await world.apply(documents(`127.0.0.1:${world.target.port}`));
    const user = (role: string, scope: string) => ({ role, scope });
    const ben = await world.person("ben", { email: "ben@example.test", groups: ["sre", "developers"] });
    const cleo = await world.person("cleo", { email: "cleo@example.test", groups: ["leads", "sre"], roles: [user("user", "/")] });
    const esra = await world.person("esra", { email: "esra@example.test", roles: [user("auditor", "/")] });
    const newcomer = await world.person("noor", { email: "noor@example.test", scope: "/apac" });
    const enrol = await ada.read("POST", "/v1/users", { name: "vendor-hvac", email: "hvac@example.test", scope: "/emea" }, "link", "url");
    await ada.expect("POST", "/v1/users", { name: "gus", scope: "/emea", groups: ["sre"] });
    const vendor = { sponsor: "cleo", company: "Lift and Shaft Ltd", ends_at: new Date(Date.now() + 60 * 86_400_000).toISOString(), networks: ["192.0.2.0/24"], hours: [{ days: ["mon", "tue", "wed", "thu", "fri"], from: "08:00", to: "17:00", zone: "Europe/Berlin" }] };
    await ada.expect("POST", "/v1/users", { name: "lift-tech", email: "tech@lift.example.test", scope: "/emea", vendor });
    await ada.expect("POST", "/v1/users", { name: "ben-adm", scope: "/emea", identity: "ben" });
    await ada.expect("PATCH", "/v1/users/gus", { state: "disabled" });
    await ada.expect("PATCH", "/v1/users/esra", { attributes: { department: "audit" } });
    const ask = (account: string, reason: string, ticket: string, hours: number) => ben.read("POST", "/v1/requests", { account, reason, ticket, duration_seconds: hours * 3600 }, "id");
    const request = await ask("root@web-4", "Disk is at 97 % since the log rotation broke; move old logs aside and fix the unit.", "CHG-4821", 2);
    await cleo.expect("POST", `/v1/requests/${request}/approve`, { reason: "Call me before you restart anything." });
    await ask("root@web-8", "Look at the kernel's out-of-memory reports of last night.", "INC-2080", 1);
    const refused = await ask("root@web-5", "testing", "CHG-1", 4);
    await cleo.expect("POST", `/v1/requests/${refused}/deny`, { reason: "Say what you are testing, and use staging." });
    await ask("root@web-1", "Patch window", "CHG-4900", 2);
    for (const n of [3, 4, 5, 6]) await ben.expect("POST", "/v1/requests", { account: `deploy@web-${n}`, reason: "Release 2026.11", duration_seconds: 3600 });
    const [ended, altered, live] = await sessions(world, ben);
    await Ssh.open(ben, "root@web-2").catch(() => undefined);
    const seenKey = await seen(ada, "web-2");
    const dan = await world.person("dan", { email: "dan@example.test", groups: ["dba"] });
    const discovery = await discovered(ada, postgres);
    const database = await queried(world, dan);
    const taken = await dan.read("POST", "/v1/checkouts", { account: "app_admin@orders", reason: "The vendor's migration tool signs in by itself" }, "checkout", "id").catch(() => "");
    if (!taken) throw new Error("nothing is checked out");
    await ada.expect("POST", "/v1/request-templates", { name: "Patch window", scope: "/emea", wish: { accounts: ["root@web-1"], duration_seconds: 7200, reason: "Patches of the month", ticket: "CHG-4900" } });
    await ben.expect("POST", "/v1/request-templates", { name: "Look at the logs", wish: { accounts: ["deploy@web-3", "deploy@web-4"], duration_seconds: 1800, reason: "Somebody complained; look at what the servers say" } });
    for (const kind of ["pci-dss", "inventory"]) await ada.expect("POST", "/v1/reports", { kind });
    await ada.expect("POST", "/v1/report-schedules", { kind: "sox", every: "quarter" });
    const review = await ada.read("POST", "/v1/reviews", { name: "Privileged access, autumn", scope: "/", plan: { reviewers: { users: ["ada"], owners: true }, seconds: 14 * 86_400, every_days: 90 } }, "id");
    const group = itemsOf(await ada.expect("GET", `/v1/reviews/${review}/items?kind=policy_group`)).map((each) => Number(valueOf(each, "number")));
    await ada.expect("POST", `/v1/reviews/${review}/decide`, { items: group.slice(0, 2), decision: "keep", reason: "On call" });
    await world.apply([{
      kind: "Policy", name: "retail-emergency", scope: "/emea", description: "Root in retail when it burns.", access: "request", subjects: { users: ["dan"] }, accounts: { names: ["root"], assets: ["web-9", "web-12"] },
      obligations: { ticket_pattern: "INC-[0-9]+", max_duration: "1h", break_glass: { review_within: "24h" } },
    }]);
    await dan.expect("POST", "/v1/requests", { account: "root@web-9", reason: "Checkout is down in every shop; nobody on call answers", ticket: "INC-3391", duration_seconds: 1800, break_glass: true });
    const alert = await alerts(ada, cleo);
    fillMonth(world.gate);
    return new Estate(world, ben, cleo, esra, newcomer, request, ended, live, altered, { enrol: new URL(enrol).pathname }, seenKey, dan, database, discovery, postgres, review, alert);
  }
}
