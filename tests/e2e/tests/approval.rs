//! From a wish to a window and to its end, between people.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use postern_e2e::{Child, Person, World, run, until, within};
use serde_json::Value;

const WHY: [&str; 4] = ["--reason", "disk full", "--ticket", "CHG-7"];

fn ask(person: &Person, duration: &str, code: i32) -> Value {
    let arguments = [&["request", "root@web-1", "--for", duration, "-o", "json"][..], &WHY].concat();
    let ran = person.cli(&arguments).unwrap().ended(code).unwrap();
    serde_json::from_slice(&ran.stdout).unwrap_or(Value::Null)
}

fn id(value: &Value) -> &str {
    value["id"].as_str().unwrap()
}

/// A live session: something that says so and then waits.
fn live(person: &Person, world: &World, account: &str) -> Child {
    let mut command = person.ssh(&world.gate, account);
    command.arg("echo up; exec sleep 1000").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let child = Child::start(&mut command).unwrap();
    until("a live session", || {
        let sessions = world.ada.cli(&["sessions", "--live", "-o", "json"])?.json()?;
        let live = sessions.as_array().is_some_and(|list| list.iter().any(|session| session["state"] == "live"));
        Ok(live.then_some(()))
    })
    .unwrap();
    child
}

fn ends_soon(child: &mut Child, why: &str) {
    // A bound for a loaded machine: what is asserted is that it ends, not how fast.
    within(&format!("the session to end: {why}"), Duration::from_secs(5), || child.ended()).unwrap();
}

/// A request of `ben` that `lee` has approved; gives the grant's id.
fn granted(ben: &Person, lee: &Person, duration: &str) -> String {
    let asked = ask(ben, duration, 4);
    lee.cli(&["approve", id(&asked)]).unwrap().ok().unwrap();
    let grants = ben.cli(&["grants", "--state", "active", "-o", "json"]).unwrap().json().unwrap();
    id(&grants[0]).to_owned()
}

#[test]
fn a_yes_opens_a_window_and_a_revocation_closes_it() {
    let world = World::start().unwrap();
    let (ben, lee) = (world.person("ben", &["sre"]).unwrap(), world.person("lee", &["leads"]).unwrap());
    let grant = granted(&ben, &lee, "30m");
    ben.prove_factor(&world.gate, "root@web-1").unwrap();
    let mut session = live(&ben, &world, "root@web-1");
    world.ada.cli(&["revoke", &grant, "--reason", "over"]).unwrap().ok().unwrap();
    ends_soon(&mut session, "revoked");
    assert_ne!(run(ben.ssh(&world.gate, "root@web-1").arg("true")).unwrap().code, 0);
    until("the reason of the end", || {
        let sessions = world.ada.cli(&["sessions", "-o", "json"])?.json()?;
        Ok(sessions.to_string().contains("\"revoked\"").then_some(()))
    })
    .unwrap();
}

#[test]
fn a_window_that_closes_takes_its_session_with_it() {
    let world = World::start().unwrap();
    let (ben, lee) = (world.person("ben", &["sre"]).unwrap(), world.person("lee", &["leads"]).unwrap());
    let begun = Instant::now();
    granted(&ben, &lee, "20s");
    ben.prove_factor(&world.gate, "root@web-1").unwrap();
    let mut session = live(&ben, &world, "root@web-1");
    until("the window to close", || session.ended()).unwrap();
    assert!(begun.elapsed() >= Duration::from_secs(20), "not before");
    let grants = ben.cli(&["grants", "-o", "json"]).unwrap().json().unwrap();
    assert_eq!(grants[0]["state"], "expired");
}

#[test]
fn a_window_that_begins_later_is_not_open_before() {
    let world = World::start().unwrap();
    let (ben, lee) = (world.person("ben", &["sre"]).unwrap(), world.person("lee", &["leads"]).unwrap());
    let later = [&["request", "root@web-1", "--for", "30m", "--at", "2h", "-o", "json"][..], &WHY].concat();
    let asked = ben.cli(&later).unwrap().ended(4).unwrap();
    let asked: Value = serde_json::from_slice(&asked.stdout).unwrap();
    lee.cli(&["approve", id(&asked)]).unwrap().ok().unwrap();
    let grants = ben.cli(&["grants", "-o", "json"]).unwrap().json().unwrap();
    assert_eq!(grants[0]["state"], "scheduled");
    let refused = run(ben.ssh(&world.gate, "root@web-1").arg("true")).unwrap();
    assert!(refused.code != 0 && refused.said().contains("the grant begins at"), "{}", refused.said());
}

