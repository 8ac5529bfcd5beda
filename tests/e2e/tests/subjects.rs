//! Whom policies choose, and by which way in: people by attributes and programs as workloads, with OpenSSH, a
//! browser's terminal and an API token to a real sshd.

use std::fs;
use std::process::Command;

use postern_e2e::{Browser, Person, Ran, World, run, run_with_input, until};
use serde_json::{Value, json};

const ACCESS: &str = r"
kind: Policy
name: by-team
subjects: { attributes: { team: pumps } }
accounts: { names: [build], assets: [web-1] }
access: standing
conditions: { clients: [WAY] }
obligations: { capabilities: [shell, exec], reason_required: false, mfa_max_age: 12h }
---
kind: Policy
name: programs
subjects: { workloads: [pipeline] }
accounts: { names: [build, deploy], assets: [web-1] }
access: standing
conditions: { clients: [ssh, api] }
obligations: { capabilities: [exec], reason_required: false, checkout: 10m }
";

fn by(world: &World, way: &str) {
    world.apply(&ACCESS.replace("WAY", way)).unwrap();
}

fn made(world: &World, arguments: &[&str]) -> Value {
    world.ada.cli(&[arguments, &["-o", "json"]].concat()).unwrap().json().unwrap()
}

fn ssh(world: &World, person: &Person) -> Ran {
    run(person.ssh(&world.gate, "build@web-1").arg("echo $((6*7))")).unwrap()
}

#[test]
fn people_are_chosen_by_attributes_and_by_the_way_that_they_come() {
    let world = World::start().unwrap();
    made(&world, &["user", "create", "pipeline", "--workload"]);
    by(&world, "ssh");
    let cyd = world.person("cyd", &[]).unwrap();
    let browser = Browser::sign_in(&world.gate, &cyd).unwrap();
    let refused = ssh(&world, &cyd);
    assert!(refused.code != 0 && !refused.said().contains("42"), "without the attribute: {}", refused.said());

    world.ada.cli(&["user", "attributes", "cyd", "team=pumps"]).unwrap().ok().unwrap();
    cyd.prove_factor(&world.gate, "build@web-1").unwrap();
    assert_eq!(ssh(&world, &cyd).ok().unwrap().text(), "42\n");
    let refused = browser.open("build@web-1").unwrap_err().to_string();
    assert!(refused.contains("403") && refused.contains("by-team"), "the browser's terminal: {refused}");

    by(&world, "terminal");
    let refused = ssh(&world, &cyd);
    assert!(refused.code != 0 && refused.said().contains("by-team"), "OpenSSH: {}", refused.said());
    let (session, ticket) = browser.open("build@web-1").unwrap();
    let mut socket = browser.attach(&session, &ticket, None).unwrap();
    socket.type_in("echo $((6*7)) it is\r").unwrap();
    socket.until_output("42 it is").unwrap();

    // Who does not have it any more is let go on with nothing.
    world.ada.cli(&["user", "attributes", "cyd", "team=valves"]).unwrap().ok().unwrap();
    until("the terminal to be refused", || Ok(browser.open("build@web-1").is_err().then_some(()))).unwrap();
}

#[test]
fn programs_come_with_their_own_key_and_token() {
    let world = World::start().unwrap();
    made(&world, &["user", "create", "pipeline", "--workload", "--role", "user=/"]);
    by(&world, "ssh");
    let folder = world.gate.scratch().join("pipeline");
    fs::create_dir(&folder).unwrap();
    let key = folder.join("key").display().to_string();
    run(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f", &key])).unwrap().ok().unwrap();
    let public = format!("{key}.pub");
    world.ada.cli(&["ssh-key", "add", &public, "--for", "pipeline"]).unwrap().ok().unwrap();
    let connect = |account: &str| {
        let mut ssh = Command::new("ssh");
        let options = ["BatchMode=yes", "IdentitiesOnly=yes", "StrictHostKeyChecking=no", "LogLevel=ERROR"];
        ssh.args(["-F", "none", "-i", &key, "-o", "UserKnownHostsFile=/dev/null", "-p", world.gate.ssh_port()]);
        ssh.args(options.iter().flat_map(|option| ["-o", option]));
        run(ssh.arg(format!("{account}@127.0.0.1")).arg("echo $((6*7))")).unwrap()
    };
    assert_eq!(connect("build@web-1").ok().unwrap().text(), "42\n", "without a factor to prove");
    let refused = connect("root@web-1");
    assert!(refused.code != 0 && !refused.said().contains("42"), "{}", refused.said());

    let create = ["token", "create", "ci", "--for", "pipeline", "--permission", "request:create", "--expires", "1h"];
    let token = made(&world, &create)["token"].as_str().unwrap().to_owned();
    let call = |path: &str, body: &Value| -> Value {
        let header = folder.join("header");
        fs::write(&header, format!("Authorization: Bearer {token}\n")).unwrap();
        let mut curl = world.gate.curl(path);
        curl.args(["-H", &format!("@{}", header.display()), "-H", "Content-Type: application/json"]);
        curl.args(["--data-binary", "@-"]);
        let answer = run_with_input(&mut curl, &serde_json::to_vec(body).unwrap()).unwrap();
        serde_json::from_slice(&answer.stdout).unwrap_or(Value::Null)
    };
    let wish = |account: &str| json!({ "account": account, "reason": "the nightly build" });
    let secret = call("/v1/checkouts", &wish("deploy@web-1"));
    assert_eq!(secret["secret"].as_str(), Some(world.target.password()), "{secret}");
    assert_eq!(call("/v1/checkouts", &wish("root@web-1"))["code"], "refused");

    world.ada.cli(&["user", "disable", "pipeline"]).unwrap().ok().unwrap();
    assert_eq!(call("/v1/checkouts", &wish("deploy@web-1"))["code"], "unauthenticated");
    assert_ne!(connect("build@web-1").code, 0);
}
