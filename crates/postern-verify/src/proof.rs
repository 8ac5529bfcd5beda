//! Proofs that events are in the log: one of `postern audit proof`, or many of `postern audit export --proof`.

use std::io::{BufRead as _, BufReader};
use std::path::Path;

use anyhow::{Context as _, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use postern_ledger::hash::leaf_hash;
use postern_ledger::note::{Checkpoint, Verifier};
use postern_ledger::{Hash, LEAF_BYTES_MAX, proof};
use serde::Deserialize;
use serde_json::Value;

use crate::Found;

/// The longest line: a leaf in base64, the event beside it, and the path.
const LINE_LEN_MAX: u64 = (LEAF_BYTES_MAX as u64) * 4;

/// The signed log that proofs lead to.
#[derive(Deserialize)]
struct Signed {
    size: u64,
    root: String,
    checkpoint: String,
}

/// One event with its path.
#[derive(Deserialize)]
struct Proven {
    index: u64,
    leaf: String,
    hash: String,
    path: Vec<String>,
    /// In an export: what whoever reads it sees.
    event: Option<Value>,
}

/// Checks a file of proofs.
#[must_use]
pub fn check(file: &Path, key: &Verifier) -> Found {
    let mut found = Found::default();
    match read(file, key, &mut found) {
        Ok((proven, checkpoint)) if found.wrong.is_empty() => found.good.push(format!(
            "proofs: {proven} events are in the log of {} leaves that {} signed",
            checkpoint.size, checkpoint.origin
        )),
        Ok(_) => {}
        Err(error) => found.wrong.push(format!("{}: {error:#}", file.display())),
    }
    found
}

fn read(file: &Path, key: &Verifier, found: &mut Found) -> anyhow::Result<(u64, Checkpoint)> {
    let mut lines = BufReader::new(std::fs::File::open(file)?);
    let first = line(&mut lines)?.context("is empty")?;
    // A single proof may be spread over lines.
    let whole = || {
        serde_json::from_slice::<Value>(&crate::bounded(file, usize::try_from(LINE_LEN_MAX)?)?).context("is no proof")
    };
    let first: Value = serde_json::from_str(&first).or_else(|_| whole())?;
    let checkpoint = signed(serde_json::from_value(first.clone()).context("names no signed log")?, key)?;
    if first.get("path").is_some() {
        one(&serde_json::from_value(first).context("is no proof")?, &checkpoint)?;
        return Ok((1, checkpoint));
    }
    let (mut number, mut before) = (0, None);
    while let Some(text) = line(&mut lines)? {
        number += 1;
        let proven: Proven =
            serde_json::from_str(&text).with_context(|| format!("line {}: is no proof", number + 1))?;
        if let Err(error) = one(&proven, &checkpoint) {
            found.wrong.push(format!("line {}: event {}: {error:#}", number + 1, proven.index));
        }
        if before.is_some_and(|before| proven.index <= before) {
            found.wrong.push(format!("line {}: event {}: stands after a later one", number + 1, proven.index));
        }
        before = Some(proven.index);
    }
    ensure!(number > 0, "holds no event");
    Ok((number, checkpoint))
}

fn line(lines: &mut impl std::io::BufRead) -> anyhow::Result<Option<String>> {
    let mut text = String::new();
    std::io::Read::take(&mut *lines, LINE_LEN_MAX).read_line(&mut text)?;
    if text.is_empty() {
        return Ok(None);
    }
    Ok(Some(text))
}

fn signed(signed: Signed, key: &Verifier) -> anyhow::Result<Checkpoint> {
    let checkpoint = Checkpoint::open(&signed.checkpoint, key).context("the checkpoint")?;
    ensure!(
        checkpoint.size == signed.size && hex::encode(checkpoint.root.0) == signed.root,
        "the checkpoint is not the one of the size and root that are named"
    );
    Ok(checkpoint)
}

fn one(proven: &Proven, checkpoint: &Checkpoint) -> anyhow::Result<()> {
    let leaf = STANDARD.decode(&proven.leaf).context("the leaf is no base64")?;
    let hash = leaf_hash(&leaf);
    ensure!(hex::encode(hash.0) == proven.hash, "the hash is not that of the leaf");
    if let Some(event) = &proven.event {
        let said: Value = serde_json::from_slice(&leaf).context("the leaf")?;
        ensure!(said == *event, "the event is not the one in the leaf: it was altered");
    }
    let path: Vec<Hash> = proven.path.iter().map(|text| from_hex(text)).collect::<Result<_, _>>()?;
    proof::verify_inclusion(&hash, proven.index, checkpoint.size, &path, &checkpoint.root)
        .context("is not in the signed log: it was altered, or the proof was")
}

fn from_hex(text: &str) -> anyhow::Result<Hash> {
    let bytes = hex::decode(text).context("a hash of the path is no hexadecimal")?;
    match bytes.try_into() {
        Ok(hash) => Ok(Hash(hash)),
        Err(_) => bail!("a hash of the path has not 32 bytes"),
    }
}
