//! What can go wrong, by what the caller can do about it. No variant carries a secret.

/// Why the vault gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The keys are not in memory; unseal first.
    #[error("the vault is sealed")]
    Sealed,
    /// The bytes are not what they were taken for.
    #[error("{0} is malformed")]
    Malformed(&'static str),
    /// The bytes come from a later version.
    #[error("{what} has version {version}, which this version cannot read")]
    Unsupported {
        /// Which document or format.
        what: &'static str,
        /// The version that it claims.
        version: u32,
    },
    /// The passphrase, key file or shares are not the right ones.
    #[error("the {0} does not open this vault")]
    WrongKey(&'static str),
    /// The vault is not sealed to a recipient of this kind.
    #[error("the vault is not sealed to a {0}")]
    NoSuchRecipient(&'static str),
    /// The envelope was altered, or belongs to another record, or was made for another use.
    #[error("the envelope does not open: it was altered or belongs to another record")]
    Refused,
    /// The key ring was altered or belongs to another root key.
    #[error("the key ring does not belong to this root key")]
    ForeignKeyRing,
    /// The key ring is older than the one in use.
    #[error("the key ring is older than the one in use")]
    StaleKeyRing,
    /// The envelope was sealed under a key that the ring no longer, or not yet, holds.
    #[error("key {0} is not in the key ring")]
    UnknownKek(u32),
    /// The newest key is the one that seals; rotate before retiring it.
    #[error("key {0} is the current one and cannot be retired")]
    CurrentKek(u32),
    /// The ring holds as many keys as it can; retire some.
    #[error("the key ring is full")]
    KeyRingFull,
    /// The documents or handles belong to different vaults.
    #[error("this belongs to another vault")]
    OtherVault,
    /// The secret is longer than an envelope may hold.
    #[error("the secret is too long")]
    TooLong,
    /// What was chosen is too weak to protect the root key; the text says what is wanted.
    #[error("{0}")]
    Weak(&'static str),
    /// A recovery share could not be used.
    #[error(transparent)]
    Share(#[from] ShareError),
    /// The key file could not be read or written; the text says why and never what is in it.
    #[error("key file {path}: {cause}")]
    KeyFile {
        /// Where it is.
        path: String,
        /// What is wrong, and what would be accepted.
        cause: String,
    },
    /// A primitive failed, which leaves nothing to do but to stop.
    #[error("the cryptographic library failed")]
    Crypto,
}

/// Which recovery share could not be used, and why. `position` counts the shares as given, from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ShareError {
    /// The checksum or the form is wrong.
    #[error("share {position} as given is mistyped{}", claims(*.index))]
    Mistyped {
        /// Which of the shares given.
        position: usize,
        /// The number that it bears, when legible.
        index: Option<u8>,
    },
    /// It was made for another vault.
    #[error("share {position} as given belongs to another vault")]
    OtherVault {
        /// Which of the shares given.
        position: usize,
    },
    /// It was made in another round than the first one given.
    #[error("share {position} as given is from another set than the first one")]
    OtherSet {
        /// Which of the shares given.
        position: usize,
    },
    /// The same share was given before.
    #[error("share {position} as given repeats share number {index}")]
    Repeated {
        /// Which of the shares given.
        position: usize,
        /// The number that it bears.
        index: u8,
    },
    /// More are needed.
    #[error("{given} of {needed} shares were given")]
    NotEnough {
        /// How many were given.
        given: usize,
        /// How many are needed.
        needed: usize,
    },
}

fn claims(index: Option<u8>) -> String {
    index.map_or_else(String::new, |index| format!(" (it says that it is number {index})"))
}
