#!/usr/bin/env node
// The demo world: Postern, an OpenSSH server on a small machine of its own and a PostgreSQL of its own,
// with people, accounts and policies in it. Everything is set up through Postern's own command line and
// API; everything lies in target/demo. Ctrl-C takes all of it down. `make run` starts this.

import { execFileSync, spawn } from "node:child_process";
import { createHmac, randomBytes } from "node:crypto";
import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const folder = path.join(root, "target/demo");
const binary = process.env.POSTERN_BIN ?? path.join(root, "target/release/postern");
const https = process.env.POSTERN_HTTPS ?? "127.0.0.1:8443";
const ssh = process.env.POSTERN_SSH ?? "127.0.0.1:2222";
const webPort = Number(process.env.DEMO_WEB_PORT ?? 22022);
const dbPort = Number(process.env.DEMO_DB_PORT ?? 25432);

const data = path.join(folder, "data");
const ca = path.join(data, "ca.pem");
const statePath = path.join(folder, "state.json");
const STEP_SECONDS = 30;
/** Policy asks for a second factor of the last 12 hours; it is proved again well before that. */
const FACTOR_FRESH_MS = 4 * 3600 * 1000;

const children = [];
let stopping = false;

// ---- small things ----

function fail(message) {
  console.error(`demo: ${message}`);
  stop(1);
}

const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function until(what, condition) {
  for (let tries = 0; tries < 1200; tries++) {
    const found = await condition();
    if (found) return found;
    if (stopping) return undefined;
    await sleep(50);
  }
  throw new Error(`waited in vain for ${what}`);
}

function reachable(port, host = "127.0.0.1") {
  return new Promise((resolve) => {
    const socket = net.connect({ port, host });
    socket.on("connect", () => socket.destroy() && resolve(true));
    socket.on("error", () => resolve(false));
  });
}

function write(file, text, mode = 0o600) {
  fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  fs.writeFileSync(file, text, { mode });
}

const password = () => randomBytes(18).toString("base64url");

// ---- what is kept between starts ----

const state = fs.existsSync(statePath) ? JSON.parse(fs.readFileSync(statePath, "utf8")) : {};

function keep() {
  write(statePath, JSON.stringify(state, null, 2));
}

// ---- processes ----

/** Starts something that ends with us, whatever ends us. */
function start(name, command, args, stopSignal) {
  const log = fs.openSync(path.join(folder, `${name}.log`), "a", 0o600);
  const env = { ...process.env, DIE_WITH_PARENT: "1" };
  const child = spawn(command, args, { cwd: root, env, stdio: ["ignore", log, log], detached: true });
  fs.closeSync(log);
  const entry = { name, child, stopSignal, ended: false };
  children.push(entry);
  child.on("error", (error) => fail(`${name} cannot be started: ${error.message}`));
  child.on("exit", (code, signal) => {
    entry.ended = true;
    if (!stopping) fail(`${name} ended (${signal ?? code}); its log is ${path.join(folder, `${name}.log`)}`);
  });
  return entry;
}

/** In the order in which they were started, last first: Postern goes before what it leads to. */
async function stop(code) {
  if (stopping) return;
  stopping = true;
  for (const entry of [...children].reverse()) {
    if (entry.ended || entry.child.pid === undefined) continue;
    entry.child.kill(entry.stopSignal);
    for (let tries = 0; tries < 600 && !entry.ended; tries++) await sleep(50);
    if (!entry.ended) entry.child.kill("SIGKILL");
  }
  process.exit(code);
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => {
    console.log("\nstopping");
    stop(0);
  });
}

// ---- people ----

function base32(text) {
  let bits = "";
  for (const char of text.replace(/=+$/, "")) {
    bits += "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(char).toString(2).padStart(5, "0");
  }
  return Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
}

/** A one-time code that was not used yet; each counts once. */
async function code(person) {
  const now = () => Math.floor(Date.now() / 1000 / STEP_SECONDS);
  const step = await until("a fresh one-time code", () => {
    const next = Math.max((person.step ?? 0) + 1, now() - 1);
    return next <= now() + 1 && next;
  });
  person.step = step;
  keep();
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const tag = createHmac("sha1", base32(person.secret)).update(counter).digest();
  const word = tag.readUInt32BE(tag[19] & 15) & 0x7fffffff;
  return String(word % 1_000_000).padStart(6, "0");
}

