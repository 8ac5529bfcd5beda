//! Replies of a server.

use super::{DEPTH_MAX, Error, LINE_LEN_MAX, line, number};

/// The longest name of a channel that is confirmed.
const CHANNEL_LEN_MAX: u64 = 1024 * 1024;

/// What a reply says of how much is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// One value: a status, an error, a number, nothing.
    One,
    /// A text of so many bytes.
    Bytes(u64),
    /// So many values; pairs count as one.
    Values(u64),
}

/// A piece of a reply at the front of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// A line: a whole value, or what stands before one.
    Line {
        /// Its type.
        kind: u8,
        /// What stands behind the type.
        text: &'a [u8],
        /// What it says of how much follows.
        count: Count,
        /// Whether it begins a reply, rather than a value within one.
        first: bool,
        /// Whether it ends the reply.
        last: bool,
        /// How many bytes it is.
        length: usize,
    },
    /// So many bytes of a text that was announced, its end included.
    Data {
        /// How many.
        length: usize,
        /// Whether they end the text.
        whole: bool,
        /// Whether they end the reply.
        last: bool,
    },
}

impl Piece<'_> {
    /// How many bytes it is.
    #[must_use]
    pub fn length(&self) -> usize {
        match self {
            Self::Line { length, .. } | Self::Data { length, .. } => *length,
        }
    }
}

/// Tells the replies of a server apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replies {
    /// How many values are still to come, of each that is open.
    open: Vec<u64>,
    /// How many bytes of a text are still to come, its end included.
    data: u64,
}

impl Replies {
    /// Whether the next byte begins a reply.
    #[must_use]
    pub fn at_boundary(&self) -> bool {
        self.open.is_empty() && self.data == 0
    }

    /// The next piece of `input`, which the caller takes off it; none while more bytes are needed.
    ///
    /// # Errors
    /// When it is no reply, or a type that is not in the list.
    pub fn next<'a>(&mut self, input: &'a [u8]) -> Result<Option<Piece<'a>>, Error> {
        if self.data > 0 {
            let here = self.data.min(u64::try_from(input.len()).unwrap_or(u64::MAX));
            if here == 0 {
                return Ok(None);
            }
            self.data -= here;
            let whole = self.data == 0;
            let last = whole && self.over();
            return Ok(Some(Piece::Data { length: usize::try_from(here).unwrap_or(input.len()), whole, last }));
        }
        let Some(kind) = input.first().copied() else { return Ok(None) };
        if !b"+-:$*_#,(=!%~>".contains(&kind) {
            return Err(Error::NotAllowed(kind));
        }
        let Some((text, length)) = line(input, "a reply")? else { return Ok(None) };
        let text = text.get(1..).unwrap_or_default();
        let first = self.open.is_empty();
        if kind == b'>' && !first {
            return Err(Error::NotAllowed(kind));
        }
        let (count, last) = match kind {
            b'$' | b'=' | b'!' => self.text(kind, text)?,
            b'*' | b'%' | b'~' | b'>' => self.values(kind, text)?,
            _ => (Count::One, self.over()),
        };
        Ok(Some(Piece::Line { kind, text, count, first, last, length }))
    }

    fn text(&mut self, kind: u8, text: &[u8]) -> Result<(Count, bool), Error> {
        match number(text, "the length of a text")? {
            -1 if kind == b'$' => Ok((Count::One, self.over())),
            length => {
                let length = u64::try_from(length).map_err(|_| Error::Malformed("the length of a text"))?;
                self.data = length + 2;
                Ok((Count::Bytes(length), false))
            }
        }
    }

    fn values(&mut self, kind: u8, text: &[u8]) -> Result<(Count, bool), Error> {
        match number(text, "a number of values")? {
            -1 if kind == b'*' => Ok((Count::One, self.over())),
            0 => Ok((Count::Values(0), self.over())),
            count => {
                let count = u64::try_from(count).map_err(|_| Error::Malformed("a number of values"))?;
                if self.open.len() >= DEPTH_MAX {
                    return Err(Error::TooLong { what: "the depth of a reply", max: DEPTH_MAX });
                }
                let values = if kind == b'%' { count.saturating_mul(2) } else { count };
                self.open.push(values);
                Ok((Count::Values(count), false))
            }
        }
    }

    /// A value is over; whether its reply is.
    fn over(&mut self) -> bool {
        while let Some(left) = self.open.last_mut() {
            *left -= 1;
            if *left > 0 {
                return false;
            }
            self.open.pop();
        }
        true
    }
}

/// The text that is the first value of the list at the front: what kind of message it is. Empty where
/// it is no list that begins with a short text; none while more bytes are needed.
///
/// # Errors
/// When it is no reply.
pub fn first_word(input: &[u8]) -> Result<Option<&[u8]>, Error> {
    const WORD_LEN_MAX: usize = 32;
    let mut replies = Replies::default();
    let Some(Piece::Line { length: head, count: Count::Values(1..), .. }) = replies.next(input)? else {
        return Ok(input.contains(&b'\n').then_some(&[]));
    };
    let rest = input.get(head..).unwrap_or_default();
    match replies.next(rest)? {
        None => Ok(None),
        Some(Piece::Line { count: Count::Bytes(length), length: head, .. }) => {
            let Ok(length) = usize::try_from(length) else { return Ok(Some(&[])) };
            if length > WORD_LEN_MAX {
                return Ok(Some(&[]));
            }
            Ok(rest.get(head..head + length))
        }
        Some(Piece::Line { kind: b'+', text, .. }) => Ok(Some(text)),
        Some(_) => Ok(Some(&[])),
    }
}

/// How many subscriptions there are by the message at the front, which confirms that one was made or
/// given up; none while more bytes are needed.
///
/// # Errors
/// When it confirms nothing.
pub fn subscriptions(input: &[u8]) -> Result<Option<u64>, Error> {
    const WHAT: Error = Error::Malformed("a confirmation of a subscription");
    let (mut replies, mut rest, mut value) = (Replies::default(), input, 0);
    // The list, and in it what kind it is, the channel, the number.
    loop {
        let Some(piece) = replies.next(rest)? else { return Ok(None) };
        match piece {
            Piece::Line { count: Count::Values(3), first: true, .. } => {}
            Piece::Line { kind: b':', text, first: false, .. } if value == 2 => {
                return number(text, "a number").and_then(|count| u64::try_from(count).map_err(|_| WHAT)).map(Some);
            }
            Piece::Line { count: Count::Bytes(length), first: false, .. } if length <= CHANNEL_LEN_MAX => {}
            Piece::Line { kind: b'$' | b'_', count: Count::One, first: false, .. } => value += 1,
            Piece::Data { whole, .. } => value += u32::from(whole),
            Piece::Line { .. } => return Err(WHAT),
        }
        rest = rest.get(piece.length()..).unwrap_or_default();
    }
}

/// Writes a status.
pub fn put_simple(out: &mut Vec<u8>, text: &str) {
    put_line(out, b'+', text);
}

/// Writes an error, whose first word is its code.
pub fn put_error(out: &mut Vec<u8>, code: &str, text: &str) {
    put_line(out, b'-', &format!("{code} {text}"));
}

fn put_line(out: &mut Vec<u8>, kind: u8, text: &str) {
    out.push(kind);
    // A line has one end.
    out.extend(text.bytes().take(LINE_LEN_MAX / 2).map(|byte| if matches!(byte, b'\r' | b'\n') { b' ' } else { byte }));
    out.extend_from_slice(b"\r\n");
}
