//! Values as they are shown.

use serde::Serialize;

/// How much of a value is shown, in bytes.
pub(crate) const SHOWN_LEN_MAX: usize = 4096;

/// A value of a row: null, its text, or the beginning of its text and how long all of it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Value {
    /// Null.
    Null,
    /// Its text. What is no UTF-8 is written as hexadecimal digits.
    Text(String),
    /// The beginning of a text that is longer than is shown, and how many bytes it has.
    Cut(String, usize),
}

impl Value {
    /// What is shown of the bytes that a target has sent.
    pub(crate) fn of(bytes: Option<&[u8]>) -> Self {
        let Some(bytes) = bytes else { return Self::Null };
        let shown = bytes.get(..SHOWN_LEN_MAX).unwrap_or(bytes);
        let text = match str::from_utf8(shown) {
            Ok(text) => text.to_owned(),
            // Only the last letter is cut through.
            Err(error) if bytes.len() > shown.len() && error.error_len().is_none() => {
                String::from_utf8_lossy(shown.get(..error.valid_up_to()).unwrap_or_default()).into_owned()
            }
            Err(_) => format!("0x{}", hex::encode(shown.get(..SHOWN_LEN_MAX / 2).unwrap_or(shown))),
        };
        let whole = bytes.len() == shown.len() && (str::from_utf8(bytes).is_ok() || bytes.len() <= SHOWN_LEN_MAX / 2);
        if whole { Self::Text(text) } else { Self::Cut(text, bytes.len()) }
    }

    /// About how many bytes it takes in a message.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Null => 5,
            Self::Text(text) | Self::Cut(text, _) => text.len() + 16,
        }
    }
}
