//! Witnesses: others who see the ledger's checkpoints and say when, so that from then on it has one history.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use postern_domain::event::{Event, Outcome};
use postern_domain::permit::{Manage, Permit};
use postern_domain::{ScopePath, Timestamp};
use postern_ledger::note::Checkpoint;
use postern_ledger::proof::consistency;
use postern_witnesses::{Error as Unseen, Witness};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::data::{DataFolder, write_durably};
use crate::{Control, Error};

/// How often it is looked whether there is something to show.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How long a witness that did not cosign is left alone.
const LEFT_ALONE: Duration = Duration::from_secs(60);
/// How often it is asked anew from another size before it is left alone.
const ASKED_MAX: usize = 3;

/// A witness, and what it has seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WitnessView {
    /// Its name, as it is in its key.
    pub name: String,
    /// Where it answers.
    pub url: String,
    /// How many leaves it has seen since this server started; none while it has seen nothing.
    pub size: Option<u64>,
    /// When it saw them, by its own clock.
    pub seen_at: Option<Timestamp>,
    /// Since when it has not cosigned; none while it does.
    pub failed_at: Option<Timestamp>,
    /// Why not.
    pub failure: Option<String>,
}

/// What is known of witnesses while they are shown the ledger.
pub(crate) type Known = Mutex<Vec<WitnessView>>;

/// A witness with what is to be known to show it more.
struct Shown {
    witness: Witness,
    /// The size that it has seen, as far as that is known.
    known: u64,
    /// Before when it is left alone.
    not_before: tokio::time::Instant,
    /// Whether it is on record that it refuses.
    refused: bool,
}

impl Control {
    /// Uses these witnesses and no others. Once only, before [`Control::keep_witnesses`].
    pub fn attach_witnesses(&self, witnesses: &[Witness]) {
        let views = witnesses.iter().map(|witness| WitnessView {
            name: witness.key().name().to_owned(),
            url: witness.url().to_owned(),
            size: None,
            seen_at: None,
            failed_at: None,
            failure: None,
        });
        let _ = self.0.witnesses.set(Mutex::new(views.collect()));
    }

    /// Shows witnesses what is signed, until `stop`.
    pub async fn keep_witnesses(self, witnesses: Vec<Witness>, stop: CancellationToken) {
        let now = tokio::time::Instant::now();
        let shown = |witness| Shown { witness, known: 0, not_before: now, refused: false };
        let mut all: Vec<_> = witnesses.into_iter().map(shown).collect();
        while !all.is_empty() {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            for (place, shown) in all.iter_mut().enumerate() {
                if let Err(error) = self.show(place, shown).await {
                    tracing::warn!(error = &error as &dyn std::error::Error, "a witness could not be shown the ledger");
                    shown.not_before = tokio::time::Instant::now() + LEFT_ALONE;
                }
            }
        }
    }

    /// Shows one witness the newest checkpoint, unless it has seen it.
    async fn show(&self, place: usize, shown: &mut Shown) -> Result<(), Error> {
        let now = tokio::time::Instant::now();
        if now < shown.not_before {
            return Ok(());
        }
        let Some((checkpoint, note)) = self.signed().await? else { return Ok(()) };
        if checkpoint.size == shown.known {
            return Ok(());
        }
        match self.show_until_known(shown, &checkpoint, &note).await? {
            Ok((cosigned, time)) => {
                self.keep_cosigned(shown, cosigned).await?;
                shown.known = checkpoint.size;
                shown.refused = false;
                let at = i64::try_from(time).unwrap_or(i64::MAX / 1000).saturating_mul(1000);
                self.witness_says(place, |view| {
                    (view.size, view.seen_at) = (Some(checkpoint.size), Some(Timestamp::from_millis(at)));
                    (view.failed_at, view.failure) = (None, None);
                });
            }
            Err(why) => {
                shown.not_before = now + LEFT_ALONE;
                let since = self.now();
                self.witness_says(place, |view| {
                    view.failed_at = view.failed_at.or(Some(since));
                    view.failure = Some(why.to_string());
                });
                if let (Unseen::Refused(why), false) = (&why, shown.refused) {
                    shown.refused = true;
                    let name = shown.witness.key().name();
                    let event = Event::done(since, Self::system(), "witness.refuse", name, ScopePath::root());
                    let event = event.outcome(Outcome::Refused).with("size", checkpoint.size).with("why", why.as_str());
                    self.note(event).await?;
                }
            }
        }
        Ok(())
    }

    async fn show_until_known(
        &self,
        shown: &mut Shown,
        checkpoint: &Checkpoint,
        note: &str,
    ) -> Result<Result<(String, u64), Unseen>, Error> {
        let mut last = Unseen::Unavailable("the witness tells another size each time".to_owned());
        for _ in 0..ASKED_MAX {
            if shown.known > checkpoint.size {
                let why = format!("it has seen {} leaves, and {} are signed here", shown.known, checkpoint.size);
                return Ok(Err(Unseen::Refused(why)));
            }
            let (tiles, old, size) = (self.tiles(), shown.known, checkpoint.size);
            let proof = tokio::task::spawn_blocking(move || consistency(old, size, &tiles.hashes(size)))
                .await
                .map_err(|_| Error::Unavailable("the proof for a witness was cut off".to_owned()))?
                .map_err(|error| Error::Unavailable(format!("the proof for a witness cannot be made: {error}")))?;
            match shown.witness.show(old, &proof, note).await {
                Err(Unseen::Known(size)) if size != old => {
                    shown.known = size;
                    last = Unseen::Known(size);
                }
                other => return Ok(other),
            }
        }
        Ok(Err(last))
    }

    /// Keeps what a witness has cosigned beside the ledger, for whoever verifies it.
    async fn keep_cosigned(&self, shown: &Shown, cosigned: String) -> Result<(), Error> {
        let folder = DataFolder::new(&self.settings().data).ledger().join(postern_ledger::note::WITNESSED);
        let file = folder.join(hex::encode(shown.witness.key().key_id()));
        tokio::task::spawn_blocking(move || {
            std::fs::create_dir_all(&folder)?;
            write_durably(&file, cosigned.as_bytes())
        })
        .await
        .map_err(|_| Error::Unavailable("keeping a cosignature was cut off".to_owned()))?
    }

    fn witness_says(&self, place: usize, change: impl FnOnce(&mut WitnessView)) {
        let Some(known) = self.0.witnesses.get() else { return };
        let mut views = known.lock().unwrap_or_else(PoisonError::into_inner);
        views.get_mut(place).map(change);
    }

    /// The witnesses, as configured.
    #[must_use]
    pub fn witness_list(&self, _: &Permit<Manage>) -> Vec<WitnessView> {
        let views = self.0.witnesses.get().map(|known| known.lock().unwrap_or_else(PoisonError::into_inner).clone());
        views.unwrap_or_default()
    }
}

/// The witnesses of a configuration, ready to be shown the ledger.
///
/// # Errors
/// With the first that cannot be used.
pub fn witnesses(configs: &[postern_witnesses::WitnessConfig]) -> Result<Vec<Witness>, Error> {
    let wrong = |error: postern_witnesses::ConfigError| Error::invalid("witnesses", error.to_string());
    configs.iter().map(|config| Witness::new(config).map_err(wrong)).collect()
}
