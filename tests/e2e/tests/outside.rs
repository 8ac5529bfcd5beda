//! What somebody who does not trust Postern finds out with `postern-verify`: about the product's own ledger,
//! recordings, proofs and growth, and as its witness.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use postern_e2e::{Child, Gate, Person, Ran, SshTarget, World, binary, run, until};
use serde_json::Value;

/// The verifier under test: `$POSTERN_VERIFY_BIN`, else the one beside the product.
pub(crate) fn verifier() -> PathBuf {
    if let Some(path) = std::env::var_os("POSTERN_VERIFY_BIN") {
        return PathBuf::from(path);
    }
    let beside = binary().unwrap().with_file_name("postern-verify");
    if !beside.exists() {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--quiet", "--package", "postern-verify"]);
        run(&mut cargo).unwrap().ok().unwrap();
    }
    beside
}

pub(crate) fn verify(folder: &Path, arguments: &[&str]) -> Ran {
    run(Command::new(verifier()).args(arguments).current_dir(folder)).unwrap()
}

/// A witness of its own, and where it answers.
struct Witnessing {
    desk: PathBuf,
    running: Option<Child>,
    key: String,
    address: String,
}

impl Witnessing {
    fn new(desk: &Path) -> Self {
        let key = verify(desk, &["witness-key", "witness.example.test", "--out", "witness.key"]).ok().unwrap().text();
        let key = key.lines().next().unwrap().to_owned();
        fs::write(desk.join("witness.pub"), &key).unwrap();
        let address = format!("127.0.0.1:{}", postern_e2e::free_port().unwrap());
        Self { desk: desk.to_owned(), running: None, key, address }
    }

    fn start(&mut self) {
        let mut command = Command::new(verifier());
        command.args(["witness", "--key", "witness.key", "--log", "ledger.pub", "--state", "seen"]);
        command.args(["--listen", &self.address, "--tell", "cat >> told"]).current_dir(&self.desk);
        let mut child = Child::start(command.stdin(Stdio::null()).stdout(Stdio::piped())).unwrap();
        let mut line = String::new();
        BufReader::new(child.process().stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.contains("listens on"), "{line}");
        self.running = Some(child);
    }

    fn told(&self) -> String {
        fs::read_to_string(self.desk.join("told")).unwrap_or_default()
    }
}

/// How much the one witness has seen, and why it does not say so.
fn seen(world: &World) -> (Option<u64>, String) {
    let all = world.ada.cli(&["witnesses", "-o", "json"]).unwrap().json().unwrap();
    (all[0]["size"].as_u64(), all[0]["failure"].as_str().unwrap_or_default().to_owned())
}

fn copy(from: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to);
    run(Command::new("cp").arg("-a").arg(from).arg(to)).unwrap().ok().unwrap();
}

