//! Telling messages apart as bytes arrive.

use super::Error;

/// A message's type and length field.
const HEAD_LEN: usize = 5;

/// What is done with a message of some type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handling {
    /// It is read whole; the most bytes that it may have, head included.
    Whole(usize),
    /// It passes, however long it is.
    Pass,
}

/// What lies at the front of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece {
    /// So many bytes of a message that began earlier and passes.
    More(usize),
    /// A message that passes begins: its type, and how many of its bytes are there.
    Pass {
        /// Its type.
        tag: u8,
        /// How long it is, head included.
        total: usize,
        /// How many of those bytes are there.
        here: usize,
    },
    /// A whole message: its type, and its length, head included.
    Whole {
        /// Its type.
        tag: u8,
        /// How long it is, head included.
        total: usize,
    },
}

/// Tells the messages of one direction apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Splitter {
    passing: usize,
}

impl Splitter {
    /// The next piece of `input`, which the caller takes off it; none while more bytes are needed.
    /// `handling` is the allow-list: none refuses the type.
    ///
    /// # Errors
    /// When the type is refused, or the length is not possible or beyond what is read.
    #[inline]
    pub fn next(
        &mut self,
        input: &[u8],
        handling: impl FnOnce(u8) -> Option<Handling>,
    ) -> Result<Option<Piece>, Error> {
        if self.passing > 0 {
            let here = self.passing.min(input.len());
            self.passing -= here;
            return Ok((here > 0).then_some(Piece::More(here)));
        }
        let Some((&tag, after)) = input.split_first() else { return Ok(None) };
        let Some(handling) = handling(tag) else { return Err(Error::NotAllowed(tag)) };
        let Some((length, _)) = after.split_first_chunk::<4>() else { return Ok(None) };
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        if !(4..=0x7FFF_FFFF).contains(&length) {
            return Err(Error::Malformed("length"));
        }
        let total = length + 1;
        Ok(match handling {
            Handling::Whole(max) if total > max => {
                return Err(Error::TooLong { what: "a message", length: total, max });
            }
            Handling::Whole(_) if input.len() < total => None,
            Handling::Whole(_) => Some(Piece::Whole { tag, total }),
            Handling::Pass => {
                let here = total.min(input.len());
                self.passing = total - here;
                Some(Piece::Pass { tag, total, here })
            }
        })
    }

    /// Whether the next byte begins a message.
    #[must_use]
    pub fn at_boundary(&self) -> bool {
        self.passing == 0
    }
}

/// The whole message at the front, and what follows it.
#[must_use]
pub fn split_first(input: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, _) = input.get(1..)?.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    input.split_at_checked(length.checked_add(1)?)
}

/// The body of a whole message.
#[must_use]
pub fn body(message: &[u8]) -> &[u8] {
    message.get(HEAD_LEN..).unwrap_or_default()
}
