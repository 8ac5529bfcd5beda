//! The packets of signing in.

use super::read::Cursor;
use super::{Error, capability};

/// A server's greeting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Greeting {
    /// What it calls its version.
    pub version: String,
    /// The number of the connection.
    pub connection: u32,
    /// What proofs are made from, 20 bytes.
    pub seed: Vec<u8>,
    /// What it can do.
    pub capabilities: u64,
    /// How it wants the account proved.
    pub plugin: String,
}

/// Reads a greeting of version 10.
///
/// # Errors
/// When it is none.
pub fn greeting(content: &[u8]) -> Result<Greeting, Error> {
    let mut cursor = Cursor::new(content, "the greeting");
    if cursor.byte()? != 10 {
        return Err(cursor.malformed());
    }
    let version = String::from_utf8_lossy(cursor.c_bytes()?).into_owned();
    let connection = cursor.u32()?;
    let mut seed = cursor.take(8)?.to_vec();
    cursor.take(1)?;
    let low = cursor.le(2)?;
    cursor.take(3)?;
    let high = cursor.le(2)?;
    let length = usize::from(cursor.byte()?);
    cursor.take(6)?;
    let capabilities = with_extended(low | high << 16, cursor.le(4)?);
    if capabilities & capability::SECURE_CONNECTION != 0 {
        seed.extend(cursor.take(length.saturating_sub(8).max(13))?.iter().take(12));
    }
    let name = cursor.rest();
    let plugin = name.split(|byte| *byte == 0).next().unwrap_or_default();
    Ok(Greeting { version, connection, seed, capabilities, plugin: String::from_utf8_lossy(plugin).into_owned() })
}

/// MariaDB's own half, where it is said that there is one.
fn with_extended(low: u64, extended: u64) -> u64 {
    if low & capability::LONG_PASSWORD == 0 { low | extended << 32 } else { low }
}

/// What is written of these: the lower half, then MariaDB's own.
fn halves(capabilities: u64) -> ([u8; 4], [u8; 4]) {
    let mut said = capabilities;
    if said >> 32 != 0 {
        said &= !capability::LONG_PASSWORD;
    }
    let [a, b, c, d, e, f, g, h] = said.to_le_bytes();
    ([a, b, c, d], [e, f, g, h])
}

/// Writes a greeting.
pub fn put_greeting(out: &mut Vec<u8>, greeting: &Greeting) {
    let (first, rest) = greeting.seed.split_at(greeting.seed.len().min(8));
    let ([a, b, c, d], extended) = halves(greeting.capabilities);
    out.push(10);
    out.extend_from_slice(greeting.version.as_bytes());
    out.push(0);
    out.extend_from_slice(&greeting.connection.to_le_bytes());
    out.extend_from_slice(first);
    // utf8mb4, and nothing is on.
    out.extend_from_slice(&[0, a, b, 45, 2, 0, c, d, 21]);
    out.extend_from_slice(&[0; 6]);
    out.extend_from_slice(&extended);
    out.extend_from_slice(rest);
    out.push(0);
    out.extend_from_slice(greeting.plugin.as_bytes());
    out.push(0);
}

/// What a client says first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello<'a> {
    /// What it can do.
    pub capabilities: u64,
    /// The longest packet that it takes.
    pub packet_len_max: u32,
    /// The number of its character set.
    pub charset: u8,
    /// Who it is; none where it wants TLS first.
    pub user: Option<&'a [u8]>,
    /// The database that it wants.
    pub database: Option<&'a [u8]>,
    /// Whether it has sent a proof; that of an empty password is empty.
    pub proves: bool,
    /// How it has proved itself.
    pub plugin: &'a [u8],
}

