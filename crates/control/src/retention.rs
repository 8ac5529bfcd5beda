//! Retention: recordings are taken away when their time is over and no hold keeps them. What the session, the
//! ledger and its proofs say of them stays.
//!
//! That a recording is taken away is in the ledger before its file is touched; a crash between the two is made up
//! for at the next look.

use std::time::Duration;

use postern_domain::event::{Actor, Event};
use postern_domain::permission::Permission;
use postern_domain::permit::{Manage, Permit};
use postern_domain::retention::{Fate, Keep, Recorded, Retention, fate};
use postern_domain::{ScopePath, SessionId, Timestamp};
use postern_store::ReadTx;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::archive::PLACE;
use crate::ledger::event_in;
use crate::{Caller, Control, Error};

/// How many recordings are looked at at once.
const BATCH: u32 = 500;
/// Under which name it is kept how recordings were kept until now.
const SETTING: &str = "retention";
/// How far a session's end may lie behind the time that its event gives, when the archive is asked how far it is.
const LEEWAY: Duration = Duration::from_secs(60);

/// How recordings are kept, and since when.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Followed {
    retention: Retention,
    since: Option<Timestamp>,
}

/// How recordings are kept, and how many there are.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RetentionView {
    /// How long recordings are kept.
    pub retention: Retention,
    /// Until when nothing is taken away, because this was changed.
    pub waits_until: Option<Timestamp>,
    /// How many recordings are there.
    pub kept: u64,
    /// How many bytes those have.
    pub kept_bytes: u64,
    /// When the oldest of them ended.
    pub oldest: Option<Timestamp>,
    /// How many have been taken away.
    pub pruned: u64,
    /// How many holds are in force.
    pub holds: u64,
}

/// What becomes of one recording.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum RecordingFate {
    /// The session is not over, or was not recorded.
    None,
    /// It is there.
    Kept {
        /// What becomes of it.
        #[serde(flatten)]
        fate: Fate,
    },
    /// It was taken away.
    Pruned {
        /// When.
        at: Timestamp,
        /// Its digest, which stays in the ledger.
        digest: Option<String>,
    },
}

impl Control {
    /// Takes away recordings whose time is over, as `retention` says.
    pub(crate) async fn retention_keep(&self, retention: &Retention) -> Result<(), Error> {
        self.remove_pruned().await?;
        let since = self.retention_follow(retention).await?;
        let Some(shortest) = retention.shortest() else { return Ok(()) };
        let now = self.now();
        if since.is_some_and(|since| since.after(retention.wait.duration()) > now) {
            return Ok(());
        }
        let before = now.before(shortest.duration()).min(self.archived_until().await?);
        // Each is looked at with the holds of its own moment before it is taken away.
        let holds = self.store().read().await?.holds_in_force().await?;
        let mut after: Option<Recorded> = None;
        loop {
            let over = self.store().read().await?.recordings_over(before, after.as_ref(), BATCH).await?;
            let Some(last) = over.last() else { return Ok(()) };
            for recorded in &over {
                if matches!(fate(recorded, retention, &holds, now), Fate::Due { .. }) {
                    self.recording_prune(recorded, retention).await?;
                }
            }
            after = Some(last.clone());
        }
    }

    /// Takes one recording away, unless a hold was placed meanwhile.
    async fn recording_prune(&self, recorded: &Recorded, retention: &Retention) -> Result<(), Error> {
        let id = &recorded.session;
        let mut tx = self.store().write(self.now()).await?;
        // Holds are placed in a transaction of their own: what this one sees is all there is.
        let holds = tx.holds_in_force().await?;
        let Fate::Due { since } = fate(recorded, retention, &holds, tx.now()) else { return Ok(()) };
        let Some(session) = tx.session(id).await? else { return Ok(()) };
        tx.recording_prune(id).await?;
        let summary = session.recording.as_ref();
        let event = Event::done(tx.now(), Actor::System, "recording.prune", id.as_str(), session.scope.clone())
            .with("user", session.user.as_str())
            .with("account", session.account.to_string())
            .with("ended_at", recorded.ended_at.to_string())
            .with("due_at", since.to_string())
            .with("keep", retention.of(&recorded.scope).to_string())
            .with("bytes", summary.map_or(0, |summary| summary.bytes))
            .with("digest", summary.and_then(|summary| summary.digest.clone()).unwrap_or_default());
        self.commit(tx, &[event]).await?;
        self.remove(id).await
    }

    /// Files that a crash left behind although they were to go.
    async fn remove_pruned(&self) -> Result<(), Error> {
        for id in self.store().read().await?.recordings_unremoved(BATCH).await? {
            self.remove(&id).await?;
        }
        Ok(())
    }

