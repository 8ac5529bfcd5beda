//! The machine fails: power, disk, clock.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use postern_e2e::{Child, Person, World, run, until};
use serde_json::Value;

const KILLS: usize = 8;

/// Makes users, one after the other, until the gate is gone; gives the names that were confirmed.
fn make_users(ada: &Person, round: usize, stop: &AtomicBool) -> Vec<String> {
    let mut confirmed = Vec::new();
    for count in 0.. {
        let name = format!("user-{round}-{count}");
        match ada.cli(&["user", "create", &name]) {
            Ok(ran) if ran.code == 0 => confirmed.push(name),
            _ => break,
        }
        if stop.load(Ordering::Relaxed) {
            break;
        }
    }
    confirmed
}

#[test]
fn kills_at_any_time_lose_nothing_that_was_confirmed() {
    let mut world = World::start().unwrap();
    let cyd = world.staff("cyd").unwrap();
    let mut confirmed = Vec::new();
    for round in 0..KILLS {
        let stop = AtomicBool::new(false);
        let mut session = talking(&cyd, &world);
        let World { gate, ada, .. } = &mut world;
        std::thread::scope(|scope| {
            let making = scope.spawn(|| make_users(ada, round, &stop));
            // A little later in each round: in the middle of whatever is going on then.
            let said = BufReader::new(session.process().stdout.take().unwrap()).lines();
            assert!(said.map_while(Result::ok).nth(2 + 3 * round).is_some());
            gate.kill();
            stop.store(true, Ordering::Relaxed);
            confirmed.extend(making.join().unwrap());
        });
        gate.offline(&["audit", "verify"]).unwrap().ok().unwrap();
        gate.start().unwrap();
        let sessions = ada.cli(&["sessions", "-o", "json"]).unwrap().json().unwrap();
        let open: Vec<_> = sessions.as_array().unwrap().iter().filter(|one| one["state"] != "ended").collect();
        assert!(open.is_empty(), "left open after kill {round}: {open:?}");
    }
    let users = world.ada.cli(&["user", "list", "-o", "json"]).unwrap().json().unwrap();
    let names: Vec<&str> = users.as_array().unwrap().iter().filter_map(|user| user["name"].as_str()).collect();
    let lost: Vec<_> = confirmed.iter().filter(|name| !names.contains(&name.as_str())).collect();
    assert!(lost.is_empty() && !confirmed.is_empty(), "lost: {lost:?}");
    nothing_is_open(&world);
    world.gate.stop().unwrap();
    world.gate.offline(&["audit", "verify"]).unwrap().ok().unwrap();
}

/// A session that says a line ten times a second.
fn talking(cyd: &Person, world: &World) -> Child {
    let mut command = cyd.ssh(&world.gate, "deploy@web-1");
    command.args(["-tt", "for i in $(seq 10000); do echo $i; sleep 0.1; done"]);
    Child::start(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null())).unwrap()
}

/// Every session that was begun has an end in the ledger.
fn nothing_is_open(world: &World) {
    let exported = world.ada.cli(&["audit", "export"]).unwrap().ok().unwrap().text();
    let events: Vec<Value> = exported.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let targets = |action: &str, outcomes: &[&str]| -> Vec<String> {
        let matching = events.iter().map(|entry| &entry["event"]).filter(|event| {
            event["action"] == action && outcomes.contains(&event["outcome"].as_str().unwrap_or_default())
        });
        matching.filter_map(|event| event["target"].as_str().map(str::to_owned)).collect()
    };
    let ended = targets("session.end", &["done", "failed", "unknown"]);
    let open: Vec<_> = targets("session.open", &["intent"]).into_iter().filter(|id| !ended.contains(id)).collect();
    assert!(!ended.is_empty() && open.is_empty(), "without an end: {open:?}");
}

