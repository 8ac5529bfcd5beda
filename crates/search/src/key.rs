//! The key of an index: what makes its terms unreadable, and seals what it keeps of commands.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use zeroize::Zeroizing;

use crate::words::Field;

/// How many characters a term has in the index: 35 bits.
pub(crate) const TERM_LEN: usize = 7;
/// The digits that terms are written in.
const DIGITS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// The keys of one index, derived from the one that the vault keeps. Words lie in the index only as
/// what BLAKE3 makes of them with this key.
pub struct IndexKey {
    terms: Zeroizing<[u8; 32]>,
    notes: RandomizedNonceKey,
}

impl IndexKey {
    /// From the 32 random bytes that the vault keeps; `None` when they are not 32.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Option<Self> {
        if bytes.len() != 32 {
            return None;
        }
        let terms = Zeroizing::new(blake3::derive_key("postern search index 2026-11: terms", bytes));
        let notes = Zeroizing::new(blake3::derive_key("postern search index 2026-11: notes", bytes));
        Some(Self { terms, notes: RandomizedNonceKey::new(&AES_256_GCM, notes.as_slice()).ok()? })
    }

    /// The term of a word of a text, or of a form of a field's name. All are in lower case.
    pub(crate) fn term(&self, field: Option<Field>, word: &str) -> [u8; TERM_LEN] {
        let mut hasher = blake3::Hasher::new_keyed(&self.terms);
        hasher.update(&[field.map_or(0, tag)]).update(word.as_bytes());
        let mut bits = hasher.finalize().as_bytes().first_chunk::<8>().map_or(0, |bytes| u64::from_le_bytes(*bytes));
        let mut term = [0; TERM_LEN];
        for digit in &mut term {
            *digit = usize::try_from(bits % 32).ok().and_then(|at| DIGITS.get(at)).copied().unwrap_or(b'a');
            bits /= 32;
        }
        term
    }

    /// What tells whether an index was made with this key.
    pub(crate) fn check(&self) -> Vec<u8> {
        blake3::keyed_hash(&self.terms, b"\xFFcheck").as_bytes().get(..16).unwrap_or_default().to_vec()
    }

    /// Seals notes for the slice with this number.
    pub(crate) fn seal(&self, slice: i64, notes: &[u8]) -> Option<Vec<u8>> {
        let mut sealed = notes.to_vec();
        let nonce = self.notes.seal_in_place_append_tag(Aad::from(slice.to_be_bytes()), &mut sealed).ok()?;
        Some([nonce.as_ref().as_slice(), &sealed].concat())
    }

    /// Opens what was sealed for the same slice.
    pub(crate) fn open(&self, slice: i64, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, body) = sealed.split_at_checked(NONCE_LEN)?;
        let mut body = body.to_vec();
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let len = self.notes.open_in_place(nonce, Aad::from(slice.to_be_bytes()), &mut body).ok()?.len();
        body.truncate(len);
        Some(body)
    }
}

/// What sets the terms of a field apart from those of text.
const fn tag(field: Field) -> u8 {
    match field {
        Field::File => 1,
        Field::Command => 2,
        Field::Host => 3,
        Field::Table => 4,
        Field::Statement => 5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_and_notes_are_of_no_use_without_their_key() {
        let (one, other) = (IndexKey::new(&[1; 32]).unwrap(), IndexKey::new(&[2; 32]).unwrap());
        assert_eq!(one.term(None, "shadow"), one.term(None, "shadow"));
        assert_ne!(one.term(None, "shadow"), other.term(None, "shadow"));
        assert_ne!(one.term(None, "shadow"), one.term(Some(Field::File), "shadow"));
        let sealed = one.seal(7, b"cat /etc/shadow").unwrap();
        assert_eq!(one.open(7, &sealed).as_deref(), Some(b"cat /etc/shadow".as_slice()));
        assert!(other.open(7, &sealed).is_none() && one.open(8, &sealed).is_none());
    }
}
