//! The packets that a client needs (MySQL internals manual, client/server protocol).

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use zeroize::Zeroizing;

/// What the server says first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Greeting {
    pub(super) version: String,
    pub(super) seed: Vec<u8>,
    pub(super) capabilities: u32,
    pub(super) plugin: String,
}

pub(super) const LONG_PASSWORD: u32 = 1;
pub(super) const PROTOCOL_41: u32 = 1 << 9;
pub(super) const SSL: u32 = 1 << 11;
pub(super) const TRANSACTIONS: u32 = 1 << 13;
pub(super) const SECURE_CONNECTION: u32 = 1 << 15;
pub(super) const PLUGIN_AUTH: u32 = 1 << 19;

/// Takes bytes off the front; None when there are not enough.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(head)
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    pub(super) fn le(&mut self, length: usize) -> Option<u64> {
        Some(self.take(length)?.iter().rev().fold(0, |value, byte| (value << 8) | u64::from(*byte)))
    }

    /// Up to a zero byte, which is taken as well; all of it where there is none.
    pub(super) fn text(&mut self) -> &'a [u8] {
        let end = self.0.iter().position(|byte| *byte == 0).unwrap_or(self.0.len());
        let text = self.take(end).unwrap_or_default();
        let _ = self.byte();
        text
    }

    /// A length-encoded integer; None also for what means NULL.
    pub(super) fn length(&mut self) -> Option<u64> {
        match self.byte()? {
            byte @ 0..=0xfa => Some(u64::from(byte)),
            0xfc => self.le(2),
            0xfd => self.le(3),
            0xfe => self.le(8),
            _ => None,
        }
    }

    /// A length-encoded text, or NULL.
    pub(super) fn value(&mut self) -> Option<Option<String>> {
        if self.0.first() == Some(&0xfb) {
            self.byte();
            return Some(None);
        }
        let length = usize::try_from(self.length()?).ok()?;
        Some(Some(String::from_utf8_lossy(self.take(length)?).into_owned()))
    }
}

/// Reads a handshake of protocol version 10.
pub(super) fn greeting(bytes: &[u8]) -> Option<Greeting> {
    let mut reader = Reader(bytes);
    if reader.byte()? != 10 {
        return None;
    }
    let version = String::from_utf8_lossy(reader.text()).into_owned();
    reader.take(4)?;
    let mut seed = reader.take(8)?.to_vec();
    reader.take(1)?;
    let low = reader.le(2)?;
    reader.take(3)?;
    let high = reader.le(2)?;
    let length = usize::from(reader.byte()?);
    reader.take(10)?;
    let capabilities = u32::try_from(low | (high << 16)).ok()?;
    if capabilities & SECURE_CONNECTION != 0 {
        seed.extend(reader.take(length.saturating_sub(8).max(13))?.iter().take(12));
    }
    let plugin = String::from_utf8_lossy(reader.text()).into_owned();
    Some(Greeting { version, seed, capabilities, plugin })
}

/// Code and text of an error packet, after its first byte.
pub(super) fn error(bytes: &[u8]) -> (u16, String) {
    let mut reader = Reader(bytes);
    let code = reader.le(2).and_then(|code| u16::try_from(code).ok()).unwrap_or(0);
    let rest = reader.0;
    let text = if rest.first() == Some(&b'#') { rest.get(6..).unwrap_or_default() } else { rest };
    (code, String::from_utf8_lossy(text).into_owned())
}

/// What proves the password to a plugin, given the server's seed; None for a plugin that is not known.
pub(super) fn proof(plugin: &str, password: &[u8], seed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let seed = seed.get(..20).unwrap_or(seed);
    match plugin {
        _ if password.is_empty() => Some(Zeroizing::default()),
        "mysql_native_password" => {
            let once = digest(&SHA1_FOR_LEGACY_USE_ONLY, password);
            let twice = digest(&SHA1_FOR_LEGACY_USE_ONLY, once.as_ref());
            let mixed = digest(&SHA1_FOR_LEGACY_USE_ONLY, &[seed, twice.as_ref()].concat());
            Some(xor(once.as_ref(), mixed.as_ref()))
        }
        "caching_sha2_password" => {
            let once = digest(&SHA256, password);
            let twice = digest(&SHA256, once.as_ref());
            let mixed = digest(&SHA256, &[twice.as_ref(), seed].concat());
            Some(xor(once.as_ref(), mixed.as_ref()))
        }
        // Inside TLS only, which is checked before anything is sent.
        "mysql_clear_password" | "sha256_password" => {
            let mut clear = Zeroizing::new(Vec::with_capacity(password.len() + 1));
            clear.extend_from_slice(password);
            clear.push(0);
            Some(clear)
        }
        _ => None,
    }
}

fn xor(a: &[u8], b: &[u8]) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(a.iter().zip(b).map(|(a, b)| a ^ b).collect())
}

/// What `mysql_native_password` keeps: `*` and the double SHA-1.
pub(super) fn native_hash(password: &[u8]) -> String {
    let once = digest(&SHA1_FOR_LEGACY_USE_ONLY, password);
    let twice = digest(&SHA1_FOR_LEGACY_USE_ONLY, once.as_ref());
    let hex: String = twice.as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
    format!("*{hex}")
}

#[cfg(test)]
mod tests;
