//! How an account proves that it knows its password.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, SHA512, digest};
use ed25519_dalek::hazmat::{ExpandedSecretKey, raw_sign};
use ed25519_dalek::{Sha512, VerifyingKey};
use zeroize::Zeroizing;

/// The plugin that everybody knows.
pub const NATIVE: &str = "mysql_native_password";
/// MySQL's own since version 8.
pub const CACHING: &str = "caching_sha2_password";
/// The password itself, within TLS.
pub const CLEAR: &str = "mysql_clear_password";
/// MariaDB's with signatures.
pub const ED25519: &str = "client_ed25519";

/// What is sent after a proof of `caching_sha2_password`: the password itself is wanted.
pub const WANTS_PASSWORD: [u8; 2] = [1, 4];
/// The same: it was known already.
pub const KNOWN: [u8; 2] = [1, 3];

/// What proves the password by a plugin, from the server's seed; none for a plugin that is not known.
/// The connection must be protected: two of them send the password itself.
#[must_use]
pub fn proof(plugin: &str, password: &[u8], seed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    match plugin {
        NATIVE | CACHING if password.is_empty() => Some(Zeroizing::default()),
        NATIVE => {
            let seed = seed.get(..20).unwrap_or(seed);
            let once = digest(&SHA1_FOR_LEGACY_USE_ONLY, password);
            let twice = digest(&SHA1_FOR_LEGACY_USE_ONLY, once.as_ref());
            let mixed = digest(&SHA1_FOR_LEGACY_USE_ONLY, &[seed, twice.as_ref()].concat());
            Some(xor(once.as_ref(), mixed.as_ref()))
        }
        CACHING => {
            let seed = seed.get(..20).unwrap_or(seed);
            let once = digest(&SHA256, password);
            let twice = digest(&SHA256, once.as_ref());
            let mixed = digest(&SHA256, &[twice.as_ref(), seed].concat());
            Some(xor(once.as_ref(), mixed.as_ref()))
        }
        CLEAR | "sha256_password" => Some(clear(password)),
        ED25519 => signature(password, seed),
        _ => None,
    }
}

/// The password as it is sent within TLS.
#[must_use]
pub fn clear(password: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut clear = Zeroizing::new(Vec::with_capacity(password.len() + 1));
    clear.extend_from_slice(password);
    clear.push(0);
    clear
}

/// Ed25519 with a secret key that is the digest of the whole password, however long.
fn signature(password: &[u8], seed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let seed = seed.get(..32)?;
    let expanded = digest(&SHA512, password);
    let key = ExpandedSecretKey::from_slice(expanded.as_ref()).ok()?;
    let public = VerifyingKey::from(&key);
    Some(Zeroizing::new(raw_sign::<Sha512>(&key, seed, &public).to_bytes().to_vec()))
}

fn xor(a: &[u8], b: &[u8]) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(a.iter().zip(b).map(|(a, b)| a ^ b).collect())
}
