//! People's passwords: argon2id in PHC strings.
//!
//! Each call takes tens of milliseconds and 19 MiB on purpose: run it where blocking is allowed, and
//! bound how many run at once. Passwords are compared byte for byte.

use argon2::{Algorithm, Argon2, Params, PasswordHash, PasswordHasher as _, PasswordVerifier as _, Version};
use postern_domain::SecretText;

use crate::error::Error;
use crate::random;

/// The longest password, in bytes.
pub const PASSWORD_LEN_MAX: usize = 1024;

const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// Stored hashes that would cost more than this are not computed.
const MEMORY_KIB_MAX: u32 = 256 * 1024;
const PASSES_MAX: u32 = 10;
const LANES_MAX: u32 = 8;

/// Nobody's hash, with the parameters of new ones. What is computed against it never matches.
const DUMMY: &str = "$argon2id$v=19$m=19456,t=2,p=1$cG9zdGVybi1ub2JvZHk$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// The PHC string to store for a new password.
pub fn hash(password: &SecretText) -> Result<String, Error> {
    if password.expose().len() > PASSWORD_LEN_MAX {
        return Err(Error::TooLong);
    }
    hasher()?
        .hash_password_with_salt(password.expose().as_bytes(), &random::bytes::<16>())
        .map(|hash| hash.to_string())
        .map_err(|_| Error::Crypto)
}

/// Whether `password` is the one that `stored` was made from. With nothing stored, or something that
/// is no hash, the answer is no and takes as long as any other.
#[must_use]
pub fn verify_or_dummy(stored: Option<&str>, password: &SecretText) -> bool {
    let known = stored.and_then(parse).filter(|_| password.expose().len() <= PASSWORD_LEN_MAX);
    let exists = known.is_some();
    let Some(hash) = known.or_else(|| parse(DUMMY)) else {
        return false;
    };
    // Cut for the dummy's sake only: a longer one never matches, and must not cost more either.
    let bytes = password.expose().as_bytes();
    let bytes = bytes.get(..PASSWORD_LEN_MAX).unwrap_or(bytes);
    let matches = Argon2::default().verify_password(bytes, &hash).is_ok();
    matches & exists
}

/// Whether `stored` was made with weaker parameters than new hashes are, and should be made anew at
/// the next sign-in.
#[must_use]
pub fn needs_rehash(stored: &str) -> bool {
    parse(stored)
        .and_then(|hash| Params::try_from(&hash).ok())
        .is_none_or(|params| params.m_cost() < MEMORY_KIB || params.t_cost() < PASSES)
}

fn hasher() -> Result<Argon2<'static>, Error> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|_| Error::Crypto)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// A stored hash, when it is argon2id and affordable.
fn parse(stored: &str) -> Option<PasswordHash> {
    let hash = PasswordHash::new(stored).ok()?;
    let params = Params::try_from(&hash).ok()?;
    let affordable = params.m_cost() <= MEMORY_KIB_MAX && params.t_cost() <= PASSES_MAX && params.p_cost() <= LANES_MAX;
    (affordable && hash.algorithm.as_str() == Algorithm::Argon2id.as_str() && hash.hash.is_some()).then_some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> SecretText {
        SecretText::new(text.to_owned())
    }

    #[test]
    fn the_right_password_matches_and_no_other() {
        let stored = hash(&text("correct horse battery staple")).unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert!(verify_or_dummy(Some(&stored), &text("correct horse battery staple")));
        assert!(!verify_or_dummy(Some(&stored), &text("correct horse battery stapl")));
        assert!(!verify_or_dummy(Some(&stored), &text("")));
        assert_ne!(stored, hash(&text("correct horse battery staple")).unwrap());
        assert!(!needs_rehash(&stored));
    }

    #[test]
    fn nobody_has_no_password() {
        assert!(!verify_or_dummy(None, &text("")));
        assert!(!verify_or_dummy(None, &text("anything")));
        for stored in ["", "x", DUMMY, "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ", "!locked"] {
            assert!(!verify_or_dummy(Some(stored), &text("anything")), "{stored}");
        }
    }

    #[test]
    fn the_dummy_costs_what_a_new_hash_costs() {
        let dummy = parse(DUMMY).unwrap();
        let new = hash(&text("x")).unwrap();
        let new = parse(&new).unwrap();
        assert_eq!(dummy.params, new.params);
        assert_eq!(dummy.version, new.version);
        assert_eq!(dummy.hash.unwrap().len(), new.hash.unwrap().len());
    }

    #[test]
    fn a_hash_of_the_reference_implementation_verifies() {
        let stored = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        assert!(verify_or_dummy(Some(stored), &text("password")));
        assert!(!verify_or_dummy(Some(stored), &text("Password")));
    }

    #[test]
    fn another_variant_of_argon2_is_not_accepted() {
        let stored = "$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA";
        assert!(!verify_or_dummy(Some(stored), &text("password")));
    }

    #[test]
    fn hashes_that_would_exhaust_memory_are_not_computed() {
        let stored = "$argon2id$v=19$m=4194304,t=2,p=1$c2FsdHNhbHRzYWx0$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        assert!(parse(stored).is_none());
        assert!(!verify_or_dummy(Some(stored), &text("x")));
    }

    #[test]
    fn weaker_hashes_ask_to_be_made_anew() {
        assert!(needs_rehash(
            "$argon2id$v=19$m=4096,t=2,p=1$c2FsdHNhbHRzYWx0$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
        ));
        assert!(needs_rehash("not a hash"));
    }

    #[test]
    fn a_password_beyond_the_limit_is_refused() {
        let long = text(&"x".repeat(PASSWORD_LEN_MAX + 1));
        assert_eq!(hash(&long), Err(Error::TooLong));
        let stored = hash(&text(&"x".repeat(PASSWORD_LEN_MAX))).unwrap();
        assert!(!verify_or_dummy(Some(&stored), &long));
    }
}
