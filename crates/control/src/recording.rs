//! Recordings: playing, watching, exporting, and whether they are what the ledger says.

use std::io::Write;
use std::path::PathBuf;

use bytes::Bytes;
use postern_domain::event::Event;
use postern_domain::permission::Permission;
use postern_domain::session::{Session, SessionState};
use postern_domain::{SecretBytes, SessionId};
use postern_gateway::{ExportFormat, StoredRecording, Watch, Watched, chain_of};
use postern_vault::Binding;
use postern_wire::recording::Verdict;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use crate::data::DataFolder;
use crate::{Caller, Control, Error};

/// Portions of an export that may wait for a slow reader.
const PORTIONS_MAX: usize = 8;
/// How large a portion is.
const PORTION_LEN: usize = 64 * 1024;

/// What a recording can be played or exported as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RecordingFormat {
    /// asciicast v3.
    #[default]
    Asciicast,
    /// Plain text.
    Text,
    /// Every frame as a line of JSON.
    Json,
}

/// What was found about a recording, computed from its bytes each time it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum IntegrityVerdict {
    /// Every byte is what was written, and the digest is the one in the ledger.
    Verified,
    /// The session is live; what is there so far is what was written.
    Live,
    /// Postern died during the session: it breaks off, but what is there is what was written.
    Incomplete,
    /// It is not what was written.
    Altered,
    /// Its time was over, and it was taken away; the ledger says so, and keeps its digest.
    Pruned,
    /// The file is gone.
    Missing,
}

/// Whether a recording is what was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Integrity {
    /// The verdict.
    pub verdict: IntegrityVerdict,
    /// The digest computed from the file, hex.
    pub digest: Option<String>,
    /// The digest that the ledger holds, hex.
    pub ledger_digest: Option<String>,
    /// Where it was altered or breaks off, where that is known.
    pub detail: Option<String>,
}

/// The binding of a recording's data key.
pub(crate) fn binding(session: &SessionId) -> Binding {
    Binding::new("recording", session.as_str(), 1)
}

impl Control {
    pub(crate) fn recording_path(&self, session: &SessionId) -> PathBuf {
        DataFolder::new(&self.settings().data).recording(session)
    }

    /// The size and the digest of a recording that was left behind; none when there is no file.
    pub(crate) async fn recording_on_disk(&self, session: &SessionId) -> Option<(u64, String)> {
        let path = self.recording_path(session);
        let chain = tokio::task::spawn_blocking(move || chain_of(&path)).await.ok()?.ok()?;
        Some((chain.bytes, hex::encode(chain.digest)))
    }

    pub(crate) async fn recording_opened(&self, session: &SessionId) -> Result<(StoredRecording, SecretBytes), Error> {
        let path = self.recording_path(session);
        let opened = tokio::task::spawn_blocking(move || StoredRecording::open(&path))
            .await
            .map_err(|_| Error::Unavailable("reading the recording was cut off".to_owned()))?;
        let recording = opened.map_err(|_| Error::not_found("recording of session", session))?;
        let key = self.vault().open_data_key(&binding(session), &recording.header().sealed_key)?;
        Ok((recording, key))
    }

    /// What was done in a session, from its recording; for rules that are tried over the past.
    pub(crate) async fn recording_deeds(&self, session: &Session) -> Result<Vec<postern_understand::Deed>, Error> {
        let (recording, key) = self.recording_opened(&session.id).await?;
        tokio::task::spawn_blocking(move || {
            let frames = recording.frames(&key).map_err(|error| Error::Unavailable(error.to_string()))?;
            Ok(crate::alert::deeds_of(frames.map_while(Result::ok)))
        })
        .await
        .map_err(|_| Error::Unavailable("reading the recording was cut off".to_owned()))?
    }

    /// The session whose recording the caller may see: their own, or one that lies where they hold
    /// `recording:read`. That they saw it is written down.
    async fn recorded_session(&self, caller: &Caller, id: &SessionId, how: &str) -> Result<Session, Error> {
        let session = self.session_visible(caller, id, Permission::RecordingRead).await?;
        if let Some(at) = session.pruned_at() {
            return Err(Error::Conflict(format!(
                "the recording of session {id} was taken away on {at}, when its time was over; its digest stays in the ledger"
            )));
        }
        let event = Event::done(self.now(), caller.actor(), "recording.read", id.as_str(), session.scope.clone())
            .with("how", how)
            .with("user", session.user.as_str())
            .with("account", session.account.to_string());
        self.note(event).await?;
        Ok(session)
    }

    /// A recording that the caller may see, opened. That it was read is written down first.
    pub(crate) async fn recording_read(
        &self,
        caller: &Caller,
        id: &SessionId,
        how: &str,
    ) -> Result<(StoredRecording, SecretBytes), Error> {
        self.recorded_session(caller, id, how).await?;
        self.recording_opened(id).await
    }

