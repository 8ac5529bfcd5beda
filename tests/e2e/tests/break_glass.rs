//! Break-glass, all three tiers, as somebody in an emergency meets them: real OpenSSH to a real sshd, through
//! the gate while Postern lives and straight to the target once it is dead; events told to a webhook, whose
//! signature `openssl` checks, to the SMTP server of Python's own library, and to a log server's port.
//! `cargo xtask drill` runs this and shows what it counted.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use postern_e2e::{Child, Gate, Person, Ran, Server, binary, free_port, run, run_with_input, until};
use serde_json::Value;

const START: &str = "Start-Pass.1";
const PASSPHRASE: &str = "a long passphrase of somebody";
const KEY: &str = "0123456789abcdef0123";

const SETUP: &str = "useradd -m -s /bin/bash deploy\necho deploy:Start-Pass.1 | chpasswd\n";

const ACCESS: &str = r#"
kind: Asset
name: unix-1
platform: linux
address: ADDRESS
host_keys: ["HOST_KEY"]
---
kind: Account
account: deploy@unix-1
credential: password
---
kind: Group
name: on-call
members: [ben]
---
kind: Group
name: leads
members: [cyd, dee]
roles: [{role: approver, scope: /}]
---
kind: Policy
name: emergency
subjects: {groups: [on-call]}
accounts: {names: [deploy]}
obligations:
  ticket_pattern: "INC-[0-9]+"
  max_duration: 1h
  break_glass: {review_by: [leads]}
"#;

/// The same in the degraded tier: a quorum has to agree.
const DEGRADED: &str = r#"
kind: Policy
name: emergency
subjects: {groups: [on-call]}
accounts: {names: [deploy]}
obligations:
  ticket_pattern: "INC-[0-9]+"
  max_duration: 1h
  approval: {count: 2, groups: [leads]}
  break_glass: {review_by: [leads]}
"#;

/// Where events arrive.
struct Receivers {
    hooks: Arc<Mutex<Vec<(String, String)>>>,
    lines: Arc<Mutex<String>>,
    mail: Child,
    mails: PathBuf,
}

impl Receivers {
    /// Starts them, and configures the gate to tell them.
    fn start(gate: &Gate) -> Self {
        let scratch = gate.scratch();
        let (hooks, lines) = (Arc::<Mutex<Vec<_>>>::default(), Arc::<Mutex<String>>::default());
        let hook = TcpListener::bind("127.0.0.1:0").unwrap();
        let log = TcpListener::bind("127.0.0.1:0").unwrap();
        let (hook_port, log_port) = (hook.local_addr().unwrap().port(), log.local_addr().unwrap().port());
        let heard = hooks.clone();
        std::thread::spawn(move || hook.incoming().flatten().for_each(|stream| take_hook(stream, &heard)));
        let heard = lines.clone();
        std::thread::spawn(move || {
            for mut stream in log.incoming().flatten() {
                let heard = heard.clone();
                std::thread::spawn(move || {
                    let mut part = [0; 4096];
                    while let Ok(length @ 1..) = stream.read(&mut part) {
                        heard.lock().unwrap().push_str(&String::from_utf8_lossy(&part[..length]));
                    }
                });
            }
        });
        let (mail_port, mails) = (free_port().unwrap(), scratch.join("mails"));
        let mut server = Command::new("python3");
        let place = format!("127.0.0.1:{mail_port}");
        server.args(["-u", "-W", "ignore", "-m", "smtpd", "-n", "-c", "DebuggingServer", &place]);
        server.stdin(Stdio::null()).stdout(fs::File::create(&mails).unwrap()).stderr(Stdio::null());
        let mail = Child::start(&mut server).unwrap();
        fs::write(scratch.join("hook.key"), format!("{KEY}\n")).unwrap();
        for place in ["safe-a", "safe-b"] {
            fs::create_dir(scratch.join(place)).unwrap();
        }
        let at = |name: &str| scratch.join(name).display().to_string();
        let config = format!(
            "[break_glass]\nplaces = [{a:?}, {b:?}]\n\n\
             [[channels]]\nname = \"hook\"\nkind = \"webhook\"\nurl = \"http://127.0.0.1:{hook_port}/in\"\n\
             secret_file = {key:?}\n\n\
             [[channels]]\nname = \"mail\"\nkind = \"mail\"\nhost = \"127.0.0.1\"\nport = {mail_port}\ntls = \"none\"\n\
             from = \"postern@example.test\"\nto = [\"duty@example.test\"]\n\n\
             [[channels]]\nname = \"siem\"\nkind = \"syslog\"\ncarries = \"everything\"\n\
             address = \"127.0.0.1:{log_port}\"\ntransport = \"tcp\"\n",
            a = at("safe-a"),
            b = at("safe-b"),
            key = at("hook.key"),
        );
        fs::write(gate.config(), config).unwrap();
        Self { hooks, lines, mail, mails }
    }

