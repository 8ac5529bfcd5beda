//! What a server answers.

use super::read::{Cursor, put_lenenc_bytes};
use super::{Error, put};

/// More results follow.
pub const MORE_RESULTS: u16 = 0x0008;
/// A transaction is open.
pub const IN_TRANSACTION: u16 = 0x0001;
/// The rows wait in a cursor.
pub const CURSOR: u16 = 0x0040;
/// Backslashes in texts are letters like others.
pub const NO_BACKSLASH: u16 = 0x0200;

/// What a statement came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Done {
    /// Rows that were changed.
    pub rows: u64,
    /// Where the session stands.
    pub status: u16,
}

/// Reads that something was done.
///
/// # Errors
/// When it is not that.
pub fn done(content: &[u8]) -> Result<Done, Error> {
    let mut cursor = Cursor::new(content, "OK");
    cursor.byte()?;
    let rows = cursor.lenenc()?;
    cursor.lenenc()?;
    Ok(Done { rows, status: cursor.u16()? })
}

/// Whether a packet ends columns or rows.
#[must_use]
pub fn is_end(first: u8, length: usize) -> bool {
    first == 0xFE && length < 9
}

/// Where the session stands after columns or rows.
///
/// # Errors
/// When it is no end of them.
pub fn end(content: &[u8]) -> Result<u16, Error> {
    let mut cursor = Cursor::new(content, "the end of a result");
    cursor.take(3)?;
    cursor.u16()
}

/// An error: its number, its state and its text.
///
/// # Errors
/// When it is none.
pub fn error(content: &[u8]) -> Result<(u16, &[u8], &[u8]), Error> {
    let mut cursor = Cursor::new(content, "an error");
    cursor.byte()?;
    let code = cursor.u16()?;
    let rest = cursor.rest();
    if rest.first() == Some(&b'#') {
        cursor.take(1)?;
        let state = cursor.take(5)?;
        return Ok((code, state, cursor.rest()));
    }
    Ok((code, b"HY000", rest))
}

/// The number of an error that is none: it says how far a statement has come; MariaDB's own.
pub const PROGRESS: u16 = 0xFFFF;

/// Writes an error.
pub fn put_error(out: &mut Vec<u8>, number: u8, code: u16, state: &str, text: &str) {
    let mut content = vec![0xFF];
    content.extend_from_slice(&code.to_le_bytes());
    content.push(b'#');
    content.extend_from_slice(state.as_bytes().get(..5).unwrap_or(b"HY000"));
    content.extend_from_slice(text.as_bytes().get(..text.len().min(4000)).unwrap_or_default());
    put(out, number, &content);
}

/// Every statement commits.
pub const AUTOCOMMIT: u16 = 0x0002;

/// Writes that something was done, and where the session stands.
pub fn put_done(out: &mut Vec<u8>, number: u8, status: u16) -> u8 {
    let [low, high] = status.to_le_bytes();
    put(out, number, &[0, 0, 0, low, high, 0, 0])
}

/// How many columns a result has.
///
/// # Errors
/// When it does not say.
pub fn columns(content: &[u8]) -> Result<u64, Error> {
    Cursor::new(content, "a number of columns").lenenc()
}

/// What a statement that was prepared is: its number, its columns and its parameters.
///
/// # Errors
/// When it says nothing of that.
pub fn prepared(content: &[u8]) -> Result<(u32, u16, u16), Error> {
    let mut cursor = Cursor::new(content, "a prepared statement");
    cursor.byte()?;
    Ok((cursor.u32()?, cursor.u16()?, cursor.u16()?))
}

/// A column of a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name, or what stands in place of it.
    pub name: Vec<u8>,
    /// Its name in its table; empty where it is computed.
    pub origin: Vec<u8>,
    /// Its type.
    pub kind: u8,
    /// Whether its numbers are never below zero.
    pub unsigned: bool,
}

