//! What passes on a console's WebSocket, as `docs/reference/sql-console.md` has it.

use postern_domain::{AccountRef, SecretText};
use serde::{Deserialize, Serialize};

use crate::value::Value;

/// The longest message taken from a browser, in bytes.
pub const MESSAGE_LEN_MAX: usize = 64 * 1024;

/// The message that a browser begins with.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attach {
    /// What proves that it is this console's.
    pub ticket: SecretText,
}

/// A message from a browser.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum FromBrowser {
    /// The beginning.
    Attach(Attach),
    /// Statements are to be run.
    Run {
        /// By what the answers to them are told apart.
        run: u32,
        /// The statements.
        text: String,
    },
    /// More rows are wanted.
    More,
    /// What runs is to be cancelled.
    Cancel,
    /// The session is to end.
    Close,
}

/// A message that is not as it must be; the text is for whoever wrote the client.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(String);

impl FromBrowser {
    /// Reads a message.
    ///
    /// # Errors
    /// When it is too long or of no type that is known.
    pub fn read(text: &str) -> Result<Self, Unreadable> {
        if text.len() > MESSAGE_LEN_MAX {
            return Err(Unreadable(format!("a message has at most {MESSAGE_LEN_MAX} bytes")));
        }
        // The error of the reader could quote a ticket.
        serde_json::from_str(text).map_err(|error| {
            let column = error.column();
            Unreadable(format!("not a message that is known, at column {column}: see docs/reference/sql-console.md"))
        })
    }
}

/// A column of a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Whether its values are numbers.
    #[serde(rename = "number")]
    pub is_number: bool,
}

/// A message to a browser.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ToBrowser {
    /// It is attached.
    Attached {
        /// The account.
        account: AccountRef,
        /// `postgresql` or `mysql`.
        protocol: &'static str,
        /// Whether what is shown may be kept as a file.
        export: bool,
        /// Whether a transaction is open.
        transaction: bool,
    },
    /// A result begins.
    Columns {
        /// Of this run.
        run: u32,
        /// Its columns.
        columns: Vec<Column>,
    },
    /// Rows of the result.
    Rows {
        /// Of this run.
        run: u32,
        /// The rows: of each value null, its text, or the beginning of its text and its length in bytes.
        rows: Vec<Vec<Value>>,
    },
    /// There are more rows; they come when they are asked for.
    Paused {
        /// Of this run.
        run: u32,
    },
    /// A statement is done.
    Done {
        /// Of this run.
        run: u32,
        /// What it did, in the target's words: `UPDATE 3`.
        tag: String,
    },
    /// A statement has failed, was refused, or was cancelled.
    Failed {
        /// Of this run; 0 for none.
        run: u32,
        /// The target's or the gate's code.
        code: String,
        /// What happened.
        message: String,
        /// More about it, and what to do.
        more: Vec<String>,
    },
    /// Something to know: that a statement waits for an answer, for example.
    Notice {
        /// What.
        text: String,
    },
    /// Everything that was run is done.
    Finished {
        /// The run.
        run: u32,
        /// How long it took, in milliseconds.
        millis: u64,
        /// Whether a transaction is open.
        transaction: bool,
        /// Whether rows were left out because there were too many.
        cut: bool,
    },
    /// The session is over.
    Ended {
        /// Why.
        message: String,
    },
}

impl ToBrowser {
    /// As it is sent.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}
