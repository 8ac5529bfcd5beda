//! Reading values off the front of a packet.

use super::Error;

pub(super) struct Cursor<'a> {
    rest: &'a [u8],
    what: &'static str,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(rest: &'a [u8], what: &'static str) -> Self {
        Self { rest, what }
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(super) fn malformed(&self) -> Error {
        Error::Malformed(self.what)
    }

    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], Error> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Error::Malformed(self.what))?;
        self.rest = rest;
        Ok(taken)
    }

    pub(super) fn byte(&mut self) -> Result<u8, Error> {
        self.take(1)?.first().copied().ok_or(Error::Malformed(self.what))
    }

    /// A number of so many bytes, the lowest first.
    pub(super) fn le(&mut self, length: usize) -> Result<u64, Error> {
        Ok(self.take(length)?.iter().rev().fold(0, |value, byte| (value << 8) | u64::from(*byte)))
    }

    pub(super) fn u16(&mut self) -> Result<u16, Error> {
        self.le(2).map(|value| u16::try_from(value).unwrap_or(u16::MAX))
    }

    pub(super) fn u32(&mut self) -> Result<u32, Error> {
        self.le(4).map(|value| u32::try_from(value).unwrap_or(u32::MAX))
    }

    /// Bytes up to a zero byte, which is skipped.
    pub(super) fn c_bytes(&mut self) -> Result<&'a [u8], Error> {
        let end = self.rest.iter().position(|byte| *byte == 0).ok_or(Error::Malformed(self.what))?;
        let text = self.take(end)?;
        self.take(1)?;
        Ok(text)
    }

    /// A number that says itself how long it is.
    pub(super) fn lenenc(&mut self) -> Result<u64, Error> {
        match self.byte()? {
            byte @ 0..=0xFA => Ok(u64::from(byte)),
            0xFC => self.le(2),
            0xFD => self.le(3),
            0xFE => self.le(8),
            _ => Err(Error::Malformed(self.what)),
        }
    }

    /// Bytes after such a number.
    pub(super) fn lenenc_bytes(&mut self) -> Result<&'a [u8], Error> {
        let length = usize::try_from(self.lenenc()?).map_err(|_| Error::Malformed(self.what))?;
        self.take(length)
    }

    /// The same, or null.
    pub(super) fn value(&mut self) -> Result<Option<&'a [u8]>, Error> {
        if self.rest.first() == Some(&0xFB) {
            self.take(1)?;
            return Ok(None);
        }
        self.lenenc_bytes().map(Some)
    }
}

/// Writes bytes after their length.
pub(super) fn put_lenenc_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    let length = u64::try_from(bytes.len()).unwrap_or(0);
    match length {
        0..=0xFA => out.push(u8::try_from(length).unwrap_or(0)),
        0xFB..=0xFFFF => {
            out.push(0xFC);
            out.extend_from_slice(length.to_le_bytes().get(..2).unwrap_or_default());
        }
        0x1_0000..=0xFF_FFFF => {
            out.push(0xFD);
            out.extend_from_slice(length.to_le_bytes().get(..3).unwrap_or_default());
        }
        _ => {
            out.push(0xFE);
            out.extend_from_slice(&length.to_le_bytes());
        }
    }
    out.extend_from_slice(bytes);
}
