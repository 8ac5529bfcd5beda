//! Commands of a client.

use super::Error;
use super::read::Cursor;

/// A client says goodbye.
pub const QUIT: u8 = 0x01;
/// It wants another database.
pub const INIT_DB: u8 = 0x02;
/// Statements as text.
pub const QUERY: u8 = 0x03;
/// The columns of a table.
pub const FIELD_LIST: u8 = 0x04;
/// Writes out or begins anew what a server keeps.
pub const REFRESH: u8 = 0x07;
/// Stops the server.
pub const SHUTDOWN: u8 = 0x08;
/// A line about the server.
pub const STATISTICS: u8 = 0x09;
/// What runs on the server.
pub const PROCESS_INFO: u8 = 0x0A;
/// Ends a connection.
pub const PROCESS_KILL: u8 = 0x0C;
/// Notes for who looks for an error of the server's.
pub const DEBUG: u8 = 0x0D;
/// Whether it is there.
pub const PING: u8 = 0x0E;
/// Signs in anew.
pub const CHANGE_USER: u8 = 0x11;
/// Prepares a statement.
pub const PREPARE: u8 = 0x16;
/// Runs one that is prepared.
pub const EXECUTE: u8 = 0x17;
/// A part of a parameter.
pub const LONG_DATA: u8 = 0x18;
/// Closes a prepared statement.
pub const CLOSE: u8 = 0x19;
/// Forgets parts of parameters.
pub const RESET: u8 = 0x1A;
/// Switches several statements in one query on or off.
pub const SET_OPTION: u8 = 0x1B;
/// More rows of a cursor.
pub const FETCH: u8 = 0x1C;
/// Makes the session as it was at the beginning.
pub const RESET_CONNECTION: u8 = 0x1F;

/// Runs one that is prepared, with many rows of parameters; MariaDB's own.
pub const BULK: u8 = 0xFA;

/// The number that stands for the statement that was prepared last; MariaDB's own.
pub const LAST: u32 = u32::MAX;

/// Whether a command is in the list of those that are known.
#[must_use]
pub fn is_known(command: u8) -> bool {
    matches!(
        command,
        QUIT | INIT_DB
            | QUERY
            | FIELD_LIST
            | REFRESH
            | SHUTDOWN
            | STATISTICS
            | PROCESS_INFO
            | PROCESS_KILL
            | DEBUG
            | PING
            | CHANGE_USER
            | PREPARE
            | EXECUTE
            | LONG_DATA
            | CLOSE
            | RESET
            | SET_OPTION
            | FETCH
            | RESET_CONNECTION
            | BULK
    )
}

/// Whether a command begins with the number of a prepared statement.
#[must_use]
pub fn names_statement(command: u8) -> bool {
    matches!(command, EXECUTE | LONG_DATA | CLOSE | RESET | FETCH | BULK)
}

/// The number of the prepared statement that a command is about, and what follows.
///
/// # Errors
/// When there is none.
pub fn statement(content: &[u8]) -> Result<(u32, &[u8]), Error> {
    let mut cursor = Cursor::new(content, "a command about a prepared statement");
    cursor.byte()?;
    let number = cursor.u32()?;
    Ok((number, cursor.rest()))
}

/// A part of a parameter: the statement's number, the parameter's, and the bytes.
///
/// # Errors
/// When it is none.
pub fn long_data(content: &[u8]) -> Result<(u32, u16, &[u8]), Error> {
    let (statement, rest) = statement(content)?;
    let mut cursor = Cursor::new(rest, "a part of a parameter");
    let parameter = cursor.u16()?;
    Ok((statement, parameter, cursor.rest()))
}

