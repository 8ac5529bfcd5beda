//! A whole small world: Postern, a target, people, and access as text.

use std::fs;

use anyhow::Context as _;
use serde_json::Value;

use crate::gate::Gate;
use crate::person::Person;
use crate::target::SshTarget;

/// Postern with an administrator who is signed in, and one target, `web-1`, in it.
pub struct World {
    /// Postern.
    pub gate: Gate,
    /// The target that Postern knows as `web-1`.
    pub target: SshTarget,
    /// The administrator, signed in.
    pub ada: Person,
}

/// Access to `web-1`: standing for those who test sessions, on request for `sre`.
const ACCESS: &str = r#"
kind: Asset
name: web-1
platform: linux
address: ADDRESS
labels: { env: test }
host_keys:
  - HOST_KEY
---
kind: Account
account: root@web-1
credential: ssh_certificate
---
kind: Account
account: build@web-1
credential: ssh_key
---
kind: Account
account: deploy@web-1
credential: password
---
kind: Group
name: staff
---
kind: Group
name: sre
---
kind: Group
name: leads
roles: [{ role: approver, scope: / }]
---
kind: Policy
name: staff-everything
description: Everything at once, for what is not about asking
subjects: { groups: [staff] }
accounts: { assets: [web-1] }
access: standing
obligations:
  capabilities: [shell, exec, sftp_read, sftp_write, local_forward, remote_forward, dynamic_forward, env]
  mfa_max_age: 12h
  reason_required: false
  max_duration: 8h
---
kind: Policy
name: sre-by-request
description: Root for a task, with somebody's yes
subjects: { groups: [sre] }
accounts: { names: [root], assets: [web-1] }
obligations:
  capabilities: [shell, exec]
  mfa_max_age: 12h
  approval: { count: 1, groups: [leads] }
  ticket_pattern: CHG-[0-9]+
  max_duration: 4h
"#;

impl World {
    /// Starts everything.
    ///
    /// # Errors
    /// When something does not come up.
    pub fn start() -> anyhow::Result<Self> {
        let (mut gate, shown) = Gate::set_up("ada", "correct horse battery staple")?;
        let ada = Person::of_setup("ada", "correct horse battery staple", &shown)?;
        gate.start()?;
        let target = SshTarget::start("web-1")?;
        ada.sign_in(&gate)?;
        let world = Self { gate, target, ada };
        world.apply(&world.access()?)?;
        world.store_secrets()?;
        Ok(world)
    }

    /// The documents that are applied at the start.
    ///
    /// # Errors
    /// When the target has no host key.
    pub fn access(&self) -> anyhow::Result<String> {
        let access = ACCESS.replace("ADDRESS", &self.target.address());
        Ok(access.replace("HOST_KEY", &self.target.host_key()?))
    }

    /// Applies documents as the administrator.
    ///
    /// # Errors
    /// When they are refused.
    pub fn apply(&self, documents: &str) -> anyhow::Result<()> {
        let path = self.gate.scratch().join("access.yaml");
        fs::write(&path, documents)?;
        self.ada.cli(&["apply", "-f", &path.display().to_string()])?.ok()?;
        Ok(())
    }

    fn store_secrets(&self) -> anyhow::Result<()> {
        self.target.trust(&self.ada.cli(&["ssh-ca"])?.ok()?.text())?;
        let key = fs::read_to_string(self.target.key())?;
        self.ada.cli_with(&["account", "set-secret", "build@web-1", "--key-file", "-"], &key)?.ok()?;
        self.ada
            .cli_with(&["account", "set-secret", "deploy@web-1", "--password-stdin"], self.target.password())?
            .ok()?;
        Ok(())
    }

    /// Somebody new, enrolled, signed in, with a registered key, in these groups.
    ///
    /// # Errors
    /// When any of that is refused.
    pub fn person(&self, name: &str, groups: &[&str]) -> anyhow::Result<Person> {
        let mut arguments = vec!["user", "create", name, "-o", "json"];
        arguments.extend(groups.iter().flat_map(|group| ["--group", group]));
        let made = self.ada.cli(&arguments)?.json()?;
        let link = made.pointer("/link/url").and_then(Value::as_str).context("no link")?;
        let person = Person::enrol(&self.gate, name, link)?;
        person.sign_in(&self.gate)?;
        person.register_key()?;
        Ok(person)
    }

    /// Somebody of the staff who has proved a second factor and is not asked for one again.
    ///
    /// # Errors
    /// When any of that is refused.
    pub fn staff(&self, name: &str) -> anyhow::Result<Person> {
        let person = self.person(name, &["staff"])?;
        person.prove_factor(&self.gate, "deploy@web-1")?;
        Ok(person)
    }
}
