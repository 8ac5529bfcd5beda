//! The one source of randomness: the cryptographic generator of aws-lc, seeded by the system.

use aws_lc_rs::rand;
use postern_domain::SecretBytes;

/// `N` random bytes, for identifiers, nonces and the like.
///
/// Without randomness nothing that follows would be safe, and no caller could do better: the
/// process ends when the generator fails.
#[must_use]
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut out = [0; N];
    fill(&mut out);
    out
}

/// `len` random bytes that are a secret.
#[must_use]
pub fn secret(len: usize) -> SecretBytes {
    let mut out = vec![0; len];
    fill(&mut out);
    SecretBytes::new(out)
}

fn fill(out: &mut [u8]) {
    if rand::fill(out).is_err() {
        std::process::abort();
    }
}

/// Where the crate's own code draws from, so that test vectors can be made reproducible.
/// It is not public: outside tests there is [`System`] only.
pub(crate) trait Entropy {
    /// Fills `out`.
    fn fill(&mut self, out: &mut [u8]);

    /// `N` bytes.
    fn array<const N: usize>(&mut self) -> [u8; N]
    where
        Self: Sized,
    {
        let mut out = [0; N];
        self.fill(&mut out);
        out
    }
}

/// The system's generator.
pub(crate) struct System;

impl Entropy for System {
    fn fill(&mut self, out: &mut [u8]) {
        fill(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_draws_differ() {
        assert_ne!(bytes::<32>(), bytes::<32>());
        assert_ne!(secret(32).expose(), secret(32).expose());
        assert_eq!(secret(7).expose().len(), 7);
    }
}
