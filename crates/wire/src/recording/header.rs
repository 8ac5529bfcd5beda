//! A recording's header, and the key that opens what follows it.

use aws_lc_rs::aead::{AES_256_GCM, LessSafeKey, UnboundKey};

use super::codec::Cursor;
use super::{Error, SEALED_KEY_LEN_MAX, SESSION_LEN_MAX};

/// What every recording begins with.
pub(super) const MAGIC: &[u8; 8] = b"POSTREC\0";
/// The version of the format that is written here.
pub(super) const VERSION: u8 = 1;
/// Magic, version and the length of the rest.
pub(super) const PRELUDE_LEN: usize = 11;
/// The longest header.
pub(super) const HEADER_LEN_MAX: usize = PRELUDE_LEN + 1 + SESSION_LEN_MAX + 2 + SEALED_KEY_LEN_MAX + 4;

/// The key that one recording is sealed with. Used for one recording only, so that a counter makes
/// nonces that never repeat.
pub struct DataKey(LessSafeKey);

impl DataKey {
    /// From 32 random bytes.
    pub fn new(bytes: &[u8]) -> Result<Self, Error> {
        UnboundKey::new(&AES_256_GCM, bytes).map(|key| Self(LessSafeKey::new(key))).map_err(|_| Error::KeyLength)
    }

    pub(super) fn cipher(&self) -> &LessSafeKey {
        &self.0
    }
}

/// What a recording says of itself in clear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The session's id.
    pub session: String,
    /// The data key as the vault sealed it.
    pub sealed_key: Vec<u8>,
    /// The first bytes of every nonce; random.
    pub nonce_prefix: [u8; 4],
}

impl Header {
    /// The header's bytes.
    pub fn encode(&self) -> Result<Vec<u8>, Error> {
        let session_len = u8::try_from(self.session.len()).ok().filter(|len| usize::from(*len) <= SESSION_LEN_MAX);
        let key_len = u16::try_from(self.sealed_key.len()).ok().filter(|len| usize::from(*len) <= SEALED_KEY_LEN_MAX);
        let (Some(session_len), Some(key_len)) = (session_len, key_len) else {
            return Err(Error::TooLarge("header"));
        };
        let rest_len = 1 + u16::from(session_len) + 2 + key_len + 4;
        let mut out = Vec::with_capacity(PRELUDE_LEN + usize::from(rest_len));
        out.extend_from_slice(MAGIC);
        out.push(VERSION);
        out.extend_from_slice(&rest_len.to_be_bytes());
        out.push(session_len);
        out.extend_from_slice(self.session.as_bytes());
        out.extend_from_slice(&key_len.to_be_bytes());
        out.extend_from_slice(&self.sealed_key);
        out.extend_from_slice(&self.nonce_prefix);
        Ok(out)
    }

    /// Reads the header at the front of `bytes`: it and its length; `None` when more bytes are needed
    /// to tell.
    pub fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, Error> {
        let seen = bytes.len().min(MAGIC.len());
        if bytes.get(..seen) != MAGIC.get(..seen) {
            return Err(Error::NotARecording);
        }
        match bytes.get(MAGIC.len()) {
            None => return Ok(None),
            Some(&VERSION) => {}
            Some(&other) => return Err(Error::Unsupported(other)),
        }
        let Some([high, low]) = bytes.get(MAGIC.len() + 1..PRELUDE_LEN) else { return Ok(None) };
        let len = PRELUDE_LEN + usize::from(u16::from_be_bytes([*high, *low]));
        if len > HEADER_LEN_MAX {
            return Err(Error::TooLarge("header"));
        }
        let Some(rest) = bytes.get(PRELUDE_LEN..len) else { return Ok(None) };
        let mut cursor = Cursor::new(rest, "header");
        let session_len = usize::from(cursor.byte()?);
        if session_len > SESSION_LEN_MAX {
            return Err(Error::TooLarge("header"));
        }
        let session = str::from_utf8(cursor.take(session_len)?).map_err(|_| Error::Malformed("header"))?.to_owned();
        let key_len = usize::from(u16::from_be_bytes(cursor.array()?));
        if key_len > SEALED_KEY_LEN_MAX {
            return Err(Error::TooLarge("header"));
        }
        let sealed_key = cursor.take(key_len)?.to_vec();
        let nonce_prefix = cursor.array()?;
        cursor.end()?;
        Ok(Some((Self { session, sealed_key, nonce_prefix }, len)))
    }
}
