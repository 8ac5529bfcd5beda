//! The client/server protocol of MySQL and MariaDB, as far as somebody between the two needs it (MySQL
//! Source Code Documentation, "Client/Server Protocol"; MariaDB documentation, "Client/Server Protocol").
//!
//! `head` tells packets apart, `compress` those that lie within compressed ones; `auth` proves an account;
//! `command` and `result` read what is understood.
//! Nothing here does I/O, reads a clock or draws random numbers.

pub mod auth;
pub mod command;
pub mod compress;
pub mod handshake;
mod read;
pub mod result;

#[cfg(test)]
mod tests;

/// The longest command or description that is read whole.
pub const MESSAGE_LEN_MAX: usize = 64 * 1024 * 1024;
/// The longest packet before a client or a target is signed in.
pub const SIGN_IN_LEN_MAX: usize = 64 * 1024;
/// The length of a packet that another one continues.
pub const PART_LEN: usize = 0xFF_FFFF;
/// A packet's length and number.
pub const HEAD_LEN: usize = 4;

/// What either side can do. The upper half is MariaDB's own: who has any of it does not say `LONG_PASSWORD`
/// (MariaDB documentation, "Connection", "Extended capabilities").
pub mod capability {
    /// `CLIENT_LONG_PASSWORD`; to MariaDB, its absence means that more follows.
    pub const LONG_PASSWORD: u64 = 1;
    /// Counts rows that match rather than rows that change.
    pub const FOUND_ROWS: u64 = 1 << 1;
    /// All flags of columns.
    pub const LONG_FLAG: u64 = 1 << 2;
    /// A database is named at sign-in.
    pub const CONNECT_WITH_DB: u64 = 1 << 3;
    /// Packets within compressed ones once the client is signed in.
    pub const COMPRESS: u64 = 1 << 5;
    /// Blanks before brackets.
    pub const IGNORE_SPACE: u64 = 1 << 8;
    /// `LOAD DATA LOCAL`.
    pub const LOCAL_FILES: u64 = 1 << 7;
    /// The protocol of version 4.1.
    pub const PROTOCOL_41: u64 = 1 << 9;
    /// Somebody sits before it.
    pub const INTERACTIVE: u64 = 1 << 10;
    /// TLS.
    pub const SSL: u64 = 1 << 11;
    /// Signals are not to be sent.
    pub const IGNORE_SIGPIPE: u64 = 1 << 12;
    /// Says whether a transaction is open.
    pub const TRANSACTIONS: u64 = 1 << 13;
    /// Proofs of version 4.1.
    pub const SECURE_CONNECTION: u64 = 1 << 15;
    /// Several statements in one query.
    pub const MULTI_STATEMENTS: u64 = 1 << 16;
    /// Several results of one query.
    pub const MULTI_RESULTS: u64 = 1 << 17;
    /// Several results of a prepared statement.
    pub const PS_MULTI_RESULTS: u64 = 1 << 18;
    /// Proofs by plugins.
    pub const PLUGIN_AUTH: u64 = 1 << 19;
    /// Attributes of the connection.
    pub const CONNECT_ATTRS: u64 = 1 << 20;
    /// Proofs of any length.
    pub const PLUGIN_AUTH_LENENC: u64 = 1 << 21;
    /// Passwords that have expired.
    pub const EXPIRED_PASSWORDS: u64 = 1 << 22;

    /// How far a long statement has come.
    pub const PROGRESS: u64 = 1 << 32;
    /// One execution of a prepared statement with many rows of parameters.
    pub const BULK: u64 = 1 << 34;
    /// What only MariaDB's servers do.
    pub const OF_MARIADB: u64 = PROGRESS | BULK;

    /// What is passed from a client on to its target, and back. Compression is each side's own, and results
    /// end with the packet that they always ended with.
    pub const RELAYED: u64 = LONG_PASSWORD
        | FOUND_ROWS
        | LONG_FLAG
        | IGNORE_SPACE
        | LOCAL_FILES
        | PROTOCOL_41
        | INTERACTIVE
        | IGNORE_SIGPIPE
        | TRANSACTIONS
        | SECURE_CONNECTION
        | MULTI_STATEMENTS
        | MULTI_RESULTS
        | PS_MULTI_RESULTS
        | PLUGIN_AUTH
        | OF_MARIADB;
}

/// Why bytes are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A command that is not in the list.
    #[error("the command 0x{0:02x} is not allowed")]
    NotAllowed(u8),
    /// It is not of its form.
    #[error("{0} is malformed")]
    Malformed(&'static str),
    /// It is longer than is read.
    #[error("{what} is longer than {max} bytes")]
    TooLong {
        /// What.
        what: &'static str,
        /// The most that is read.
        max: usize,
    },
    /// It comes though nothing was asked.
    #[error("a packet that nobody asked for")]
    Unasked,
}

/// The beginning of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// How long its content is.
    pub length: usize,
    /// Its number.
    pub number: u8,
}

/// The head at the front; none while it is not there.
#[must_use]
pub fn head(input: &[u8]) -> Option<Head> {
    let ([a, b, c, number], _) = input.split_first_chunk::<HEAD_LEN>()?;
    let length = usize::from(*a) | usize::from(*b) << 8 | usize::from(*c) << 16;
    Some(Head { length, number: *number })
}

/// A message at the front, which is one packet or several that continue each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its content.
    pub content: Vec<u8>,
    /// How many bytes of the input it is.
    pub length: usize,
    /// The number of its last packet.
    pub number: u8,
}

/// The message at the front; none while it is not complete.
///
/// # Errors
/// When it is longer than `max`.
pub fn message(input: &[u8], max: usize) -> Result<Option<Message>, Error> {
    let (mut content, mut at) = (Vec::new(), 0);
    loop {
        let rest = input.get(at..).unwrap_or_default();
        let Some(head) = head(rest) else { return Ok(None) };
        if content.len() + head.length > max {
            return Err(Error::TooLong { what: "a message", max });
        }
        let Some(part) = rest.get(HEAD_LEN..HEAD_LEN + head.length) else { return Ok(None) };
        content.extend_from_slice(part);
        at += HEAD_LEN + head.length;
        if head.length < PART_LEN {
            return Ok(Some(Message { content, length: at, number: head.number }));
        }
    }
}

/// Writes a message, beginning with the packet of this number; gives the number after its last.
pub fn put(out: &mut Vec<u8>, mut number: u8, content: &[u8]) -> u8 {
    let mut rest = content;
    loop {
        let (part, after) = rest.split_at(rest.len().min(PART_LEN));
        let [a, b, c, ..] = u32::try_from(part.len()).unwrap_or(0).to_le_bytes();
        out.extend_from_slice(&[a, b, c, number]);
        out.extend_from_slice(part);
        number = number.wrapping_add(1);
        if part.len() < PART_LEN {
            return number;
        }
        rest = after;
    }
}
