//! One-time codes of RFC 6238 as authenticator apps make them: HMAC-SHA-1, six digits, 30 seconds.

use aws_lc_rs::hmac;
use postern_domain::{SecretBytes, SecretText, Timestamp};
use subtle::{Choice, ConditionallySelectable as _, ConstantTimeEq as _};

use crate::base32::{self, RFC4648};
use crate::random;

/// Bytes in a new secret: 160 bits, the length of the hash.
const SECRET_LEN: usize = 20;
const STEP_MILLIS: u64 = 30_000;
const DIGITS: usize = 6;
const MODULUS: u32 = 1_000_000;
/// The longest code looked at: six digits and a few blanks.
const TYPED_LEN_MAX: usize = 16;

/// Why a code does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TotpError {
    /// It is not six digits.
    #[error("a one-time code has six digits")]
    Malformed,
    /// It is not the code of now, of 30 seconds ago, or of 30 seconds ahead.
    #[error("the one-time code is wrong or expired")]
    Wrong,
    /// It was used before, or is older than one that was.
    #[error("the one-time code was used already; wait for the next one")]
    Replayed,
}

/// A new secret, to be sealed and shown once.
#[must_use]
pub fn generate() -> SecretBytes {
    random::secret(SECRET_LEN)
}

/// The secret as people type it into an app that cannot scan.
#[must_use]
pub fn to_base32(secret: &SecretBytes) -> SecretText {
    SecretText::new(std::mem::take(&mut *base32::encode(RFC4648, secret.expose())))
}

/// The `otpauth://` URI that apps scan. `issuer` and `account` are shown to the person.
#[must_use]
pub fn uri(secret: &SecretBytes, issuer: &str, account: &str) -> SecretText {
    let base32 = base32::encode(RFC4648, secret.expose());
    let (issuer, account) = (escape(issuer), escape(account));
    let parts = [
        "otpauth://totp/",
        &issuer,
        ":",
        &account,
        "?secret=",
        base32.as_str(),
        "&issuer=",
        &issuer,
        "&algorithm=SHA1&digits=6&period=30",
    ];
    // One allocation of the right size (`concat` sums the lengths first): no copy is left behind.
    SecretText::new(parts.concat())
}

/// The step that `now` falls in.
#[must_use]
pub fn step_at(now: Timestamp) -> u64 {
    u64::try_from(now.as_millis()).unwrap_or(0) / STEP_MILLIS
}

/// Checks a code as typed, blanks allowed, against the step of `now` and its two neighbours.
///
/// Returns the code's step, which the caller stores as the last one used, in the same transaction
/// and on condition that the stored one is still lower: then no code counts twice.
pub fn verify(secret: &SecretBytes, code: &str, now: Timestamp, last_used_step: Option<u64>) -> Result<u64, TotpError> {
    let typed = parse(code).ok_or(TotpError::Malformed)?;
    let current = step_at(now);
    let mut matched = Choice::from(0);
    let mut step = 0_u64;
    // Every candidate is computed and compared, whichever one matches; the latest match counts.
    for candidate in [current.saturating_sub(1), current, current.saturating_add(1)] {
        let same = code_at(secret, candidate).to_be_bytes().ct_eq(&typed.to_be_bytes());
        step.conditional_assign(&candidate, same);
        matched |= same;
    }
    if !bool::from(matched) {
        return Err(TotpError::Wrong);
    }
    if last_used_step.is_some_and(|last| step <= last) {
        return Err(TotpError::Replayed);
    }
    Ok(step)
}

/// The code of a step: RFC 4226's truncation of the step's HMAC.
fn code_at(secret: &SecretBytes, step: u64) -> u32 {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret.expose());
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let bytes = tag.as_ref();
    let offset = usize::from(bytes.last().copied().unwrap_or(0) & 0x0F);
    let word = bytes.get(offset..).and_then(|rest| rest.first_chunk()).copied().unwrap_or([0; 4]);
    (u32::from_be_bytes(word) & 0x7FFF_FFFF) % MODULUS
}

fn parse(code: &str) -> Option<u32> {
    if code.len() > TYPED_LEN_MAX {
        return None;
    }
    let mut value = 0_u32;
    let mut digits = 0;
    for byte in code.bytes().filter(|byte| *byte != b' ') {
        value = value * 10 + u32::from(byte.checked_sub(b'0').filter(|digit| *digit < 10)?);
        digits += 1;
        if digits > DIGITS {
            return None;
        }
    }
    (digits == DIGITS).then_some(value)
}

/// Percent-encodes everything but unreserved characters.
fn escape(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests;
