//! What can be wrong with a recording, and who is at fault.

/// Why bytes are not (or cannot become) a recording.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes do not begin as a recording does.
    #[error("this is not a recording")]
    NotARecording,
    /// A later version of the format.
    #[error("recordings of version {0} are not supported")]
    Unsupported(u8),
    /// Something ends before it is whole.
    #[error("the {0} ends early")]
    Truncated(&'static str),
    /// Something exceeds its limit.
    #[error("the {0} is too large")]
    TooLarge(&'static str),
    /// Something breaks the format.
    #[error("the {0} is malformed")]
    Malformed(&'static str),
    /// The data key is not 32 bytes.
    #[error("a data key has 32 bytes")]
    KeyLength,
    /// The cipher or the compressor refused to work.
    #[error("the {0} failed")]
    Failed(&'static str),
}
