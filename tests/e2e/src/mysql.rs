//! A small world with a MariaDB: Postern, the server, people, and access as text.

use std::process::Command;

use crate::declared::Declared;
use crate::person::Person;
use crate::ran::run;
use crate::server::Server;
use crate::target::repository;
use crate::wait::until;

/// The password of the accounts that Postern knows, and of `root`, which it does not.
const PASSWORDS: [&str; 2] = ["Horse:battery staple 9", "tr0ub4dor-3"];

/// Access to `shop`: the same account under different rules, by group.
const ACCESS: &str = r#"
kind: Asset
name: shop
platform: mysql
address: ADDRESS
server_ca: |
CERTIFICATE
---
kind: Account
account: app@shop
credential: password
---
kind: Account
account: signs@shop
credential: password
---
kind: Policy
name: everything
subjects: { groups: [dba] }
accounts: { assets: [shop] }
access: standing
obligations:
  capabilities: [query, copy_in]
  reason_required: false
---
kind: Policy
name: reading
subjects: { groups: [readers] }
accounts: { assets: [shop] }
access: standing
obligations:
  capabilities: [query]
  reason_required: false
  statements: { read_only: true }
---
kind: Policy
name: under-rules
subjects: { groups: [ruled] }
accounts: { assets: [shop] }
access: standing
obligations:
  capabilities: [query]
  reason_required: false
  statements:
    rules:
      - { name: no-ddl, classes: [ddl], action: block }
      - { name: deletes-need-a-yes, classes: [delete], action: ask }
      - { name: watch-updates, classes: [update], action: alert }
      - { name: not-the-server, classes: [file, program, admin, dynamic], action: terminate }
    budgets: { statement_rows: 1000 }
---
kind: Policy
name: masked
subjects: { groups: [support] }
accounts: { assets: [shop] }
access: standing
obligations:
  capabilities: [query]
  reason_required: false
  statements:
    masking: { columns: [name], detectors: [email] }
    capture: { rows: 2 }
"#;

/// Postern with an administrator who is signed in, and one MariaDB, `shop`, in it.
pub struct MysqlWorld {
    /// Postern and its administrator.
    pub declared: Declared,
    /// The target that Postern knows as `shop`, with a database `shop`.
    pub target: Server,
}

impl MysqlWorld {
    /// The password of `app` on the target.
    pub const PASSWORD: &str = PASSWORDS[0];

    /// Starts everything.
    ///
    /// # Errors
    /// When something does not come up.
    pub fn start() -> anyhow::Result<Self> {
        let [known, root] = PASSWORDS;
        let init = format!(
            "delete from mysql.global_priv where user = 'root';\nflush privileges;\n\
             create user root@'%' identified by '{root}';\ngrant all on *.* to root@'%' with grant option;\n\
             install soname 'auth_ed25519';\ncreate database shop;\ncreate database other;\n\
             create table shop.customer (id int primary key, name varchar(50) not null, note text);\n\
             insert into shop.customer values (1, 'Ada', 'ada@example.com'), (2, 'Ben', null);\n\
             create user app@'%' identified by '{known}';\ngrant all on *.* to app@'%';\n\
             create user signs@'%' identified via ed25519 using password('{known}');\ngrant all on *.* to signs@'%';\n"
        );
        Self::around("mysql-target.sh", &init, &["app@shop", "signs@shop"])
    }

    /// The same around MySQL's own server, where accounts are proved by `caching_sha2_password`; none, with a word
    /// about it, where `scripts/mysql-server.sh` has laid none. There is no `signs@shop` in it.
    ///
    /// # Errors
    /// When something does not come up.
    pub fn own() -> anyhow::Result<Option<Self>> {
        if !repository().join("target/mysql-server/.laid").exists() {
            eprintln!("SKIPPED: there is no MySQL server (scripts/mysql-server.sh)");
            return Ok(None);
        }
        let [known, root] = PASSWORDS;
        let init = format!(
            "create user root@'%' identified by '{root}';\ngrant all on *.* to root@'%' with grant option;\n\
             create user app@'%' identified by '{known}';\ngrant all on *.* to app@'%';\ncreate database shop;\n\
             create table shop.customer (id int primary key, name varchar(50) not null, note text);\n\
             insert into shop.customer values (1, 'Ada', 'ada@example.com'), (2, 'Ben', null);\n\
             drop user root@localhost;\n"
        );
        Self::around("mysql-own-target.sh", &init, &["app@shop"]).map(Some)
    }

    fn around(script: &str, init: &str, accounts: &[&str]) -> anyhow::Result<Self> {
        let target = Server::start(script, &[("init.sql", init)], &["127.0.0.1"], "ready")?;
        let declared = Declared::start(ACCESS, &target.address(), &target.read("cert.pem")?)?;
        for account in accounts {
            declared.ada.cli_with(&["account", "set-secret", account, "--password-stdin"], Self::PASSWORD)?.ok()?;
        }
        let world = Self { declared, target };
        // It listens before the accounts are made.
        until("the server to let somebody in", || Ok(world.sql("select 1").ok()))?;
        Ok(world)
    }

    /// Runs SQL straight on the target as `root`; gives the rows without decoration.
    ///
    /// # Errors
    /// When it fails.
    pub fn sql(&self, text: &str) -> anyhow::Result<String> {
        let mut command = Command::new("mariadb");
        command.args(["--no-defaults", "--ssl", "-h", "127.0.0.1", "-P", &self.target.port().to_string(), "-uroot"]);
        command.env("MYSQL_PWD", PASSWORDS[1]).args(["-N", "-B", "-e", text]);
        Ok(run(&mut command)?.ok()?.text().trim().to_owned())
    }

    /// A fresh token for an account.
    ///
    /// # Errors
    /// When it is refused.
    pub fn token(&self, person: &Person, account: &str) -> anyhow::Result<String> {
        let ran = person.cli(&["connect", account, "--print", "--for", "1h"])?.ok()?;
        Ok(ran.text().split([':', '@']).nth(2).unwrap_or_default().to_owned())
    }

    /// A client's words for the gate with a token, as an account.
    ///
    /// # Errors
    /// When there is no such program.
    pub fn client(&self, program: &str, account: &str, token: &str) -> Command {
        let mut command = Command::new(program);
        command.args(["--no-defaults", "--ssl", "-h", "127.0.0.1", "-P", self.declared.gate.mysql_port()]);
        command.arg(format!("--ssl-ca={}", self.declared.gate.ca().display())).arg("--ssl-verify-server-cert");
        command.args(["-u", account]).env("MYSQL_PWD", token);
        command
    }
}