    /// Waits until all three were told of `action` for the incident; gives how many told of it.
    fn told(&mut self, action: &str, incident: &str) -> usize {
        assert!(self.mail.ended().unwrap().is_none(), "the mail server runs");
        until("every channel to tell", || {
            let hooks = self.hooks.lock().unwrap();
            let hook = hooks.iter().any(|(_, body)| body.contains(action) && body.contains(incident));
            let line = self.lines.lock().unwrap();
            let mail = fs::read_to_string(&self.mails)?;
            // Lines of mail are folded, and long words coded.
            let mail = mail.replace("=\n", "").replace('\n', "");
            let all = hook && line.contains(action) && line.contains(incident);
            Ok((all && mail.contains(action) && mail.contains(incident)).then_some(3))
        })
        .unwrap()
    }

    /// Every webhook's signature is the one that `openssl` makes.
    fn signatures_are_good(&self) {
        for (signature, body) in self.hooks.lock().unwrap().iter() {
            let (seconds, mac) = signature.strip_prefix("t=").unwrap().split_once(",v1=").unwrap();
            let mut openssl = Command::new("openssl");
            openssl.args(["dgst", "-sha256", "-hmac", KEY]);
            let made = run_with_input(&mut openssl, format!("{seconds}.{body}").as_bytes()).unwrap().ok().unwrap();
            assert!(made.text().trim().ends_with(mac), "{}", made.text());
        }
    }
}

/// Takes one webhook: its signature and its body.
pub(crate) fn take_hook(stream: std::net::TcpStream, heard: &Mutex<Vec<(String, String)>>) {
    let mut reader = BufReader::new(stream);
    let (mut length, mut signature) = (0, String::new());
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 || line == "\r\n" {
            break;
        }
        let lower = line.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        if lower.starts_with("postern-signature:") {
            signature = line.split_once(':').map(|(_, value)| value.trim().to_owned()).unwrap_or_default();
        }
    }
    let mut body = vec![0; length];
    if reader.read_exact(&mut body).is_ok() {
        heard.lock().unwrap().push((signature, String::from_utf8_lossy(&body).into_owned()));
        let _ = reader.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    }
}

struct Scene {
    gate: Gate,
    people: BTreeMap<&'static str, Person>,
    server: Server,
    receivers: Receivers,
    refused: usize,
    notices: usize,
}

impl Scene {
    fn start() -> Self {
        let server = Server::unix(SETUP).unwrap();
        let (mut gate, shown) = Gate::set_up("ada", "correct horse battery staple").unwrap();
        let ada = Person::of_setup("ada", "correct horse battery staple", &shown).unwrap();
        let receivers = Receivers::start(&gate);
        gate.start().unwrap();
        ada.sign_in(&gate).unwrap();
        let mut people = BTreeMap::from([("ada", ada)]);
        for name in ["ben", "cyd", "dee"] {
            let made = people["ada"].cli(&["user", "create", name, "-o", "json"]).unwrap().json().unwrap();
            let link = made.pointer("/link/url").and_then(Value::as_str).unwrap().to_owned();
            let person = Person::enrol(&gate, name, &link).unwrap();
            person.sign_in(&gate).unwrap();
            people.insert(name, person);
        }
        people["ben"].register_key().unwrap();
        let scene = Self { gate, people, server, receivers, refused: 0, notices: 0 };
        let host_key = scene.server.read("host_key.pub").unwrap();
        let access = ACCESS.replace("ADDRESS", &scene.server.address()).replace("HOST_KEY", host_key.trim());
        scene.apply(&access);
        let secret = ["account", "set-secret", "deploy@unix-1", "--password-stdin"];
        scene.people["ada"].cli_with(&secret, START).unwrap().ok().unwrap();
        scene
    }

    fn apply(&self, documents: &str) {
        self.people["ada"].cli_with(&["apply", "-f", "-"], documents).unwrap().ok().unwrap();
    }

    fn cli(&self, who: &str, arguments: &[&str]) -> Value {
        let arguments = [arguments, &["-o", "json"]].concat();
        self.people[who].cli(&arguments).unwrap().json().unwrap()
    }