#[test]
fn a_no_is_final_and_says_why() {
    let world = World::start().unwrap();
    let (ben, lee) = (world.person("ben", &["sre"]).unwrap(), world.person("lee", &["leads"]).unwrap());
    let asked = ask(&ben, "30m", 4);
    lee.cli(&["deny", id(&asked), "--reason", "not today"]).unwrap().ok().unwrap();
    let listed = ben.cli(&["requests", "-o", "json"]).unwrap().json().unwrap();
    assert!(listed.to_string().contains("not today"));
    assert_ne!(lee.cli(&["approve", id(&asked)]).unwrap().code, 0);
    assert_ne!(run(ben.ssh(&world.gate, "root@web-1").arg("true")).unwrap().code, 0);
}

#[test]
fn a_request_that_waits_is_told_the_answer() {
    let world = World::start().unwrap();
    let (ben, lee) = (world.person("ben", &["sre"]).unwrap(), world.person("lee", &["leads"]).unwrap());
    let arguments = [&["request", "root@web-1", "--for", "30m", "--wait"][..], &WHY].concat();
    let mut waiting: Command = ben.command(&arguments).unwrap();
    let mut waiting = Child::start(waiting.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null())).unwrap();
    let request = until("the request", || {
        let listed = lee.cli(&["requests", "--waiting", "-o", "json"])?.json()?;
        Ok(listed.pointer("/0/id").and_then(Value::as_str).map(str::to_owned))
    });
    lee.cli(&["approve", &request.unwrap()]).unwrap().ok().unwrap();
    assert_eq!(until("its end", || waiting.ended()).unwrap().code(), Some(0));
}

#[test]
fn nobody_approves_their_own_wish_nor_without_being_asked() {
    let world = World::start().unwrap();
    let both = world.person("bea", &["sre", "leads"]).unwrap();
    let asked = ask(&both, "30m", 4);
    assert_eq!(both.cli(&["approve", id(&asked)]).unwrap().code, 3, "the requester");
    let other = world.person("oli", &["sre"]).unwrap();
    assert_ne!(other.cli(&["approve", id(&asked)]).unwrap().code, 0, "somebody who is no approver");
}

#[test]
fn a_wish_that_policy_does_not_allow_is_refused() {
    let world = World::start().unwrap();
    let ben = world.person("ben", &["sre"]).unwrap();
    let try_to = |arguments: &[&str]| ben.cli(&[&["request", "root@web-1"], arguments].concat()).unwrap();
    for (arguments, word) in [
        (&["--for", "30m", "--reason", "x", "--ticket", "INC-1"][..], "CHG"),
        (&["--for", "30m", "--ticket", "CHG-1"][..], "reason"),
        (&["--for", "9h", "--reason", "x", "--ticket", "CHG-1"][..], "at most 4h"),
    ] {
        let ran = try_to(arguments);
        assert!(ran.code == 3 && ran.said().contains(word), "{arguments:?}: {} {}", ran.code, ran.said());
    }
    assert_eq!(try_to(&["--for", "soon", "--reason", "x"]).code, 2, "not a duration");
    let stranger = world.person("eve", &[]).unwrap();
    let ran = stranger.cli(&[&["request", "root@web-1", "--for", "30m"][..], &WHY].concat()).unwrap();
    assert_ne!(ran.code, 0);
}

#[test]
fn an_administrator_ends_a_session_and_a_user() {
    let world = World::start().unwrap();
    let cyd = world.staff("cyd").unwrap();
    let mut session = live(&cyd, &world, "deploy@web-1");
    let listed = world.ada.cli(&["sessions", "--live", "-o", "json"]).unwrap().json().unwrap();
    world.ada.cli(&["session", "kill", id(&listed[0]), "--reason", "enough"]).unwrap().ok().unwrap();
    ends_soon(&mut session, "killed");
    let mut session = live(&cyd, &world, "deploy@web-1");
    world.ada.cli(&["user", "disable", "cyd"]).unwrap().ok().unwrap();
    ends_soon(&mut session, "user disabled");
    assert_ne!(run(cyd.ssh(&world.gate, "deploy@web-1").arg("true")).unwrap().code, 0);
    assert_ne!(cyd.cli(&["whoami"]).unwrap().code, 0);
}
