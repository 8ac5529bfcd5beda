//! The offline verifier: the published ledger, the database's copy of it, and the recordings, with no
//! key but the ledger's public one. It changes nothing and needs no running server.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use postern_domain::event::Event;
use postern_gateway::chain_of;
use postern_ledger::note::Verifier;
use postern_ledger::verify::{Options, Report, verify_directory};
use postern_store::Store;
use serde::Serialize;

use crate::Error;
use crate::data::DataFolder;

/// Leaves that are compared at once.
const BATCH: u32 = 1024;

/// What verifying a data folder came to.
#[derive(Debug, Serialize)]
pub struct Verification {
    /// Whether nothing is wrong.
    pub ok: bool,
    /// The published ledger.
    pub ledger: Report,
    /// Leaves in the database, published or not.
    pub database_leaves: u64,
    /// Recordings whose digest is in the ledger and was compared.
    pub recordings: u64,
    /// Recordings that are gone because their time was over, as the ledger says.
    pub pruned: u64,
    /// Everything that is wrong, the first leaf concerned first, for a person to read.
    pub findings: Vec<String>,
}

/// Verifies a data folder. `since` is a checkpoint that was seen earlier; the log must have grown
/// from it.
///
/// # Errors
/// When there is nothing to verify with: no folder, no public key.
pub async fn verify_offline(folder: &DataFolder, key: &str, since: Option<Vec<u8>>) -> Result<Verification, Error> {
    let verifier: Verifier = key
        .trim()
        .parse()
        .map_err(|error| Error::invalid("key", format!("not a verifier key (name+id+base64): {error}")))?;
    let (ledger, data) = (folder.ledger(), folder.clone());
    let (report, digests, pruned) =
        tokio::task::spawn_blocking(move || published(&ledger, &verifier, since.as_deref()))
            .await
            .map_err(|_| Error::Unavailable("verifying was cut off".to_owned()))?;
    let mut findings: Vec<String> = report.findings.iter().map(ToString::to_string).collect();
    let database_leaves = compare_database(folder, &report, &mut findings).await?;
    let (gone, digests): (Vec<_>, Vec<_>) =
        digests.into_iter().partition(|digest| pruned.contains(&digest.session) && !digest.exists(folder));
    let count = |digests: &[Digest]| u64::try_from(digests.len()).unwrap_or(u64::MAX);
    let (pruned, compared) = (count(&gone), count(&digests));
    let altered = tokio::task::spawn_blocking(move || {
        digests.iter().filter_map(|digest| digest.finding(&data)).collect::<Vec<_>>()
    })
    .await
    .map_err(|_| Error::Unavailable("verifying was cut off".to_owned()))?;
    findings.extend(altered);
    let ok = findings.is_empty();
    Ok(Verification { ok, ledger: report, database_leaves, recordings: compared, pruned, findings })
}

/// A recording's digest as a leaf holds it.
struct Digest {
    leaf: u64,
    session: String,
    digest: String,
}

impl Digest {
    fn of(leaf: u64, event: Event) -> Option<Self> {
        let digest = event.details.get("recording_digest")?.as_str()?.to_owned();
        Some(Self { leaf, session: event.target, digest })
    }

    /// Where the file is. The name comes from a leaf: only an identifier leads nowhere else.
    fn path(&self, folder: &DataFolder) -> Option<PathBuf> {
        Some(folder.recording(&self.session.parse().ok()?))
    }

    fn exists(&self, folder: &DataFolder) -> bool {
        self.path(folder).is_some_and(|path| path.exists())
    }

    /// What is wrong with the file, if anything.
    fn finding(&self, folder: &DataFolder) -> Option<String> {
        let path = self.path(folder)?;
        let (leaf, session) = (self.leaf, &self.session);
        match chain_of(&path) {
            Ok(chain) if hex::encode(chain.digest) == self.digest && longer(&path, chain.bytes, chain.ended) => {
                Some(format!("recording of {session} (leaf {leaf}): has bytes after its end"))
            }
            Ok(chain) if hex::encode(chain.digest) == self.digest => None,
            Ok(_) => Some(format!("recording of {session} (leaf {leaf}): was altered or cut")),
            Err(error) => Some(format!("recording of {session} (leaf {leaf}): cannot be read: {error}")),
        }
    }
}

fn longer(path: &Path, bytes: u64, ended: bool) -> bool {
    ended && std::fs::metadata(path).is_ok_and(|facts| facts.len() != bytes)
}

fn published(ledger: &Path, verifier: &Verifier, since: Option<&[u8]>) -> (Report, Vec<Digest>, BTreeSet<String>) {
    let (mut digests, mut pruned) = (Vec::new(), BTreeSet::new());
    let mut collect = |index: u64, body: &[u8]| {
        let Ok(event) = serde_json::from_slice::<Event>(body) else { return Ok(()) };
        if event.action == "recording.prune" {
            pruned.insert(event.target);
        } else {
            digests.extend(Digest::of(index, event));
        }
        Ok(())
    };
    let options = Options { since, check: Some(&mut collect), live: true };
    let report = verify_directory(ledger, verifier, options);
    (report, digests, pruned)
}

/// Compares the database's leaves with the published ones; gives how many the database has.
async fn compare_database(folder: &DataFolder, report: &Report, findings: &mut Vec<String>) -> Result<u64, Error> {
    if !folder.database().exists() {
        findings.push("the database is missing".to_owned());
        return Ok(0);
    }
    let store = Store::open_read_only(&folder.database()).await?;
    let directory = postern_ledger::tiles::Directory::new(folder.ledger());
    let signed = report.size.unwrap_or(0);
    let mut at = 0;
    let mut published = std::collections::VecDeque::new();
    loop {
        let leaves = store.read().await?.leaves_from(at, BATCH).await?;
        if leaves.is_empty() {
            break;
        }
        for leaf in leaves {
            if leaf.index != at {
                findings.push(format!("database: leaf {at} was dropped"));
                return Ok(at);
            }
            if published.is_empty() && at < signed {
                // A bundle at a time; one that cannot be read is a finding of the ledger's already.
                published = directory.leaves(at, signed).unwrap_or_default().into();
            }
            let same = published.pop_front().is_none_or(|body| body == leaf.body);
            if !same || postern_ledger::leaf_hash(&leaf.body).0 != leaf.hash {
                findings.push(format!("database: leaf {at} was altered"));
                return Ok(at);
            }
            at += 1;
        }
    }
    if at < signed {
        findings.push(format!("database: leaf {at} is missing: it was truncated to {at} of {signed} signed leaves"));
    }
    store.close().await;
    Ok(at)
}
