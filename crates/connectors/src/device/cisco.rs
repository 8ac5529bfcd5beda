//! Cisco's type 8 hash: PBKDF2 with HMAC-SHA-256, 20,000 rounds, a salt of 14 characters.

use std::num::NonZeroU32;

use aws_lc_rs::pbkdf2::{PBKDF2_HMAC_SHA256, derive};
use aws_lc_rs::rand;

use crate::outcome::{Cause, Failure};

const ALPHABET: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const SALT_LEN: usize = 14;
const ROUNDS: NonZeroU32 = match NonZeroU32::new(20_000) {
    Some(rounds) => rounds,
    None => NonZeroU32::MIN,
};

/// The hash of a password, as it stands behind `secret 8`.
pub(super) fn type8(password: &str) -> Result<String, Failure> {
    let mut random = [0; SALT_LEN];
    rand::fill(&mut random).map_err(|_| Failure::new(Cause::Protocol, "there is no randomness"))?;
    let salt: String = random.iter().map(|byte| letter(usize::from(*byte))).collect();
    Ok(type8_with(password, &salt))
}

fn type8_with(password: &str, salt: &str) -> String {
    let mut key = [0; 32];
    derive(PBKDF2_HMAC_SHA256, ROUNDS, salt.as_bytes(), password.as_bytes(), &mut key);
    let mut hash = String::new();
    for chunk in key.chunks(3) {
        let bits = chunk.iter().fold(0_usize, |bits, byte| (bits << 8) | usize::from(*byte)) << (8 * (3 - chunk.len()));
        hash.extend((0..=chunk.len()).map(|index| letter(bits >> (18 - 6 * index))));
    }
    format!("$8${salt}${hash}")
}

fn letter(bits: usize) -> char {
    char::from(ALPHABET.get(bits % 64).copied().unwrap_or(b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example that password testers publish for this format.
    #[test]
    fn a_known_hash_is_reproduced() {
        let known = "$8$TnGX/fE4KGHOVU$pEhnEvxrvaynpi8j4f.EMHr6M.FzU8xnZnBr/tJdFWk";
        assert_eq!(type8_with("hashcat", "TnGX/fE4KGHOVU"), known);
    }
}