    /// Proves a second factor again: break-glass takes none that is older than five minutes.
    fn fresh(&self, who: &str) {
        let code = self.people[who].code().unwrap();
        self.people[who].cli(&["login", "--otp", &code]).unwrap().ok().unwrap();
    }

    fn ask(&self, incident: &str) -> Ran {
        self.fresh("ben");
        let wish =
            ["request", "deploy@unix-1", "--for", "10m", "--break-glass", "--ticket", incident, "--reason", "down"];
        self.people["ben"].cli(&wish).unwrap()
    }

    /// Whether somebody gets in through the gate.
    fn gets_in(&self) -> bool {
        let ran = run(self.people["ben"].ssh(&self.gate, "deploy@unix-1").arg("id -un")).unwrap();
        ran.code == 0 && ran.text().trim() == "deploy"
    }

    /// Reviews the newest use: who used it may not, somebody else may.
    fn review(&mut self, incident: &str) {
        let uses = self.cli("cyd", &["break-glass", "uses", "--open"]);
        let open = uses.as_array().unwrap().iter().find(|one| one["incident"] == incident).unwrap();
        let id = open["id"].as_str().unwrap();
        let words = ["break-glass", "review", id, "--justified", "--text", "it was down, and is up again"];
        if open["user"] == "ben" {
            assert_eq!(self.people["ben"].cli(&words).unwrap().code, 3, "nobody reviews their own");
            self.refused += 1;
        }
        let reviewer = if open["review_by"].as_array().unwrap().is_empty() { "dee" } else { "cyd" };
        self.people[reviewer].cli(&words).unwrap().ok().unwrap();
        self.notices += self.receivers.told("break_glass.review", incident);
    }
}

/// `postern-open`, built beside the product.
fn opener() -> PathBuf {
    let folder = binary().unwrap().parent().unwrap().to_owned();
    let mut build = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    build.args(["build", "--quiet", "--locked", "--package", "postern-open"]).current_dir(postern_e2e::repository());
    if folder.ends_with("release") {
        build.arg("--release");
    }
    assert!(build.status().unwrap().success());
    folder.join("postern-open")
}

/// Runs it in a folder with nobody's environment, passphrases on standard input.
fn open(folder: &Path, arguments: &[&str], passphrases: usize) -> Ran {
    let mut command = Command::new(opener());
    command.args(arguments).current_dir(folder).env_clear();
    run_with_input(&mut command, format!("{PASSPHRASE}\n").repeat(passphrases).as_bytes()).unwrap()
}

#[test]
fn each_tier_opens_the_door_and_is_heard() {
    let mut scene = Scene::start();
    let mut opened = 0;

    // While Postern works: who is on call, at once.
    let begun = Instant::now();
    assert_eq!(scene.ask("CHG-1").code, 3, "without an incident there is no emergency");
    scene.ask("INC-1").ok().unwrap();
    scene.people["ben"].prove_factor(&scene.gate, "deploy@unix-1").unwrap();
    assert!(scene.gets_in());
    assert!(begun.elapsed().as_secs() < 60 + 30, "granted within half a minute, codes of one's generator aside");
    scene.notices += scene.receivers.told("break_glass.use", "INC-1");
    scene.review("INC-1");
    opened += 1;
    let grants = scene.cli("ben", &["grants"]);
    let grant = grants.as_array().unwrap().iter().find(|one| one["state"] == "active").unwrap();
    scene.cli("ben", &["revoke", grant["id"].as_str().unwrap(), "--reason", "over"]);
    assert!(!scene.gets_in());
    scene.refused += 2;

    // While what Postern relies on does not work: a quorum.
    scene.apply(DEGRADED);
    assert_eq!(scene.ask("INC-2").code, 4, "it waits for the quorum");
    scene.notices += scene.receivers.told("break_glass.ask", "INC-2");
    let waiting = scene.cli("cyd", &["requests", "--waiting"]);
    let id = waiting.as_array().unwrap().iter().find_map(|one| one["id"].as_str()).unwrap().to_owned();
    for approver in ["cyd", "dee"] {
        assert!(!scene.gets_in(), "not yet");
        scene.refused += 1;
        scene.fresh(approver);
        scene.people[approver].cli(&["approve", &id]).unwrap().ok().unwrap();
    }
    assert!(scene.gets_in());
    scene.notices += scene.receivers.told("break_glass.use", "INC-2");
    scene.review("INC-2");
    opened += 1;

    opened += dead(&mut scene);
    scene.receivers.signatures_are_good();
    println!("tiers=3 opened={opened} refused={} notices={} server_stopped=yes", scene.refused, scene.notices);
}

