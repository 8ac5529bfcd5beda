//! An auditor's desk with everything sound on it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use postern_ledger::note::{Checkpoint, Signer, WitnessSigner};
use postern_ledger::statement::Statement;
use postern_ledger::tiles::Directory;
use postern_ledger::{Tree, leaf_hash, proof};
use postern_wire::recording::{Batch, ChainDigest, ChunkWriter, DataKey, FrameKind, Header, Packer};
use serde_json::json;
use tempfile::TempDir;

/// The log's name.
const ORIGIN: &str = "ledger.postern.test";
/// How many leaves there are; the recordings' sessions end at the second and the third.
const LEAVES: u64 = 300;
/// The size at which the older checkpoint was signed.
const OLDER: u64 = 200;

pub(super) struct Desk {
    folder: TempDir,
    leaves: Vec<Vec<u8>>,
}

impl Desk {
    pub(super) fn new() -> anyhow::Result<Self> {
        let mut desk = Self { folder: tempfile::tempdir()?, leaves: Vec::new() };
        fs::create_dir(desk.at("recordings"))?;
        let digests = [desk.record("ses_a")?, desk.record("ses_b")?];
        desk.leaves = (0..LEAVES).map(|number| leaf(number, &digests)).collect();
        let log = signer(1)?;
        desk.write("ledger.pub", log.verifier().to_string())?;
        desk.publish("ledger", &desk.leaves, &log)?;
        desk.write("older", fs::read(desk.at("ledger/checkpoints/200"))?)?;
        desk.write("newer", fs::read(desk.at("ledger/checkpoint"))?)?;
        desk.witness("ledger/checkpoint")?;
        desk.report("report", "pci-dss", &log)?;
        desk.proofs(&log)?;
        // Somebody has watched until the older one.
        desk.write("state", fs::read(desk.at("older"))?)?;
        Ok(desk)
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> anyhow::Result<()> {
        Ok(fs::write(self.at(name), bytes)?)
    }

    /// Edits a file of text.
    pub(super) fn edit(&self, name: &str, from: &str, to: &str) -> anyhow::Result<()> {
        let text = fs::read_to_string(self.at(name))?;
        anyhow::ensure!(text.contains(from), "{name} has no `{from}`");
        self.write(name, text.replacen(from, to, 1))
    }

    /// Edits a file of bytes.
    pub(super) fn bytes(&self, name: &str, edit: fn(&mut Vec<u8>)) -> anyhow::Result<()> {
        let mut bytes = fs::read(self.at(name))?;
        edit(&mut bytes);
        self.write(name, bytes)
    }

    /// A line of an export, edited as JSON.
    pub(super) fn line(&self, number: usize, edit: fn(&mut serde_json::Value)) -> anyhow::Result<()> {
        let text = fs::read_to_string(self.at("export.jsonl"))?;
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let line = lines.get_mut(number).context("no such line")?;
        let mut value = serde_json::from_str(line)?;
        edit(&mut value);
        *line = value.to_string();
        self.write("export.jsonl", lines.join("\n") + "\n")
    }

    /// Publishes another history under the log's own key: its owner lies.
    pub(super) fn fork(&self, to: usize) -> anyhow::Result<()> {
        let mut leaves: Vec<_> = self.leaves.iter().take(to).cloned().collect();
        if let Some(leaf) = leaves.get_mut(7) {
            *leaf = String::from_utf8_lossy(leaf).replace("user.create", "user.update").into_bytes();
        }
        self.again(&leaves)
    }

    /// Publishes the beginning of the same history again.
    pub(super) fn set_back(&self, to: usize) -> anyhow::Result<()> {
        self.again(&self.leaves.iter().take(to).cloned().collect::<Vec<_>>())
    }

    fn again(&self, leaves: &[Vec<u8>]) -> anyhow::Result<()> {
        fs::rename(self.at("ledger/witnessed"), self.at("witnessed"))?;
        fs::remove_dir_all(self.at("ledger"))?;
        self.publish("ledger", leaves, &signer(1)?)?;
        fs::rename(self.at("witnessed"), self.at("ledger/witnessed"))?;
        self.write("newer", fs::read(self.at("ledger/checkpoint"))?)
    }

    /// What the second witness has cosigned.
    pub(super) fn cosigned(&self) -> anyhow::Result<String> {
        let witness = WitnessSigner::from_seed("witness-b", &[12; 32])?;
        Ok(format!("ledger/witnessed/{}", hex::encode(witness.witness().key_id())))
    }

    /// A report's files with a note over them.
    pub(super) fn report(&self, name: &str, kind: &str, signer: &Signer) -> anyhow::Result<()> {
        let json =
            json!({ "report": kind, "controls": [{ "id": "8.2.1", "met": true, "population": 42 }] }).to_string();
        let csv = format!("report,control,met,population\n{kind},8.2.1,true,42\n{kind},8.6.3,false,7\n");
        let pdf = format!("%PDF-1.7 the report {kind}, 42 accounts, all in order");
        let files = [("json", json.as_bytes()), ("csv", csv.as_bytes()), ("pdf", pdf.as_bytes())];
        let said = [("report", kind.to_owned()), ("ledger", format!("0 {}", LEAVES - 1))];
        self.write(&format!("{name}.note"), Statement::sign("postern report v1", &said, &files, signer)?)?;
        files.iter().try_for_each(|(end, bytes)| self.write(&format!("{name}.{end}"), bytes))
    }

    fn publish(&self, name: &str, leaves: &[Vec<u8>], signer: &Signer) -> anyhow::Result<()> {
        let directory = Directory::new(self.at(name));
        let (mut tree, mut from) = (Tree::new(), 0);
        let older = usize::try_from(OLDER)?.min(leaves.len());
        for (begin, end) in [(0, older), (older, leaves.len())] {
            let new = leaves.get(begin..end).unwrap_or_default();
            new.iter().for_each(|leaf| tree.push(leaf_hash(leaf)));
            directory.publish(from, new, &tree.root(), signer)?;
            from = tree.size();
        }
        Ok(())
    }

    fn witness(&self, note: &str) -> anyhow::Result<()> {
        let note = fs::read_to_string(self.at(note))?;
        fs::create_dir(self.at("ledger/witnessed"))?;
        for (name, seed) in [("witness-a", 11), ("witness-b", 12)] {
            let witness = WitnessSigner::from_seed(name, &[seed; 32])?;
            let line = witness.cosign(note.as_bytes(), 1_790_000_000)?;
            self.write(
                &format!("ledger/witnessed/{}", hex::encode(witness.witness().key_id())),
                format!("{note}{line}"),
            )?;
            self.write(&format!("{name}.pub"), witness.witness().to_string())?;
        }
        Ok(())
    }

    fn proofs(&self, signer: &Signer) -> anyhow::Result<()> {
        let directory = Directory::new(self.at("ledger"));
        let checkpoint = directory.checkpoint(signer.verifier())?.context("nothing is signed")?;
        let note = fs::read_to_string(self.at("ledger/checkpoint"))?;
        let signed = json!({ "size": checkpoint.size, "root": hex::encode(checkpoint.root.0), "checkpoint": note });
        let mut lines = format!("{signed}\n");
        for (index, leaf) in (0..).zip(&self.leaves).take(40) {
            let path = proof::inclusion(index, checkpoint.size, &directory.hashes(checkpoint.size))?;
            let path: Vec<_> = path.iter().map(|hash| hex::encode(hash.0)).collect();
            let event: serde_json::Value = serde_json::from_slice(leaf)?;
            let hash = hex::encode(leaf_hash(leaf).0);
            let proven =
                json!({ "index": index, "hash": hash, "event": event, "leaf": STANDARD.encode(leaf), "path": path });
            lines.push_str(&format!("{proven}\n"));
            if index == 7 {
                let mut one = signed.clone();
                for name in ["index", "hash", "leaf", "path"] {
                    one[name] = proven[name].clone();
                }
                self.write("proof.json", serde_json::to_string_pretty(&one)?)?;
            }
        }
        self.write("export.jsonl", lines)
    }

    /// Makes a recording; gives its digest, hex, and its length.
    fn record(&self, session: &str) -> anyhow::Result<(String, u64)> {
        let key = Arc::new(DataKey::new(&[7; 32])?);
        let header = Header { session: session.to_owned(), sealed_key: vec![1; 60], nonce_prefix: [9; 4] };
        let (mut writer, mut out) = ChunkWriter::new(&header, key)?;
        let mut packer = Packer::new()?;
        for chunk in 0..4 {
            let mut batch = Batch::default();
            for frame in 0..8 {
                let text = format!("{session}: frame {frame} of chunk {chunk}\r\n");
                batch.push(chunk * 8 + frame, &FrameKind::output(0, text.as_bytes()))?;
            }
            writer.seal(&batch, &mut packer, &mut out)?;
        }
        writer.finish(&mut out)?;
        let mut chain = ChainDigest::new();
        chain.push(&out)?;
        self.write(&format!("recordings/{session}.rec"), &out)?;
        Ok((hex::encode(chain.finish()?.digest), u64::try_from(out.len())?))
    }
}

/// The key of the log, or of a stranger who calls himself the same.
pub(super) fn signer(seed: u8) -> anyhow::Result<Signer> {
    Ok(Signer::from_seed(ORIGIN, &[seed; 32])?)
}

/// A checkpoint of nothing, which is signed as well.
pub(super) fn checkpoint() -> anyhow::Result<String> {
    let log = Checkpoint { origin: ORIGIN.to_owned(), size: 0, root: postern_ledger::empty_root() };
    Ok(log.sign(&signer(1)?)?)
}

fn leaf(number: u64, digests: &[(String, u64); 2]) -> Vec<u8> {
    let session = match number {
        1 => Some(("ses_a", &digests[0])),
        2 => Some(("ses_b", &digests[1])),
        _ => None,
    };
    let event = match session {
        Some((session, (digest, bytes))) => json!({
            "action": "session.end",
            "target": session,
            "details": { "recording_bytes": bytes, "recording_digest": digest },
        }),
        None => json!({ "action": "user.create", "target": format!("user-{number}") }),
    };
    event.to_string().into_bytes()
}
