//! Commands of a client.

use super::{COMMAND_LEN_MAX, Error, WORDS_MAX, line, number};

/// A command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// Its words; none for an empty line, which is no command.
    pub words: Vec<&'a [u8]>,
    /// How many bytes it is.
    pub length: usize,
    /// Whether it was written as one line, without lengths.
    pub inline: bool,
}

/// The command at the front; none while more bytes are needed.
///
/// # Errors
/// When there is none, or it is longer than is read.
pub fn request(input: &[u8]) -> Result<Option<Request<'_>>, Error> {
    let Some(first) = input.first() else { return Ok(None) };
    if *first != b'*' {
        return inline(input);
    }
    let Some((count, mut at)) = line(input, "a command")? else { return Ok(None) };
    let count = number(count.get(1..).unwrap_or_default(), "a command")?;
    let count = usize::try_from(count).unwrap_or(0);
    if count > WORDS_MAX {
        return Err(Error::TooLong { what: "a command", max: WORDS_MAX });
    }
    let mut words = Vec::with_capacity(count.min(64));
    for _ in 0..count {
        let rest = input.get(at..).unwrap_or_default();
        let Some((head, used)) = line(rest, "a word of a command")? else { return Ok(None) };
        let length = head.strip_prefix(b"$").ok_or(Error::Malformed("a word of a command"))?;
        let length = number(length, "a word of a command")?;
        let length = usize::try_from(length).map_err(|_| Error::Malformed("a word of a command"))?;
        if length > COMMAND_LEN_MAX || at.saturating_add(used).saturating_add(length) > COMMAND_LEN_MAX {
            return Err(Error::TooLong { what: "a command", max: COMMAND_LEN_MAX });
        }
        let rest = rest.get(used..).unwrap_or_default();
        let Some(word) = rest.get(..length + 2) else { return Ok(None) };
        words.push(word.strip_suffix(b"\r\n").ok_or(Error::Malformed("a word of a command"))?);
        at += used + length + 2;
    }
    Ok(Some(Request { words, length: at, inline: false }))
}

/// A command on one line. Quotes are not read, for there are several ways to.
fn inline(input: &[u8]) -> Result<Option<Request<'_>>, Error> {
    let seen = input.get(..super::LINE_LEN_MAX.min(input.len())).unwrap_or_default();
    let Some(end) = seen.iter().position(|byte| *byte == b'\n') else {
        let too_long = Error::TooLong { what: "a command on one line", max: super::LINE_LEN_MAX };
        return if input.len() >= super::LINE_LEN_MAX { Err(too_long) } else { Ok(None) };
    };
    let text = seen.get(..end).unwrap_or_default();
    if text.iter().any(|byte| matches!(byte, b'"' | b'\'' | 0)) {
        return Err(Error::Malformed("a command on one line with quotes"));
    }
    let words = text.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).collect();
    Ok(Some(Request { words, length: end + 1, inline: true }))
}

/// Writes a command.
pub fn encode<'a>(out: &mut Vec<u8>, words: impl ExactSizeIterator<Item = &'a [u8]>) {
    out.extend_from_slice(format!("*{}\r\n", words.len()).as_bytes());
    for word in words {
        out.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        out.extend_from_slice(word);
        out.extend_from_slice(b"\r\n");
    }
}
