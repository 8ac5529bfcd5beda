//! What was done in a session, told from the frames of its recording.
//!
//! [`Understanding`] takes frames as they come, live or from a file, and gives deeds: the commands as
//! they were executed, files that were moved, connections that were forwarded, statements. Commands of
//! a terminal are read off the screen that the person saw, which a terminal emulator draws from the
//! output: history, completion, editing and paste come out as the shell had them in the end, and what was
//! typed without being shown, a password for one, is never seen.
//!
//! Secrets are masked before anything leaves: see [`mask`]. Memory is bounded whatever the bytes are.
//! Nothing here does I/O or reads a clock.

mod deed;
mod known;
mod lines;
mod mask;
mod screen;
mod session;
mod shell;
mod statement;
mod tables;

pub use deed::{Command, Deed, DeedKind, Ends, Moved, StatementDone};
pub use mask::{Masker, mask};
pub use session::Understanding;
pub use shell::{Parsed, parse};
pub use statement::statement;

/// Builds what texts are looked through with; else the first session that needs it waits. Blocks for a while.
pub fn prepare() {
    mask::prepare();
}

/// The longest text of a deed, in bytes; the middle of a longer one is left out.
pub const TEXT_LEN_MAX: usize = 64 * 1024;
/// The most programs, files or hosts that one deed names.
pub const NAMES_MAX: usize = 256;
