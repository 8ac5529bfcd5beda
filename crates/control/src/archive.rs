//! The archive: the ledger and the recordings, written to storage that lets nobody change them or take them away
//! until their day.
//!
//! The ledger is the queue: what is signed and not archived yet is put there, with each recording whose session
//! ended in it, and then the archive's place moves on. After a crash the same is put again, which changes nothing.

use std::time::Duration;

use postern_archive::Archive;
use postern_domain::SessionId;
use postern_domain::Timestamp;
use postern_domain::permit::{Manage, Permit};
use postern_ledger::note::Checkpoint;
use postern_ledger::tiles::{CHECKPOINT, CHECKPOINTS};
use postern_store::{ChannelPlace, Leaf};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::ledger::event_in;
use crate::{Control, Error};

/// Under which name its place is kept; no channel can be called so.
pub(crate) const PLACE: &str = "[archive]";
/// How often it is looked whether there is something to archive.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// How long it waits after a failure.
const PAUSE: Duration = Duration::from_secs(30);
/// How many leaves are looked at at once.
const BATCH: u32 = 1024;
/// How long a reason is kept, in characters.
const FAILURE_LEN_MAX: usize = 500;

/// The archive, and how far it has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ArchiveView {
    /// The storage.
    pub url: String,
    /// The bucket in it.
    pub bucket: String,
    /// How long everything is kept, in seconds.
    pub keep_seconds: u64,
    /// How many events of the ledger are in it.
    pub archived: u64,
    /// How many are not yet.
    pub behind: u64,
    /// How many recordings are held in it beyond that time, since a hold is on them.
    #[serde(default)]
    pub held: u64,
    /// When something was archived last.
    pub archived_at: Option<Timestamp>,
    /// Since when nothing can be archived; none while it can.
    pub failed_at: Option<Timestamp>,
    /// Why not, the last time it was tried.
    pub failure: Option<String>,
}

impl Control {
    /// Writes the archive, until `stop`.
    pub async fn keep_archive(self, archive: Archive, stop: CancellationToken) {
        let _ = self.0.archive.set(archive.config().clone());
        let (mut locks, mut followed) = (false, None);
        loop {
            let written = match self.archive_more(&archive, &mut locks).await {
                Ok(more) => self.archive_follow_holds(&archive, &mut followed).await.map(|()| more),
                failed => failed,
            };
            let pause = match written {
                Ok(true) => Duration::ZERO,
                Ok(false) => LOOK_EVERY,
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "the archive cannot be written");
                    if let Err(error) = self.archive_fails(&error).await {
                        tracing::warn!(error = &error as &dyn std::error::Error, "that cannot be noted");
                    }
                    PAUSE
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Archives everything up to the newest checkpoint; says whether something was.
    async fn archive_more(&self, archive: &Archive, locks: &mut bool) -> Result<bool, Error> {
        let place = self.archive_place().await?;
        let Some((checkpoint, note)) = self.signed().await? else { return Ok(false) };
        if checkpoint.size <= place.next {
            return Ok(false);
        }
        if !*locks {
            archive.check().await.map_err(unarchived)?;
            *locks = true;
        }
        let mut from = place.next;
        while from < checkpoint.size {
            let leaves = self.store().read().await?.leaves_from(from, BATCH).await?;
            let Some(last) = leaves.last() else { break };
            from = last.index + 1;
            for leaf in leaves.iter().filter(|leaf| leaf.index < checkpoint.size) {
                self.archive_recording(archive, leaf).await?;
            }
        }
        self.archive_ledger(archive, place.next, &checkpoint, note).await?;
        let mut tx = self.store().write(self.now()).await?;
        tx.channel_delivered(PLACE, place.next, checkpoint.size, true).await?;
        tx.commit_upkeep().await?;
        Ok(true)
    }

    /// The recording of the session whose end a leaf tells of, if it tells of one.
    async fn archive_recording(&self, archive: &Archive, leaf: &Leaf) -> Result<(), Error> {
        let event = event_in(&leaf.body);
        // The name comes from a leaf: it must not lead elsewhere.
        let session = event.target.parse::<SessionId>().ok();
        let (Some(session), true) = (session, event.details.contains_key("recording_digest")) else { return Ok(()) };
        let file = self.recording_path(&session);
        if !file.exists() {
            // It was taken away meanwhile, or lost; either is seen by whoever verifies.
            return Ok(());
        }
        let held = self.is_held(&session).await?;
        archive.put_file(&object(&session), &file, self.now(), held).await.map_err(unarchived)?;
        if held {
            self.archive_held_set(&session, true).await?;
        }
        Ok(())
    }

    /// The tiles that are new, then the checkpoint under its size, then as the newest.
    async fn archive_ledger(
        &self,
        archive: &Archive,
        from: u64,
        checkpoint: &Checkpoint,
        note: String,
    ) -> Result<(), Error> {
        let size = checkpoint.size;
        for path in postern_ledger::tile::grown(from, size) {
            let tiles = self.tiles();
            let bytes = tokio::task::spawn_blocking(move || tiles.part(&path))
                .await
                .map_err(|_| Error::Unavailable("archiving was cut off".to_owned()))?
                .map_err(|error| Error::Unavailable(format!("the ledger cannot be archived: {error}")))?;
            archive.put(&format!("ledger/{path}"), bytes, self.now()).await.map_err(unarchived)?;
        }
        for name in [format!("{CHECKPOINTS}/{size}"), CHECKPOINT.to_owned()] {
            let note = note.clone().into_bytes();
            archive.put(&format!("ledger/{name}"), note, self.now()).await.map_err(unarchived)?;
        }
        Ok(())
    }

    async fn archive_place(&self) -> Result<ChannelPlace, Error> {
        if let Some(place) = self.store().read().await?.channel(PLACE).await? {
            return Ok(place);
        }
        let mut tx = self.store().write(self.now()).await?;
        tx.channel_place(PLACE, 0).await?;
        tx.commit_upkeep().await?;
        Ok(ChannelPlace::default())
    }

    async fn archive_fails(&self, error: &Error) -> Result<(), Error> {
        let why: String = error.to_string().chars().take(FAILURE_LEN_MAX).collect();
        let mut tx = self.store().write(self.now()).await?;
        tx.channel_failed(PLACE, &why).await?;
        tx.commit_upkeep().await?;
        Ok(())
    }

    /// The archive, where one is configured.
    ///
    /// # Errors
    /// `NotFound` where none is; otherwise when the database fails.
    pub async fn archive_show(&self, _: &Permit<Manage>) -> Result<ArchiveView, Error> {
        let config = self.0.archive.get();
        let config = config.ok_or_else(|| Error::not_found("archive", "[archive] in the configuration file"))?;
        let mut rows = self.store().read().await?;
        let size = rows.ledger_tree().await?.size();
        let place = rows.channel(PLACE).await?.unwrap_or_default();
        Ok(ArchiveView {
            url: config.url.clone(),
            bucket: config.bucket.clone(),
            keep_seconds: config.keep.seconds(),
            archived: place.next,
            behind: size.saturating_sub(place.next),
            held: rows.archive_held().await?,
            archived_at: place.delivered_at,
            failed_at: place.failed_at,
            failure: place.failure,
        })
    }
}

/// Under which name a session's recording lies.
pub(crate) fn object(session: &SessionId) -> String {
    format!("recordings/{session}.rec")
}

pub(crate) fn unarchived(error: postern_archive::Error) -> Error {
    Error::Unavailable(error.to_string())
}
