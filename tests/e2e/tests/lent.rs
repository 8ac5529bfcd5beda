//! What a client lends the target for as long as it is connected: its agent and its display. Nothing
//! is lent that policy does not name.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use postern_e2e::{Child, Person, World, run, until};

const AT: &str = "deploy@web-1";

/// A world whose staff may lend what is in `capabilities`, and one of the staff.
fn lending(capabilities: &str) -> (World, Person) {
    let world = World::start().unwrap();
    let access = world.access().unwrap();
    let wide = "[shell, exec, sftp_read, sftp_write, local_forward, remote_forward, dynamic_forward, env]";
    assert!(access.contains(wide));
    world.apply(&access.replacen(wide, capabilities, 1)).unwrap();
    let cyd = world.staff("cyd").unwrap();
    (world, cyd)
}

/// An agent that holds the person's key, listening at `socket`.
fn agent(person: &Person, socket: &Path) -> Child {
    let mut command = Command::new("ssh-agent");
    command.args(["-D", "-a"]).arg(socket).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let agent = Child::start(&mut command).unwrap();
    until("the agent", || Ok(socket.exists().then_some(()))).unwrap();
    run(Command::new("ssh-add").arg(person.key()).env("SSH_AUTH_SOCK", socket)).unwrap().ok().unwrap();
    agent
}

#[test]
fn an_agent_is_lent_where_policy_says_so() {
    for (capabilities, lent) in [("[exec, agent]", true), ("[exec]", false)] {
        let (world, cyd) = lending(capabilities);
        let socket = cyd.folder().join("agent");
        let _agent = agent(&cyd, &socket);
        let mut command = Command::new("ssh");
        command.arg("-A").args(cyd.ssh(&world.gate, AT).get_args());
        let said = run(command.arg("ssh-add -l").env("SSH_AUTH_SOCK", &socket)).unwrap();
        assert_eq!(said.text().contains("ED25519"), lent, "{capabilities}: {}", said.said());
    }
}

/// A display of its own; gives its number.
fn display() -> (Child, String) {
    let mut command = Command::new("Xvfb");
    command.args(["-displayfd", "1", "-screen", "0", "640x480x24"]);
    let mut server = Child::start(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null())).unwrap();
    let mut number = String::new();
    BufReader::new(server.process().stdout.take().unwrap()).read_line(&mut number).unwrap();
    (server, format!(":{}", number.trim()))
}

#[test]
fn a_display_is_lent_where_policy_says_so() {
    let (_server, display) = display();
    for (capabilities, lent) in [("[exec, x11]", true), ("[exec]", false)] {
        let (world, cyd) = lending(capabilities);
        let mut command = Command::new("ssh");
        command.arg("-Y").args(cyd.ssh(&world.gate, AT).get_args());
        let said = run(command.arg("xdpyinfo").env("DISPLAY", &display)).unwrap();
        assert_eq!(said.text().contains("640x480 pixels"), lent, "{capabilities}: {}", said.said());
    }
}