    /// A recording in another format, portion by portion. That it was read is written down first.
    ///
    /// # Errors
    /// `NotFound` when there is none that the caller may see, `Sealed` while the vault is.
    pub async fn recording_export(
        &self,
        caller: &Caller,
        id: &SessionId,
        format: RecordingFormat,
    ) -> Result<mpsc::Receiver<std::io::Result<Bytes>>, Error> {
        self.recorded_session(caller, id, "export").await?;
        let (recording, key) = self.recording_opened(id).await?;
        let (portions, receiver) = mpsc::channel(PORTIONS_MAX);
        let format = match format {
            RecordingFormat::Asciicast => ExportFormat::Asciicast { channel: None },
            RecordingFormat::Text => ExportFormat::Text { channel: None },
            RecordingFormat::Json => ExportFormat::Json,
        };
        tokio::task::spawn_blocking(move || {
            let mut out = std::io::BufWriter::with_capacity(PORTION_LEN, Portions(portions.clone()));
            let exported = recording.export(&key, format, &mut out);
            let flushed = out.flush();
            if let Err(error) = exported {
                let _ = portions.blocking_send(Err(std::io::Error::other(error)));
            } else if let Err(error) = flushed {
                tracing::debug!(%error, "whoever read an export went away");
            }
        });
        Ok(receiver)
    }

    /// Follows a live session.
    ///
    /// # Errors
    /// `Conflict` when it is not live.
    pub async fn session_watch(&self, caller: &Caller, id: &SessionId) -> Result<Watch, Error> {
        self.recorded_session(caller, id, "watch").await?;
        let watch = match self.0.sessions.get() {
            Some(sessions) => sessions.watch(id).await,
            None => None,
        };
        watch.ok_or_else(|| Error::Conflict(format!("session {id} is not live; play its recording instead")))
    }

    /// Whether a recording is what was written.
    ///
    /// # Errors
    /// `NotFound` when the caller may not see the session, `Sealed` while the vault is.
    pub async fn recording_integrity(&self, caller: &Caller, id: &SessionId) -> Result<Integrity, Error> {
        let session = self.session_visible(caller, id, Permission::RecordingRead).await?;
        let ledger_digest = session.recording.as_ref().and_then(|recording| recording.digest.clone());
        if let Some(at) = session.pruned_at() {
            let detail = Some(format!("its time was over on {at}"));
            return Ok(Integrity { verdict: IntegrityVerdict::Pruned, digest: None, ledger_digest, detail });
        }
        if !self.recording_path(id).exists() {
            return Ok(Integrity { verdict: IntegrityVerdict::Missing, digest: None, ledger_digest, detail: None });
        }
        let Ok((recording, key)) = self.recording_opened(id).await else {
            if self.vault().status().sealed {
                return Err(Error::Sealed);
            }
            let detail = Some("its header is not what was written".to_owned());
            return Ok(Integrity { verdict: IntegrityVerdict::Altered, digest: None, ledger_digest, detail });
        };
        let summary = tokio::task::spawn_blocking(move || {
            let mut frames = recording.frames(&key)?;
            frames.by_ref().for_each(drop);
            Ok::<_, postern_gateway::ReadError>(frames.summary()?)
        })
        .await
        .map_err(|_| Error::Unavailable("reading the recording was cut off".to_owned()))?;
        Ok(match summary {
            Ok(summary) => judge(&session, ledger_digest, summary.verdict, hex::encode(summary.digest.0)),
            Err(error) => Integrity {
                verdict: IntegrityVerdict::Altered,
                digest: None,
                ledger_digest,
                detail: Some(error.to_string()),
            },
        })
    }
}

/// What a watcher sees as a line of JSON, in the form that an export as JSON has.
#[must_use]
pub fn watched_line(seen: &Watched) -> String {
    match seen {
        Watched::Frame(frame) => {
            let mut text = String::new();
            postern_wire::recording::json_line(frame, &mut text);
            text
        }
        Watched::Lagged(frames) => format!("{}\n", serde_json::json!({ "kind": "lagged", "frames": frames })),
    }
}

fn judge(session: &Session, ledger_digest: Option<String>, verdict: Verdict, digest: String) -> Integrity {
    let matches = ledger_digest.as_ref() == Some(&digest);
    let live = session.state != SessionState::Ended;
    let (verdict, detail) = match verdict {
        Verdict::Altered { chunk, at } => {
            (IntegrityVerdict::Altered, Some(format!("chunk {chunk}, at byte {at}, is not what was written")))
        }
        _ if live => (IntegrityVerdict::Live, None),
        Verdict::Complete if matches => (IntegrityVerdict::Verified, None),
        Verdict::Cut { at } if matches => {
            (IntegrityVerdict::Incomplete, Some(format!("it breaks off at byte {at}, as the ledger says")))
        }
        Verdict::Complete | Verdict::Cut { .. } => {
            (IntegrityVerdict::Altered, Some("its digest is not the one in the ledger".to_owned()))
        }
    };
    Integrity { verdict, digest: Some(digest), ledger_digest, detail }
}

/// Writes into the channel that a response is read from.
struct Portions(mpsc::Sender<std::io::Result<Bytes>>);

impl Write for Portions {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let portion = Bytes::copy_from_slice(bytes);
        self.0.blocking_send(Ok(portion)).map_err(|_| std::io::ErrorKind::BrokenPipe)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
