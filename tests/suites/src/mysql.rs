//! MariaDB's own tests of its client library: prepared statements in every form, cursors, several results,
//! signing in anew, bulk statements, cancelling, compression.
//!
//! What tests that fail have said is shown with `SUITES_SHOW=1`.
//!
//! The suite speaks no TLS: directly the server takes it without, and to the gate it goes by `postern proxy`.

use std::fs;
use std::process::{Command, Stdio};

use postern_e2e::{Child, MysqlWorld, free_port, run as ran, until};

use crate::{Outcomes, PASSED, Suite};

const PROGRAM: &str = "target/suites/mariadb/usr/bin/mariadb-client-test";

/// Runs it both ways.
pub(crate) fn run() -> anyhow::Result<Suite> {
    let mut world = MysqlWorld::start()?;
    world.sql("create database test; set global require_secure_transport = off; grant all on *.* to app@'%' with grant option")?;
    // The suite asks for what a version can do; the gate greets before it knows which server is wanted.
    let config = format!("[mysql]\nserver_version = \"{}\"\n", world.sql("select version()")?);
    fs::write(world.declared.gate.config(), config)?;
    world.declared.gate.stop()?;
    world.declared.gate.start()?;
    let ben = world.declared.person("ben", "dba")?;
    let port = free_port()?;
    let mut proxy = ben.command(&["proxy", "app@shop", "--listen", &format!("127.0.0.1:{port}")])?;
    let _proxy = Child::start(proxy.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()))?;
    until("the proxy", || Ok(std::net::TcpStream::connect(("127.0.0.1", port)).ok()))?;
    let shown = ran(Command::new(PROGRAM).arg("--show-tests"))?.text();
    let names: Vec<&str> = shown.lines().filter(|line| line.starts_with("test_")).collect();
    let direct = tests(&world, &names, world.target.port())?;
    let gate = tests(&world, &names, port)?;
    Ok(Suite { name: "mariadb-client-test", direct, gate })
}

/// Runs each of the tests against what listens on this port, each with the database as it was: what a test
/// that fails leaves behind is no reason for the next one to fail.
fn tests(world: &MysqlWorld, names: &[&str], port: u16) -> anyhow::Result<Outcomes> {
    let folder = std::env::temp_dir().join(format!("mariadb-client-test-{port}"));
    // It keeps notes there and gives up without.
    fs::create_dir_all(folder.join("log"))?;
    let mut outcomes = Outcomes::new();
    for name in names {
        let mut command = Command::new("timeout");
        command.args(["60", PROGRAM, "--no-defaults", "-h", "127.0.0.1", "-P", &port.to_string(), "-u", "app"]);
        command.arg(format!("-p{}", MysqlWorld::PASSWORD)).arg("-v").arg(&folder).arg(name);
        world.sql("drop database if exists client_test_db; drop database test; create database test")?;
        let ended = ran(&mut command)?;
        if ended.code != 0 && std::env::var_os("SUITES_SHOW").is_some() {
            eprintln!("--- {port} {name}\n{}{}", ended.text(), ended.stderr);
        }
        let word = if ended.code == 0 { PASSED } else { "failed" };
        outcomes.insert((*name).to_owned(), word.to_owned());
    }
    fs::remove_dir_all(&folder)?;
    Ok(outcomes)
}
