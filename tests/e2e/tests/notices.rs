//! Notices of requests, as they arrive: at the SMTP server of Python's own library, which is not there at first and
//! refuses one address, and at a webhook.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use postern_e2e::{Child, Gate, Person, free_port, run, until};
use serde_json::Value;

use crate::break_glass::take_hook;

const ACCESS: &str = r"
kind: Asset
name: web-1
platform: linux
address: 127.0.0.1:9
---
kind: Account
account: root@web-1
credential: ssh_certificate
---
kind: Group
name: leads
members: [cyd, dee, gus, opt]
roles: [{role: approver, scope: /}]
---
kind: Group
name: heads
members: [hal]
roles: [{role: approver, scope: /}]
---
kind: Group
name: sre
members: [ben]
---
kind: Policy
name: by-request
subjects: {groups: [sre]}
accounts: {assets: [web-1]}
obligations:
  approval: {count: 1, groups: [leads], escalate: {after: 3s, groups: [heads]}}
  max_duration: 1h
";

/// Prints what arrives, a line for each message, and refuses one address for good.
const MAIL_SERVER: &str = r#"
import asyncore, email, email.policy, smtpd, sys
class Server(smtpd.SMTPServer):
    def process_message(self, peer, sender, to, data, **_):
        if "gone@example.test" in to:
            return "550 no such mailbox"
        mail = email.message_from_bytes(data, policy=email.policy.default)
        print(",".join(to), mail["subject"], mail.get_content().replace("\n", "/ "), sep=" | ", flush=True)
Server(("127.0.0.1", int(sys.argv[1])), None)
asyncore.loop()
"#;

struct Mails {
    port: u16,
    file: std::path::PathBuf,
}

impl Mails {
    fn start(&self) -> Child {
        let mut server = Command::new("python3");
        server.args(["-u", "-W", "ignore", "-c", MAIL_SERVER, &self.port.to_string()]);
        server.stdin(Stdio::null()).stdout(fs::File::create(&self.file).unwrap()).stderr(Stdio::null());
        Child::start(&mut server).unwrap()
    }

    /// Waits for a message to `address` whose subject is `subject`; gives it.
    fn awaited(&self, address: &str, subject: &str) -> String {
        let begins = format!("{address} | [postern] {subject} | ");
        until(&begins, || {
            let all = fs::read_to_string(&self.file)?;
            Ok(all.lines().find(|line| line.starts_with(&begins)).map(str::to_owned))
        })
        .unwrap()
    }
}

fn configure(gate: &Gate, hooks: &Arc<Mutex<Vec<(String, String)>>>) -> Mails {
    let scratch = gate.scratch();
    let mails = Mails { port: free_port().unwrap(), file: scratch.join("mails") };
    let hook = TcpListener::bind("127.0.0.1:0").unwrap();
    let (mail_port, hook_port) = (mails.port, hook.local_addr().unwrap().port());
    let heard = hooks.clone();
    std::thread::spawn(move || hook.incoming().flatten().for_each(|stream| take_hook(stream, &heard)));
    let key = scratch.join("hook.key");
    fs::write(&key, "0123456789abcdef0123\n").unwrap();
    let config = format!(
        "[[channels]]\nname = \"people\"\nkind = \"mail\"\ncarries = \"requests\"\nhost = \"127.0.0.1\"\n\
         port = {mail_port}\ntls = \"none\"\nfrom = \"postern@example.test\"\n\n\
         [[channels]]\nname = \"chat\"\nkind = \"webhook\"\ncarries = \"requests\"\n\
         url = \"http://127.0.0.1:{hook_port}/in\"\nsecret_file = {key:?}\n"
    );
    fs::write(gate.config(), config).unwrap();
    mails
}

