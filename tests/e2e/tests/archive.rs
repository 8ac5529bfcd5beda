//! The archive in object storage with retention lock: moto's S3, a server of its own that keeps to object lock.
//!
//! What is in it is taken out with nothing but the storage's own interface and given to `postern-verify`.

use std::fs;
use std::process::{Command, Stdio};

use postern_e2e::{Child, Gate, Person, SshTarget, World, free_port, python_with, repository, run, until};
use serde_json::Value;

#[test]
fn ledger_and_recordings_lie_where_nobody_can_take_them_away() {
    let Some(mut python) = python_with("moto.server") else { return };
    let port = free_port().unwrap();
    python.args(["-m", "moto.server", "-H", "127.0.0.1", "-p", &port.to_string()]);
    python.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let _storage = Child::start(&mut python).unwrap();
    until("the storage", || Ok(std::net::TcpStream::connect(("127.0.0.1", port)).ok())).unwrap();
    let storage = |arguments: &[&str]| -> Value {
        let mut script = python_with("moto.server").unwrap();
        script.arg(repository().join("tests/e2e/tests/archive/storage.py")).arg(format!("http://127.0.0.1:{port}"));
        run(script.args(arguments)).unwrap().json().unwrap()
    };
    let (gate, shown) = Gate::set_up("ada", "correct horse battery staple").unwrap();
    let ada = Person::of_setup("ada", "correct horse battery staple", &shown).unwrap();
    fs::write(gate.scratch().join("key"), "testing").unwrap();
    let key = gate.scratch().join("key").display().to_string();
    fs::write(
        gate.config(),
        format!(
            "[archive]\nurl = \"http://127.0.0.1:{port}\"\nregion = \"us-east-1\"\nbucket = \"kept\"\nprefix = \"gate-1/\"\n\
             path_style = true\naccess_key_file = {key:?}\nsecret_key_file = {key:?}\nkeep = \"30d\"\n"
        ),
    )
    .unwrap();
    let mut world = World { gate, target: SshTarget::start("web-1").unwrap(), ada };
    storage(&["make", "unlocked"]);
    world.gate.start().unwrap();
    world.ada.sign_in(&world.gate).unwrap();
    let shown = |world: &World| world.ada.cli(&["archive", "-o", "json"])?.json();
    // A bucket that is not there, then one without a lock, is no archive.
    let failure = until("the archive to fail", || Ok(shown(&world)?["failure"].as_str().map(str::to_owned))).unwrap();
    assert!(failure.contains("404") || failure.contains("does not exist"), "{failure}");
    world.apply(&world.access().unwrap()).unwrap();
    world.target.trust(&world.ada.cli(&["ssh-ca"]).unwrap().ok().unwrap().text()).unwrap();
    let ben = world.person("ben", &["staff"]).unwrap();
    ben.prove_factor(&world.gate, "root@web-1").unwrap();
    run(ben.ssh(&world.gate, "root@web-1").arg("true")).unwrap().ok().unwrap();
    world.gate.stop().unwrap();
    storage(&["make", "kept", "locked"]);
    world.gate.start().unwrap();
    world.ada.sign_in(&world.gate).unwrap();
    until("everything to be archived", || {
        let view = shown(&world)?;
        Ok((view["behind"] == 0 && view["failed_at"].is_null()).then_some(()))
    })
    .unwrap();
    // Every object is locked, and taking one away is refused.
    let all = storage(&["list", "kept"]);
    let objects = all.as_array().unwrap();
    let named = |part: &str| objects.iter().filter(|one| one["name"].as_str().unwrap().contains(part)).count();
    assert!(named("gate-1/recordings/ses_") >= 2 && named("gate-1/ledger/tile/entries/") >= 1, "{all:#}");
    assert!(objects.iter().all(|one| one["mode"] == "COMPLIANCE" && one["days"].as_i64().unwrap() >= 29), "{all:#}");
    assert_eq!(storage(&["remove", "kept"])["refused"], true);
    // A hold is one there, too, until two people have released it.
    let held = |wanted: usize| {
        until("holds to be followed", || {
            let all = storage(&["list", "kept"]);
            let held = all.as_array().unwrap().iter().filter(|one| one["held"] == true).count();
            Ok((held == wanted && shown(&world)?["held"].as_u64() == u64::try_from(wanted).ok()).then_some(()))
        })
        .unwrap();
    };
    let reason = ["--reason", "a claim"];
    let hold = world.ada.cli(&[&["hold", "place", "--user", "ben", "-o", "json"][..], &reason].concat()).unwrap();
    let hold = hold.json().unwrap()[0]["id"].as_str().unwrap().to_owned();
    held(named("gate-1/recordings/ses_"));
    let max = world.person("max", &[]).unwrap();
    world.ada.cli(&["user", "role", "max", "administrator=/"]).unwrap().ok().unwrap();
    for person in [&world.ada, &max] {
        person.cli(&[&["hold", "release", &hold][..], &reason].concat()).unwrap().ok().unwrap();
    }
    held(0);
    // What was taken out is whole.
    let desk = world.gate.scratch().join("out");
    storage(&["get", "kept", &desk.display().to_string()]);
    let mut verify = Command::new(super::outside::verifier());
    verify.current_dir(desk.join("gate-1")).args(["ledger", "ledger", "--recordings", "recordings", "--key"]);
    let said = run(verify.arg(world.gate.data().join("ledger.pub"))).unwrap().ok().unwrap().text();
    assert!(said.contains("are as the ledger says"), "{said}");
}
