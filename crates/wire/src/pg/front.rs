//! Messages of the client.

use super::read::Cursor;
use super::{Error, Handling, MESSAGE_LEN_MAX, SHORT_LEN_MAX};

/// What a client may send once it has signed in. Copy data is of use only while a copy is on; a client
/// that has not heard yet that one failed sends it all the same, and a server leaves it out then.
#[must_use]
#[inline]
pub fn handling(tag: u8) -> Option<Handling> {
    match tag {
        b'Q' | b'P' | b'B' | b'F' => Some(Handling::Whole(MESSAGE_LEN_MAX)),
        b'D' | b'E' | b'C' | b'f' => Some(Handling::Whole(SHORT_LEN_MAX)),
        b'H' | b'S' | b'X' | b'c' => Some(Handling::Whole(5)),
        b'd' => Some(Handling::Pass),
        _ => None,
    }
}

/// The text of a simple query.
///
/// # Errors
/// When the body is none.
pub fn query(body: &[u8]) -> Result<&[u8], Error> {
    let mut cursor = Cursor::new(body, "Query");
    let text = cursor.c_bytes()?;
    cursor.end()?;
    Ok(text)
}

/// A statement to be prepared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parse<'a> {
    /// Its name; empty for the one without.
    pub name: &'a [u8],
    /// Its text.
    pub text: &'a [u8],
}

/// Reads a `Parse`.
///
/// # Errors
/// When the body is none.
pub fn parse(body: &[u8]) -> Result<Parse<'_>, Error> {
    let mut cursor = Cursor::new(body, "Parse");
    let (name, text) = (cursor.c_bytes()?, cursor.c_bytes()?);
    let types = usize::from(cursor.u16()?);
    cursor.take(types * 4)?;
    cursor.end()?;
    Ok(Parse { name, text })
}

/// Parameters bound to a prepared statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bind<'a> {
    /// The portal that is made; empty for the one without a name.
    pub portal: &'a [u8],
    /// The prepared statement.
    pub statement: &'a [u8],
    /// Formats, parameters and formats of the result, as they were sent.
    rest: &'a [u8],
}

/// One parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter<'a> {
    /// Whether it is in the type's binary form.
    pub binary: bool,
    /// Its value; none for null.
    pub value: Option<&'a [u8]>,
}

/// Reads a `Bind`.
///
/// # Errors
/// When the body is none.
pub fn bind(body: &[u8]) -> Result<Bind<'_>, Error> {
    let mut cursor = Cursor::new(body, "Bind");
    let (portal, statement) = (cursor.c_bytes()?, cursor.c_bytes()?);
    let bind = Bind { portal, statement, rest: cursor.rest() };
    let formats = usize::from(cursor.u16()?);
    cursor.take(formats * 2)?;
    let parameters = usize::from(cursor.u16()?);
    if formats > 1 && formats != parameters {
        return Err(cursor.malformed());
    }
    for _ in 0..parameters {
        cursor.value()?;
    }
    let results = usize::from(cursor.u16()?);
    cursor.take(results * 2)?;
    cursor.end()?;
    Ok(bind)
}

impl<'a> Bind<'a> {
    /// The parameters in their order.
    pub fn parameters(&self) -> impl Iterator<Item = Parameter<'a>> + use<'a> {
        let mut cursor = Cursor::new(self.rest, "Bind");
        let count = usize::from(cursor.u16().unwrap_or(0));
        let formats = cursor.take(count * 2).unwrap_or_default();
        let parameters = cursor.u16().unwrap_or(0);
        (0..usize::from(parameters)).map_while(move |index| {
            let format = formats.chunks_exact(2).nth(if count == 1 { 0 } else { index });
            Some(Parameter { binary: format.is_some_and(|format| format != [0, 0]), value: cursor.value().ok()? })
        })
    }
}

/// A statement or a portal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named<'a> {
    /// A prepared statement.
    Statement(&'a [u8]),
    /// A portal.
    Portal(&'a [u8]),
}

/// Reads a `Describe` or a `Close`.
///
/// # Errors
/// When the body is none.
pub fn named(body: &[u8]) -> Result<Named<'_>, Error> {
    let mut cursor = Cursor::new(body, "Describe or Close");
    let kind = cursor.byte()?;
    let name = cursor.c_bytes()?;
    cursor.end()?;
    match kind {
        b'S' => Ok(Named::Statement(name)),
        b'P' => Ok(Named::Portal(name)),
        _ => Err(cursor.malformed()),
    }
}

/// The portal that an `Execute` runs.
///
/// # Errors
/// When the body is none.
pub fn execute(body: &[u8]) -> Result<&[u8], Error> {
    let mut cursor = Cursor::new(body, "Execute");
    let portal = cursor.c_bytes()?;
    cursor.i32()?;
    cursor.end()?;
    Ok(portal)
}

/// The function that a `FunctionCall` calls, by its object id.
///
/// # Errors
/// When the body is too short.
pub fn function_call(body: &[u8]) -> Result<u32, Error> {
    Cursor::new(body, "FunctionCall").u32()
}

/// The password in a `PasswordMessage`.
///
/// # Errors
/// When the body is none.
pub fn password(body: &[u8]) -> Result<&str, Error> {
    let mut cursor = Cursor::new(body, "PasswordMessage");
    let text = cursor.c_text()?;
    cursor.end()?;
    Ok(text)
}

/// Appends a simple query.
pub fn put_query(out: &mut Vec<u8>, text: &str) {
    put(out, b'Q', &[text.as_bytes(), &[0]]);
}

/// Appends the preparing of an unnamed statement without parameters.
pub fn put_parse(out: &mut Vec<u8>, text: &str) {
    put(out, b'P', &[&[0], text.as_bytes(), &[0, 0, 0]]);
}

/// Appends the answer to a question for a password: the password itself, or what SASL says.
pub fn put_answer(out: &mut Vec<u8>, answer: &[u8]) {
    put(out, b'p', &[answer]);
}

/// Appends the first word of SASL: the mechanism and the first message.
pub fn put_sasl_first(out: &mut Vec<u8>, mechanism: &str, message: &[u8]) {
    let length = i32::try_from(message.len()).unwrap_or(i32::MAX).to_be_bytes();
    put(out, b'p', &[mechanism.as_bytes(), &[0], &length, message]);
}

/// Appends the refusal of a copy to the server.
pub fn put_copy_fail(out: &mut Vec<u8>, reason: &str) {
    put(out, b'f', &[reason.as_bytes(), &[0]]);
}

/// Appends the wish to be described a portal.
pub fn put_describe_portal(out: &mut Vec<u8>, name: &[u8]) {
    put(out, b'D', &[b"P", name, &[0]]);
}

/// Appends the wish not to keep answers back.
pub fn put_flush(out: &mut Vec<u8>) {
    put(out, b'H', &[]);
}

/// Appends the word that ends the session.
pub fn put_terminate(out: &mut Vec<u8>) {
    put(out, b'X', &[]);
}

/// Appends a message that is made of `parts`.
pub(super) fn put(out: &mut Vec<u8>, tag: u8, parts: &[&[u8]]) {
    let length = 4 + parts.iter().map(|part| part.len()).sum::<usize>();
    out.push(tag);
    out.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
    parts.iter().for_each(|part| out.extend_from_slice(part));
}