function postern(person, args, input = "") {
  const env = { ...process.env, POSTERN_CONFIG_DIR: path.join(folder, "people", person) };
  return execFileSync(binary, args, { env, input, encoding: "utf8", stdio: ["pipe", "pipe", "pipe"] });
}

async function signIn(name) {
  const person = state[name];
  const args = ["login", "--server", `https://${https}`, "--ca", ca, "--user", name, "--password-stdin"];
  postern(name, [...args, "--otp", await code(person)], person.password);
}

async function api(method, route, body) {
  // Node takes an authority from its environment only, read at its start: curl is asked instead of it.
  const args = ["--silent", "--show-error", "--cacert", ca, "-X", method, `https://${https}${route}`];
  if (body) args.push("-H", "Content-Type: application/json", "--data-binary", "@-", "--fail");
  const said = execFileSync("curl", args, { input: body ? JSON.stringify(body) : "", encoding: "utf8" });
  return said ? JSON.parse(said) : {};
}

/** Enrols somebody by their one-time link, as its page in the console does. */
async function enrol(name, link) {
  const route = `/v1/links/${link.split("/").pop()}`;
  const offered = await api("GET", route);
  state[name] = { password: password(), secret: offered.totp.secret };
  await api("POST", route, { password: state[name].password, code: await code(state[name]) });
  keep();
}

function isReady() {
  try {
    execFileSync("curl", ["--silent", "--fail", "--cacert", ca, `https://${https}/readyz`], { stdio: "pipe" });
    return true;
  } catch {
    return false;
  }
}

// ---- the world ----

async function checkPorts() {
  const wanted = [
    [https, "POSTERN_HTTPS"],
    [ssh, "POSTERN_SSH"],
    [`127.0.0.1:${webPort}`, "DEMO_WEB_PORT"],
    [`127.0.0.1:${dbPort}`, "DEMO_DB_PORT"],
  ];
  for (const [address, variable] of wanted) {
    const [host, port] = address.split(":");
    if (await reachable(Number(port), host)) {
      throw new Error(`something listens on ${address} already: end it, or choose another with ${variable}=...`);
    }
  }
}

async function startTargets() {
  const web = path.join(folder, "web-1");
  const db = path.join(folder, "shop-db");
  fs.mkdirSync(web, { recursive: true });
  fs.mkdirSync(db, { recursive: true });
  state.deploy ??= password();
  state.app_admin ??= password();
  state.postgres ??= password();
  keep();
  write(path.join(web, "accounts"), `root:\ndeploy:${state.deploy}\n`);
  write(path.join(db, "passwords"), `postgres:${state.postgres}\napp_admin:${state.app_admin}\n`);
  start("web-1", "bash", ["scripts/ssh-target.sh", web, String(webPort), "web-1"], "SIGKILL");
  start("shop-db", "bash", ["scripts/pg-target.sh", db, String(dbPort)], "SIGINT");
  await until("web-1", () => reachable(webPort));
  await until("shop-db", () => reachable(dbPort));
}

async function startPostern() {
  if (!fs.existsSync(path.join(data, "vault.json"))) {
    fs.rmSync(data, { recursive: true, force: true });
    state.setup = { password: password() };
    const args = ["setup", "--data", data, "--admin", "setup", "--password-stdin", "-o", "json"];
    const shown = JSON.parse(postern("setup", args, state.setup.password));
    state.setup.secret = shown.totp_secret;
    delete state.ready;
    keep();
  }
  const args = ["serve", "--data", data, "--https", https, "--ssh", ssh];
  start("postern", "setpriv", ["--pdeathsig", "TERM", binary, ...args], "SIGTERM");
  await until("postern", () => fs.existsSync(ca) && isReady());
}

