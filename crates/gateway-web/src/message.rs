//! What passes on a terminal's WebSocket, as `docs/reference/terminal.md` has it.

use postern_domain::capability::Capability;
use postern_domain::policy::Clipboard;
use postern_domain::session::EndReason;
use postern_domain::{AccountRef, SecretText, Timestamp, UserName};
use serde::{Deserialize, Serialize};

/// The longest message taken from a browser, in bytes.
pub const MESSAGE_LEN_MAX: usize = 64 * 1024;
/// The largest terminal, in columns and in rows.
const SIZE_MAX: u32 = 1000;
/// The longest name of a terminal's type.
const TERM_LEN_MAX: usize = 64;

/// The message that a browser begins with.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attach {
    /// What proves that it is this session's.
    pub ticket: SecretText,
    /// Columns.
    pub cols: u32,
    /// Rows.
    pub rows: u32,
    /// The terminal's type.
    #[serde(default)]
    pub term: Option<String>,
    /// How many bytes of output it has seen.
    #[serde(default)]
    pub from: Option<u64>,
}

/// A text message from a browser.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum FromBrowser {
    /// The beginning.
    Attach(Attach),
    /// Something was pasted.
    Paste {
        /// What.
        text: String,
    },
    /// The terminal has another size.
    Resize {
        /// Columns.
        cols: u32,
        /// Rows.
        rows: u32,
    },
    /// Output has been shown.
    Ack {
        /// How many bytes since the session's beginning.
        bytes: u64,
    },
    /// The session is to end.
    Close,
}

/// A message that is not as it must be; the text is for whoever wrote the client.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(String);

impl FromBrowser {
    /// Reads a text message.
    ///
    /// # Errors
    /// When it is too long, of no type that is known, or a field is out of its bounds.
    pub fn read(text: &str) -> Result<Self, Unreadable> {
        if text.len() > MESSAGE_LEN_MAX {
            return Err(Unreadable(format!("a message has at most {MESSAGE_LEN_MAX} bytes")));
        }
        // The error of the reader could quote a ticket.
        let message: Self = serde_json::from_str(text).map_err(|error| {
            Unreadable(format!(
                "not a message that is known, at column {}: see docs/reference/terminal.md",
                error.column()
            ))
        })?;
        match &message {
            Self::Attach(Attach { cols, rows, term, .. }) => {
                size(*cols, *rows)?;
                let plain = |term: &String| term.len() <= TERM_LEN_MAX && term.bytes().all(|b| b.is_ascii_graphic());
                if !term.as_ref().is_none_or(plain) {
                    return Err(Unreadable(format!("term: at most {TERM_LEN_MAX} characters without spaces")));
                }
            }
            Self::Resize { cols, rows } => size(*cols, *rows)?,
            Self::Paste { .. } | Self::Ack { .. } | Self::Close => {}
        }
        Ok(message)
    }
}

fn size(cols: u32, rows: u32) -> Result<(), Unreadable> {
    let fits = |value| (1..=SIZE_MAX).contains(&value);
    if fits(cols) && fits(rows) { Ok(()) } else { Err(Unreadable(format!("cols, rows: 1 to {SIZE_MAX}"))) }
}

/// Somebody who has joined, as a browser is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Watcher {
    /// Who.
    pub user: UserName,
    /// Whether they type too.
    pub control: bool,
}

/// A text message to a browser.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ToBrowser {
    /// It is attached.
    Attached {
        /// The number of the next byte of output.
        offset: u64,
        /// Whether bytes before it were lost to this tab.
        gap: bool,
        /// By whom the input is held.
        paused_by: Option<UserName>,
        /// Who has joined.
        watchers: Vec<Watcher>,
        /// On what.
        account: AccountRef,
        /// When it must end at the latest.
        until: Timestamp,
        /// What it may do.
        capabilities: Vec<Capability>,
        /// What may be copied and pasted.
        clipboard: Clipboard,
    },
    /// From the gate, for the person.
    Notice {
        /// One line or more.
        text: String,
    },
    /// What was just tried is not allowed.
    Refused {
        /// What.
        what: &'static str,
        /// Why.
        text: String,
    },
    /// Input is held.
    Paused {
        /// By whom.
        by: UserName,
    },
    /// Input flows again.
    Resumed {},
    /// Somebody has joined.
    Joined(Watcher),
    /// Somebody has left.
    Left(Watcher),
    /// The shell ended.
    Exit {
        /// With this status.
        #[serde(skip_serializing_if = "Option::is_none")]
        status: Option<u32>,
        /// By this signal.
        #[serde(skip_serializing_if = "Option::is_none")]
        signal: Option<String>,
    },
    /// Another tab has attached.
    Detached {},
    /// The session is over.
    Ended {
        /// Why.
        reason: EndReason,
        /// The cause and, where there is one, the next step.
        message: String,
    },
}

impl ToBrowser {
    /// As it is sent.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Made of text and numbers only, which cannot fail to be written.
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn messages_are_read_within_their_bounds() {
        let attach = r#"{"type":"attach","ticket":"t","cols":80,"rows":24,"from":7}"#;
        assert!(matches!(FromBrowser::read(attach), Ok(FromBrowser::Attach(Attach { cols: 80, from: Some(7), .. }))));
        assert!(matches!(FromBrowser::read(r#"{"type":"close"}"#), Ok(FromBrowser::Close)));
        for wrong in [
            r#"{"type":"resize","cols":0,"rows":24}"#,
            r#"{"type":"resize","cols":80,"rows":1001}"#,
            r#"{"type":"attach","ticket":"t","cols":80,"rows":24,"term":"a b"}"#,
            r#"{"type":"attach","ticket":"t","cols":80,"rows":24,"more":1}"#,
            r#"{"type":"open"}"#,
            "[]",
        ] {
            assert!(FromBrowser::read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_error_does_not_quote_the_ticket() {
        let error = FromBrowser::read(r#"{"type":"attach","ticket":"secret","cols":"secret"}"#).err().unwrap();
        assert!(!error.to_string().contains("secret"), "{error}");
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(?s).{0,200}") {
            let _ = FromBrowser::read(&text);
        }
    }
}
