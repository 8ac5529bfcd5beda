//! Postern with one database declared in it as text: what the worlds of databases have in common.

use std::fs;

use anyhow::Context as _;
use serde_json::Value;

use crate::gate::Gate;
use crate::person::Person;

/// Postern with an administrator who is signed in.
pub struct Declared {
    /// Postern.
    pub gate: Gate,
    /// The administrator, signed in.
    pub ada: Person,
}

impl Declared {
    /// Starts Postern and declares access in which `ADDRESS` and `CERTIFICATE` stand for the target's, with
    /// the groups that tests put people into.
    ///
    /// # Errors
    /// When something does not come up or is refused.
    pub fn start(access: &str, address: &str, certificate: &str) -> anyhow::Result<Self> {
        let (mut gate, shown) = Gate::set_up("ada", "correct horse battery staple")?;
        let ada = Person::of_setup("ada", "correct horse battery staple", &shown)?;
        gate.start()?;
        ada.sign_in(&gate)?;
        let declared = Self { gate, ada };
        declared.declare(access, address, certificate)?;
        Ok(declared)
    }

    /// Declares the access again, with this certificate.
    ///
    /// # Errors
    /// When it is refused.
    pub fn declare(&self, access: &str, address: &str, certificate: &str) -> anyhow::Result<()> {
        let groups = ["dba", "readers", "ruled", "support", "strict"];
        let groups: String = groups.iter().map(|name| format!("kind: Group\nname: {name}\n---\n")).collect();
        let access = access.replace("ADDRESS", address).replace("CERTIFICATE", &indented(certificate));
        let path = self.gate.scratch().join("access.yaml");
        fs::write(&path, groups + access.trim_start())?;
        self.ada.cli(&["apply", "-f", &path.display().to_string()])?.ok()?;
        Ok(())
    }

    /// Declares more access beside what there is.
    ///
    /// # Errors
    /// When it is refused.
    pub fn also(&self, access: &str) -> anyhow::Result<()> {
        let path = self.gate.scratch().join("more.yaml");
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

    /// The id of somebody's newest session.
    ///
    /// # Errors
    /// When there is none.
    pub fn newest_session(&self, user: &str) -> anyhow::Result<String> {
        let listed = self.ada.cli(&["sessions", "--user", user, "-o", "json"])?.json()?;
        Ok(listed.pointer("/0/id").and_then(Value::as_str).context("no session")?.to_owned())
    }

    /// The statements of somebody's newest session, each with how it ended.
    ///
    /// # Errors
    /// When there is no session.
    pub fn statements(&self, user: &str) -> anyhow::Result<Vec<(Value, Value)>> {
        self.statements_of(&self.newest_session(user)?)
    }

    /// The frames of a session's recording.
    fn frames(&self, session: &str) -> anyhow::Result<Vec<Value>> {
        let exported = self.ada.cli(&["session", "export", session, "--format", "json"])?.ok()?;
        Ok(exported.text().lines().map(serde_json::from_str).collect::<Result<_, _>>()?)
    }

    /// What is kept of the rows of somebody's newest session.
    ///
    /// # Errors
    /// When there is no session.
    pub fn kept_rows(&self, user: &str) -> anyhow::Result<Vec<String>> {
        Ok(kept(&self.frames(&self.newest_session(user)?)?))
    }

    /// The statements of a session, each with how it ended.
    ///
    /// # Errors
    /// When it cannot be exported.
    pub fn statements_of(&self, session: &str) -> anyhow::Result<Vec<(Value, Value)>> {
        let frames = self.frames(session)?;
        let of = |kind: &str, number: &Value| {
            frames.iter().find(|frame| frame["kind"] == kind && frame["statement"] == *number).cloned()
        };
        let begun = frames.iter().filter(|frame| frame["kind"] == "statement");
        Ok(begun.map(|begun| (begun.clone(), of("statement_end", &begun["statement"]).unwrap_or_default())).collect())
    }
}

/// What is kept of the rows of a session, as they are shown: names, where they are told, and values.
fn kept(frames: &[Value]) -> Vec<String> {
    let cells = |frame: &Value, field: &str| {
        let cells = frame[field].as_array().cloned().unwrap_or_default();
        let cell = |cell: &Value| cell.get("value").unwrap_or(cell).as_str().unwrap_or("NULL").to_owned();
        cells.iter().map(cell).collect::<Vec<_>>().join("|")
    };
    let row = |frame: &Value| match cells(frame, "names") {
        names if names.is_empty() => cells(frame, "values"),
        names => format!("{names}: {}", cells(frame, "values")),
    };
    frames.iter().filter(|frame| frame["kind"] == "statement_row").map(row).collect()
}

/// PEM as it stands below a key of a document.
#[must_use]
pub fn indented(certificate: &str) -> String {
    certificate.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}