#[test]
fn an_auditor_checks_what_was_recorded_without_the_server() {
    let world = World::start().unwrap();
    let ben = world.staff("ben").unwrap();
    for said in ["one", "two"] {
        run(ben.ssh(&world.gate, "root@web-1").args(["echo", said])).unwrap().ok().unwrap();
    }
    let desk = world.gate.scratch().join("desk");
    fs::create_dir(&desk).unwrap();
    copy(&world.gate.data().join("ledger.pub"), &desk.join("ledger.pub"));
    let done = ["--outcome", "done", "-o", "json"];
    let events = |action: &str| world.ada.cli(&[&["audit", "list", "--action", action], &done[..]].concat())?.json();
    let ended = || {
        let (begun, ended) = (events("session.open")?, events("session.end")?);
        let count = |page: &Value| page.as_array().map_or(0, Vec::len);
        let proof = world.ada.cli(&["audit", "proof", &ended[0]["index"].to_string(), "-o", "json"])?;
        let all = count(&ended) >= 2 && count(&ended) == count(&begun) && proof.code == 0;
        Ok(all.then(|| (count(&ended), ended[0]["event"]["target"].as_str().unwrap().to_owned(), proof.text())))
    };
    let (sessions, session, proof) = until("the sessions' ends to be signed", ended).unwrap();
    fs::write(desk.join("proof.json"), proof).unwrap();
    let older = fs::read(world.gate.data().join("ledger/checkpoint")).unwrap();
    fs::write(desk.join("older"), older).unwrap();
    let export = world.ada.cli(&["audit", "export", "--proof"]).unwrap().ok().unwrap();
    fs::write(desk.join("export.jsonl"), export.text()).unwrap();
    for name in ["ledger", "recordings"] {
        copy(&world.gate.data().join(name), &desk.join(name));
    }
    let ledger = ["ledger", "ledger", "--key", "ledger.pub", "--recordings", "recordings", "--since", "older"];
    let all = verify(&desk, &ledger).ok().unwrap().text();
    assert!(all.contains(&format!("recordings: {sessions} are as the ledger says")), "{all}");
    let file = format!("recordings/{session}.rec");
    let recording = ["recording", file.as_str(), "--ledger", "ledger", "--key", "ledger.pub"];
    assert!(verify(&desk, &recording).ok().unwrap().text().contains("is the one that the ledger speaks of"));
    for proofs in ["proof.json", "export.jsonl"] {
        verify(&desk, &["proof", proofs, "--key", "ledger.pub"]).ok().unwrap();
    }
    let growth = ["growth", "older", "ledger/checkpoint", "--ledger", "ledger", "--key", "ledger.pub"];
    verify(&desk, &growth).ok().unwrap();
    // One byte after its end is noticed, by the product's own verifier as well.
    let mut bytes = fs::read(desk.join(&file)).unwrap();
    bytes.push(0);
    fs::write(desk.join(&file), &bytes).unwrap();
    let wrong = verify(&desk, &ledger).ended(1).unwrap().text();
    assert!(wrong.contains(&session) && wrong.contains("has bytes after its end"), "{wrong}");
    fs::write(world.gate.data().join(&file), &bytes).unwrap();
    let own = world.gate.offline(&["audit", "verify"]).unwrap();
    assert!(own.code != 0 && own.text().contains("has bytes after its end"), "{}", own.text());
}

#[test]
fn a_witness_sees_the_ledger_grow_and_tells_when_it_is_set_back() {
    let (gate, shown) = Gate::set_up("ada", "correct horse battery staple").unwrap();
    let ada = Person::of_setup("ada", "correct horse battery staple", &shown).unwrap();
    let desk = gate.scratch().join("witness");
    fs::create_dir(&desk).unwrap();
    let mut witness = Witnessing::new(&desk);
    let (address, key) = (&witness.address, &witness.key);
    fs::write(gate.config(), format!("[[witnesses]]\nurl = \"http://{address}\"\nkey = \"{key}\"\n")).unwrap();
    let mut world = World { gate, target: SshTarget::start("web-1").unwrap(), ada };
    world.gate.start().unwrap();
    copy(&world.gate.data().join("ledger.pub"), &desk.join("ledger.pub"));
    world.ada.sign_in(&world.gate).unwrap();
    witness.start();
    world.apply(&world.access().unwrap()).unwrap();
    let first = until("the witness to see", || Ok(seen(&world).0)).unwrap();
    // A copy of everything, to be put back below.
    world.gate.stop().unwrap();
    copy(&world.gate.data(), &desk.join("before"));
    world.gate.start().unwrap();
    world.ada.cli(&["user", "create", "ben"]).unwrap().ok().unwrap();
    let more = until("the witness to see more", || Ok(seen(&world).0.filter(|size| *size > first))).unwrap();
    copy(&world.gate.data().join("ledger"), &desk.join("ledger"));
    let with = ["ledger", "ledger", "--key", "ledger.pub", "--witness", "witness.pub", "--live"];
    let said = verify(&desk, &with).ok().unwrap().text();
    assert!(said.contains(&format!("witness.example.test saw {more} leaves at ")), "{said}");
    // Somebody puts yesterday's data back, and goes on from there.
    world.gate.stop().unwrap();
    copy(&desk.join("before"), &world.gate.data());
    world.gate.start().unwrap();
    world.ada.sign_in(&world.gate).unwrap();
    let why =
        until("the witness to refuse", || Ok(Some(seen(&world).1).filter(|why| why.contains("REFUSES")))).unwrap();
    assert!(why.contains("has seen") || why.contains("FORKED"), "{why}");
    let told = until("somebody to be told", || Ok(Some(witness.told()).filter(|told| !told.is_empty()))).unwrap();
    assert!(told.contains("THE LEDGER SHRANK") || told.contains("THE LEDGER FORKED"), "{told}");
    let page: Value = world.ada.cli(&["audit", "list", "--action", "witness", "-o", "json"]).unwrap().json().unwrap();
    assert_eq!(page[0]["event"]["action"], "witness.refuse", "{page:#}");
}
