//! psycopg2's own tests, on libpq: connections, cursors, COPY, large objects, notifications, cancelling,
//! two-phase commit, types.

use std::fs;
use std::process::Command;

use anyhow::Context as _;
use postern_e2e::{Declared, Person, PgTarget, run as ran};

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

/// A database with the gate before it.
pub(crate) struct Database {
    target: PgTarget,
    declared: Declared,
    ben: Person,
}

/// What a client signs in with.
pub(crate) struct Login {
    pub(crate) port: String,
    pub(crate) user: String,
    pub(crate) password: String,
}

const ACCOUNT: &str = "postgres@orders";

impl Database {
    /// Starts both.
    pub(crate) fn start() -> anyhow::Result<Self> {
        let target = PgTarget::start()?;
        let declared = Declared::start(ACCESS, &target.address(), &target.certificate()?)?;
        let secret = declared
            .ada
            .cli_with(&["account", "set-secret", ACCOUNT, "--password-stdin"], target.superuser_password())?;
        secret.ok()?;
        let ben = declared.person("ben", "dba")?;
        Ok(Self { target, declared, ben })
    }

    /// Takes everything out of `shop` that tests have left.
    pub(crate) fn empty(&self) -> anyhow::Result<()> {
        self.target.sql("drop schema public cascade; create schema public")?;
        Ok(())
    }

    /// The way without the gate.
    pub(crate) fn direct(&self) -> Login {
        let (port, password) = (self.target.port().to_string(), self.target.superuser_password().to_owned());
        Login { port, user: "postgres".to_owned(), password }
    }

    /// The way through the gate.
    pub(crate) fn gate(&self) -> anyhow::Result<Login> {
        let uri = self.ben.cli(&["connect", ACCOUNT, "shop", "--print", "--for", "1h"])?.ok()?.text();
        let token = uri.split(['/', '@']).nth(2).and_then(|login| login.split_once(':')).context("no token")?.1;
        let port = self.declared.gate.pg_port().to_owned();
        Ok(Login { port, user: ACCOUNT.to_owned(), password: token.to_owned() })
    }
}

/// Runs it by this way.
fn tests(database: &Database, login: &Login) -> anyhow::Result<Outcomes> {
    let Login { port, user, password } = login;
    let lines = std::env::temp_dir().join(format!("psycopg2-{port}"));
    let mut command = Command::new("../python/bin/python");
    command.current_dir("target/suites/psycopg2").args(["-W", "ignore", "-c", PROGRAM]).arg(&lines);
    command.env("PGHOST", "127.0.0.1").env("PGPORT", port).env("PGUSER", user).env("PGPASSWORD", password);
    command.env("PGSSLMODE", "require").env("PGDATABASE", "shop").env("PSYCOPG2_TESTDB", "shop");
    database.empty()?;
    ran(&mut command)?.ok()?;
    let text = fs::read_to_string(&lines)?;
    fs::remove_file(&lines)?;
    let outcome = |line: &str| line.split_once(' ').map(|(word, name)| (name.to_owned(), word.to_owned()));
    Ok(text.lines().filter_map(outcome).collect())
}

/// Runs it both ways.
pub(crate) fn run() -> anyhow::Result<Suite> {
    let database = Database::start()?;
    let direct = tests(&database, &database.direct())?;
    let gate = tests(&database, &database.gate()?)?;
    Ok(Suite { name: "psycopg2", direct, gate })
}
