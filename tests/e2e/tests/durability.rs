//! What survives: kills, restarts, edits on disk, the loss of a machine.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use postern_e2e::{Browser, Child, Gate, World, binary, run, until};
use serde_json::Value;

#[test]
fn after_a_kill_nothing_is_open_and_nothing_is_lost() {
    let mut world = World::start().unwrap();
    let cyd = world.staff("cyd").unwrap();
    let mut command = cyd.ssh(&world.gate, "deploy@web-1");
    command.args(["-tt", "for i in $(seq 1000); do echo said $i.; sleep 0.1; done"]).stdin(Stdio::null());
    let mut session = Child::start(command.stdout(Stdio::piped()).stderr(Stdio::null())).unwrap();
    let mut seen = BufReader::new(session.process().stdout.take().unwrap()).lines();
    assert!(seen.any(|line| line.unwrap().trim() == "said 40."));
    world.gate.kill();
    until("the client to notice", || session.ended()).unwrap();
    world.gate.offline(&["audit", "verify"]).unwrap().ok().unwrap();
    world.gate.start().unwrap();
    let sessions = world.ada.cli(&["sessions", "-o", "json"]).unwrap().json().unwrap();
    let list = sessions.as_array().unwrap();
    assert!(list.iter().all(|session| session["state"] == "ended"), "{sessions}");
    assert_eq!(list[0]["end_reason"], "unknown");
    let id = list[0]["id"].as_str().unwrap();
    let frames = world.ada.cli(&["session", "export", id, "--format", "json"]).unwrap().ok().unwrap().text();
    // Four seconds were said; at most the last one may be missing.
    assert!(frames.contains("said 25."), "{frames}");
    // The gate is the same one: its host key is the one that the client knows.
    run(cyd.ssh(&world.gate, "deploy@web-1").arg("true")).unwrap().ok().unwrap();
    world.gate.stop().unwrap();
    world.gate.offline(&["audit", "verify"]).unwrap().ok().unwrap();
}

#[test]
fn a_stop_ends_live_sessions_and_says_so() {
    let mut world = World::start().unwrap();
    let cyd = world.staff("cyd").unwrap();
    let mut command = cyd.ssh(&world.gate, "deploy@web-1");
    command.arg("echo up; exec sleep 1000").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut session = Child::start(&mut command).unwrap();
    let mut said = [0_u8; 2];
    std::io::Read::read_exact(session.process().stdout.as_mut().unwrap(), &mut said).unwrap();
    world.gate.stop().unwrap();
    until("the client to end", || session.ended()).unwrap();
    world.gate.start().unwrap();
    let sessions = world.ada.cli(&["sessions", "-o", "json"]).unwrap().json().unwrap();
    assert_eq!(sessions[0]["end_reason"], "shutdown");
}

