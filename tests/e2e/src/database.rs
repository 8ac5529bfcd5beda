//! A small world with a database: Postern, a PostgreSQL, people, and access as text.

use std::ops::{Deref, DerefMut};

use crate::declared::Declared;
use crate::person::Person;
use crate::pg::PgTarget;

/// Postern with an administrator who is signed in, and one database, `orders`, in it.
pub struct DatabaseWorld {
    declared: Declared,
    /// The target that Postern knows as `orders`.
    pub target: PgTarget,
}

impl Deref for DatabaseWorld {
    type Target = Declared;

    fn deref(&self) -> &Declared {
        &self.declared
    }
}

impl DerefMut for DatabaseWorld {
    fn deref_mut(&mut self) -> &mut Declared {
        &mut self.declared
    }
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
    capture: { rows: 2 }
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
        let target = PgTarget::start()?;
        let declared = Declared::start(ACCESS, &target.address(), &target.certificate()?)?;
        let password = target.password();
        declared.ada.cli_with(&["account", "set-secret", "app_admin@orders", "--password-stdin"], password)?.ok()?;
        Ok(Self { declared, target })
    }

    /// Declares the access, with the database known by this certificate.
    ///
    /// # Errors
    /// When it is refused.
    pub fn declare(&self, certificate: &str) -> anyhow::Result<()> {
        self.declared.declare(ACCESS, &self.target.address(), certificate)
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
