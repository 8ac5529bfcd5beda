//! Suites of Go's drivers: pgx and lib/pq for PostgreSQL, go-sql-driver/mysql for MariaDB.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::Context as _;
use postern_e2e::{Child, MysqlWorld, free_port, repository, run as ran, until};

use crate::postgres::{Database, Login};
use crate::{Outcomes, Suite};

/// Where Go finds what it builds, and where it puts that.
const SOURCES: &str = "target/suites/go/usr/share/gocode";

/// lib/pq's, both ways.
pub(crate) fn pq() -> anyhow::Result<Suite> {
    on_postgresql("pq", "github.com/lib/pq", |command, login| {
        command.env("PGHOST", "127.0.0.1").env("PGPORT", &login.port).env("PGUSER", &login.user);
        command.env("PGPASSWORD", &login.password).env("PGDATABASE", "shop").env("PGSSLMODE", "require");
    })
}

/// pgx's, both ways.
pub(crate) fn pgx() -> anyhow::Result<Suite> {
    on_postgresql("pgx", "github.com/jackc/pgx/v4", |command, login| {
        let Login { port, user, password } = login;
        let words = format!("host=127.0.0.1 port={port} user={user} password='{password}' dbname=shop sslmode=require");
        command.env("PGX_TEST_DATABASE", words);
    })
}

fn on_postgresql(name: &'static str, package: &str, says: fn(&mut Command, &Login)) -> anyhow::Result<Suite> {
    let program = built(package)?;
    let database = Database::start()?;
    let tests = |login: &Login| {
        database.empty()?;
        let mut command = suite(&program, package);
        says(&mut command, login);
        outcomes(&mut command)
    };
    Ok(Suite { name, direct: tests(&database.direct())?, gate: tests(&database.gate()?)? })
}

/// go-sql-driver's, both ways. It speaks no TLS unless a test is about it: to the gate it goes by `postern proxy`.
pub(crate) fn mysql() -> anyhow::Result<Suite> {
    const PACKAGE: &str = "github.com/go-sql-driver/mysql";
    let program = built(PACKAGE)?;
    let world = MysqlWorld::start()?;
    world.sql("create database gotest; set global require_secure_transport = off; grant all on *.* to app@'%' with grant option")?;
    let ben = world.declared.person("ben", "dba")?;
    let port = free_port()?;
    let mut proxy = ben.command(&["proxy", "app@shop", "--listen", &format!("127.0.0.1:{port}")])?;
    let _proxy = Child::start(proxy.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()))?;
    until("the proxy", || Ok(std::net::TcpStream::connect(("127.0.0.1", port)).ok()))?;
    let tests = |port: u16| {
        let mut command = suite(&program, PACKAGE);
        command.env("MYSQL_TEST_USER", "app").env("MYSQL_TEST_PASS", MysqlWorld::PASSWORD);
        command.env("MYSQL_TEST_ADDR", format!("127.0.0.1:{port}")).env("MYSQL_TEST_DBNAME", "gotest");
        outcomes(&mut command)
    };
    Ok(Suite { name: "go-mysql", direct: tests(world.target.port())?, gate: tests(port)? })
}

/// A package's tests as a program.
fn built(package: &str) -> anyhow::Result<PathBuf> {
    let program = repository().join("target/suites").join(package.replace('/', "_"));
    let mut go = Command::new(repository().join("target/suites/go/python/bin/go"));
    go.args(["test", "-vet=off", "-c", "-o"]).arg(&program).arg(package).env("GO111MODULE", "off");
    go.env("GOPATH", repository().join(SOURCES)).env("GOCACHE", repository().join("target/suites/go/cache"));
    ran(go.env("CGO_ENABLED", "0").env("GOTELEMETRY", "off"))?.ok()?;
    Ok(program)
}

/// The program, where its tests look for their files.
fn suite(program: &PathBuf, package: &str) -> Command {
    let mut command = Command::new("timeout");
    command.arg("110").arg(program).arg("-test.v").current_dir(repository().join(SOURCES).join("src").join(package));
    command
}

/// Runs it and reads a line for each test: `--- PASS: TestName (0.01s)`.
fn outcomes(command: &mut Command) -> anyhow::Result<Outcomes> {
    let ended = ran(command)?;
    if std::env::var_os("SUITES_SHOW").is_some() {
        eprintln!("--- {}\n{}", ended.shown, ended.said());
    }
    let text = ended.text();
    let lines = text.lines().filter_map(|line| line.strip_prefix("--- "));
    let outcome = |line: &str| {
        let (word, rest) = line.split_once(": ")?;
        let name = rest.split_whitespace().next()?.to_owned();
        let word = match word {
            "PASS" => crate::PASSED,
            "SKIP" => "skipped",
            _ => "failed",
        };
        Some((name, word.to_owned()))
    };
    let outcomes: Outcomes = lines.filter_map(outcome).collect();
    (!outcomes.is_empty()).then_some(outcomes).with_context(|| ended.said())
}