#[test]
fn a_stop_does_not_wait_for_pages_that_are_open() {
    let mut world = World::start().unwrap();
    let cyd = world.staff("cyd").unwrap();
    let mut command = cyd.ssh(&world.gate, "deploy@web-1");
    command.args(["-tt", "exec cat"]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut session = Child::start(&mut command).unwrap();
    let page = Browser::sign_in(&world.gate, &world.ada).unwrap();
    let live = until("the session to be live", || {
        let (_, sessions) = page.json("GET", "/v1/sessions?live=true", &Value::Null)?;
        Ok(sessions["items"][0]["id"].as_str().map(str::to_owned))
    })
    .unwrap();
    let mut open = Vec::new();
    for path in ["/v1/feed".to_owned(), format!("/v1/sessions/{live}/watch")] {
        let mut stream = Child::start(page.follow(&path).stdout(Stdio::piped())).unwrap();
        let mut first = [0_u8; 1];
        std::io::Read::read_exact(stream.process().stdout.as_mut().unwrap(), &mut first).unwrap();
        open.push(stream);
    }
    world.gate.stop().unwrap();
    // They were ended, not cut off after a while.
    assert!(!world.gate.log().contains("cut off"), "{}", world.gate.log());
    for mut stream in open {
        assert!(until("the stream to end", || stream.ended()).unwrap().success());
    }
    until("the client to end", || session.ended()).unwrap();
}

#[test]
fn a_backup_brings_everything_back_on_another_machine() {
    let mut world = World::start().unwrap();
    let cyd = world.staff("cyd").unwrap();
    run(cyd.ssh(&world.gate, "deploy@web-1").arg("echo before")).unwrap().ok().unwrap();
    let file = world.gate.scratch().join("backup");
    world.gate.offline(&["backup", "--to", &file.display().to_string()]).unwrap().ok().unwrap();
    // Kept elsewhere: it is no part of the backup.
    let key = world.gate.scratch().join("vault.key");
    fs::copy(world.gate.data().join("vault.key"), &key).unwrap();
    world.gate.kill();

    let mut other = Gate::empty().unwrap();
    let mut restore = Command::new(binary().unwrap());
    restore.arg("restore").arg("--from").arg(&file).arg("--data").arg(other.data());
    run(&mut restore).unwrap().ok().unwrap();
    assert_ne!(run(&mut restore).unwrap().code, 0, "never over a folder that is there");
    fs::copy(key, other.data().join("vault.key")).unwrap();
    other.offline(&["audit", "verify"]).unwrap().ok().unwrap();
    other.start().unwrap();
    cyd.sign_in(&other).unwrap();
    // Another port, and the same host key, which its own name for it would otherwise not match.
    fs::remove_file(cyd.folder().join("known_hosts")).unwrap();
    let said = run(cyd.ssh(&other, "deploy@web-1").arg("echo after")).unwrap().ok().unwrap();
    assert_eq!(said.text(), "after\n");
    let sessions = cyd.cli(&["sessions", "-o", "json"]).unwrap().json().unwrap();
    assert!(sessions.as_array().unwrap().len() >= 3);
}

#[test]
fn an_edit_of_the_ledger_is_found_and_named() {
    let mut world = World::start().unwrap();
    world.person("ben", &["sre"]).unwrap();
    world.gate.stop().unwrap();
    let sound = world.gate.offline(&["audit", "verify", "-o", "json"]).unwrap().json().unwrap();
    assert_eq!(sound["ok"], true);
    let entries = ledger_files(&world.gate, "entries");
    let edited = entries.iter().max().unwrap();
    let content = fs::read(edited).unwrap();
    let mut changed = content.clone();
    let at = changed.len() / 2;
    changed[at] ^= 1;
    fs::write(edited, &changed).unwrap();
    let found = world.gate.offline(&["audit", "verify", "-o", "json"]).unwrap().ended(1).unwrap();
    let found: Value = serde_json::from_slice(&found.stdout).unwrap();
    assert_eq!(found["ok"], false);
    fs::write(edited, &content).unwrap();
    world.gate.offline(&["audit", "verify"]).unwrap().ok().unwrap();
    // The last leaves cut off, in the published files.
    fs::remove_file(edited).unwrap();
    world.gate.offline(&["audit", "verify"]).unwrap().ended(1).unwrap();
}

fn ledger_files(gate: &Gate, part: &str) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![gate.data().join("ledger")];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if path.display().to_string().contains(part) {
                found.push(path);
            }
        }
    }
    found
}

#[test]
fn a_folder_is_used_by_one_at_a_time() {
    let world = World::start().unwrap();
    let mut second = Command::new(binary().unwrap());
    second.arg("serve").arg("--data").arg(world.gate.data()).args(["--https", "127.0.0.1:0", "--ssh", "127.0.0.1:0"]);
    let said = run(&mut second).unwrap().ended(1).unwrap();
    assert!(said.stderr.contains("in use"), "{}", said.stderr);
}
