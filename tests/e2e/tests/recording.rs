//! What sessions leave behind: played, watched, verified, and noticed when it is edited.

use std::fs;
use std::io::Write as _;
use std::process::Stdio;

use postern_e2e::{Child, Person, World, run, run_with_input, until};
use serde_json::Value;

/// The newest session, once it is over.
fn last_session(world: &World) -> String {
    until("the session to end", || {
        let sessions = world.ada.cli(&["sessions", "-o", "json"])?.json()?;
        let newest = sessions.pointer("/0");
        let ended = newest.filter(|session| session["state"] == "ended");
        Ok(ended.and_then(|session| session["id"].as_str()).map(str::to_owned))
    })
    .unwrap()
}

fn verdict(world: &World, session: &str) -> String {
    let shown = world.ada.cli(&["session", "show", session, "-o", "json"]).unwrap();
    let shown: Value = serde_json::from_slice(&shown.stdout).unwrap();
    shown.pointer("/integrity/verdict").and_then(Value::as_str).unwrap().to_owned()
}

fn with_terminal(world: &World, person: &Person, input: &[u8]) -> String {
    let mut command = person.ssh(&world.gate, "deploy@web-1");
    run_with_input(command.arg("-tt"), input).unwrap();
    last_session(world)
}

#[test]
fn a_terminal_is_recorded_as_it_was_seen() {
    let world = World::start().unwrap();
    let cyd = world.staff("cyd").unwrap();
    let session = with_terminal(&world, &cyd, b"echo $((40+2)) is the answer\nexit\n");
    assert_eq!(verdict(&world, &session), "verified");
    let cast = world.ada.cli(&["session", "export", &session]).unwrap().ok().unwrap().text();
    let header: Value = serde_json::from_str(cast.lines().next().unwrap()).unwrap();
    assert_eq!(header["version"], 3);
    assert!(cast.contains("42 is the answer"), "{cast}");
    assert!(cast.lines().skip(1).all(|line| serde_json::from_str::<Value>(line).is_ok()), "every line is JSON");
    let text = world.ada.cli(&["session", "export", &session, "--format", "text"]).unwrap().ok().unwrap().text();
    assert!(text.contains("42 is the answer"));
    let stranger = world.person("eve", &[]).unwrap();
    assert_ne!(stranger.cli(&["session", "export", &session]).unwrap().code, 0);
}

#[test]
fn commands_and_files_are_recorded_by_name() {
    let world = World::start().unwrap();
    let cyd = world.staff("cyd").unwrap();
    run(cyd.ssh(&world.gate, "deploy@web-1").arg("echo unusual-words")).unwrap().ok().unwrap();
    let command = last_session(&world);
    let frames = |session: &str| {
        world.ada.cli(&["session", "export", session, "--format", "json"]).unwrap().ok().unwrap().text()
    };
    assert!(frames(&command).contains("echo unusual-words"));
    let here = cyd.folder().join("unusual-name");
    fs::write(&here, "content").unwrap();
    let mut scp = std::process::Command::new("scp");
    scp.args(cyd.options()).args(["-P", world.gate.ssh_port()]).arg(&here).arg("deploy@web-1@127.0.0.1:unusual-name");
    run(&mut scp).unwrap().ok().unwrap();
    let copied =
        until("the copy's session", || Ok(Some(last_session(&world)).filter(|last| *last != command))).unwrap();
    let told = frames(&copied);
    assert!(told.contains("unusual-name"), "{told}");
    // SHA-256 of `content`.
    assert!(told.contains("ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73"), "{told}");
}

#[test]
fn a_live_session_can_be_watched() {
    let world = World::start().unwrap();
    let cyd = world.staff("cyd").unwrap();
    let mut command = cyd.ssh(&world.gate, "deploy@web-1");
    command.args(["-tt", "cat"]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut session = Child::start(&mut command).unwrap();
    let id = until("a live session", || {
        let sessions = world.ada.cli(&["sessions", "--live", "-o", "json"])?.json()?;
        Ok(sessions.pointer("/0/id").and_then(Value::as_str).map(str::to_owned))
    })
    .unwrap();
    let seen = world.gate.scratch().join("seen");
    let mut watch = world.ada.command(&["session", "watch", &id]).unwrap();
    watch.stdin(Stdio::null()).stdout(fs::File::create(&seen).unwrap()).stderr(Stdio::null());
    let mut watching = Child::start(&mut watch).unwrap();
    let mut keyboard = session.process().stdin.take().unwrap();
    until("what is typed to be seen", || {
        keyboard.write_all(b"typed-words\n")?;
        Ok(fs::read_to_string(&seen)?.contains("typed-words").then_some(()))
    })
    .unwrap();
    drop(keyboard);
    session.kill();
    until("the end of watching", || watching.ended()).unwrap();
}

#[test]
fn an_edited_recording_is_noticed() {
    let world = World::start().unwrap();
    let cyd = world.staff("cyd").unwrap();
    let session = with_terminal(&world, &cyd, b"echo evidence\nexit\n");
    let path = recording_of(&world, &session);
    let sound = fs::read(&path).unwrap();
    let places = [0, sound.len() / 3, sound.len() / 2, sound.len() - 1];
    for at in places {
        let mut edited = sound.clone();
        edited[at] ^= 1;
        fs::write(&path, &edited).unwrap();
        assert_eq!(verdict(&world, &session), "altered", "one bit at {at}");
    }
    fs::write(&path, &sound[..sound.len() - 40]).unwrap();
    assert_ne!(verdict(&world, &session), "verified", "cut short");
    let verified = world.gate.offline(&["audit", "verify"]).unwrap();
    assert!(verified.code == 1 && verified.said().contains(&session), "{}", verified.said());
    fs::write(&path, &sound).unwrap();
    assert_eq!(verdict(&world, &session), "verified");
}

fn recording_of(world: &World, session: &str) -> std::path::PathBuf {
    let mut open = vec![world.gate.data().join("recordings")];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            if entry.path().is_dir() {
                open.push(entry.path());
            } else if entry.file_name().to_string_lossy().contains(session) {
                return entry.path();
            }
        }
    }
    panic!("no recording of {session}");
}
