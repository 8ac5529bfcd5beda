//! A 256-bit key and the three things done with one: AES-256-GCM, HKDF-SHA256, HMAC-SHA256.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::{hkdf, hmac};
use postern_domain::SecretBytes;

use crate::binding::Fields;
use crate::error::Error;
use crate::random::Entropy;

/// Bytes in a key.
pub(crate) const KEY_LEN: usize = 32;
/// Bytes in a nonce of AES-GCM.
pub(crate) const NONCE_LEN: usize = 12;
/// Bytes that AES-GCM adds.
pub(crate) const TAG_LEN: usize = 16;
/// Bytes in a key sealed under another.
pub(crate) const WRAPPED_LEN: usize = KEY_LEN + TAG_LEN;

/// A nonce.
pub(crate) type NonceBytes = [u8; NONCE_LEN];

/// A key of exactly 256 bits, wiped when dropped.
#[derive(Clone)]
pub(crate) struct Key(SecretBytes);

impl Key {
    /// A new random key.
    pub(crate) fn generate(entropy: &mut impl Entropy) -> Self {
        let mut bytes = vec![0; KEY_LEN];
        entropy.fill(&mut bytes);
        Self(SecretBytes::new(bytes))
    }

    /// From the bytes of a key; nothing when there are not 32.
    pub(crate) fn from_secret(bytes: SecretBytes) -> Option<Self> {
        (bytes.expose().len() == KEY_LEN).then_some(Self(bytes))
    }

    /// The key's bytes.
    pub(crate) fn expose(&self) -> &[u8] {
        self.0.expose()
    }

    /// The key that HKDF-SHA256 gives for this salt, input and label.
    pub(crate) fn derive(salt: &[u8], input: &[u8], label: &Fields) -> Result<Self, Error> {
        let mut bytes = vec![0; KEY_LEN];
        hkdf::Salt::new(hkdf::HKDF_SHA256, salt)
            .extract(input)
            .expand(&[label.as_ref()], hkdf::HKDF_SHA256)
            .and_then(|okm| okm.fill(&mut bytes))
            .map_err(|_| Error::Crypto)?;
        Ok(Self(SecretBytes::new(bytes)))
    }

    /// HMAC-SHA256 of `data`.
    pub(crate) fn mac(&self, data: &Fields) -> [u8; 32] {
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, self.expose()), data.as_ref());
        let mut out = [0; 32];
        out.iter_mut().zip(tag.as_ref()).for_each(|(to, from)| *to = *from);
        out
    }

    /// Whether `mac` is the one of `data`, in constant time.
    pub(crate) fn verify_mac(&self, data: &Fields, mac: &[u8; 32]) -> bool {
        hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, self.expose()), data.as_ref(), mac).is_ok()
    }

    /// `plain` sealed, with the tag appended. A nonce must not be used twice with one key.
    pub(crate) fn seal(&self, nonce: NonceBytes, aad: &Fields, plain: &SecretBytes) -> Result<Vec<u8>, Error> {
        // Room for the tag from the start, so that growing leaves no copy of the plaintext behind.
        let mut buffer = Vec::with_capacity(plain.expose().len() + TAG_LEN);
        buffer.extend_from_slice(plain.expose());
        self.cipher()?
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(aad.as_ref()), &mut buffer)
            .map_err(|_| Error::Crypto)?;
        Ok(buffer)
    }

    /// The inverse; nothing when anything at all differs.
    pub(crate) fn open(&self, nonce: NonceBytes, aad: &Fields, sealed: &[u8]) -> Option<SecretBytes> {
        let mut buffer = sealed.to_vec();
        let len = self
            .cipher()
            .ok()?
            .open_in_place(Nonce::assume_unique_for_key(nonce), Aad::from(aad.as_ref()), &mut buffer)
            .ok()?
            .len();
        buffer.truncate(len);
        Some(SecretBytes::new(buffer))
    }

    /// This key wrapped by `self`.
    pub(crate) fn wrap(&self, nonce: NonceBytes, aad: &Fields, key: &Self) -> Result<[u8; WRAPPED_LEN], Error> {
        self.seal(nonce, aad, &key.0)?.try_into().map_err(|_| Error::Crypto)
    }

    /// The inverse.
    pub(crate) fn unwrap(&self, nonce: NonceBytes, aad: &Fields, wrapped: &[u8; WRAPPED_LEN]) -> Option<Self> {
        Self::from_secret(self.open(nonce, aad, wrapped)?)
    }

    fn cipher(&self) -> Result<LessSafeKey, Error> {
        UnboundKey::new(&AES_256_GCM, self.expose()).map(LessSafeKey::new).map_err(|_| Error::Crypto)
    }
}
