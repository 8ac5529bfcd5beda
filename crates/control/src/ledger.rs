//! The ledger: publishing it as signed tiles, and answering what is in it.

use std::sync::atomic::Ordering;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use postern_domain::ScopePath;
use postern_domain::event::Event;
use postern_domain::permit::{Manage, Permit};
use postern_domain::report::LedgerRange;
use postern_ledger::Hash;
use postern_ledger::note::Checkpoint;
use postern_ledger::tiles::Directory;
use postern_store::{Leaf, LeafFilter, Listed, Listing, ReadTx};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::data::DataFolder;
use crate::{Control, Error};

/// Leaves that are published in one go.
const BATCH_MAX: u32 = 4096;
/// How many leaves of an export are read at once.
const EXPORTED_MAX: u32 = 500;
/// How long after a commit its leaves wait for company, so that a burst is signed once.
const GATHER: Duration = Duration::from_millis(200);
/// How long publishing waits after a failure.
const RETRY: Duration = Duration::from_secs(5);

/// One event with its place in the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuditEntry {
    /// Its place in the log, from 0.
    pub index: u64,
    /// Its leaf hash, hex.
    pub hash: String,
    /// What happened.
    pub event: Event,
}

/// Proof that a leaf is in the log that a checkpoint signs (RFC 6962 §2.1.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InclusionProof {
    /// The leaf's place in the log.
    pub index: u64,
    /// The exact bytes that were hashed, base64.
    pub leaf: String,
    /// The leaf hash, hex.
    pub hash: String,
    /// The sibling hashes from the leaf up, hex.
    pub path: Vec<String>,
    /// How many leaves the signed log has.
    pub size: u64,
    /// Its root hash, hex.
    pub root: String,
    /// The signed checkpoint, a C2SP signed note.
    pub checkpoint: String,
}

impl Control {
    pub(crate) fn tiles(&self) -> Directory {
        Directory::new(DataFolder::new(&self.settings().data).ledger())
    }

    /// Publishes new leaves as they are committed, until `stop`. While the vault is sealed nothing
    /// can be signed; the leaves wait in the database.
    pub async fn publish_ledger(self, stop: CancellationToken) {
        loop {
            match self.publish_new_leaves().await {
                Ok(true) => continue,
                Ok(false) => {
                    tokio::select! {
                        () = stop.cancelled() => break,
                        () = self.0.committed.notified() => {}
                    }
                    tokio::time::sleep(GATHER).await;
                }
                Err(error) => {
                    if !matches!(error, Error::Sealed) {
                        tracing::error!(error = &error as &dyn std::error::Error, "the ledger cannot be published");
                    }
                    tokio::select! {
                        () = stop.cancelled() => break,
                        () = tokio::time::sleep(RETRY) => {}
                    }
                }
            }
        }
        if let Err(error) = self.publish_all().await {
            tracing::warn!(%error, "the newest leaves are not published yet; they will be at the next start");
        }
    }

    /// Publishes everything that is committed.
    ///
    /// # Errors
    /// `Sealed` while nothing can be signed; otherwise when the ledger folder contradicts the leaves.
    pub async fn publish_all(&self) -> Result<(), Error> {
        while self.publish_new_leaves().await? {}
        Ok(())
    }

    /// Publishes one batch; says whether there may be more.
    async fn publish_new_leaves(&self) -> Result<bool, Error> {
        let mut rows = self.store().read().await?;
        let signer = self.ledger_signer(&mut rows).await?;
        let tiles = self.tiles();
        let signed = tiles.checkpoint(signer.verifier()).map_err(unpublishable)?;
        let from = signed.as_ref().map_or(0, |checkpoint| checkpoint.size);
        let leaves = rows.leaves_from(from, BATCH_MAX).await?;
        let tree = rows.ledger_tree().await?;
        drop(rows);
        if tree.size() < from {
            return Err(Error::Unavailable(format!(
                "the ledger was signed at {from} leaves but the database holds {}: it was set back; restore the newer one",
                tree.size()
            )));
        }
        self.0.published.store(from, Ordering::Relaxed);
        if leaves.is_empty() {
            return Ok(false);
        }
        let to = from + leaves.len() as u64;
        let more = to < tree.size();
        let root = if more { root_with(&tiles, signed.as_ref(), &leaves)? } else { tree.root() };
        let bodies: Vec<Vec<u8>> = leaves.into_iter().map(|leaf| leaf.body).collect();
        tokio::task::spawn_blocking(move || tiles.publish(from, &bodies, &root, &signer))
            .await
            .map_err(|_| Error::Unavailable("publishing the ledger was cut off".to_owned()))?
            .map_err(unpublishable)?;
        self.0.published.store(to, Ordering::Relaxed);
        Ok(more)
    }

