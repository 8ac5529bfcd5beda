//! A small world with a Redis: Postern, the server, people, and access as text.

use std::process::Command;

use crate::declared::Declared;
use crate::person::Person;
use crate::ran::run;
use crate::server::Server;

/// The password of `app`, which Postern knows, and of `root`, which it does not.
const PASSWORDS: [(&str, &str); 2] = [("app", "Horse:battery staple 9"), ("root", "tr0ub4dor-3")];

/// SHA-256 of the first.
const PASSWORD_DIGEST: &str = "ff9f2d1b148be0499cd68682bc532a63c41dc84886073f4e45ba55bcd58e6a50";

/// Access to `cache`: the same account under different rules, by group.
const ACCESS: &str = r#"
kind: Asset
name: cache
platform: redis
address: ADDRESS
server_ca: |
CERTIFICATE
---
kind: Account
account: app@cache
credential: password
---
kind: Account
account: other@cache
credential: password
---
kind: Policy
name: everything
subjects: { groups: [dba] }
accounts: { assets: [cache] }
access: standing
obligations:
  capabilities: [query]
  reason_required: false
---
kind: Policy
name: reading
subjects: { groups: [readers] }
accounts: { assets: [cache] }
access: standing
obligations:
  capabilities: [query]
  reason_required: false
  statements: { read_only: true }
---
kind: Policy
name: under-rules
subjects: { groups: [ruled] }
accounts: { assets: [cache] }
access: standing
obligations:
  capabilities: [query]
  reason_required: false
  statements:
    rules:
      - { name: no-flushing, classes: [truncate], action: block }
      - { name: deletes-need-a-yes, classes: [delete], action: ask }
      - { name: watch-counters, tables: ["counter:*"], classes: [update], action: alert }
      - { name: not-the-server, classes: [admin, dynamic, privilege], action: terminate }
      - { name: secrets, tables: ["secret:*"], action: block }
    budgets: { statement_rows: 100, statement_bytes: 100000 }
---
kind: Policy
name: masked
subjects: { groups: [support] }
accounts: { assets: [cache] }
access: standing
obligations:
  capabilities: [query]
  reason_required: false
  statements:
    masking: { columns: ["customer:*"], detectors: [email] }
    capture: { rows: 2 }
"#;

/// Postern with an administrator who is signed in, and one Redis, `cache`, in it.
pub struct RedisWorld {
    /// Postern and its administrator.
    pub declared: Declared,
    /// The target that Postern knows as `cache`.
    pub target: Server,
}

impl RedisWorld {
    /// The password of `app` on the target.
    pub const PASSWORD: &str = PASSWORDS[0].1;

    /// Starts everything.
    ///
    /// # Errors
    /// When something does not come up.
    pub fn start() -> anyhow::Result<Self> {
        // Blanks have no place in the file, digests have.
        let users = format!(
            "user default off\nuser app on #{PASSWORD_DIGEST} ~* &* +@all\nuser other on #{PASSWORD_DIGEST} ~* &* +@all\n\
             user root on >{} ~* &* +@all\n",
            PASSWORDS[1].1
        );
        let target = Server::start("redis-target.sh", &[("users.acl", &users)], &["127.0.0.1"], "ready")?;
        let declared = Declared::start(ACCESS, &target.address(), &target.read("cert.pem")?)?;
        for account in ["app@cache", "other@cache"] {
            declared.ada.cli_with(&["account", "set-secret", account, "--password-stdin"], PASSWORDS[0].1)?.ok()?;
        }
        Ok(Self { declared, target })
    }

    /// A command straight to the target as `root`; gives what redis-cli shows.
    ///
    /// # Errors
    /// When it fails.
    pub fn direct(&self, words: &[&str]) -> anyhow::Result<String> {
        let mut command = Command::new("redis-cli");
        command.env("REDISCLI_AUTH", PASSWORDS[1].1).args(["--tls", "-p", &self.target.port().to_string(), "--user"]);
        command.args(["root", "--cacert"]).arg(self.target.folder().join("cert.pem"));
        Ok(run(command.args(words))?.ok()?.text().trim().to_owned())
    }

    /// A URI with a fresh token for an account.
    ///
    /// # Errors
    /// When the token is refused.
    pub fn uri(&self, person: &Person, account: &str) -> anyhow::Result<String> {
        let ran = person.cli(&["connect", account, "--print", "--for", "1h"])?.ok()?;
        Ok(ran.text().trim().to_owned())
    }
}
