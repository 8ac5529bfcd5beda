//! What a generated secret looks like, platform by platform.

use crate::secret::SecretText;

/// Rules for passwords. Every platform's rules leave at least 100 bits of choice at their length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordRules {
    /// How many characters, all of ASCII.
    pub length: usize,
    /// Sets of characters; of each at least one is used. No character is in two of them.
    pub classes: &'static [&'static str],
    /// Characters that the platform or its clients cannot take, though they are in a class.
    pub forbidden: &'static str,
}

/// How a kind of secret is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretRules {
    /// A password by these rules.
    Password(PasswordRules),
    /// An Ed25519 key pair in OpenSSH's form.
    Ed25519,
    /// An RSA key pair of this many bits, for what does not know Ed25519.
    Rsa {
        /// Bits of the modulus.
        bits: usize,
    },
}

/// `a` to `z`.
pub const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
/// `A` to `Z`.
pub const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
/// `0` to `9`.
pub const DIGITS: &str = "0123456789";
/// Punctuation that no shell, URL, quoting or configuration file gives a meaning to in the places
/// where passwords are put.
pub const SYMBOLS: &str = "-_.+=~";

impl PasswordRules {
    /// Letters, digits and harmless symbols.
    #[must_use]
    pub const fn common(length: usize) -> Self {
        Self { length, classes: &[LOWER, UPPER, DIGITS, SYMBOLS], forbidden: "" }
    }

    fn allowed(&self, class: &str) -> Vec<u8> {
        class.bytes().filter(|byte| byte.is_ascii_graphic() && !self.forbidden.as_bytes().contains(byte)).collect()
    }

    /// A password; `random` must be a cryptographic source of bytes. It begins with a letter or digit
    /// where there is one, since what begins with a symbol is taken for an option or a comment too often.
    #[must_use]
    pub fn generate(&self, mut random: impl FnMut() -> u8) -> SecretText {
        let classes: Vec<_> = self.classes.iter().map(|class| self.allowed(class)).filter(|c| !c.is_empty()).collect();
        let all: Vec<u8> = classes.concat();
        let mut text = zeroize::Zeroizing::new(Vec::with_capacity(self.length));
        // The rejected ones are as likely as any, so that what is left is uniform over the acceptable.
        loop {
            text.clear();
            for _ in 0..self.length {
                text.push(pick(&all, &mut random));
            }
            let complete = classes.iter().all(|class| text.iter().any(|byte| class.contains(byte)));
            let first =
                text.first().is_none_or(u8::is_ascii_alphanumeric) || !all.iter().any(u8::is_ascii_alphanumeric);
            if (complete && first) || self.length < classes.len() || all.is_empty() {
                break;
            }
        }
        SecretText::new(text.iter().copied().map(char::from).collect())
    }

    /// Whether a password that somebody chose keeps to the rules; not whether it is a good one.
    ///
    /// # Errors
    /// What would be accepted.
    pub fn accept(&self, password: &SecretText) -> Result<(), String> {
        let text = password.expose();
        if text.is_empty() || text.len() > 512 {
            return Err("use 1 to 512 characters".to_owned());
        }
        if text.chars().any(char::is_control) {
            return Err("leave out line ends and other control characters".to_owned());
        }
        if text.chars().any(|c| self.forbidden.contains(c)) {
            return Err(format!("leave out these characters: {}", self.forbidden));
        }
        Ok(())
    }
}

/// One of `all`, each equally likely.
fn pick(all: &[u8], random: &mut impl FnMut() -> u8) -> u8 {
    let len = all.len().clamp(1, 256);
    let limit = 256 - 256 % len;
    loop {
        let byte = usize::from(random());
        if byte < limit {
            return all.get(byte % len).copied().unwrap_or(b'0');
        }
    }
}

#[cfg(test)]
mod tests;