    /// Events in the permit's scopes, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn audit_list(
        &self,
        permit: &Permit<Manage>,
        filter: &LeafFilter,
        listing: &Listing,
    ) -> Result<Listed<AuditEntry>, Error> {
        let leaves = self.store().read().await?.leaves(&permit.action().scopes, filter, listing).await?;
        Ok(leaves.map(entry))
    }

    /// One event.
    ///
    /// # Errors
    /// `NotFound` when there is none, or it lies outside the permit's scopes.
    pub async fn audit_show(&self, permit: &Permit<Manage>, index: u64) -> Result<AuditEntry, Error> {
        self.leaf_in(permit, index).await.map(entry)
    }

    async fn leaf_in(&self, permit: &Permit<Manage>, index: u64) -> Result<Leaf, Error> {
        let leaves = self.store().read().await?.leaves_from(index, 1).await?;
        leaves
            .into_iter()
            .find(|leaf| leaf.index == index)
            .filter(|leaf| permit.covers(&event_in(&leaf.body).scope))
            .ok_or_else(|| Error::not_found("audit event", index))
    }

    /// Proof that the event is in the signed log.
    ///
    /// # Errors
    /// `Conflict` when it is too new to be signed yet.
    pub async fn audit_proof(&self, permit: &Permit<Manage>, index: u64) -> Result<InclusionProof, Error> {
        let leaf = self.leaf_in(permit, index).await?;
        let signer = self.ledger_signer(&mut self.store().read().await?).await?;
        let tiles = self.tiles();
        let checkpoint = tiles.checkpoint(signer.verifier()).map_err(unpublishable)?;
        let checkpoint = checkpoint
            .filter(|checkpoint| checkpoint.size > index)
            .ok_or_else(|| Error::Conflict("the event is not signed yet; try again in a second".to_owned()))?;
        let path = postern_ledger::proof::inclusion(index, checkpoint.size, &tiles.hashes(checkpoint.size))
            .map_err(|error| Error::Unavailable(format!("the proof cannot be made: {error}")))?;
        Ok(InclusionProof {
            index,
            leaf: STANDARD.encode(&leaf.body),
            hash: hex::encode(leaf.hash),
            path: path.iter().map(|hash| hex::encode(hash.0)).collect(),
            size: checkpoint.size,
            root: hex::encode(checkpoint.root.0),
            checkpoint: self.audit_checkpoint()?,
        })
    }

    /// The newest signed checkpoint.
    ///
    /// # Errors
    /// `NotFound` before the first one.
    pub fn audit_checkpoint(&self) -> Result<String, Error> {
        let note = self.tiles().checkpoint_note().map_err(unpublishable)?;
        note.and_then(|note| String::from_utf8(note).ok()).ok_or_else(|| Error::not_found("checkpoint", "newest"))
    }

    /// The newest signed checkpoint, opened, with its note; none while nothing can be signed.
    pub(crate) async fn signed(&self) -> Result<Option<(Checkpoint, String)>, Error> {
        let signer = match self.ledger_signer(&mut self.store().read().await?).await {
            // Nothing new is signed while the vault is sealed.
            Err(Error::Sealed) => return Ok(None),
            signer => signer?,
        };
        let Ok(note) = self.audit_checkpoint() else { return Ok(None) };
        let opened = Checkpoint::open(&note, signer.verifier());
        let checkpoint =
            opened.map_err(|error| Error::Unavailable(format!("the newest checkpoint cannot be read: {error}")))?;
        Ok(Some((checkpoint, note)))
    }

    /// An export of the events in the permit's scopes from `from` on; with `proof`, each comes with the
    /// proof that it is in the log as it is signed now, as far as that goes.
    ///
    /// # Errors
    /// `NotFound` when nothing is signed yet, `Sealed` when proofs are wanted and the vault is sealed.
    pub async fn audit_export(
        &self,
        permit: &Permit<Manage>,
        filter: LeafFilter,
        first: u64,
        proof: bool,
    ) -> Result<AuditExport, Error> {
        let signed = if proof {
            let signer = self.ledger_signer(&mut self.store().read().await?).await?;
            let checkpoint = self.tiles().checkpoint(signer.verifier()).map_err(unpublishable)?;
            let checkpoint = checkpoint.ok_or_else(|| Error::not_found("checkpoint", "newest"))?;
            Some((checkpoint.size, hex::encode(checkpoint.root.0), self.audit_checkpoint()?))
        } else {
            None
        };
        Ok(AuditExport { scopes: permit.action().scopes.clone(), filter, next: Some(first), signed, begun: false })
    }

    /// The next lines of an export; none when it is over.
    ///
    /// # Errors
    /// When the database or the ledger's folder fails.
    pub async fn audit_export_next(&self, export: &mut AuditExport) -> Result<Option<Vec<u8>>, Error> {
        let mut lines = Vec::new();
        if let (false, Some((size, root, checkpoint))) = (export.begun, &export.signed) {
            write_line(&mut lines, &serde_json::json!({ "size": size, "root": root, "checkpoint": checkpoint }))?;
        }
        export.begun = true;
        let Some(from) = export.next else { return Ok(None) };
        let mut rows = self.store().read().await?;
        let mut leaves = rows.leaves_matching(&export.scopes, &export.filter, from, EXPORTED_MAX).await?;
        if let Some((size, ..)) = &export.signed {
            leaves.retain(|leaf| leaf.index < *size);
        }
        export.next = leaves.last().map(|leaf| leaf.index + 1);
        if leaves.is_empty() {
            return Ok(Some(lines).filter(|lines| !lines.is_empty()));
        }
        let tiles = self.tiles();
        for leaf in leaves {
            let (index, body) = (leaf.index, STANDARD.encode(&leaf.body));
            let entry = entry(leaf);
            let Some((size, ..)) = export.signed else {
                write_line(&mut lines, &entry)?;
                continue;
            };
            let path = postern_ledger::proof::inclusion(index, size, &tiles.hashes(size))
                .map_err(|error| Error::Unavailable(format!("the proof cannot be made: {error}")))?;
            let path = path.iter().map(|hash| hex::encode(hash.0)).collect();
            write_line(&mut lines, &ProvenEntry { entry, leaf: body, path })?;
        }
        Ok(Some(lines))
    }
}

