//! psycopg2's own tests, on libpq: connections, cursors, COPY, large objects, notifications, cancelling,
//! two-phase commit, types.

use std::fs;
use std::process::Command;

use anyhow::Context as _;
use postern_e2e::{Declared, PgTarget, run as ran};

use crate::{Outcomes, Suite};

const ACCESS: &str = r"
kind: Asset
name: orders
platform: postgresql
address: ADDRESS
server_ca: |
CERTIFICATE
---
kind: Account
account: postgres@orders
credential: password
---
kind: Policy
name: everything
subjects: { groups: [dba] }
accounts: { assets: [orders] }
access: standing
obligations:
  capabilities: [query, copy_in, copy_out]
  reason_required: false
";

/// Runs the suite and writes a line for each test: its outcome and its name.
const PROGRAM: &str = r#"
import sys, unittest
sys.path.insert(0, ".")
import tests

class Lines(unittest.TestResult):
    def __init__(self, file):
        super().__init__()
        self.file = file
    def line(self, word, test):
        print(word, test.id(), file=self.file, flush=True)
    def addSuccess(self, test):
        self.line("passed", test)
    def addFailure(self, test, error):
        self.line("failed", test)
    def addError(self, test, error):
        self.line("failed", test)
    def addSkip(self, test, reason):
        self.line("skipped", test)
    def addExpectedFailure(self, test, error):
        self.line("passed", test)

with open(sys.argv[1], "w") as file:
    tests.test_suite().run(Lines(file))
"#;

/// Runs it against what listens on this port.
fn tests(target: &PgTarget, port: &str, user: &str, password: &str) -> anyhow::Result<Outcomes> {
    let lines = std::env::temp_dir().join(format!("psycopg2-{port}"));
    let mut command = Command::new("../python/bin/python");
    command.current_dir("target/suites/psycopg2").args(["-W", "ignore", "-c", PROGRAM]).arg(&lines);
    command.env("PGHOST", "127.0.0.1").env("PGPORT", port).env("PGUSER", user).env("PGPASSWORD", password);
    command.env("PGSSLMODE", "require").env("PGDATABASE", "shop").env("PSYCOPG2_TESTDB", "shop");
    target.sql("drop schema public cascade; create schema public")?;
    ran(&mut command)?.ok()?;
    let text = fs::read_to_string(&lines)?;
    fs::remove_file(&lines)?;
    let outcome = |line: &str| line.split_once(' ').map(|(word, name)| (name.to_owned(), word.to_owned()));
    Ok(text.lines().filter_map(outcome).collect())
}

/// Runs it both ways.
pub(crate) fn run() -> anyhow::Result<Suite> {
    let target = PgTarget::start()?;
    let declared = Declared::start(ACCESS, &target.address(), &target.certificate()?)?;
    let account = "postgres@orders";
    declared
        .ada
        .cli_with(&["account", "set-secret", account, "--password-stdin"], target.superuser_password())?
        .ok()?;
    let ben = declared.person("ben", "dba")?;
    let uri = ben.cli(&["connect", account, "shop", "--print", "--for", "1h"])?.ok()?.text();
    let token = uri.split(['/', '@']).nth(2).and_then(|login| login.split_once(':')).context("no token")?.1;
    let direct = tests(&target, &target.port().to_string(), "postgres", target.superuser_password())?;
    let gate = tests(&target, declared.gate.pg_port(), account, token)?;
    Ok(Suite { name: "psycopg2", direct, gate })
}
