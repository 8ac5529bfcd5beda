//! Opaque bearer tokens: 256 random bits behind a prefix that says what they are for, and a checksum
//! that tells a token from a typo, and lets scanners recognise one that leaked.
//!
//! `pst_api_` + 52 characters of value + 6 of checksum, in Crockford's base32. Only the SHA-256 of
//! the whole text is stored. A token of one purpose is not a token of another, anywhere.

use std::fmt;

use aws_lc_rs::digest;
use postern_domain::SecretText;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::base32::{self, CROCKFORD};
use crate::binding::Fields;
use crate::random;

const VALUE_BYTES: usize = 32;
const VALUE_LEN: usize = 52;
const CHECK_LEN: usize = 6;

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// A signed-in console or CLI.
    Login,
    /// A person's or workload's token for the API.
    Api,
    /// A one-time link: set-up, enrolment.
    Link,
    /// A one-time link that confirms a second factor in the browser.
    Confirm,
    /// What stands for a password where a client signs in to a gateway.
    Connect,
}

impl Purpose {
    /// Every purpose.
    pub const ALL: [Self; 5] = [Self::Login, Self::Api, Self::Link, Self::Confirm, Self::Connect];

    /// What its tokens begin with.
    #[must_use]
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Login => "pst_login_",
            Self::Api => "pst_api_",
            Self::Link => "pst_link_",
            Self::Confirm => "pst_confirm_",
            Self::Connect => "pst_connect_",
        }
    }
}

/// Why a text is not a token of the wanted purpose. Carries nothing of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It has no known prefix.
    #[error("not a token")]
    NotAToken,
    /// It is a token of another purpose.
    #[error("a token that begins with {} is not accepted here", .0.prefix())]
    OtherPurpose(Purpose),
    /// Its length, alphabet or checksum is wrong.
    #[error("the token is mistyped or cut off")]
    Mistyped,
}

/// A new token: what its holder gets and what is stored.
pub struct NewToken {
    /// The token, shown once.
    pub text: SecretText,
    /// What is stored of it.
    pub hash: TokenHash,
}

/// What is stored of a token, and what it is looked up by. Equality takes constant time.
#[derive(Clone, Copy, Debug, Eq)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// From storage.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// For storage.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl PartialEq for TokenHash {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl fmt::Display for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A new token.
#[must_use]
pub fn generate(purpose: Purpose) -> NewToken {
    let random = Zeroizing::new(random::bytes::<VALUE_BYTES>());
    let value = base32::encode(CROCKFORD, random.as_slice());
    let check = checksum(purpose, &value);
    let mut text = String::with_capacity(purpose.prefix().len() + VALUE_LEN + CHECK_LEN);
    text.push_str(purpose.prefix());
    text.push_str(&value);
    text.push_str(&check);
    NewToken { hash: hash(&text), text: SecretText::new(text) }
}

/// Reads a token that must be of `purpose`, and gives what to look it up by.
pub fn parse(purpose: Purpose, text: &SecretText) -> Result<TokenHash, TokenError> {
    let text = text.expose();
    let (actual, rest) = Purpose::ALL
        .into_iter()
        .find_map(|known| text.strip_prefix(known.prefix()).map(|rest| (known, rest)))
        .ok_or(TokenError::NotAToken)?;
    if actual != purpose {
        return Err(TokenError::OtherPurpose(actual));
    }
    let sound = rest.len() == VALUE_LEN + CHECK_LEN
        && rest.split_at_checked(VALUE_LEN).is_some_and(|(value, check)| {
            base32::decode(CROCKFORD, value).is_some_and(|bytes| bytes.len() == VALUE_BYTES)
                && checksum(purpose, value) == check
        });
    if sound { Ok(hash(text)) } else { Err(TokenError::Mistyped) }
}

fn hash(text: &str) -> TokenHash {
    let digest = digest::digest(&digest::SHA256, text.as_bytes());
    TokenHash(digest.as_ref().first_chunk().copied().unwrap_or_default())
}

/// 30 bits of SHA-256, which say nothing useful about 256 random ones.
fn checksum(purpose: Purpose, value: &str) -> String {
    let data = Fields::new("postern token v1").bytes(purpose.prefix().as_bytes()).bytes(value.as_bytes());
    let hash = digest::digest(&digest::SHA256, data.as_ref());
    let mut text = base32::encode(CROCKFORD, hash.as_ref().get(..4).unwrap_or_default()).to_string();
    text.truncate(CHECK_LEN);
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_token_is_accepted_for_its_purpose_only() {
        for made in Purpose::ALL {
            let token = generate(made);
            for wanted in Purpose::ALL {
                let expected = if wanted == made { Ok(token.hash) } else { Err(TokenError::OtherPurpose(made)) };
                assert_eq!(parse(wanted, &token.text), expected);
            }
        }
    }

    #[test]
    fn a_prefix_exchanged_does_not_make_another_token() {
        let token = generate(Purpose::Login);
        let forged = token.text.expose().replace("pst_login_", "pst_api_");
        assert_eq!(parse(Purpose::Api, &SecretText::new(forged)), Err(TokenError::Mistyped));
    }

    #[test]
    fn the_stored_form_survives_storage_and_is_not_the_token() {
        let token = generate(Purpose::Api);
        assert_eq!(TokenHash::from_bytes(*token.hash.as_bytes()), token.hash);
        assert_eq!(token.hash.to_string().len(), 64);
        assert_eq!(token.text.expose().len(), "pst_api_".len() + 58);
        assert_ne!(token.hash, generate(Purpose::Api).hash);
    }

    #[test]
    fn what_is_no_token_is_refused() {
        for text in ["", "pst_", "pst_api", "Bearer x", "pst_APi_00"] {
            assert_eq!(parse(Purpose::Api, &SecretText::new(text.to_owned())), Err(TokenError::NotAToken), "{text}");
        }
        for text in ["pst_api_", "pst_api_0", &format!("pst_api_{}", "é".repeat(29))] {
            assert_eq!(parse(Purpose::Api, &SecretText::new(text.to_owned())), Err(TokenError::Mistyped), "{text}");
        }
    }

    proptest! {
        #[test]
        fn one_wrong_character_is_noticed(at in 8_usize..66, to in 0_usize..32) {
            let token = generate(Purpose::Api);
            let mut bytes = token.text.expose().as_bytes().to_vec();
            prop_assume!(bytes[at] != CROCKFORD[to]);
            bytes[at] = CROCKFORD[to];
            let typed = SecretText::new(String::from_utf8(bytes).unwrap());
            prop_assert_eq!(parse(Purpose::Api, &typed), Err(TokenError::Mistyped));
        }

        #[test]
        fn nothing_panics(text in "(pst_api_)?\\PC{0,80}") {
            let _ = parse(Purpose::Api, &SecretText::new(text));
        }
    }
}
