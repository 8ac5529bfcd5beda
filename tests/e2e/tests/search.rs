//! Every session in which somebody touched this file, table or host.

use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use postern_e2e::{Child, DatabaseWorld, Person, World, run, run_with_input, until};
use serde_json::Value;

/// What a person finds, once the index has what was done.
fn finds(person: &Person, query: &str) -> Vec<Value> {
    until(&format!("{query} to be found"), || {
        let found = person.cli(&["search", query, "-o", "json"])?.json()?;
        let items = found["items"].as_array().cloned().unwrap_or_default();
        Ok(Some(items).filter(|items| !items.is_empty()))
    })
    .unwrap()
}

fn text(hit: &Value) -> String {
    hit["parts"].as_array().unwrap().iter().map(|part| part["text"].as_str().unwrap()).collect()
}

fn nothing(person: &Person, query: &str) {
    let found = person.cli(&["search", query, "-o", "json"]).unwrap().json().unwrap();
    assert_eq!(found["items"].as_array().map(Vec::len), Some(0), "{query}: {found}");
}

#[test]
fn sessions_are_found_by_what_was_done_in_them() {
    let world = World::start().unwrap();
    let cyd = world.staff("cyd").unwrap();
    let mut shell = cyd.ssh(&world.gate, "deploy@web-1");
    run_with_input(shell.arg("-tt"), b"cat /etc/hosts.allow\nexport TOKEN=Giraffe77y\necho $((40+2)) zebras\nexit\n")
        .unwrap();
    run(cyd.ssh(&world.gate, "deploy@web-1").arg("ls /srv/unlikely-folder")).unwrap();
    let here = cyd.folder().join("quarterly-figures");
    fs::write(&here, "content").unwrap();
    let mut scp = Command::new("scp");
    scp.args(cyd.options())
        .args(["-P", world.gate.ssh_port()])
        .arg(&here)
        .arg("deploy@web-1@127.0.0.1:quarterly-figures");
    run(&mut scp).unwrap().ok().unwrap();

    let found = finds(&world.ada, "file:/etc/hosts.allow user:cyd asset:web-1 protocol:ssh since:1d");
    assert_eq!(found.len(), 1, "{found:?}");
    let hit = &found[0]["hits"][0];
    assert_eq!((hit["kind"].as_str(), text(hit).as_str()), (Some("command"), "cat /etc/hosts.allow"));
    let shown = finds(&world.ada, "\"42 zebras\"");
    assert_eq!((shown[0]["session"]["id"].as_str(), shown.len()), (found[0]["session"]["id"].as_str(), 1));
    assert_eq!(finds(&world.ada, "command:ls file:/srv")[0]["hits"][0]["kind"], "exec");
    assert_eq!(finds(&world.ada, "file:quarterly-figures")[0]["hits"][0]["kind"], "file");
    nothing(&world.ada, "zebras user:ada");
    nothing(&world.ada, "zebras until:2020-01-01");
    nothing(&world.ada, "Giraffe77y");
    let wrong = world.ada.cli(&["search", "owner:cyd"]).unwrap();
    assert!(wrong.code != 0 && wrong.stderr.contains("file, command, host"), "{}", wrong.stderr);

    // One finds one's own sessions; strangers find nothing; who searched is in the ledger.
    assert_eq!(finds(&cyd, "zebras").len(), 1);
    nothing(&world.person("eve", &[]).unwrap(), "zebras");
    let events = world.ada.cli(&["audit", "list", "--action", "recording.search", "-o", "json"]).unwrap().ok().unwrap();
    assert!(events.text().contains("zebras"), "{}", events.text());
}

#[test]
fn a_session_is_found_while_it_is_live_and_after_a_crash() {
    let mut world = World::start().unwrap();
    let cyd = world.staff("cyd").unwrap();
    let mut command = cyd.ssh(&world.gate, "deploy@web-1");
    command.args(["-tt", "cat"]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut session = Child::start(&mut command).unwrap();
    session.process().stdin.as_mut().unwrap().write_all(b"okapi is live\n").unwrap();
    let found = finds(&world.ada, "\"okapi is live\"");
    assert_eq!(found[0]["session"]["state"], "live");
    world.gate.kill();
    world.gate.start().unwrap();
    let found = until("the session to be over", || {
        let found = finds(&world.ada, "\"okapi is live\"");
        Ok(Some(found).filter(|found| found[0]["session"]["state"] == "ended"))
    });
    assert_eq!(found.unwrap().len(), 1);
}

#[test]
fn statements_are_found_by_their_tables() {
    let world = DatabaseWorld::start().unwrap();
    let ben = world.person("ben", "dba").unwrap();
    let sql = "select name from customer where name = 'Quetzal' order by id";
    ben.cli(&["connect", "orders", "shop", "--", "-X", "-q", "-c", sql]).unwrap().ok().unwrap();
    let found = finds(&world.ada, "table:customer statement:\"order by\" quetzal");
    assert_eq!((found.len(), found[0]["hits"][0]["kind"].as_str()), (1, Some("statement")));
    assert!(text(&found[0]["hits"][0]).starts_with("select name"), "{found:?}");
    nothing(&world.ada, "table:invoice");
}
