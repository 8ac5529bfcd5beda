//! Reports and evidence: files that a signed statement vouches for.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use postern_ledger::note::Verifier;
use postern_ledger::statement::{Error, Statement};

use crate::Found;

/// The largest file of a report.
const FILE_LEN_MAX: usize = 512 << 20;

/// Checks that the note is signed and that the files are those that it is about: each of the files is looked
/// for among those by its ending (`.json`, `.csv`, `.pdf`).
#[must_use]
pub fn check(note: &Path, files: &[PathBuf], key: &Verifier) -> Found {
    let mut found = Found::default();
    let statement = crate::note(note).and_then(|bytes| Ok(Statement::open(&bytes, key)?));
    let statement = match statement.with_context(|| note.display().to_string()) {
        Ok(statement) => statement,
        Err(error) => {
            found.wrong.push(format!("{error:#}"));
            return found;
        }
    };
    let said: Vec<_> = statement.said.iter().map(|(word, rest)| format!("{word} {rest}")).collect();
    found.good.push(format!("note: {} signed: {}; {}", key.name(), statement.heading, said.join("; ")));
    let mut looked_at = std::collections::BTreeSet::new();
    for file in files {
        let name = file.extension().map(|end| end.to_string_lossy().into_owned()).unwrap_or_default();
        let shown = file.display();
        let checked = crate::bounded(file, FILE_LEN_MAX).and_then(|bytes| match statement.check(&name, &bytes) {
            Err(error @ Error::Unknown(_)) => Err(anyhow::Error::from(error).context("its ending")),
            other => Ok(other?),
        });
        match checked {
            Ok(()) => found.good.push(format!("{shown}: is what was signed")),
            Err(error) => found.wrong.push(format!("{shown}: {error:#}")),
        }
        looked_at.insert(name);
    }
    for name in statement.files().filter(|name| !looked_at.contains(*name)) {
        found.good.push(format!("{name}: was signed too, and was not given"));
    }
    found
}
