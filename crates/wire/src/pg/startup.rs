//! The first packet of a connection, which has no type.

use super::read::Cursor;
use super::{Error, STARTUP_LEN_MAX};

const TLS_REQUEST: u32 = 80_877_103;
const GSS_REQUEST: u32 = 80_877_104;
const CANCEL_REQUEST: u32 = 80_877_102;
const PARAMETERS_MAX: usize = 64;

/// What identifies a session to those who want its statement cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CancelKey {
    /// The process, or what stands for one.
    pub process: u32,
    /// The secret.
    pub secret: u32,
}

/// What a client wants first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum First {
    /// TLS; the answer is one byte, `S` or `N`.
    Tls,
    /// Encryption by GSSAPI; the answer is one byte, `G` or `N`.
    Gss,
    /// The statement of that session cancelled; there is no answer.
    Cancel(CancelKey),
    /// A session.
    Session(Startup),
}

/// The wish for a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Startup {
    /// The minor version of protocol 3 that the client speaks.
    pub minor: u16,
    /// The parameters in their order: `user`, `database`, run-time settings.
    pub parameters: Vec<(String, String)>,
}

impl Startup {
    /// The value of a parameter; the last one counts.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.parameters.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Whether these first bytes are those of TLS itself, without a packet before it.
#[must_use]
pub fn is_tls(input: &[u8]) -> bool {
    input.first() == Some(&0x16)
}

/// Reads the first packet of `input`; gives its length too. None while more bytes are needed.
///
/// # Errors
/// When it is none, or too long.
pub fn first(input: &[u8]) -> Result<Option<(First, usize)>, Error> {
    let Some((length, _)) = input.split_first_chunk::<4>() else { return Ok(None) };
    let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
    if length > STARTUP_LEN_MAX {
        return Err(Error::TooLong { what: "a first packet", length, max: STARTUP_LEN_MAX });
    }
    if length < 8 {
        return Err(Error::Malformed("first packet"));
    }
    let Some(packet) = input.get(4..length) else { return Ok(None) };
    let mut cursor = Cursor::new(packet, "first packet");
    let first = match cursor.u32()? {
        TLS_REQUEST => First::Tls,
        GSS_REQUEST => First::Gss,
        CANCEL_REQUEST => First::Cancel(CancelKey { process: cursor.u32()?, secret: cursor.u32()? }),
        version if version >> 16 == 3 => First::Session(session(version, &mut cursor)?),
        _ => return Err(Error::Malformed("protocol version")),
    };
    cursor.end()?;
    Ok(Some((first, length)))
}

fn session(version: u32, cursor: &mut Cursor<'_>) -> Result<Startup, Error> {
    let mut parameters = Vec::new();
    loop {
        let name = cursor.c_text()?;
        if name.is_empty() {
            break;
        }
        if parameters.len() >= PARAMETERS_MAX {
            return Err(Error::Malformed("first packet"));
        }
        parameters.push((name.to_owned(), cursor.c_text()?.to_owned()));
    }
    Ok(Startup { minor: u16::try_from(version & 0xFFFF).unwrap_or(0), parameters })
}

/// The packet that asks for TLS.
#[must_use]
pub fn tls_request() -> Vec<u8> {
    packet(TLS_REQUEST, &[])
}

/// The packet that asks for a statement to be cancelled.
#[must_use]
pub fn cancel_request(key: CancelKey) -> Vec<u8> {
    let mut body = key.process.to_be_bytes().to_vec();
    body.extend_from_slice(&key.secret.to_be_bytes());
    packet(CANCEL_REQUEST, &body)
}

/// The packet that asks for a session in version 3.0. What holds a zero byte is left out.
#[must_use]
pub fn session_request<'a>(parameters: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, value) in parameters {
        if !name.contains('\0') && !value.contains('\0') {
            for text in [name, value] {
                body.extend_from_slice(text.as_bytes());
                body.push(0);
            }
        }
    }
    body.push(0);
    packet(3 << 16, &body)
}

fn packet(code: u32, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 8).unwrap_or(u32::MAX);
    let mut packet = length.to_be_bytes().to_vec();
    packet.extend_from_slice(&code.to_be_bytes());
    packet.extend_from_slice(body);
    packet
}