/// Reads what a client says first.
///
/// # Errors
/// When it is nothing of version 4.1.
pub fn hello(content: &[u8]) -> Result<Hello<'_>, Error> {
    let mut cursor = Cursor::new(content, "the client's first packet");
    let (capabilities, packet_len_max, charset) = (cursor.le(4)?, cursor.u32()?, cursor.byte()?);
    cursor.take(19)?;
    let capabilities = with_extended(capabilities, cursor.le(4)?);
    if capabilities & capability::PROTOCOL_41 == 0 {
        return Err(cursor.malformed());
    }
    let mut hello =
        Hello { capabilities, packet_len_max, charset, user: None, database: None, proves: false, plugin: b"" };
    if cursor.rest().is_empty() {
        return Ok(hello);
    }
    hello.user = Some(cursor.c_bytes()?);
    let proof = if capabilities & capability::PLUGIN_AUTH_LENENC != 0 {
        cursor.lenenc_bytes()?
    } else if capabilities & capability::SECURE_CONNECTION != 0 {
        let length = usize::from(cursor.byte()?);
        cursor.take(length)?
    } else {
        cursor.c_bytes()?
    };
    hello.proves = !matches!(proof, [] | [0]);
    if capabilities & capability::CONNECT_WITH_DB != 0 {
        hello.database = Some(cursor.c_bytes()?).filter(|name| !name.is_empty());
    }
    if capabilities & capability::PLUGIN_AUTH != 0 {
        // Some clients leave the zero byte out.
        hello.plugin = cursor.rest().split(|byte| *byte == 0).next().unwrap_or_default();
    }
    Ok(hello)
}

/// The part of a client's first packet that asks for TLS.
pub fn put_tls_request(out: &mut Vec<u8>, capabilities: u64, packet_len_max: u32, charset: u8) {
    let (capabilities, extended) = halves(capabilities | capability::SSL);
    out.extend_from_slice(&capabilities);
    out.extend_from_slice(&packet_len_max.to_le_bytes());
    out.push(charset);
    out.extend_from_slice(&[0; 19]);
    out.extend_from_slice(&extended);
}

/// Writes what a client says first, after asking for TLS.
pub fn put_hello(out: &mut Vec<u8>, hello: &Hello<'_>, proof: &[u8]) {
    let mut capabilities = hello.capabilities | capability::SSL | capability::SECURE_CONNECTION;
    capabilities &= !(capability::PLUGIN_AUTH_LENENC | capability::CONNECT_WITH_DB | capability::CONNECT_ATTRS);
    if hello.database.is_some() {
        capabilities |= capability::CONNECT_WITH_DB;
    }
    put_tls_request(out, capabilities, hello.packet_len_max, hello.charset);
    out.extend_from_slice(hello.user.unwrap_or_default());
    out.push(0);
    out.push(u8::try_from(proof.len()).unwrap_or(0));
    out.extend_from_slice(proof.get(..usize::from(u8::try_from(proof.len()).unwrap_or(0))).unwrap_or_default());
    if let Some(database) = hello.database {
        out.extend_from_slice(database);
        out.push(0);
    }
    out.extend_from_slice(hello.plugin);
    out.push(0);
}

/// The plugin and the seed of a request to prove the account in another way.
///
/// # Errors
/// When it is none.
pub fn switch(content: &[u8]) -> Result<(&[u8], &[u8]), Error> {
    let mut cursor = Cursor::new(content, "a request to prove the account");
    if cursor.byte()? != 0xFE {
        return Err(cursor.malformed());
    }
    let plugin = cursor.c_bytes()?;
    // Seeds have an even length; a zero byte may follow.
    let seed = cursor.rest();
    Ok((plugin, seed.strip_suffix(&[0]).filter(|short| short.len() % 2 == 0).unwrap_or(seed)))
}

/// Asks a client to prove itself in another way.
pub fn put_switch(out: &mut Vec<u8>, plugin: &str, seed: &[u8]) {
    out.push(0xFE);
    out.extend_from_slice(plugin.as_bytes());
    out.push(0);
    out.extend_from_slice(seed);
    out.push(0);
}