/// Reads a column.
///
/// # Errors
/// When it is none.
pub fn column(content: &[u8]) -> Result<Column, Error> {
    let mut cursor = Cursor::new(content, "a column");
    for _ in 0..4 {
        cursor.lenenc_bytes()?;
    }
    let (name, origin) = (cursor.lenenc_bytes()?.to_vec(), cursor.lenenc_bytes()?.to_vec());
    cursor.lenenc()?;
    cursor.take(6)?;
    const UNSIGNED: u16 = 0x20;
    let (kind, flags) = (cursor.byte()?, cursor.u16()?);
    Ok(Column { name, origin, kind, unsigned: flags & UNSIGNED != 0 })
}

/// The values of a row as text.
///
/// # Errors
/// When it is none of so many.
pub fn text_row(content: &[u8], count: usize) -> Result<Vec<Option<&[u8]>>, Error> {
    let mut cursor = Cursor::new(content, "a row");
    let mut values = Vec::new();
    for _ in 0..count {
        values.push(cursor.value()?);
    }
    if cursor.rest().is_empty() { Ok(values) } else { Err(cursor.malformed()) }
}

/// The content of a row as text.
#[must_use]
pub fn encode_text_row<'a>(values: impl Iterator<Item = Option<&'a [u8]>>) -> Vec<u8> {
    let mut out = Vec::new();
    for value in values {
        match value {
            None => out.push(0xFB),
            Some(value) => put_lenenc_bytes(&mut out, value),
        }
    }
    out
}

/// Whether values of this type are texts, or are sent like them.
#[must_use]
pub fn is_text(kind: u8) -> bool {
    matches!(kind, 0x00 | 0x0F | 0x10 | 0xF5..=0xFF)
}

/// The values of a row in binary form, each as it is sent, without the length of texts.
///
/// # Errors
/// When it is none of these types.
pub fn binary_row<'a>(content: &'a [u8], kinds: &[u8]) -> Result<Vec<Option<&'a [u8]>>, Error> {
    let mut cursor = Cursor::new(content, "a row");
    cursor.byte()?;
    let nulls = cursor.take((kinds.len() + 2).div_ceil(8))?;
    let mut values = Vec::new();
    for (at, kind) in kinds.iter().enumerate() {
        let bit = at + 2;
        if nulls.get(bit / 8).is_some_and(|byte| byte >> (bit % 8) & 1 == 1) {
            values.push(None);
            continue;
        }
        values.push(Some(match kind {
            0x01 => cursor.take(1)?,
            0x02 | 0x0D => cursor.take(2)?,
            0x03 | 0x04 | 0x09 => cursor.take(4)?,
            0x05 | 0x08 => cursor.take(8)?,
            0x06 => &[],
            0x07 | 0x0A | 0x0B | 0x0C => {
                let length = usize::from(*cursor.rest().first().ok_or(cursor.malformed())?);
                cursor.take(length + 1)?
            }
            _ => cursor.lenenc_bytes()?,
        }));
    }
    if cursor.rest().is_empty() { Ok(values) } else { Err(cursor.malformed()) }
}

/// The content of a row in binary form.
#[must_use]
pub fn encode_binary_row<'a>(values: impl ExactSizeIterator<Item = Option<&'a [u8]>>, kinds: &[u8]) -> Vec<u8> {
    let mut nulls = vec![0_u8; (values.len() + 2).div_ceil(8)];
    let mut rest = Vec::new();
    for ((at, value), kind) in values.enumerate().zip(kinds) {
        match value {
            None => {
                if let Some(byte) = nulls.get_mut((at + 2) / 8) {
                    *byte |= 1 << ((at + 2) % 8);
                }
            }
            Some(value) if is_sized(*kind) => rest.extend_from_slice(value),
            Some(value) => put_lenenc_bytes(&mut rest, value),
        }
    }
    [&[0][..], &nulls, &rest].concat()
}

fn is_sized(kind: u8) -> bool {
    matches!(kind, 0x01..=0x0D)
}