    async fn remove(&self, id: &SessionId) -> Result<(), Error> {
        match tokio::fs::remove_file(self.recording_path(id)).await {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        let mut tx = self.store().write(self.now()).await?;
        tx.recording_removed(id).await?;
        Ok(tx.commit_upkeep().await?)
    }

    /// Since when recordings are kept like this; none where they always were. A change is written down.
    async fn retention_follow(&self, retention: &Retention) -> Result<Option<Timestamp>, Error> {
        let known = followed(&mut self.store().read().await?).await?;
        if known.retention == *retention {
            return Ok(known.since);
        }
        let mut tx = self.store().write(self.now()).await?;
        let now = tx.now();
        let text = |retention: &Retention| serde_json::to_value(retention).unwrap_or_default();
        let event = Event::done(now, Actor::Console, "retention.change", "recordings", ScopePath::root())
            .with("from", text(&known.retention))
            .with("to", text(retention))
            .with("shorter", shorter(&known.retention, retention));
        let followed = Followed { retention: retention.clone(), since: Some(now) };
        let followed = serde_json::to_string(&followed)
            .map_err(|error| Error::Unavailable(format!("how recordings are kept cannot be noted: {error}")))?;
        tx.setting_set(SETTING, &followed).await?;
        self.commit(tx, &[event]).await?;
        Ok(Some(now))
    }

    /// Sessions that ended before this are in the archive, where there is one; what is not there yet must stay.
    async fn archived_until(&self) -> Result<Timestamp, Error> {
        let now = self.now();
        if self.0.archive.get().is_none() {
            return Ok(now);
        }
        let mut rows = self.store().read().await?;
        let place = rows.channel(PLACE).await?.unwrap_or_default();
        let next = rows.leaves_from(place.next, 1).await?;
        let next = next.first().map(|leaf| event_in(&leaf.body).at);
        Ok(next.map_or(now, |next| next.min(now)).before(LEEWAY))
    }

    /// How recordings are kept, and how many there are in the permit's scopes.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn retention_show(&self, permit: &Permit<Manage>) -> Result<RetentionView, Error> {
        let retention = self.settings().retention.clone();
        let mut rows = self.store().read().await?;
        let since = followed(&mut rows).await?.since;
        let figures = rows.recording_figures(&permit.action().scopes).await?;
        let holds = rows.holds_in_force().await?;
        let waits_until = since.map(|since| since.after(retention.wait.duration()));
        Ok(RetentionView {
            waits_until: waits_until.filter(|until| *until > self.now() && retention.shortest().is_some()),
            retention,
            kept: figures.kept,
            kept_bytes: figures.kept_bytes,
            oldest: figures.oldest,
            pruned: figures.pruned,
            holds: holds.iter().filter(|(_, on)| permit.covers(&on.scope)).count() as u64,
        })
    }

    /// What becomes of a session's recording.
    ///
    /// # Errors
    /// `NotFound` when the caller may not see it.
    pub async fn recording_fate(&self, caller: &Caller, id: &SessionId) -> Result<RecordingFate, Error> {
        let session = self.session_visible(caller, id, Permission::RecordingRead).await?;
        if let Some((at, digest)) = session.recording.and_then(|summary| Some((summary.pruned_at?, summary.digest))) {
            return Ok(RecordingFate::Pruned { at, digest });
        }
        let mut rows = self.store().read().await?;
        let Some(recorded) = rows.recorded(id).await? else { return Ok(RecordingFate::None) };
        let holds = rows.holds_in_force().await?;
        Ok(RecordingFate::Kept { fate: fate(&recorded, &self.settings().retention, &holds, self.now()) })
    }
}

/// How recordings were kept until now.
async fn followed(rows: &mut ReadTx) -> Result<Followed, Error> {
    match rows.setting(SETTING).await? {
        Some(text) => {
            serde_json::from_str(&text).map_err(|_| Error::Unavailable(format!("the setting {SETTING} is damaged")))
        }
        None => Ok(Followed::default()),
    }
}

/// Whether anything is kept less long than before.
fn shorter(before: &Retention, after: &Retention) -> bool {
    let length = |keep| match keep {
        Keep::Forever => u64::MAX,
        Keep::For(period) => period.seconds(),
    };
    let places = before.places.iter().chain(&after.places).map(|place| place.scope.clone());
    std::iter::once(ScopePath::root()).chain(places).any(|scope| length(after.of(&scope)) < length(before.of(&scope)))
}

#[cfg(test)]
mod tests;
