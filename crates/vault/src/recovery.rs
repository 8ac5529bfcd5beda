//! One-time recovery codes: ten per person, shown once, for when the authenticator is lost.
//!
//! A code has 80 random bits, so that its plain SHA-256 gives nothing away.

use aws_lc_rs::digest;
use postern_domain::SecretText;
use subtle::{ConditionallySelectable as _, ConstantTimeEq as _};
use zeroize::Zeroizing;

use crate::base32::{self, CROCKFORD};
use crate::binding::Fields;
use crate::random;

/// How many codes a person has.
pub const CODE_COUNT: usize = 10;
const CODE_BYTES: usize = 10;
const CODE_LEN: usize = 16;
/// The longest text looked at.
const TYPED_LEN_MAX: usize = 64;

/// A new code: what the person keeps and what is stored.
pub struct RecoveryCode {
    /// `xxxx-xxxx-xxxx-xxxx`, shown once.
    pub text: SecretText,
    /// What is stored of it.
    pub hash: CodeHash,
}

/// What is stored of a code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeHash(pub [u8; 32]);

/// Ten new codes.
#[must_use]
pub fn generate() -> Vec<RecoveryCode> {
    (0..CODE_COUNT).map(|_| new_code()).collect()
}

/// Which of the stored codes was typed, if any; the caller removes it in the same transaction.
/// Takes the same time wherever the match is. Case, blanks and hyphens do not matter.
#[must_use]
pub fn find(stored: &[CodeHash], typed: &SecretText) -> Option<usize> {
    if typed.expose().len() > TYPED_LEN_MAX {
        return None;
    }
    let bare = base32::fold(typed.expose());
    if bare.len() != CODE_LEN || base32::decode(CROCKFORD, &bare).is_none() {
        return None;
    }
    let wanted = hash(&bare);
    let mut found = 0_u64;
    for (number, known) in (1_u64..).zip(stored) {
        found.conditional_assign(&number, known.0.ct_eq(&wanted.0));
    }
    usize::try_from(found).ok()?.checked_sub(1)
}

fn new_code() -> RecoveryCode {
    let random = Zeroizing::new(random::bytes::<CODE_BYTES>());
    let bare = base32::encode(CROCKFORD, random.as_slice());
    let mut text = String::with_capacity(CODE_LEN + 3);
    for (at, c) in bare.char_indices() {
        if at > 0 && at % 4 == 0 {
            text.push('-');
        }
        text.push(c);
    }
    RecoveryCode { hash: hash(&bare), text: SecretText::new(text) }
}

fn hash(bare: &str) -> CodeHash {
    let data = Fields::new("postern recovery code v1").bytes(bare.as_bytes());
    let digest = digest::digest(&digest::SHA256, data.as_ref());
    CodeHash(digest.as_ref().first_chunk().copied().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hashes(codes: &[RecoveryCode]) -> Vec<CodeHash> {
        codes.iter().map(|code| code.hash.clone()).collect()
    }

    #[test]
    fn each_of_ten_is_found_where_it_is() {
        let codes = generate();
        let stored = hashes(&codes);
        assert_eq!(codes.len(), 10);
        for (at, code) in codes.iter().enumerate() {
            assert_eq!(find(&stored, &code.text), Some(at));
        }
    }

    #[test]
    fn however_it_is_typed() {
        let codes = generate();
        let typed = codes[3].text.expose().to_uppercase().replace('-', " ").replace('0', "O").replace('1', "I");
        assert_eq!(find(&hashes(&codes), &SecretText::new(format!(" {typed}\n"))), Some(3));
    }

    #[test]
    fn a_used_code_is_gone() {
        let codes = generate();
        let mut stored = hashes(&codes);
        stored.remove(4);
        assert_eq!(find(&stored, &codes[4].text), None);
        assert_eq!(find(&[], &codes[4].text), None);
    }

    #[test]
    fn codes_look_like_codes() {
        for code in generate() {
            assert_eq!(code.text.expose().len(), 19);
            assert_eq!(code.text.expose().split('-').count(), 4);
        }
    }

    proptest! {
        #[test]
        fn nothing_else_is_found_and_nothing_panics(typed in "\\PC{0,80}") {
            prop_assert_eq!(find(&hashes(&generate()), &SecretText::new(typed)), None);
        }
    }
}