/// Once Postern is dead: a bundle, opened by some of several people.
fn dead(scene: &mut Scene) -> usize {
    let desk = tempfile::tempdir().unwrap();
    let desk = desk.path();
    let mut holders = Vec::new();
    for name in ["cyd", "dee", "eva"] {
        let made = open(desk, &["key", "--out", &format!("{name}.key"), "--passphrase-stdin"], 1).ok().unwrap();
        holders.push(format!("{name}={}", made.text().trim()));
    }
    scene.fresh("ada");
    let mut plan = vec!["break-glass", "plan", "--threshold", "2", "--account", "deploy@unix-1"];
    plan.extend(holders.iter().flat_map(|holder| ["--holder", holder.as_str()]));
    scene.cli("ada", &plan);
    let good = |scene: &Scene| {
        until("a bundle that is true", || {
            let state = scene.cli("ada", &["break-glass", "status"]);
            Ok(state["problems"].as_array().unwrap().is_empty().then(|| state["bundle"]["serial"].as_u64().unwrap()))
        })
        .unwrap()
    };
    let first = good(scene);
    // What Postern changes before it dies is in the bundle that is left.
    scene.cli("ada", &["rotate", "deploy@unix-1", "--reason", "a test"]);
    until("the rotation", || Ok((!scene.server.ssh_by_password("deploy", START, "true")?.code.eq(&0)).then_some(())))
        .unwrap();
    assert!(good(scene) > first);
    scene.gate.stop().unwrap();
    assert_eq!(scene.gate.id(), 0, "the server is stopped");
    assert!(!scene.gets_in());

    let newest = newest_bundle(&scene.gate.scratch().join("safe-b"));
    fs::copy(&newest, desk.join("bundle.txt")).unwrap();
    fs::copy(scene.gate.data().join("ledger.pub"), desk.join("ledger.pub")).unwrap();
    let with = |what: &'static str, more: &[&'static str]| {
        [&[what, "bundle.txt", "--signed-by", "ledger.pub", "--passphrases-stdin"][..], more].concat()
    };
    let two = ["--key", "cyd.key", "--key", "eva.key"];
    let secret = ["--account", "deploy@unix-1", "--incident", "INC-3", "--reason", "dark"];
    let one = open(desk, &with("open", &[&two[..2], &secret].concat()), 1);
    assert!(one.code != 0 && one.said().contains("1 of 2 shares"), "{}", one.said());
    tampered(desk, &with("check", &two), scene);
    let checked = open(desk, &with("check", &two), 2).ok().unwrap().text();
    assert!(checked.contains("signature good") && checked.contains("deploy@unix-1"), "{checked}");
    let shown = open(desk, &with("open", &[&two[..], &secret].concat()), 2).ok().unwrap();
    let password = shown.text().trim().to_owned();
    assert!(!checked.contains(&password), "a trial shows nothing");
    let ran = scene.server.ssh_by_password("deploy", &password, "id -un").unwrap().ok().unwrap();
    assert_eq!(ran.text().trim(), "deploy");
    scene.refused += 1;

    // Postern lives again: what was seen is told, reviewed and changed.
    scene.gate.start().unwrap();
    let record = desk.join("postern-opening.json").display().to_string();
    scene.cli("ada", &["break-glass", "opened", "--record", &record]);
    scene.notices += scene.receivers.told("break_glass.use", "INC-3");
    until("what was seen to be changed", || {
        Ok((scene.server.ssh_by_password("deploy", &password, "true")?.code != 0).then_some(()))
    })
    .unwrap();
    scene.review("INC-3");
    assert!(!scene.gate.log().contains(&password));
    1
}

/// A bundle that was altered anywhere does not open.
fn tampered(desk: &Path, arguments: &[&str], scene: &mut Scene) {
    let whole = fs::read(desk.join("bundle.txt")).unwrap();
    for part in [10, whole.len() / 3, whole.len() / 2, whole.len() - 40] {
        let mut altered = whole.clone();
        altered[part] = if altered[part] == b'A' { b'B' } else { b'A' };
        fs::write(desk.join("bundle.txt"), &altered).unwrap();
        assert_ne!(open(desk, arguments, 2).code, 0, "altered at {part}");
        scene.refused += 1;
    }
    fs::write(desk.join("bundle.txt"), &whole).unwrap();
}

fn newest_bundle(place: &Path) -> PathBuf {
    let mut found: Vec<_> = fs::read_dir(place).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found.pop().unwrap()
}
