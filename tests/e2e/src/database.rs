//! A small world with a database: Postern, a PostgreSQL, people, and access as text.

use std::fs;

use anyhow::Context as _;
use serde_json::Value;

use crate::gate::Gate;
use crate::person::Person;
use crate::pg::PgTarget;

/// Postern with an administrator who is signed in, and one database, `orders`, in it.
pub struct DatabaseWorld {
    /// Postern.
    pub gate: Gate,
    /// The target that Postern knows as `orders`.
    pub target: PgTarget,
    /// The administrator, signed in.
    pub ada: Person,
}

/// Access to `orders`: the same account under different rules, by group.
const ACCESS: &str = r#"
kind: Asset
name: orders
platform: postgresql
address: ADDRESS
server_ca: |
CERTIFICATE
---
kind: Account
account: app_admin@orders
credential: password
---
kind: Group
name: dba
---
kind: Group
name: readers
---
kind: Group
name: ruled
---
kind: Group
name: support
---
kind: Group
name: strict
---
kind: Policy
name: everything
subjects: { groups: [dba] }
accounts: { assets: [orders] }
access: standing
obligations:
  capabilities: [query, copy_in, copy_out]
  reason_required: false
---
kind: Policy
name: reading
subjects: { groups: [readers] }
accounts: { assets: [orders] }
access: standing
obligations:
  capabilities: [query]
  reason_required: false
  statements: { read_only: true }
---
kind: Policy
name: under-rules
subjects: { groups: [ruled] }
accounts: { assets: [orders] }
access: standing
obligations:
  capabilities: [query, copy_out]
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
accounts: { assets: [orders] }
access: standing
obligations:
  capabilities: [query]
  reason_required: false
  statements:
    masking: { columns: [name], detectors: [email] }
---
kind: Policy
name: every-time
subjects: { groups: [strict] }
accounts: { assets: [orders] }
access: standing
obligations:
  capabilities: [query]
  mfa_max_age: 0s
  reason_required: false
"#;

impl DatabaseWorld {
    /// Starts everything.
    ///
    /// # Errors
    /// When something does not come up.
    pub fn start() -> anyhow::Result<Self> {
        let (mut gate, shown) = Gate::set_up("ada", "correct horse battery staple")?;
        let ada = Person::of_setup("ada", "correct horse battery staple", &shown)?;
        gate.start()?;
        let target = PgTarget::start()?;
        ada.sign_in(&gate)?;
        let world = Self { gate, target, ada };
        world.declare(&world.target.certificate()?)?;
        let password = world.target.password();
        world.ada.cli_with(&["account", "set-secret", "app_admin@orders", "--password-stdin"], password)?.ok()?;
        Ok(world)
    }

    /// Declares the access, with the database known by this certificate.
    ///
    /// # Errors
    /// When it is refused.
    pub fn declare(&self, certificate: &str) -> anyhow::Result<()> {
        let indented: Vec<String> = certificate.lines().map(|line| format!("  {line}")).collect();
        let access = ACCESS.replace("ADDRESS", &self.target.address()).replace("CERTIFICATE", &indented.join("\n"));
        let path = self.gate.scratch().join("access.yaml");
        fs::write(&path, access)?;
        self.ada.cli(&["apply", "-f", &path.display().to_string()])?.ok()?;
        Ok(())
    }

    /// Somebody new, enrolled and signed in, in one group.
    ///
    /// # Errors
    /// When any of that is refused.
    pub fn person(&self, name: &str, group: &str) -> anyhow::Result<Person> {
        let made = self.ada.cli(&["user", "create", name, "-o", "json", "--group", group])?.json()?;
        let link = made.pointer("/link/url").and_then(Value::as_str).context("no link")?;
        let person = Person::enrol(&self.gate, name, link)?;
        person.sign_in(&self.gate)?;
        Ok(person)
    }

    /// A URI with a fresh token for `shop` on the database.
    ///
    /// # Errors
    /// When the token is refused.
    pub fn uri(&self, person: &Person) -> anyhow::Result<String> {
        let ran = person.cli(&["connect", "app_admin@orders", "shop", "--print", "--for", "1h"])?.ok()?;
        Ok(ran.text().trim().to_owned())
    }
}
