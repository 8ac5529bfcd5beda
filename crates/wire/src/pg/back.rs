//! Messages of the server.

use std::borrow::Cow;

use super::front::put;
use super::read::Cursor;
use super::startup::CancelKey;
use super::{Error, Handling, SHORT_LEN_MAX, Transaction};

/// The longest description of a result: 1,664 columns with names, with room.
const DESCRIPTION_LEN_MAX: usize = 1024 * 1024;
/// The longest error: a statement is quoted in some.
const ERROR_LEN_MAX: usize = 1024 * 1024;

/// What a server may send once the client is signed in; `replicating` allows both ways at once.
#[must_use]
#[inline]
pub fn handling(tag: u8, replicating: bool) -> Option<Handling> {
    match tag {
        b'D' | b'd' | b'A' | b'N' | b'V' => Some(Handling::Pass),
        b'C' | b'S' => Some(Handling::Whole(SHORT_LEN_MAX)),
        b'E' => Some(Handling::Whole(ERROR_LEN_MAX)),
        b'T' | b't' => Some(Handling::Whole(DESCRIPTION_LEN_MAX)),
        b'1' | b'2' | b'3' | b'n' | b's' | b'I' | b'c' => Some(Handling::Whole(5)),
        b'Z' => Some(Handling::Whole(6)),
        b'G' | b'H' => Some(Handling::Whole(SHORT_LEN_MAX)),
        b'W' if replicating => Some(Handling::Whole(SHORT_LEN_MAX)),
        _ => None,
    }
}

/// The same where rows are looked into: they are read whole then.
#[must_use]
pub fn handling_rows(tag: u8, replicating: bool, row_len_max: usize) -> Option<Handling> {
    if tag == b'D' { Some(Handling::Whole(row_len_max)) } else { handling(tag, replicating) }
}

/// What a server may send while the client signs in.
#[must_use]
pub fn handling_sign_in(tag: u8) -> Option<Handling> {
    match tag {
        b'R' | b'S' | b'K' | b'E' | b'N' | b'v' => Some(Handling::Whole(SHORT_LEN_MAX)),
        b'Z' => Some(Handling::Whole(6)),
        _ => None,
    }
}

/// How what answers a query of ours is read.
#[must_use]
pub fn handling_answer(tag: u8) -> Option<Handling> {
    match tag {
        b'T' | b'D' | b'C' | b'S' | b'E' | b'N' => Some(Handling::Whole(SHORT_LEN_MAX)),
        b'Z' => Some(Handling::Whole(6)),
        _ => None,
    }
}

/// How the server wants the account proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Authentication<'a> {
    /// It is proved.
    Ok,
    /// By the password itself.
    Cleartext,
    /// By one of these mechanisms.
    Sasl(Vec<&'a str>),
    /// The next word of SASL.
    SaslContinue(&'a [u8]),
    /// The last word of SASL.
    SaslFinal(&'a [u8]),
    /// In a way that is not spoken here: its code.
    Other(u32),
}

/// Reads an `Authentication...`.
///
/// # Errors
/// When the body is none.
pub fn authentication(body: &[u8]) -> Result<Authentication<'_>, Error> {
    let mut cursor = Cursor::new(body, "Authentication");
    Ok(match cursor.u32()? {
        0 => Authentication::Ok,
        3 => Authentication::Cleartext,
        10 => {
            let mut mechanisms = Vec::new();
            loop {
                match cursor.c_text()? {
                    "" => break Authentication::Sasl(mechanisms),
                    mechanism => mechanisms.push(mechanism),
                }
            }
        }
        11 => Authentication::SaslContinue(cursor.rest()),
        12 => Authentication::SaslFinal(cursor.rest()),
        code => Authentication::Other(code),
    })
}

/// Reads a `BackendKeyData` of protocol 3.0.
///
/// # Errors
/// When the body is none.
pub fn key_data(body: &[u8]) -> Result<CancelKey, Error> {
    let mut cursor = Cursor::new(body, "BackendKeyData");
    let key = CancelKey { process: cursor.u32()?, secret: cursor.u32()? };
    cursor.end()?;
    Ok(key)
}

/// The name and the value in a `ParameterStatus`.
///
/// # Errors
/// When the body is none.
pub fn parameter_status(body: &[u8]) -> Result<(&[u8], &[u8]), Error> {
    let mut cursor = Cursor::new(body, "ParameterStatus");
    let both = (cursor.c_bytes()?, cursor.c_bytes()?);
    cursor.end()?;
    Ok(both)
}

/// The state in a `ReadyForQuery`.
///
/// # Errors
/// When the body is none.
pub fn ready(body: &[u8]) -> Result<Transaction, Error> {
    match body {
        b"I" => Ok(Transaction::Idle),
        b"T" => Ok(Transaction::Open),
        b"E" => Ok(Transaction::Failed),
        _ => Err(Error::Malformed("ReadyForQuery")),
    }
}

/// The tag of a `CommandComplete`: `SELECT 5`.
///
/// # Errors
/// When the body is none.
pub fn command_complete(body: &[u8]) -> Result<&[u8], Error> {
    let mut cursor = Cursor::new(body, "CommandComplete");
    let tag = cursor.c_bytes()?;
    cursor.end()?;
    Ok(tag)
}

/// The number of rows at the end of a tag; none where there is none.
#[must_use]
pub fn rows_of(tag: &[u8]) -> Option<u64> {
    let number = tag.rsplit(|byte| *byte == b' ').next()?;
    if number.is_empty() || number.len() == tag.len() {
        return None;
    }
    number.iter().try_fold(0_u64, |sum, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        sum.checked_mul(10)?.checked_add(digit)
    })
}