/// A parameter of an execution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Parameter<'a> {
    /// Null.
    Null,
    /// Sent before, in parts.
    Long,
    /// A number.
    Integer(i128),
    /// A number with a fraction.
    Float(f64),
    /// A text, or what is sent like one.
    Text(&'a [u8]),
    /// A date or a time, as it is sent.
    Time(&'a [u8]),
    /// What the column has where nothing is said.
    Default,
    /// What is there already.
    Kept,
}

/// Reads the parameters of an execution. `types` are those of the execution before, and are replaced
/// where new ones are sent; `is_long` says which parameters were sent in parts.
///
/// # Errors
/// When it is none, or its types are not known.
pub fn parameters<'a>(
    content: &'a [u8],
    count: u16,
    types: &mut Vec<u16>,
    is_long: impl Fn(u16) -> bool,
) -> Result<Vec<Parameter<'a>>, Error> {
    let (_, rest) = statement(content)?;
    let mut cursor = Cursor::new(rest, "the parameters of a statement");
    cursor.take(5)?;
    if count == 0 {
        return Ok(Vec::new());
    }
    let nulls = cursor.take(usize::from(count).div_ceil(8))?;
    if cursor.byte()? == 1 {
        types.clear();
        for _ in 0..count {
            types.push(cursor.u16()?);
        }
    }
    if types.len() != usize::from(count) {
        return Err(cursor.malformed());
    }
    let mut found = Vec::new();
    for (at, kind) in (0..count).zip(types.iter()) {
        let is_null = nulls.get(usize::from(at / 8)).is_some_and(|byte| byte >> (at % 8) & 1 == 1);
        found.push(if is_null {
            Parameter::Null
        } else if is_long(at) {
            Parameter::Long
        } else {
            value(&mut cursor, *kind)?
        });
    }
    Ok(found)
}

/// Reads the rows of parameters of a bulk execution (MariaDB documentation, "`COM_STMT_BULK_EXECUTE`"), one
/// after the other and not more than `max` parameters in all: what follows them is not looked at. `types`
/// as with [`parameters`].
///
/// # Errors
/// When it is none, or its types are not known.
pub fn bulk_parameters<'a>(
    content: &'a [u8],
    count: u16,
    types: &mut Vec<u16>,
    max: usize,
) -> Result<Vec<Parameter<'a>>, Error> {
    const SENDS_TYPES: u16 = 0x80;
    let (_, rest) = statement(content)?;
    let mut cursor = Cursor::new(rest, "the rows of parameters of a statement");
    if cursor.u16()? & SENDS_TYPES != 0 {
        types.clear();
        for _ in 0..count {
            types.push(cursor.u16()?);
        }
    }
    if types.is_empty() || types.len() != usize::from(count) {
        return Err(cursor.malformed());
    }
    let mut found = Vec::new();
    while !cursor.rest().is_empty() && found.len() + types.len() <= max {
        for kind in types.iter() {
            found.push(match cursor.byte()? {
                0 => value(&mut cursor, *kind)?,
                1 => Parameter::Null,
                2 => Parameter::Default,
                3 => Parameter::Kept,
                _ => return Err(cursor.malformed()),
            });
        }
    }
    Ok(found)
}

fn value<'a>(cursor: &mut Cursor<'a>, kind: u16) -> Result<Parameter<'a>, Error> {
    let [kind, flags] = kind.to_le_bytes();
    let unsigned = flags & 0x80 != 0;
    let mut integer = |length: usize| {
        let value = cursor.le(length)?;
        let shift = 64 - 8 * u32::try_from(length).unwrap_or(8);
        let signed = i128::from((value << shift).cast_signed() >> shift);
        Ok(Parameter::Integer(if unsigned { i128::from(value) } else { signed }))
    };
    match kind {
        0x01 => integer(1),
        0x02 | 0x0D => integer(2),
        0x03 | 0x09 => integer(4),
        0x08 => integer(8),
        0x04 => Ok(Parameter::Float(f64::from(f32::from_bits(cursor.u32()?)))),
        0x05 => Ok(Parameter::Float(f64::from_bits(cursor.le(8)?))),
        0x06 => Ok(Parameter::Null),
        0x07 | 0x0A | 0x0B | 0x0C => {
            let length = usize::from(cursor.byte()?);
            Ok(Parameter::Time(cursor.take(length)?))
        }
        _ => Ok(Parameter::Text(cursor.lenenc_bytes()?)),
    }
}

/// A wish to sign in anew: the user and the database.
///
/// # Errors
/// When it is none.
pub fn change_user(content: &[u8]) -> Result<(&[u8], Option<&[u8]>), Error> {
    let mut cursor = Cursor::new(content, "a wish to sign in anew");
    cursor.byte()?;
    let user = cursor.c_bytes()?;
    let length = usize::from(cursor.byte()?);
    cursor.take(length)?;
    let database = cursor.c_bytes()?;
    Ok((user, Some(database).filter(|name| !name.is_empty())))
}
