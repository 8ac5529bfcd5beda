//! Session recordings: what is in them, how they lie on disk, and what they can be turned into.
//!
//! A recording is a header and a row of chunks. Every chunk holds frames, compressed and then sealed
//! with the recording's own data key; every chunk is bound to all that came before it by a hash chain.
//! Whoever has the key can read the frames up to the last chunk that is whole; whoever has not can
//! still compute the digest that the ledger holds. `docs/reference/recording-format.md` describes the
//! bytes.
//!
//! Nothing here does I/O, reads a clock or draws random numbers.

mod cast;
mod codec;
mod digest;
mod error;
mod export;
mod frame;
mod header;
mod lines;
mod pieces;
mod reader;
mod statement;
mod text;
mod utf8;
mod writer;

#[cfg(test)]
mod tests;

pub use cast::CastWriter;
pub use digest::{FileDigest, StreamDigest, StreamSum};
pub use error::Error;
pub use export::{TerminalPick, json_line};
pub use frame::{Blake3, ExitStatus, ForwardKind, ForwardPhase, Frame, FrameKind, Frames, Sha256};
pub use header::{DataKey, Header};
pub use lines::{Line, LineReader, Mark, MarkFinder, MarkKind};
pub use pieces::{Chain, ChainDigest, digest_of};
pub use reader::{Chunk, ChunkReader, Position, Summary, Verdict};
pub use statement::{
    PARAMETER_VALUE_MAX, PARAMETERS_LEN_MAX, Parameter, STATEMENT_TEXT_MAX, Statement, StatementEnd, StatementOutcome,
    StatementRow, StatementText, TransactionState,
};
pub use text::TextWriter;
pub use writer::{Batch, ChunkWriter, Encoded, Packer};

/// The longest encoded frame, without its length field.
pub const FRAME_LEN_MAX: usize = 256 * 1024;
/// The most frames' bytes that one chunk holds before compression.
pub const CHUNK_PLAIN_LEN_MAX: usize = 1024 * 1024;
/// The longest chunk on disk, all of it.
pub const CHUNK_LEN_MAX: usize = pieces::HEAD_LEN + CHUNK_PLAIN_LEN_MAX + pieces::TAG_LEN;
/// The longest sealed data key in a header.
pub const SEALED_KEY_LEN_MAX: usize = 4096;
/// The longest session id in a header.
pub const SESSION_LEN_MAX: usize = 64;
/// The most capabilities that a `Start` frame names.
pub const CAPABILITIES_MAX: usize = 64;
/// The most bytes of one `Output`, `ErrorOutput` or `Input` frame that writers make.
pub const DATA_LEN_MAX: usize = 32 * 1024;
/// How many bytes of each stream of an exec are recorded; the rest is counted and digested.
pub const EXEC_OUTPUT_MAX: u64 = 1024 * 1024;
