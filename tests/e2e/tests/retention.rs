//! Retention with a real `ssh`: recordings that are over go, held ones stay, and whoever checks the data folder from
//! outside tells that from a loss.

use std::fs;
use std::process::Command;

use postern_e2e::{World, run, until};
use serde_json::Value;

fn verify(world: &World) -> postern_e2e::Ran {
    let data = world.gate.data();
    let mut verify = Command::new(super::outside::verifier());
    verify.args(["ledger", "ledger", "--recordings", "recordings", "--key", "ledger.pub"]).current_dir(data);
    run(&mut verify).unwrap()
}

fn session(world: &World, id: &str) -> Value {
    world.ada.cli(&["session", "show", id, "-o", "json"]).unwrap().ok().unwrap().json().unwrap()
}

#[test]
fn what_is_over_goes_what_is_held_stays_and_both_are_proved() {
    let mut world = World::start().unwrap();
    let ben = world.staff("ben").unwrap();
    for said in ["goes", "stays"] {
        run(ben.ssh(&world.gate, "root@web-1").args(["echo", said])).unwrap().ok().unwrap();
    }
    let ended = || {
        let all = world.ada.cli(&["sessions", "--user", "ben", "-o", "json"])?.json()?;
        let all: Vec<_> = all.as_array().cloned().unwrap_or_default();
        let over = all.iter().filter(|one| one["recording"]["digest"].is_string());
        let ids: Vec<_> = over.filter_map(|one| one["id"].as_str().map(str::to_owned)).collect();
        Ok((ids.len() >= 2 && ids.len() == all.len()).then_some(ids))
    };
    let ids = until("the sessions to be over", ended).unwrap();
    let (held, goes) = (ids[0].clone(), ids[1].clone());
    let place = ["hold", "place", "--reason", "Matter 114", "--session", &held, "-o", "json"];
    let hold = world.ada.cli(&place).unwrap().ok().unwrap().json().unwrap();
    let hold = hold[0]["id"].as_str().unwrap().to_owned();

    world.gate.stop().unwrap();
    let before = fs::read_to_string(world.gate.config()).unwrap_or_default();
    fs::write(world.gate.config(), format!("{before}\n[retention]\nrecordings = \"1s\"\nwait = \"0s\"\n")).unwrap();
    world.gate.start().unwrap();
    world.ada.sign_in(&world.gate).unwrap();
    let gone = |id: &str| !world.gate.data().join(format!("recordings/{id}.rec")).exists();
    until("the recording to go", || Ok(gone(&goes).then_some(()))).unwrap();
    assert!(!gone(&held), "a hold keeps it");
    assert!(session(&world, &goes)["recording"]["pruned_at"].is_string());
    let told = world.ada.cli(&["session", "play", &goes]).unwrap();
    assert!(told.code != 0 && told.said().contains("when its time was over"), "{}", told.said());

    // One person asks, and is not enough.
    let release = ["hold", "release", &hold, "--reason", "settled"];
    world.ada.cli(&release).unwrap().ok().unwrap();
    let alone = world.ada.cli(&release).unwrap();
    assert!(alone.code != 0 && alone.said().contains("somebody else"), "{}", alone.said());

    let said = until("that to be signed", || {
        let ran = verify(&world);
        Ok(ran.text().contains("were taken away, as it says too").then(|| ran.text()))
    })
    .unwrap();
    assert!(!said.contains("0 were taken away"), "{said}");
    world.gate.stop().unwrap();
    world.gate.offline(&["audit", "verify"]).unwrap().ok().unwrap();
    // The same without the ledger's word is a loss.
    fs::remove_file(world.gate.data().join(format!("recordings/{held}.rec"))).unwrap();
    let missing = verify(&world);
    assert!(missing.code != 0 && missing.said().contains(&held), "{}", missing.said());
}
