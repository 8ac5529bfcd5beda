//! What is wrong with bytes of a peer.

/// Why bytes are not acceptable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The type is not in the allow-list, or not at this point.
    #[error("a message of type {:?} is not allowed here", char::from(*.0))]
    NotAllowed(u8),
    /// The message is longer than is read.
    #[error("{what} of {length} bytes: at most {max} are read")]
    TooLong {
        /// What it is.
        what: &'static str,
        /// How long it says it is.
        length: usize,
        /// How long it may be.
        max: usize,
    },
    /// The message is not what its type says.
    #[error("malformed {0}")]
    Malformed(&'static str),
    /// The server answered what nobody asked.
    #[error("an answer of type {:?} that nothing asked for", char::from(*.0))]
    Unasked(u8),
}
