//! What an auditor holds (a copy of the ledger, recordings, reports, proofs, checkpoints, cosignatures), edited in
//! every way that we could think of and given to `postern-verify`, which must notice and name the place.

#![allow(clippy::indexing_slicing, reason = "JSON that was made here")]

mod desk;
mod table;

use std::path::Path;
use std::process::Command;

use anyhow::Context as _;

use crate::run::{cargo, root, show};
use desk::Desk;

/// What trying came to.
#[derive(Default)]
pub(super) struct Outside {
    pub(super) tried: usize,
    pub(super) undetected: Vec<String>,
    pub(super) misnamed: Vec<String>,
    pub(super) false_alarms: Vec<String>,
}

impl Outside {
    pub(super) fn is_ok(&self) -> bool {
        self.tried > 0 && self.undetected.is_empty() && self.misnamed.is_empty() && self.false_alarms.is_empty()
    }
}

/// An edit, and what the verifier must say of it.
#[derive(Clone)]
struct Case {
    /// What is done.
    name: &'static str,
    /// What is checked: the verifier's arguments, in the desk's folder.
    check: &'static [&'static str],
    /// How it is edited.
    edit: fn(&Desk) -> anyhow::Result<()>,
    /// What it must say: the place.
    says: &'static str,
}

/// Makes every edit on a desk of its own.
pub(super) fn run() -> anyhow::Result<Outside> {
    show(&cargo(), &["build", "--locked", "--quiet", "--package", "postern-verify"], &root(), &mut |_| {})?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), Into::into);
    let verifier = target.join("debug/postern-verify");
    let mut outside = Outside::default();
    let cases = table::cases();
    let mut sound: Vec<_> = cases.iter().map(|case| case.check).collect();
    sound.sort_unstable();
    sound.dedup();
    for check in sound {
        let desk = Desk::new()?;
        let (noticed, said) = verify(&verifier, desk.path(), check)?;
        if noticed {
            outside.false_alarms.push(format!("false alarm: {}: {said}", check.join(" ")));
        }
    }
    for case in cases {
        let desk = Desk::new()?;
        (case.edit)(&desk).with_context(|| case.name)?;
        let (noticed, said) = verify(&verifier, desk.path(), case.check)?;
        outside.tried += 1;
        if !noticed {
            outside.undetected.push(format!("outside: {}", case.name));
        } else if !said.contains(case.says) {
            outside.misnamed.push(format!("outside: {}: {said}", case.name));
        }
    }
    Ok(outside)
}

/// Whether the verifier found something wrong, and what it said.
fn verify(verifier: &Path, folder: &Path, check: &[&str]) -> anyhow::Result<(bool, String)> {
    let ran = Command::new(verifier).args(check).current_dir(folder).output()?;
    let said = String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr);
    match ran.status.code() {
        Some(0) => Ok((false, said)),
        Some(1 | 2) => Ok((true, said)),
        _ => anyhow::bail!("the verifier broke: {said}"),
    }
}