async function makeWorld() {
  await signIn("setup");
  const web = path.join(folder, "web-1");
  const access = fs
    .readFileSync(path.join(root, "demo/access.yaml"), "utf8")
    .replace("WEB_ADDRESS", `127.0.0.1:${webPort}`)
    .replace("DB_ADDRESS", `127.0.0.1:${dbPort}`)
    .replace("WEB_HOST_KEY", fs.readFileSync(path.join(web, "host_key.pub"), "utf8").trim());
  write(path.join(folder, "access.yaml"), access);
  postern("setup", ["apply", "-f", path.join(folder, "access.yaml")]);
  // root@web-1 has no secret: web-1 trusts the certificates that Postern signs for each session.
  write(path.join(web, "user_ca.pub"), postern("setup", ["ssh-ca"]), 0o644);
  postern("setup", ["account", "set-secret", "deploy@web-1", "--password-stdin"], state.deploy);
  postern("setup", ["account", "set-secret", "app_admin@shop-db", "--password-stdin"], state.app_admin);
  const made = (name, ...args) => JSON.parse(postern("setup", ["user", "create", name, "-o", "json", ...args]));
  await enrol("demo", made("demo", "--group", "developers").link.url);
  await signIn("demo");
  const key = path.join(folder, "key");
  if (!fs.existsSync(key)) execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "demo", "-f", key]);
  postern("demo", ["ssh-key", "add", `${key}.pub`]);
  askForRoot();
  state.link = made("admin", "--role", "administrator=/", "--group", "leads").link.url;
  state.ready = true;
  keep();
}

/** Something for the administrator to answer. The command ends with 4: the request waits. */
function askForRoot() {
  const why = ["--reason", "The disk of web-1 is full", "--ticket", "DEMO-1"];
  try {
    postern("demo", ["request", "root@web-1", "--for", "1h", ...why]);
  } catch (error) {
    if (error.status !== 4) throw error;
  }
}

/** Proves a second factor over SSH with the demo user's key, so that the line we print works at once. */
async function proveFactor() {
  const [host, port] = ssh.split(":");
  const config = path.join(folder, "ssh_config");
  write(
    config,
    `Host ${host}
  Port ${port}
  IdentityFile "${path.join(folder, "key")}"
  IdentitiesOnly yes
  UserKnownHostsFile "${path.join(folder, "known_hosts")}"
  StrictHostKeyChecking accept-new
`,
  );
  if (state.provedAt && Date.now() - state.provedAt < FACTOR_FRESH_MS) return;
  const ask = path.join(folder, "askpass");
  write(ask, `#!/bin/sh\nprintf '%s\\n' "$DEMO_CODE"\n`, 0o700);
  const env = { ...process.env, SSH_ASKPASS: ask, SSH_ASKPASS_REQUIRE: "force", DEMO_CODE: await code(state.demo) };
  execFileSync("ssh", ["-F", config, `deploy@web-1@${host}`, "true"], { env, stdio: ["ignore", "pipe", "pipe"] });
  state.provedAt = Date.now();
  keep();
}

/** The link by which the administrator comes in; a new one when the old one ran out unused. */
async function adminLink() {
  const offered = await api("GET", `/v1/links/${state.link.split("/").pop()}`);
  if (offered.totp) return state.link;
  await signIn("setup");
  const admin = JSON.parse(postern("setup", ["user", "show", "admin", "-o", "json"]));
  if (admin.state !== "invited") return undefined;
  state.link = JSON.parse(postern("setup", ["user", "link", "admin", "-o", "json"])).url;
  keep();
  return state.link;
}

async function main() {
  if (process.getuid() !== 0) {
    throw new Error("the demo's servers have users of their own, which takes root: run `sudo node scripts/demo.mjs`");
  }
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  await checkPorts();
  console.log("starting web-1 (OpenSSH) and shop-db (PostgreSQL)");
  await startTargets();
  console.log("starting Postern");
  await startPostern();
  if (!state.ready) {
    console.log("making the demo's people, accounts and policies");
    await makeWorld();
  }
  await proveFactor();
  const link = await adminLink();
  const host = ssh.split(":")[0];
  const line = `ssh -F ${path.join(folder, "ssh_config")}`;
  console.log(`
Postern is up, with a demo world beside it.

  console   https://${https}
  set up    ${link ?? "done: sign in as admin"}
  ssh       ${line} deploy@web-1@${host}

${link ? "The set-up link works once and makes you the administrator `admin`. " : ""}In the console a request of the user
demo for root@web-1 waits for an answer; after your yes:  ${line} root@web-1@${host}
The browser will warn until it trusts ${ca}
Ctrl-C ends everything; target/demo keeps the data.`);
}

main().catch((error) => {
  const said = error.stderr ? `: ${String(error.stderr).trim()}` : "";
  fail(`${error.message.split("\n")[0]}${said}`);
});
