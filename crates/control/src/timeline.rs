//! Finding one's way in a recording: searching what it shows, and points to jump to.

use postern_domain::SessionId;
use postern_wire::recording::{LineReader, MarkFinder, MarkKind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Caller, Control, Error};

/// How many lines one search gives at most.
const LINES_MAX: usize = 500;
/// How many marks are given at most.
const MARKS_MAX: usize = 5000;
/// The longest text that is searched for, in characters.
const QUERY_LEN_MAX: usize = 200;

/// A line that a recording shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RecordingLine {
    /// When it began, in milliseconds since the session's start.
    pub at_ms: u64,
    /// On which channel.
    pub channel: u32,
    /// What it says.
    pub text: String,
}

/// What a search found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RecordingSearch {
    /// The lines, in the order of time.
    pub items: Vec<RecordingLine>,
    /// Whether there are more.
    pub truncated: bool,
}

/// A point in a recording.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RecordingMark {
    /// When, in milliseconds since the session's start.
    pub at_ms: u64,
    /// On which channel; none when it is about the session as a whole.
    pub channel: Option<u32>,
    /// What happened: `command`, `exec`, `file`, `note` or `exit`.
    pub kind: String,
    /// What it is called.
    pub label: String,
}

/// The points in a recording that one may want to jump to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RecordingMarks {
    /// The points, in the order of time.
    pub items: Vec<RecordingMark>,
    /// Whether there are more.
    pub truncated: bool,
}

impl Control {
    /// The lines of a recording that contain `query`, whatever its case. That it was searched is
    /// written down.
    ///
    /// # Errors
    /// `NotFound` when there is none that the caller may see, `Sealed` while the vault is.
    pub async fn recording_search(
        &self,
        caller: &Caller,
        id: &SessionId,
        query: &str,
    ) -> Result<RecordingSearch, Error> {
        let wanted = query.trim().to_lowercase();
        if wanted.is_empty() || wanted.chars().count() > QUERY_LEN_MAX {
            return Err(Error::invalid("q", format!("give 1 to {QUERY_LEN_MAX} characters")));
        }
        let (recording, key) = self.recording_read(caller, id, "search").await?;
        let searched = tokio::task::spawn_blocking(move || {
            let mut found = RecordingSearch { items: Vec::new(), truncated: false };
            let mut reader = LineReader::default();
            let mut each = |line: postern_wire::recording::Line| {
                if !line.text.to_lowercase().contains(&wanted) {
                    return;
                }
                if found.items.len() >= LINES_MAX {
                    found.truncated = true;
                    return;
                }
                let at_ms = line.at_us / 1000;
                found.items.push(RecordingLine { at_ms, channel: line.channel, text: line.text });
            };
            // What cannot be read is the verdict of `integrity`; what was before it is searched.
            for frame in recording.frames(&key)?.map_while(Result::ok) {
                reader.frame(&frame, &mut each);
            }
            reader.finish(&mut each);
            found.items.sort_by_key(|line| line.at_ms);
            Ok(found)
        });
        searched.await.map_err(|_| cut_off())?.map_err(|error: postern_gateway::ReadError| unreadable(&error))
    }

    /// The points of a recording that one may want to jump to. That it was read is written down.
    ///
    /// # Errors
    /// As [`Self::recording_search`].
    pub async fn recording_marks(&self, caller: &Caller, id: &SessionId) -> Result<RecordingMarks, Error> {
        let (recording, key) = self.recording_read(caller, id, "marks").await?;
        let read = tokio::task::spawn_blocking(move || {
            let mut found = RecordingMarks { items: Vec::new(), truncated: false };
            let mut finder = MarkFinder::default();
            for frame in recording.frames(&key)?.map_while(Result::ok) {
                finder.frame(&frame, &mut |mark| {
                    if found.items.len() >= MARKS_MAX {
                        found.truncated = true;
                        return;
                    }
                    let kind = name(mark.kind).to_owned();
                    let at_ms = mark.at_us / 1000;
                    found.items.push(RecordingMark { at_ms, channel: mark.channel, kind, label: mark.label });
                });
            }
            found.items.sort_by_key(|mark| mark.at_ms);
            Ok(found)
        });
        read.await.map_err(|_| cut_off())?.map_err(|error: postern_gateway::ReadError| unreadable(&error))
    }
}

fn name(kind: MarkKind) -> &'static str {
    match kind {
        MarkKind::Command => "command",
        MarkKind::Exec => "exec",
        MarkKind::File => "file",
        MarkKind::Note => "note",
        MarkKind::Exit => "exit",
    }
}

fn cut_off() -> Error {
    Error::Unavailable("reading the recording was cut off".to_owned())
}

fn unreadable(error: &postern_gateway::ReadError) -> Error {
    Error::Conflict(format!("the recording cannot be read: {error}"))
}
