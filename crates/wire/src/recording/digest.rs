//! Counting and digesting a stream that is too long to be recorded whole.

use aws_lc_rs::digest::{Context, SHA256};
use serde::Serialize;

use super::{Blake3, EXEC_OUTPUT_MAX, Sha256};

/// How long a stream was and what it hashes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct StreamSum {
    /// Bytes.
    pub bytes: u64,
    /// BLAKE3 of all of them.
    pub blake3: Blake3,
}

/// Counts and digests a command's stream as it passes. With BLAKE3, since a bulk transfer pays for
/// every byte: SHA-256 takes several times as long.
#[derive(Clone)]
pub struct StreamDigest {
    hasher: blake3::Hasher,
    bytes: u64,
    head_left: u64,
}

impl StreamDigest {
    /// Nothing has passed; the first `EXEC_OUTPUT_MAX` bytes are to be recorded.
    #[must_use]
    pub fn new() -> Self {
        Self::with_head(EXEC_OUTPUT_MAX)
    }

    /// Nothing has passed; the first `head` bytes are to be recorded.
    #[must_use]
    pub fn with_head(head: u64) -> Self {
        Self { hasher: blake3::Hasher::new(), bytes: 0, head_left: head }
    }

    /// Takes the next bytes of the stream; gives back those of them that are still to be recorded.
    pub fn update<'a>(&mut self, data: &'a [u8]) -> &'a [u8] {
        self.hasher.update(data);
        let len = u64::try_from(data.len()).unwrap_or(u64::MAX);
        self.bytes = self.bytes.saturating_add(len);
        let head = self.head_left.min(len);
        self.head_left -= head;
        usize::try_from(head).ok().and_then(|head| data.get(..head)).unwrap_or_default()
    }

    /// How many bytes have passed.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What has passed.
    #[must_use]
    pub fn finish(self) -> StreamSum {
        StreamSum { bytes: self.bytes, blake3: Blake3(*self.hasher.finalize().as_bytes()) }
    }
}

impl Default for StreamDigest {
    fn default() -> Self {
        Self::new()
    }
}

/// Digests a file's content as it passes, with SHA-256: people compare it with what `sha256sum` says
/// of the file.
#[derive(Clone)]
pub struct FileDigest(Context);

impl FileDigest {
    /// Nothing has passed.
    #[must_use]
    pub fn new() -> Self {
        Self(Context::new(&SHA256))
    }

    /// Takes the next bytes of the content.
    pub fn update(&mut self, data: &[u8]) {
        self.0.update(data);
    }

    /// What has passed.
    #[must_use]
    pub fn finish(self) -> Sha256 {
        Sha256::from_digest(self.0.finish().as_ref())
    }
}

impl Default for FileDigest {
    fn default() -> Self {
        Self::new()
    }
}