/// An error or a notice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report<'a> {
    /// `ERROR`, `FATAL`, `PANIC`, `WARNING` and so on, untranslated.
    pub severity: Cow<'a, str>,
    /// The five characters of SQLSTATE.
    pub code: Cow<'a, str>,
    /// What happened.
    pub message: Cow<'a, str>,
    /// More about it.
    pub detail: Option<Cow<'a, str>>,
    /// What to do.
    pub hint: Option<Cow<'a, str>>,
}

/// Reads an `ErrorResponse` or a `NoticeResponse`. What is no UTF-8 in it is replaced.
///
/// # Errors
/// When the body is none.
pub fn report(body: &[u8]) -> Result<Report<'_>, Error> {
    let mut cursor = Cursor::new(body, "ErrorResponse");
    let mut report = Report::default();
    loop {
        let field = cursor.byte()?;
        if field == 0 {
            cursor.end()?;
            return Ok(report);
        }
        let text = String::from_utf8_lossy(cursor.c_bytes()?);
        match field {
            b'S' if report.severity.is_empty() => report.severity = text,
            b'V' => report.severity = text,
            b'C' => report.code = text,
            b'M' => report.message = text,
            b'D' => report.detail = Some(text),
            b'H' => report.hint = Some(text),
            _ => {}
        }
    }
}

/// Appends an `ErrorResponse`.
pub fn put_error(out: &mut Vec<u8>, report: &Report<'_>) {
    put_report(out, b'E', report);
}

/// Appends a `NoticeResponse`.
pub fn put_notice(out: &mut Vec<u8>, report: &Report<'_>) {
    put_report(out, b'N', report);
}

fn put_report(out: &mut Vec<u8>, tag: u8, report: &Report<'_>) {
    let mut body = Vec::new();
    let mut field = |name: u8, text: &str| {
        body.push(name);
        body.extend(text.bytes().filter(|byte| *byte != 0));
        body.push(0);
    };
    field(b'S', &report.severity);
    field(b'V', &report.severity);
    field(b'C', &report.code);
    field(b'M', &report.message);
    if let Some(detail) = &report.detail {
        field(b'D', detail);
    }
    if let Some(hint) = &report.hint {
        field(b'H', hint);
    }
    body.push(0);
    put(out, tag, &[&body]);
}

/// Appends the question for the password itself.
pub fn put_ask_password(out: &mut Vec<u8>) {
    put(out, b'R', &[&3_u32.to_be_bytes()]);
}

/// Appends the word that the client is signed in.
pub fn put_signed_in(out: &mut Vec<u8>) {
    put(out, b'R', &[&0_u32.to_be_bytes()]);
}

/// Appends the key by which statements are cancelled.
pub fn put_key_data(out: &mut Vec<u8>, key: CancelKey) {
    put(out, b'K', &[&key.process.to_be_bytes(), &key.secret.to_be_bytes()]);
}

/// Appends the word that the server is ready, in no transaction.
pub fn put_ready(out: &mut Vec<u8>) {
    put(out, b'Z', &[b"I"]);
}

/// Appends the word that protocol 3.0 is spoken and these options are not known.
pub fn put_negotiate<'a>(out: &mut Vec<u8>, unknown: impl Iterator<Item = &'a str>) {
    let mut names = Vec::new();
    let mut count = 0_u32;
    for name in unknown {
        names.extend_from_slice(name.as_bytes());
        names.push(0);
        count += 1;
    }
    put(out, b'v', &[&(3_u32 << 16).to_be_bytes(), &count.to_be_bytes(), &names]);
}

/// A column of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column<'a> {
    /// Its name in the result.
    pub name: &'a [u8],
    /// The table that it is a column of; 0 for an expression.
    pub table: u32,
    /// Its number there; 0 for an expression.
    pub number: i16,
    /// Its type's object id.
    pub kind: u32,
    /// Whether its values are in the type's binary form.
    pub binary: bool,
}

/// The columns in a `RowDescription`.
///
/// # Errors
/// When the body is none.
pub fn columns(body: &[u8]) -> Result<Vec<Column<'_>>, Error> {
    let mut cursor = Cursor::new(body, "RowDescription");
    let count = usize::from(cursor.u16()?);
    let mut columns = Vec::with_capacity(count.min(1664));
    for _ in 0..count {
        let name = cursor.c_bytes()?;
        let table = cursor.u32()?;
        let number = cursor.i16()?;
        let kind = cursor.u32()?;
        cursor.take(6)?;
        columns.push(Column { name, table, number, kind, binary: cursor.i16()? == 1 });
    }
    cursor.end()?;
    Ok(columns)
}

/// The values in a `DataRow`.
///
/// # Errors
/// When the body is none.
pub fn values(body: &[u8]) -> Result<Vec<Option<&[u8]>>, Error> {
    let mut cursor = Cursor::new(body, "DataRow");
    let count = usize::from(cursor.u16()?);
    let mut values = Vec::with_capacity(count.min(1664));
    for _ in 0..count {
        values.push(cursor.value()?);
    }
    cursor.end()?;
    Ok(values)
}

/// Appends a `DataRow` of these values.
pub fn put_row<'a>(out: &mut Vec<u8>, values: impl ExactSizeIterator<Item = Option<Cow<'a, [u8]>>>) {
    let mut body = u16::try_from(values.len()).unwrap_or(u16::MAX).to_be_bytes().to_vec();
    for value in values {
        match value {
            None => body.extend_from_slice(&(-1_i32).to_be_bytes()),
            Some(value) => {
                body.extend_from_slice(&i32::try_from(value.len()).unwrap_or(i32::MAX).to_be_bytes());
                body.extend_from_slice(&value);
            }
        }
    }
    put(out, b'D', &[&body]);
}
