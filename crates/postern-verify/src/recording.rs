//! Recordings: whether each is the one that the ledger speaks of. That takes no key of the recording.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use postern_ledger::note::Verifier;
use postern_ledger::verify::{Options, verify_directory};
use postern_wire::recording::{Chain, ChainDigest, Header};
use serde::Deserialize;

use crate::Found;

/// What recordings' files are called, after the session.
const SUFFIX: &str = "rec";
/// How much of a file is read at once.
const READ_LEN: usize = 256 * 1024;

/// What leaves say of recordings.
#[derive(Debug, Default)]
pub struct Leaves {
    /// By session: the leaf of its end, the digest, and how many bytes it has.
    ended: BTreeMap<String, (u64, String, Option<u64>)>,
    /// By session: the leaf that says that its recording was taken away.
    pruned: BTreeMap<String, u64>,
}

/// What of an event matters here.
#[derive(Deserialize)]
struct Said {
    action: String,
    target: String,
    #[serde(default)]
    details: serde_json::Map<String, serde_json::Value>,
}

impl Leaves {
    /// Takes a leaf, whatever it is about.
    pub fn take(&mut self, index: u64, body: &[u8]) {
        let Ok(Said { action, target, details }) = serde_json::from_slice(body) else { return };
        if let Some(digest) = details.get("recording_digest").and_then(serde_json::Value::as_str) {
            let bytes = details.get("recording_bytes").and_then(serde_json::Value::as_u64);
            self.ended.insert(target, (index, digest.to_owned(), bytes));
        } else if action == "recording.prune" {
            self.pruned.insert(target, index);
        }
    }
}

/// Checks one recording against a copy of the ledger.
#[must_use]
pub fn check(file: &Path, folder: &Path, key: &Verifier) -> Found {
    let mut leaves = Leaves::default();
    let mut collect = |index: u64, body: &[u8]| {
        leaves.take(index, body);
        Ok(())
    };
    let report = verify_directory(folder, key, Options { check: Some(&mut collect), live: true, ..Options::default() });
    let mut found = Found::default();
    found.wrong.extend(report.findings.iter().map(|finding| format!("ledger: {finding}")));
    match session(file) {
        Ok(session) => check_one(&leaves, &session, file, &mut found),
        Err(error) => found.wrong.push(format!("{}: {error}", file.display())),
    }
    found
}

/// Checks every recording that the leaves speak of, and that there are no others.
pub(crate) fn check_folder(leaves: &Leaves, folder: &Path, live: bool, found: &mut Found) {
    let before = found.wrong.len();
    let (mut sound, mut pruned) = (0, 0);
    for (session, (leaf, ..)) in &leaves.ended {
        // The name comes from a leaf: it must not lead elsewhere.
        if session.is_empty() || !session.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            found.wrong.push(format!("leaf {leaf}: `{session}` is no session"));
            continue;
        }
        let file = folder.join(format!("{session}.{SUFFIX}"));
        match (file.exists(), leaves.pruned.get(session)) {
            (false, Some(_)) => pruned += 1,
            (false, None) => found.wrong.push(format!("recording of {session} (leaf {leaf}): is missing")),
            (true, _) => {
                let good = found.good.len();
                check_one(leaves, session, &file, found);
                if found.good.len() > good {
                    found.good.pop();
                    sound += 1;
                }
            }
        }
    }
    if !live {
        unknown(leaves, folder, found);
    }
    if found.wrong.len() == before {
        found
            .good
            .push(format!("recordings: {sound} are as the ledger says; {pruned} were taken away, as it says too"));
    }
}

/// Files that no leaf speaks of: of sessions that never ended, or put there by somebody.
fn unknown(leaves: &Leaves, folder: &Path, found: &mut Found) {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => return found.wrong.push(format!("{}: {error}", folder.display())),
    };
    for entry in entries.flatten() {
        let path = entry.path();
        let is_recording = path.extension().is_some_and(|end| end == SUFFIX);
        let session = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        if is_recording && !leaves.ended.contains_key(&session) {
            found.wrong.push(format!("recording of {session}: the ledger says of no session that it ended with it"));
        }
    }
}

fn check_one(leaves: &Leaves, session: &str, file: &Path, found: &mut Found) {
    let Some((leaf, digest, bytes)) = leaves.ended.get(session) else {
        found.wrong.push(format!("recording of {session}: the ledger says of no session that it ended with it"));
        return;
    };
    let place = format!("recording of {session} (leaf {leaf})");
    let (chain, len) = match chain(file) {
        Ok(read) => read,
        Err(error) => return found.wrong.push(format!("{place}: cannot be read: {error}")),
    };
    let named = self::session(file).is_ok_and(|named| named == session);
    let same = hex::encode(chain.digest) == *digest;
    let wrong = match (named, same) {
        (false, _) => Some("is the recording of another session".to_owned()),
        (true, false) if bytes.is_some_and(|bytes| len < bytes) => {
            Some(format!("was cut: has {len} bytes of {}", bytes.unwrap_or_default()))
        }
        (true, false) => Some("was altered".to_owned()),
        (true, true) if chain.ended && chain.bytes != len => Some("has bytes after its end".to_owned()),
        (true, true) => None,
    };
    match wrong {
        Some(wrong) => found.wrong.push(format!("{place}: {wrong}")),
        None => found.good.push(format!("{place}: is the one that the ledger speaks of, {len} bytes")),
    }
}

/// Whose recording a file says that it is.
fn session(file: &Path) -> anyhow::Result<String> {
    let mut head = Vec::new();
    File::open(file)?.take(u64::try_from(READ_LEN)?).read_to_end(&mut head)?;
    let (header, _) = Header::parse(&head)?.ok_or_else(|| anyhow::anyhow!("the header ends early"))?;
    Ok(header.session)
}

/// The digest of a file, and how long it is.
fn chain(file: &Path) -> anyhow::Result<(Chain, u64)> {
    let mut file = File::open(file)?;
    let (mut chain, mut buffer, mut len) = (ChainDigest::new(), vec![0; READ_LEN], 0);
    loop {
        let read = file.read(&mut buffer)?;
        let Some(part @ [_, ..]) = buffer.get(..read) else { return Ok((chain.finish()?, len)) };
        chain.push(part)?;
        len += u64::try_from(read)?;
    }
}
