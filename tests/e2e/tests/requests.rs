//! What can be asked for beyond one window of one account, and who answers when the first who is asked does not.

use std::process::Stdio;
use std::time::{Duration, Instant};

use postern_e2e::{Child, Person, World, until};
use serde_json::Value;

const STAGES: &str = r"
kind: Group
name: security
roles: [{ role: approver, scope: / }]
---
kind: Group
name: heads
roles: [{ role: approver, scope: / }]
---
kind: Policy
name: sre-by-request
subjects: { groups: [sre] }
accounts: { assets: [web-1] }
obligations:
  capabilities: [shell, exec]
  approval:
    count: 1
    groups: [leads]
    next: [{ count: 1, groups: [security] }]
    escalate: { after: 2s, groups: [heads] }
  max_duration: 4h
";
const AT_ONCE: &str = r"
kind: Policy
name: sre-by-request
subjects: { groups: [sre] }
accounts: { assets: [web-1] }
obligations:
  capabilities: [shell, exec]
  max_duration: 4h
";

fn said(person: &Person, arguments: &[&str], code: i32) -> Value {
    let ran = person.cli(&[arguments, &["-o", "json"]].concat()).unwrap().ended(code).unwrap();
    serde_json::from_slice(&ran.stdout).unwrap_or(Value::Null)
}

fn id(value: &Value) -> &str {
    value["id"].as_str().unwrap()
}

#[test]
fn a_request_goes_from_stage_to_stage_to_those_who_are_there() {
    let world = World::start().unwrap();
    world.apply(STAGES).unwrap();
    let ben = world.person("ben", &["sre"]).unwrap();
    let (lee, hal) = (world.person("lee", &["leads"]).unwrap(), world.person("hal", &["heads"]).unwrap());
    let (sue, sam) = (world.person("sue", &["security"]).unwrap(), world.person("sam", &["leads"]).unwrap());
    let asked = said(&ben, &["request", "root@web-1", "--for", "30m", "--reason", "disk full"], 4);
    assert_eq!(sue.cli(&["approve", id(&asked)]).unwrap().code, 3, "the first stage is not over");
    until("others to be asked, too", || Ok((hal.cli(&["approve", id(&asked)])?.code == 0).then_some(()))).unwrap();
    assert_ne!(lee.cli(&["approve", id(&asked)]).unwrap().code, 0, "that stage is over");
    said(&sue, &["stand-in", "name", "sam", "--until", "1h"], 0);
    assert_eq!(id(&said(&sam, &["requests", "--waiting"], 0)[0]), id(&asked));
    let answered = said(&sam, &["approve", id(&asked)], 0);
    assert_eq!(answered["state"], "granted");
    assert_eq!(answered["approvals"][1]["in_place_of"], "sue");
    let ledger = said(&world.ada, &["audit", "list", "--action", "request"], 0).to_string();
    assert!(ledger.contains("request.escalate") && ledger.contains("in_place_of"), "{ledger}");
}

#[test]
fn more_time_keeps_a_session_alive() {
    let world = World::start().unwrap();
    world.apply(AT_ONCE).unwrap();
    let ben = world.person("ben", &["sre"]).unwrap();
    let asked = said(&ben, &["request", "root@web-1", "--for", "40s", "--reason", "a start"], 0);
    let (begun, grant) = (Instant::now(), asked["grant"].as_str().unwrap().to_owned());
    ben.prove_factor(&world.gate, "root@web-1").unwrap();
    let mut command = ben.ssh(&world.gate, "root@web-1");
    command.arg("exec sleep 1000").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut session = Child::start(&mut command).unwrap();
    until("a live session", || {
        let sessions = said(&world.ada, &["sessions", "--live"], 0);
        Ok(sessions.as_array().is_some_and(|list| list.iter().any(|one| one["state"] == "live")).then_some(()))
    })
    .unwrap();
    let longer = said(&ben, &["extend", &grant, "--for", "10m", "--reason", "not done"], 0);
    assert_eq!(longer["grant"].as_str(), Some(grant.as_str()));
    until("the first window to be over", || Ok((begun.elapsed() > Duration::from_secs(43)).then_some(()))).unwrap();
    assert!(session.ended().unwrap().is_none(), "it goes on");
    ben.cli(&["hand-back", &grant]).unwrap().ok().unwrap();
    until("the session to end with what was handed back", || session.ended()).unwrap();
}

#[test]
fn several_accounts_are_asked_for_and_answered_as_one() {
    let world = World::start().unwrap();
    world.apply(&STAGES.replace("    next: [{ count: 1, groups: [security] }]\n", "")).unwrap();
    let (ben, lee) = (world.person("ben", &["sre"]).unwrap(), world.person("lee", &["leads"]).unwrap());
    let asked =
        said(&ben, &["request", "root@web-1", "build@web-1", "deploy@web-1", "--for", "30m", "--reason", "a task"], 4);
    assert_eq!(asked["together"].as_array().unwrap().len(), 2);
    said(&lee, &["approve", id(&asked)], 0);
    let grants = said(&ben, &["grants", "--state", "active"], 0);
    assert_eq!(grants.as_array().unwrap().len(), 3);
    let refused = ben.cli(&["request", "root@web-1", "nobody@web-1", "--for", "30m", "--reason", "x"]).unwrap();
    assert!(refused.code == 3 && refused.said().contains("nobody@web-1"), "{}", refused.said());
}

#[test]
fn windows_come_again_and_are_ended() {
    let world = World::start().unwrap();
    world.apply(AT_ONCE).unwrap();
    let ben = world.person("ben", &["sre"]).unwrap();
    let every = ["request", "root@web-1", "--every", "00:00-03:59", "--until", "3d", "--reason", "nightly"];
    let other = ["request", "root@web-1", "--every", "04:00-07:59", "--until", "3d", "--reason", "in the morning"];
    let (night, morning) = (said(&ben, &every, 0), said(&ben, &other, 0));
    assert!(night["next_window_at"].is_string() && morning["next_window_at"].is_string());
    said(&ben, &["withdraw", id(&night)], 0);
    let shown = said(&ben, &["requests", "--mine"], 0);
    let ended = shown.as_array().unwrap().iter().find(|one| one["id"] == night["id"]).unwrap();
    assert!(ended["recurs_ended"].is_string() && ended["next_window_at"].is_null());
    let refused =
        ben.cli(&["request", "root@web-1", "--every", "00:00-05:00", "--until", "3d", "--reason", "x"]).unwrap();
    assert!(refused.code == 3 && refused.said().contains("at most 4h"), "{}", refused.said());
}