#[test]
fn a_full_disk_ends_sessions_and_says_so() {
    let mut world = World::start().unwrap();
    let cyd = world.staff("cyd").unwrap();
    world.gate.stop().unwrap();
    let recordings = world.gate.data().join("recordings").display().to_string();
    let small = format!("mount -t tmpfs -o size=4m tmpfs '{recordings}' && exec \"$@\"");
    world.gate.start_under(&["unshare", "--mount", "--propagation", "private", "sh", "-c", &small, "sh"]).unwrap();
    let mut command = cyd.ssh(&world.gate, "deploy@web-1");
    command.args(["-tt", "head -c 100000000 /dev/urandom | base64"]);
    let ran = run(&mut command).unwrap();
    assert!(ran.code != 0 && ran.stdout.len() < 100_000_000, "it went on without being recorded");
    assert!(ran.said().contains("record"), "the person is told why: {}", tail(&ran.said()));
    let sessions = until("the end to be written", || {
        let sessions = world.ada.cli(&["sessions", "-o", "json"])?.json()?;
        Ok((sessions[0]["state"] == "ended").then_some(sessions))
    });
    assert_eq!(sessions.unwrap()[0]["end_reason"], "recorder_failed");
    let id = world.gate.id().to_string();
    let on_the_disk =
        |what: &str| run(Command::new("nsenter").args(["--target", &id, "--mount", "sh", "-c", what])).unwrap();
    on_the_disk(&format!("cat /dev/zero >'{recordings}/rest'"));
    let refused = run(cyd.ssh(&world.gate, "deploy@web-1").arg("true")).unwrap();
    assert_ne!(refused.code, 0, "no recorder, no session");
    on_the_disk(&format!("rm '{recordings}/rest'")).ok().unwrap();
    run(cyd.ssh(&world.gate, "deploy@web-1").arg("true")).unwrap().ok().unwrap();
}

fn tail(text: &str) -> &str {
    let from = (0..=text.len().saturating_sub(400)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    &text[from..]
}

#[test]
fn a_clock_set_back_revives_nothing() {
    let mut world = World::start().unwrap();
    let (ben, lee) = (world.person("ben", &["sre"]).unwrap(), world.person("lee", &["leads"]).unwrap());
    let why = ["--reason", "x", "--ticket", "CHG-1", "-o", "json"];
    let asked = ben.cli(&[&["request", "root@web-1", "--for", "10m"][..], &why].concat()).unwrap().ended(4).unwrap();
    let asked: Value = serde_json::from_slice(&asked.stdout).unwrap();
    lee.cli(&["approve", asked["id"].as_str().unwrap()]).unwrap().ok().unwrap();
    world.gate.stop().unwrap();
    // Two hours later the grant is over; then the clock is set back to when it was not.
    let ahead = "LD_PRELOAD=$(ls /usr/lib/*/faketime/libfaketimeMT.so.1) FAKETIME=+2h exec \"$@\"";
    world.gate.start_under(&["sh", "-c", ahead, "sh"]).unwrap();
    until("the grant to end", || {
        let events = fs::read(world.gate.data().join("ledger/checkpoint"))?;
        let grants = ben.cli(&["grants", "-o", "json"])?;
        Ok((!events.is_empty() && grants.text().contains("\"expired\"")).then_some(()))
    })
    .unwrap();
    world.gate.stop().unwrap();
    world.gate.start().unwrap();
    let grants = ben.cli(&["grants", "-o", "json"]).unwrap().json().unwrap();
    assert_eq!(grants[0]["state"], "expired");
    assert_ne!(run(ben.ssh(&world.gate, "root@web-1").arg("true")).unwrap().code, 0);
    let events = world.ada.cli(&["audit", "export"]).unwrap().ok().unwrap().text();
    let times: Vec<String> = events
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter_map(|entry| entry.pointer("/event/at").and_then(Value::as_str).map(str::to_owned))
        .collect();
    assert!(times.len() > 10 && times.is_sorted(), "time goes on in the ledger");
    world.gate.offline(&["audit", "verify"]).unwrap().ok().unwrap();
}
