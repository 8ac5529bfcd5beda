//! Counting and digesting a stream that is too long to be recorded whole.

use aws_lc_rs::digest::{Context, SHA256};
use serde::Serialize;

use super::{EXEC_OUTPUT_MAX, Sha256};

/// How long a stream was and what it hashes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct StreamSum {
    /// Bytes.
    pub bytes: u64,
    /// SHA-256 of all of them.
    pub sha256: Sha256,
}

/// Counts and digests a stream as it passes.
#[derive(Clone)]
pub struct StreamDigest {
    context: Context,
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
        Self { context: Context::new(&SHA256), bytes: 0, head_left: head }
    }

    /// Takes the next bytes of the stream; gives back those of them that are still to be recorded.
    pub fn update<'a>(&mut self, data: &'a [u8]) -> &'a [u8] {
        self.context.update(data);
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
        StreamSum { bytes: self.bytes, sha256: Sha256::from_digest(self.context.finish().as_ref()) }
    }
}

impl Default for StreamDigest {
    fn default() -> Self {
        Self::new()
    }
}
