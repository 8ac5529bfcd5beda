//! The recorder: takes what happens in a session and gets it onto the disk.
//!
//! A `Recorder` encodes each frame into its session's batch under a short lock. A batch that is large
//! enough, or old enough, is sealed into a chunk and written by a thread that all sessions share. An
//! idle session holds no buffer. When the thread is behind, `record` waits; when a write fails, every
//! later `record` fails, and the session must end.

mod track;
mod writer;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use postern_wire::recording::{DATA_LEN_MAX, FrameKind};

pub(crate) use track::Track;
pub(crate) use writer::{WriterOptions, WriterPool};

/// A session's frames become a chunk when they have this many bytes.
pub(crate) const CHUNK_TARGET: usize = 64 * 1024;
/// The most bytes of a session's frames that wait to be written; `record` waits above it.
pub(crate) const PENDING_LEN_MAX: usize = 256 * 1024;

/// The recording cannot go on, and therefore neither can the session.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the session cannot be recorded: {reason}")]
pub struct RecorderFailed {
    /// What went wrong, for people.
    pub reason: String,
}

impl RecorderFailed {
    pub(crate) fn new(reason: &(impl ToString + ?Sized)) -> Self {
        Self { reason: reason.to_string() }
    }
}

/// A handle on one session's recording; clones are handles on the same.
#[derive(Clone)]
pub struct Recorder {
    track: Arc<Track>,
}

impl Recorder {
    pub(crate) fn new(track: Arc<Track>) -> Self {
        Self { track }
    }

    /// Records that something happened now. Returns at once unless the disk is behind. When it fails,
    /// the session must end with `EndReason::RecorderFailed`; whatever it was about must not happen.
    ///
    /// Cancelling the wait records nothing, or, for data of more than `DATA_LEN_MAX` bytes, a beginning.
    pub async fn record(&self, kind: FrameKind<'_>) -> Result<(), RecorderFailed> {
        match &kind {
            FrameKind::Output { channel, data } if data.len() > DATA_LEN_MAX => {
                self.record_parts(data, |part| FrameKind::output(*channel, part)).await
            }
            FrameKind::ErrorOutput { channel, data } if data.len() > DATA_LEN_MAX => {
                self.record_parts(data, |part| FrameKind::error_output(*channel, part)).await
            }
            FrameKind::Input { channel, data } if data.len() > DATA_LEN_MAX => {
                self.record_parts(data, |part| FrameKind::input(*channel, part)).await
            }
            kind => self.track.record(kind).await,
        }
    }

    /// The time on the recording's clock, in microseconds.
    #[must_use]
    pub fn now_us(&self) -> u64 {
        self.track.now_us()
    }

    /// Records, without waiting, that something happened at a time that this clock has told; the frame
    /// must not be too large. `false` when there is no room for it at the moment, and nothing was recorded.
    ///
    /// # Errors
    /// When the recording has failed.
    pub fn try_record(&self, at_us: u64, kind: &FrameKind<'_>) -> Result<bool, RecorderFailed> {
        self.track.try_record(at_us, kind)
    }

    async fn record_parts<'a>(
        &self,
        data: &'a [u8],
        frame: impl Fn(&'a [u8]) -> FrameKind<'a>,
    ) -> Result<(), RecorderFailed> {
        for part in data.chunks(DATA_LEN_MAX) {
            self.track.record(&frame(part)).await?;
        }
        Ok(())
    }

    /// Resolves when the recording has failed; never otherwise.
    pub async fn failed(&self) -> RecorderFailed {
        self.track.failed().await
    }

    /// Why the recording has failed, if it has.
    #[must_use]
    pub fn failure(&self) -> Option<RecorderFailed> {
        self.track.failure()
    }
}