fn people(gate: &Gate, ada: &Person) -> BTreeMap<&'static str, Person> {
    let mut people = BTreeMap::new();
    for (name, address) in [
        ("ben", "ben@example.test"),
        ("cyd", "cyd@example.test"),
        ("dee", "dee@example.test"),
        ("gus", "gone@example.test"),
        ("hal", "hal@example.test"),
        ("opt", "opt@example.test"),
    ] {
        let made = ada.cli(&["user", "create", name, "--email", address, "-o", "json"]).unwrap().json().unwrap();
        let link = made.pointer("/link/url").and_then(Value::as_str).unwrap().to_owned();
        let person = Person::enrol(gate, name, &link).unwrap();
        person.sign_in(gate).unwrap();
        people.insert(name, person);
    }
    people
}

fn apply(ada: &Person, scratch: &Path) {
    let file = scratch.join("access.yaml");
    fs::write(&file, ACCESS).unwrap();
    ada.cli(&["apply", "-f", file.to_str().unwrap()]).unwrap().ok().unwrap();
}

#[test]
fn people_hear_of_requests_at_their_own_address_by_links_that_open_nothing() {
    let (mut gate, shown) = Gate::set_up("ada", "correct horse battery staple").unwrap();
    let ada = Person::of_setup("ada", "correct horse battery staple", &shown).unwrap();
    let hooks = Arc::<Mutex<Vec<_>>>::default();
    let mails = configure(&gate, &hooks);
    gate.start().unwrap();
    ada.sign_in(&gate).unwrap();
    let people = people(&gate, &ada);
    apply(&ada, gate.scratch());
    people["dee"].cli(&["notices", "--address", "dee@mobile.test"]).unwrap().ok().unwrap();
    people["opt"].cli(&["notices", "--asked", "off"]).unwrap().ok().unwrap();

    let reason = "disk full\nhttps://evil.test/requests/x";
    let wish = ["request", "root@web-1", "--for", "30m", "--reason", reason, "-o", "json"];
    let asked: Value = serde_json::from_slice(&people["ben"].cli(&wish).unwrap().ended(4).unwrap().stdout).unwrap();
    let id = asked["id"].as_str().unwrap();
    until("the mail channel to fail", || {
        let all = ada.cli(&["channels", "-o", "json"])?.json()?.to_string();
        Ok(all.contains("\"failures\":1").then_some(()))
    })
    .unwrap();
    let mut server = mails.start();

    let link = format!("{}/requests/{id}", gate.url());
    let told = mails.awaited("cyd@example.test", "ben asks for root@web-1");
    assert!(told.contains(&format!("/ {link}/ ")), "the plain link: {told}");
    assert!(told.contains("Reason: > disk full https://evil.test/requests/x/ "), "marked as said by others: {told}");
    mails.awaited("dee@mobile.test", "ben asks for root@web-1");
    mails.awaited("hal@example.test", "nobody has answered: ben asks for root@web-1");
    let mut curl = Command::new("curl");
    curl.args(["-ks", "-o", "/dev/null", "-w", "%{http_code}", &format!("{}/v1/requests/{id}", gate.url())]);
    assert_eq!(run(&mut curl).unwrap().ok().unwrap().text().trim(), "401", "who has the link only sees nothing");

    people["cyd"].cli(&["approve", id, "--reason", "go on"]).unwrap().ok().unwrap();
    let answer = mails.awaited("ben@example.test", "cyd said yes: root@web-1");
    assert!(answer.contains("Said: > go on/ "), "{answer}");
    let all = fs::read_to_string(&mails.file).unwrap();
    assert!(!all.contains("opt@example.test") && !all.contains("dee@example.test"), "as they chose: {all}");
    let ledger = ada.cli(&["audit", "list", "--action", "notice.refused", "-o", "json"]).unwrap().json().unwrap();
    assert_eq!(ledger[0]["event"]["target"], "gus", "{ledger}");

    until("the webhook to tell of the answer", || {
        let hooks = hooks.lock().unwrap();
        let kinds = |kind: &str| hooks.iter().any(|(_, body)| body.contains(&format!("\"kind\":\"{kind}\"")));
        Ok((kinds("asked") && kinds("escalated") && kinds("approved")).then_some(()))
    })
    .unwrap();
    assert!(hooks.lock().unwrap().iter().all(|(signature, _)| signature.contains(",v1=")), "signed");
    server.kill();
}
