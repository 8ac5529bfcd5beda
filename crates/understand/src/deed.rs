//! Deeds: what can be said to have been done.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Something that was done in a session, and when. Its texts hold no secret: they have been masked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Deed {
    /// Milliseconds since the session's start, as the recording counts.
    pub at: u64,
    /// The protocol's channel within the session; none where it concerns the session as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<u32>,
    /// What was done.
    #[serde(flatten)]
    pub kind: DeedKind,
}

/// What can be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum DeedKind {
    /// A line was entered at a terminal, or given to a shell that has none: a command as it was executed.
    Command(Command),
    /// A command was run by request, without a shell's prompt: `ssh host cmd`.
    Exec(Command),
    /// A line was entered that the screen did not show: a password, or a command where the echo was off.
    Unseen {
        /// What stood before the cursor: `Password:`.
        prompt: String,
    },
    /// A file was read, written, listed, renamed or removed through SFTP or SCP.
    File {
        /// Which operation: `read`, `write`, `list`, `remove`, `rename` and so on.
        op: String,
        /// On what.
        path: String,
        /// The second path of a rename or a link.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        path2: Option<String>,
        /// Bytes of content that were moved.
        bytes: u64,
        /// Whether the target did it.
        ok: bool,
    },
    /// A forwarded connection began or ended.
    Forward {
        /// Of which kind: `local`, `remote`, `agent`, `x11`, `local_socket`, `remote_socket`.
        forward: String,
        /// To which host, or from which for `remote`; the path of a socket.
        host: String,
        /// The port there.
        port: u32,
        /// Bytes that passed; nothing while it begins.
        #[serde(flatten)]
        moved: Moved,
        /// Whether it ended.
        ended: bool,
    },
    /// A statement is about to run.
    Statement {
        /// Its number within the session, from 1.
        number: u64,
        /// Its text.
        text: String,
        /// Its first words in lower case, which say what it does: `select`, `drop table`.
        verb: String,
        /// The tables that it names, in lower case and without quotes.
        tables: Vec<String>,
    },
    /// A statement ended.
    StatementEnd(StatementDone),
    /// So many more bytes passed through a terminal or an exec's streams. Told for each mebibyte of a
    /// terminal's output, and for an exec when it is over.
    Moved(Moved),
    /// A capability was asked for.
    Capability {
        /// Which.
        name: String,
        /// Whether policy allowed it.
        allowed: bool,
    },
    /// A shell or command ended.
    Exit {
        /// The status that it exited with; none where a signal ended it.
        code: Option<u32>,
    },
    /// What is done on this channel is not read: the session has more terminals than are followed.
    Unread,
}

/// A command line, and what it names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Command {
    /// The line; lines, where it has several.
    pub text: String,
    /// The programs that it runs, without folders, in their order: `sudo`, `cat`. Those within
    /// `$(...)`, `bash -c '...'` and the command of an `ssh` too.
    pub programs: Vec<String>,
    /// The files that it names, as it names them.
    pub files: Vec<String>,
    /// The hosts that it names.
    pub hosts: Vec<String>,
    /// Whether a shell's prompt was seen before it. Without one it may as well be an answer to a
    /// program or data for one.
    pub prompted: bool,
}

/// How many bytes passed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Moved {
    /// From the person to the target.
    pub bytes_in: u64,
    /// From the target to the person.
    pub bytes_out: u64,
}

/// How a statement ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StatementDone {
    /// Its number.
    pub number: u64,
    /// `done`, `failed`, `refused`, `skipped` or `unknown`.
    pub outcome: Cow<'static, str>,
    /// Rows that it gave or changed.
    pub rows: u64,
    /// Bytes of copy data to the target, and of its result.
    #[serde(flatten)]
    pub moved: Moved,
    /// What the target called it: `SELECT 5`.
    pub tag: String,
    /// The code of the error; empty without one.
    pub code: String,
}

/// How ends of statements are told, of which there may be ten thousands a second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ends {
    /// Each for itself.
    #[default]
    Each,
    /// Those that went well as one, with the sums of their rows and bytes, when that is asked for.
    Summed,
    /// Not at all.
    Untold,
}
