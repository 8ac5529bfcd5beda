//! Access reviews between people: what is taken away closes the door, and what is kept can be proved.

use postern_e2e::{Person, World, run, until};
use serde_json::Value;

fn items(person: &Person, review: &str) -> Vec<Value> {
    let listed = person.cli(&["review", "items", review, "-o", "json"]).unwrap().json().unwrap();
    listed.as_array().cloned().unwrap_or_default()
}

fn number(items: &[Value], kind: &str, holder: &str) -> String {
    let is = |item: &&Value| item["kind"] == kind && (item["user"] == holder || item["group"] == holder);
    items.iter().find(is).unwrap()["number"].to_string()
}

fn started(world: &World, more: &[&str]) -> String {
    let arguments = [&["review", "start", "Autumn", "-o", "json"][..], more].concat();
    let review = world.ada.cli(&arguments).unwrap().json().unwrap();
    review["id"].as_str().unwrap().to_owned()
}

#[test]
fn a_reviewer_sees_use_and_what_they_revoke_is_gone_at_once() {
    let world = World::start().unwrap();
    let (ben, mia) = (world.staff("ben").unwrap(), world.person("mia", &["leads"]).unwrap());
    run(ben.ssh(&world.gate, "deploy@web-1").arg("true")).unwrap().ok().unwrap();
    let review = started(&world, &["--kind", "membership", "--reviewer", "mia", "--reviewer", "ben"]);
    let seen = items(&mia, &review);
    let own = number(&seen, "membership", "ben");
    let mine = seen.iter().find(|item| item["user"] == "ben").unwrap();
    assert_eq!(mine["facts"]["uses"], 2, "one of them to prove the factor: {mine}");
    assert_eq!(mine["facts"]["policies"][0], "staff-everything");
    let refused = ben.cli(&["review", "keep", &review, &own, "--reason", "mine"]).unwrap().ended(3).unwrap();
    assert!(refused.said().contains("of your own"), "{}", refused.said());
    mia.cli(&["review", "revoke", &review, &own, "--reason", "moved on"]).unwrap().ok().unwrap();
    until("the door to be closed", || {
        let code = run(ben.ssh(&world.gate, "deploy@web-1").arg("true"))?.code;
        Ok((code != 0).then_some(()))
    })
    .unwrap();
    let mine = number(&seen, "membership", "mia");
    mia.cli(&["review", "keep", &review, &mine, "--reason", "mine"]).unwrap().ended(3).unwrap();
}

#[test]
fn what_nobody_answers_for_goes_and_the_evidence_can_be_verified() {
    let world = World::start().unwrap();
    world.person("ben", &["sre"]).unwrap();
    let mia = world.person("mia", &[]).unwrap();
    let review = started(&world, &["--group", "sre", "--reviewer", "mia"]);
    let seen = items(&mia, &review);
    let group = number(&seen, "policy_group", "sre");
    mia.cli(&["review", "keep", &review, &group, "--reason", "on call"]).unwrap().ok().unwrap();
    let early = world.ada.cli(&["review", "evidence", &review]).unwrap().ended(1).unwrap();
    assert!(early.said().contains("is not over"), "{}", early.said());
    let closed = world.ada.cli(&["review", "close", &review, "-o", "json"]).unwrap().json().unwrap();
    assert_eq!(closed["counts"]["unanswered"], 1, "{closed}");
    let sre = world.ada.cli(&["group", "show", "sre", "-o", "json"]).unwrap().json().unwrap();
    assert_eq!(sre["members"].as_array().map(Vec::len), Some(0), "{sre}");
    let out = world.gate.scratch().join("evidence");
    let folder = out.display().to_string();
    world.ada.cli(&["review", "evidence", &review, "--out", &folder]).unwrap().ok().unwrap();
    let note = out.join(format!("{review}.note")).display().to_string();
    let key = world.gate.data().join("ledger.pub").display().to_string();
    let verify = || world.ada.cli(&["review", "verify", &note, "--key", &key]).unwrap();
    verify().ok().unwrap();
    let csv = out.join(format!("{review}.csv"));
    let forged = std::fs::read_to_string(&csv).unwrap().replace("revoke", "keep");
    std::fs::write(&csv, forged).unwrap();
    assert!(verify().ended(1).unwrap().said().contains("is not what was signed"));
}

#[test]
fn a_policy_is_made_as_small_as_its_use() {
    let world = World::start().unwrap();
    let ben = world.staff("ben").unwrap();
    run(ben.ssh(&world.gate, "deploy@web-1").arg("true")).unwrap().ok().unwrap();
    let shown = |format: &str| world.ada.cli(&["right-size", "staff-everything", "-o", format]).unwrap().ok().unwrap();
    // What a session used is known when it is over.
    let sized = until("the session to be over", || {
        let sized: Value = serde_json::from_slice(&shown("json").stdout)?;
        Ok(sized["unused_capabilities"].is_array().then_some(sized))
    })
    .unwrap();
    assert!(sized["unused_capabilities"].to_string().contains("sftp_write"), "{sized}");
    assert_eq!(sized["accounts_used"], 1, "{sized}");
    assert_eq!(sized["uses_refused"], 0, "{sized}");
    world.apply(&shown("yaml").text()).unwrap();
    let policy = world.ada.cli(&["policy", "show", "staff-everything", "-o", "json"]).unwrap().json().unwrap();
    assert_eq!(policy["accounts"]["names"].to_string(), "[\"deploy\"]", "{policy}");
    assert_eq!(policy["revision"], 2);
    let all = world.ada.cli(&["right-size"]).unwrap().ok().unwrap().text();
    assert!(all.contains("sre-by-request") && all.contains("delete it"), "{all}");
}
