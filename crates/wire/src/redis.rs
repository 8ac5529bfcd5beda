//! The protocol of Redis, RESP in its versions 2 and 3, as far as somebody between client and server
//! needs it (Redis documentation, "Redis serialization protocol specification").
//!
//! `request` reads a client's commands; `Replies` tells a server's replies apart without copying them,
//! however long and nested they are. A type that is not in the list is an error.
//!
//! Nothing here does I/O, reads a clock or draws random numbers.

mod reply;
mod request;

#[cfg(test)]
mod tests;

pub use reply::{Count, Piece, Replies, first_word, put_error, put_simple, subscriptions};
pub use request::{Request, encode, request};

/// The longest command that is read, all of its words together.
pub const COMMAND_LEN_MAX: usize = 64 * 1024 * 1024;
/// The most words of a command, as Redis has it.
pub const WORDS_MAX: usize = 1024 * 1024;
/// The longest line: a length, a status, an error, a command that is written without lengths.
pub const LINE_LEN_MAX: usize = 64 * 1024;
/// How deep a reply may be nested.
pub const DEPTH_MAX: usize = 64;
/// The most commands of a client that may wait for their answer.
pub const OWED_MAX: usize = 64 * 1024;

/// Why bytes are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A type of message that is not in the list.
    #[error("a message of type {:?} is not allowed", char::from(*.0))]
    NotAllowed(u8),
    /// It is not of its form.
    #[error("{0} is malformed")]
    Malformed(&'static str),
    /// It is longer than is read.
    #[error("{what} is longer than {max}")]
    TooLong {
        /// What.
        what: &'static str,
        /// The most that is read.
        max: usize,
    },
    /// It comes though nothing was asked.
    #[error("a reply that nobody asked for")]
    Unasked,
}

/// The line at the front, without its end, and how many bytes it is with it; none while the end is not
/// there.
fn line<'a>(input: &'a [u8], what: &'static str) -> Result<Option<(&'a [u8], usize)>, Error> {
    let seen = input.get(..LINE_LEN_MAX.min(input.len())).unwrap_or_default();
    match seen.iter().position(|byte| *byte == b'\n') {
        Some(end) => {
            let text = input.get(..end).and_then(|text| text.strip_suffix(b"\r")).ok_or(Error::Malformed(what))?;
            Ok(Some((text, end + 1)))
        }
        None if input.len() >= LINE_LEN_MAX => Err(Error::TooLong { what, max: LINE_LEN_MAX }),
        None => Ok(None),
    }
}

/// A number as lengths are written: no sign but a minus, no blanks, no leading plus.
fn number(text: &[u8], what: &'static str) -> Result<i64, Error> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    if digits.is_empty() || digits.len() > 18 || !digits.iter().all(u8::is_ascii_digit) {
        return Err(Error::Malformed(what));
    }
    let value = digits.iter().fold(0_i64, |value, digit| value * 10 + i64::from(digit - b'0'));
    Ok(if digits.len() == text.len() { value } else { -value })
}
