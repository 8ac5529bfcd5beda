//! The commands of the README, in their order, with their exit codes.

use postern_e2e::{Gate, Person, SshTarget, run, until};
use serde_json::Value;

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("no {pointer} in {value}"))
}

#[test]
fn the_transcript_works() {
    let target = SshTarget::start("web-1").unwrap();
    let (mut gate, shown) = Gate::set_up("ada", "correct horse battery staple").unwrap();
    assert!(text(&shown, "/otpauth_uri").starts_with("otpauth://totp/"));
    assert!(shown["recovery_codes"].as_array().unwrap().len() >= 8);
    let ada = Person::of_setup("ada", "correct horse battery staple", &shown).unwrap();
    gate.start().unwrap();
    ada.sign_in(&gate).unwrap();

    let made = ada.cli(&["user", "create", "ben", "--email", "ben@example.test", "--group", "sre", "-o", "json"]);
    let made = made.unwrap().json().unwrap();
    let ben = Person::enrol(&gate, "ben", text(&made, "/link/url")).unwrap();
    ben.sign_in(&gate).unwrap();
    ben.register_key().unwrap();
    let keys = ben.cli(&["ssh-key", "list", "-o", "json"]).unwrap().json().unwrap();
    assert_eq!(keys.as_array().unwrap().len(), 1);

    let file = access_file(&gate, &target);
    let apply = |more: &[&str]| ada.cli(&[&["apply", "-f", &file], more].concat()).unwrap().ok().unwrap().text();
    let dry = apply(&["--dry-run"]);
    assert!(dry.contains("+ Asset web-1"), "{dry}");
    assert!(ada.cli(&["asset", "show", "web-1"]).unwrap().code == 1, "a dry run changes nothing");
    apply(&[]);
    let again = apply(&["-o", "json"]);
    assert!(!again.contains("\"create\"") && !again.contains("\"update\""), "idempotent: {again}");
    let key = std::fs::read_to_string(target.key()).unwrap();
    ada.cli_with(&["account", "set-secret", "root@web-1", "--key-file", "-"], &key).unwrap().ok().unwrap();

    let why = ["--reason", "CHG-7 disk full", "--ticket", "CHG-7", "-o", "json"];
    let asked = ben.cli(&[&["request", "root@web-1", "--for", "30m"][..], &why].concat()).unwrap().ended(4).unwrap();
    let asked: Value = serde_json::from_slice(&asked.stdout).unwrap();
    let request = text(&asked, "/id");
    assert!(ada.cli(&["requests"]).unwrap().ok().unwrap().text().contains(request));
    let refused = run(ben.ssh_answering(&gate, "root@web-1", "000000").unwrap().arg("true")).unwrap();
    assert!(refused.code != 0 && refused.stderr.contains("postern request"), "{}", refused.said());
    assert_eq!(ben.cli(&["approve", request]).unwrap().code, 3, "nobody approves their own request");
    ada.cli(&["approve", request]).unwrap().ok().unwrap();
    let grants = ben.cli(&["grants", "-o", "json"]).unwrap().json().unwrap();
    let grant = text(&grants, "/0/id");

    ben.prove_factor(&gate, "root@web-1").unwrap();
    let said = run(ben.ssh(&gate, "root@web-1").arg("id -u; hostname; exit 7")).unwrap().ended(7).unwrap();
    assert_eq!(said.text(), "0\nweb-1\n");

    let sessions = until("the session to end", || {
        let sessions = ada.cli(&["sessions", "-o", "json"])?.json()?;
        let ended = sessions.as_array().is_some_and(|list| list.iter().all(|session| session["state"] == "ended"));
        Ok(ended.then_some(sessions))
    });
    let sessions = sessions.unwrap();
    let session = text(&sessions, "/0/id");
    let one = ada.cli(&["session", "show", session, "-o", "json"]).unwrap().json().unwrap();
    assert_eq!(text(&one, "/integrity/verdict"), "verified");
    assert!(ada.cli(&["session", "export", session]).unwrap().ok().unwrap().text().contains("\"version\":3"));
    let played = ada.cli(&["session", "play", session, "--speed", "100"]).unwrap().ok().unwrap().text();
    assert!(played.contains("web-1"), "{played}");

    ada.cli(&["revoke", grant, "--reason", "done"]).unwrap().ok().unwrap();
    assert_ne!(run(ben.ssh(&gate, "root@web-1").arg("true")).unwrap().code, 0, "the grant is gone");
    let listed = ada.cli(&["audit", "list", "-o", "json"]).unwrap().json().unwrap();
    assert!(listed.to_string().contains("grant.revoke"));
    let exported = ada.cli(&["audit", "export"]).unwrap().ok().unwrap().text();
    assert!(exported.lines().count() >= listed.as_array().unwrap().len());
    gate.offline(&["audit", "verify"]).unwrap().ok().unwrap();
    let status = ada.cli(&["status", "-o", "json"]).unwrap().json().unwrap();
    assert_eq!(status["sessions_live"], 0);
    gate.stop().unwrap();
    gate.offline(&["audit", "verify"]).unwrap().ok().unwrap();
}

fn access_file(gate: &Gate, target: &SshTarget) -> String {
    let path = gate.scratch().join("access.yaml");
    let documents = format!(
        r#"
kind: Asset
name: web-1
platform: linux
address: {}
host_keys: [{}]
---
kind: Account
account: root@web-1
credential: ssh_key
---
kind: Policy
name: root-by-request
subjects: {{ groups: [sre] }}
accounts: {{ names: [root] }}
obligations:
  capabilities: [shell, exec]
  approval: {{ count: 1 }}
  ticket_pattern: CHG-[0-9]+
"#,
        target.address(),
        target.host_key().unwrap()
    );
    std::fs::write(&path, documents).unwrap();
    path.display().to_string()
}