/// An export in progress.
pub struct AuditExport {
    scopes: Vec<ScopePath>,
    filter: LeafFilter,
    next: Option<u64>,
    /// The signed log's size and root, and the checkpoint.
    signed: Option<(u64, String, String)>,
    begun: bool,
}

/// An event with the proof that it is in the log whose checkpoint the export begins with.
#[derive(Serialize)]
struct ProvenEntry {
    #[serde(flatten)]
    entry: AuditEntry,
    /// The exact bytes that were hashed, base64.
    leaf: String,
    /// The sibling hashes from the leaf up, hex.
    path: Vec<String>,
}

fn write_line<T: Serialize>(lines: &mut Vec<u8>, value: &T) -> Result<(), Error> {
    serde_json::to_writer(&mut *lines, value)
        .map_err(|error| Error::Unavailable(format!("the export cannot be written: {error}")))?;
    lines.push(b'\n');
    Ok(())
}

/// The part of the signed log that lies between two leaves, with the proof that what was before is its beginning.
pub(crate) async fn range(
    control: &Control,
    rows: &mut ReadTx,
    leaves: Option<(u64, u64, u64)>,
) -> Result<LedgerRange, Error> {
    let unproven = |error| Error::Unavailable(format!("the proof cannot be made: {error}"));
    let Some((first, last, events)) = leaves else { return Ok(LedgerRange::default()) };
    let signer = control.ledger_signer(rows).await?;
    let tiles = control.tiles();
    let signed = tiles.checkpoint(signer.verifier()).map_err(unpublishable)?;
    let signed = signed.filter(|signed| signed.size > last);
    let signed = signed
        .ok_or_else(|| Error::Conflict("the newest events are not signed yet; try again in a second".to_owned()))?;
    let hashes = tiles.hashes(signed.size);
    let before = postern_ledger::proof::root(first, &hashes).map_err(unproven)?;
    let path = postern_ledger::proof::consistency(first, signed.size, &hashes).map_err(unproven)?;
    let proven = postern_ledger::proof::verify_consistency(first, &before, signed.size, &signed.root, &path).is_ok()
        && events == last - first + 1;
    Ok(LedgerRange {
        first,
        last,
        events,
        from_size: first,
        from_root: hex::encode(before.0),
        size: signed.size,
        root: hex::encode(signed.root.0),
        consistency: path.iter().map(|hash| hex::encode(hash.0)).collect(),
        checkpoint: control.audit_checkpoint()?,
        proven,
    })
}

/// The name that the ledger's key signs under.
pub(crate) async fn name(rows: &mut ReadTx) -> Result<String, Error> {
    let ring = crate::data::key_ring(rows).await?;
    Ok(format!("postern.ledger/{}", ring.vault_id()))
}

/// The root over what is published and `leaves`, which follow it.
fn root_with(tiles: &Directory, signed: Option<&Checkpoint>, leaves: &[Leaf]) -> Result<Hash, Error> {
    let mut tree = match signed {
        Some(checkpoint) => tiles.tree(checkpoint).map_err(unpublishable)?,
        None => postern_ledger::Tree::new(),
    };
    leaves.iter().for_each(|leaf| tree.push(Hash(leaf.hash)));
    Ok(tree.root())
}

fn unpublishable(error: postern_ledger::tiles::Error) -> Error {
    Error::Unavailable(format!("the ledger folder cannot be used: {error}"))
}

fn entry(leaf: Leaf) -> AuditEntry {
    AuditEntry { index: leaf.index, hash: hex::encode(leaf.hash), event: event_in(&leaf.body) }
}

/// The event in a leaf. A body that is not one was put there by somebody else; it is shown as such
/// rather than hidden, and it belongs to the root so that few can see it.
pub(crate) fn event_in(body: &[u8]) -> Event {
    serde_json::from_slice(body).unwrap_or_else(|_| {
        let zero = postern_domain::Timestamp::from_millis(0);
        Event::done(zero, postern_domain::event::Actor::System, "audit.unreadable", "", ScopePath::root())
    })
}

#[cfg(test)]
mod tests;
