//! What can go wrong with an index.

/// Why the index did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The index file cannot be read or written.
    #[error("the search index failed: {0}")]
    Database(#[from] sqlx::Error),
    /// The index file could not be made anew.
    #[error("the search index cannot be made: {0}")]
    Io(#[from] std::io::Error),
    /// What is to be sealed could not be.
    #[error("the search index cannot seal what it keeps")]
    Sealing,
}
