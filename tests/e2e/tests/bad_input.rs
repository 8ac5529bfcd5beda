//! Nonsense, mistakes and malice at the door.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use postern_e2e::{Person, World, run, run_with_input, within};

fn refused(world: &World, person: &Person, account: &str) -> String {
    let ran = run(person.ssh(&world.gate, account).arg("true")).unwrap();
    assert_ne!(ran.code, 0, "{account} was let in");
    ran.said()
}

#[test]
fn what_does_not_exist_is_refused_alike() {
    let world = World::start().unwrap();
    let cyd = world.staff("cyd").unwrap();
    for account in
        ["root@web-9", "nobody@web-1", "root", "@", "root@web-1@web-1", "ROOT@@web-1", "r\u{f6}\u{f6}t@web-1"]
    {
        refused(&world, &cyd, account);
    }
    let unknown = refused(&world, &cyd, "root@web-9").replace("web-9", "web-1");
    let forbidden = refused(&world, &world.person("eve", &[]).unwrap(), "root@web-1");
    let line = |text: &str| text.lines().find(|line| line.contains("refused")).unwrap_or_default().to_owned();
    assert_eq!(line(&unknown), line(&forbidden), "an asset that is there is told from one that is not");
}

#[test]
fn keys_that_are_nobodys_do_not_come_in() {
    let world = World::start().unwrap();
    let cyd = world.staff("cyd").unwrap();
    let stranger = world.person("eve", &["staff"]).unwrap();
    let removed = stranger.cli(&["ssh-key", "list", "-o", "json"]).unwrap().json().unwrap();
    stranger.cli(&["ssh-key", "remove", removed[0]["id"].as_str().unwrap()]).unwrap().ok().unwrap();
    refused(&world, &stranger, "deploy@web-1");
    refused(&world, &stranger, "cyd/deploy@web-1");
    refused(&world, &cyd, "ada/deploy@web-1");
    run(cyd.ssh(&world.gate, "cyd/deploy@web-1").arg("true")).unwrap().ok().unwrap();
}

#[test]
fn codes_count_once_and_only_now() {
    let world = World::start().unwrap();
    let cyd = world.person("cyd", &["staff"]).unwrap();
    for code in [cyd.used_code().unwrap(), cyd.code_at(-20).unwrap(), cyd.code_at(20).unwrap(), "12345".to_owned()] {
        let ran = run(cyd.ssh_answering(&world.gate, "deploy@web-1", &code).unwrap().arg("true")).unwrap();
        assert_ne!(ran.code, 0, "{code} counted");
    }
    let (url, ca) = (world.gate.url(), world.gate.ca().display().to_string());
    let used = cyd.used_code().unwrap();
    let arguments = ["login", "--server", &url, "--ca", &ca, "--user", "cyd", "--password-stdin", "--otp", &used];
    assert_eq!(cyd.cli_with(&arguments, &cyd.password).unwrap().code, 1, "replayed at the command line");
}

#[test]
fn a_wrong_password_and_an_unknown_user_look_the_same() {
    let world = World::start().unwrap();
    let (url, ca) = (world.gate.url(), world.gate.ca().display().to_string());
    let try_as = |user: &str| {
        let arguments = ["login", "--server", &url, "--ca", &ca, "--user", user, "--password-stdin", "--otp", "123456"];
        let ran = world.ada.cli_with(&arguments, "not the password").unwrap();
        (ran.code, ran.stderr.replace(user, "NAME"))
    };
    assert_eq!(try_as("ada"), try_as("nobody"));
    world.ada.cli(&["whoami"]).unwrap().ok().unwrap();
}

#[test]
fn an_enrolment_link_works_once() {
    let world = World::start().unwrap();
    let made = world.ada.cli(&["user", "create", "ben", "-o", "json"]).unwrap().json().unwrap();
    let link = made["link"]["url"].as_str().unwrap().to_owned();
    Person::enrol(&world.gate, "ben", &link).unwrap();
    assert!(Person::enrol(&world.gate, "ben", &link).is_err());
}

#[test]
fn broken_documents_are_named_by_line_and_change_nothing() {
    let world = World::start().unwrap();
    let path = world.gate.scratch().join("broken.yaml");
    let apply = |text: &str| {
        fs::write(&path, text).unwrap();
        let ran = world.ada.cli(&["apply", "-f", &path.display().to_string()]).unwrap();
        assert_ne!(ran.code, 0, "{text}");
        ran.said()
    };
    let said = apply("kind: Asset\nname: db-1\nplatform: linux\naddress: 127.0.0.1:22\ncolour: red\n");
    assert!(said.contains("broken.yaml:5:") && said.contains("docs/reference/access.schema.json"), "{said}");
    apply("kind: Asset\nname: [\n");
    apply("kind: Nonsense\n");
    apply(&"[".repeat(100_000));
    apply("a: &a [x, x, x, x]\nb: &b [*a, *a, *a, *a]\nc: &c [*b, *b, *b, *b]\nd: [*c, *c, *c]\n");
    let good = "kind: Asset\nname: db-1\nplatform: linux\naddress: 127.0.0.1:22\n---\n";
    let said = apply(&format!("{good}kind: Account\naccount: root@db-2\ncredential: password\n"));
    assert!(said.contains("db-2"), "{said}");
    assert_eq!(world.ada.cli(&["asset", "show", "db-1"]).unwrap().code, 1, "all of it or nothing");
}

#[test]
fn a_name_of_ten_megabytes_is_no_name() {
    let world = World::start().unwrap();
    let long = "a".repeat(10_000_000);
    let body = format!("{{\"user\":\"{long}\",\"password\":\"x\"}}");
    let mut curl = world.gate.curl("/v1/login");
    curl.args(["-o", "/dev/null", "-w", "%{http_code}", "-X", "POST", "-H", "Content-Type: application/json"]);
    let said = run_with_input(curl.args(["--data-binary", "@-"]), body.as_bytes()).unwrap();
    // An answer, or the end of the connection before all of it was sent.
    assert!(!said.text().starts_with('2'), "{}", said.said());
    let mut command = Command::new("ssh");
    command.args(world.ada.options()).args(["-p", world.gate.ssh_port(), "-l", &long[..100_000], "127.0.0.1", "true"]);
    assert_ne!(run(&mut command).unwrap().code, 0);
    world.ada.cli(&["status"]).unwrap().ok().unwrap();
}

#[test]
fn a_flood_before_signing_in_keeps_nobody_out() {
    let world = World::start().unwrap();
    let cyd = world.staff("cyd").unwrap();
    let address = format!("127.0.0.1:{}", world.gate.ssh_port());
    let mut flood: Vec<TcpStream> = (0..200).filter_map(|_| TcpStream::connect(&address).ok()).collect();
    for stream in &mut flood {
        let _ = stream.write_all(b"SSH-2.0-x\r\n");
    }
    // It comes from the same address, where each connection has as long as a person has to sign in;
    // nothing that was never signed in is kept for longer.
    within("somebody to come in", Duration::from_secs(150), || {
        let ran = run(cyd.ssh(&world.gate, "deploy@web-1").arg("true"))?;
        Ok((ran.code == 0).then_some(()))
    })
    .unwrap();
    let mut garbage = TcpStream::connect(&address).unwrap();
    let _ = garbage.write_all(&vec![b'x'; 1_000_000]);
    let _ = garbage.read(&mut [0; 1024]);
    world.ada.cli(&["status"]).unwrap().ok().unwrap();
}
