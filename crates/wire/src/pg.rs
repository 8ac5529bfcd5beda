//! The PostgreSQL frontend/backend protocol, version 3, as far as somebody between the two needs it
//! (PostgreSQL documentation, chapter "Frontend/Backend Protocol").
//!
//! A `Splitter` tells messages apart without copying them; what is understood is read by `front` and
//! `back`; everything else that the allow-list names passes untouched. A type that the list does not
//! name is an error. `Pipeline` knows which message of the client an answer belongs to.
//!
//! Nothing here does I/O, reads a clock or draws random numbers.

pub mod back;
mod error;
pub mod front;
mod pipeline;
mod read;
pub mod scram;
mod split;
pub mod startup;

#[cfg(test)]
mod tests;

pub use error::Error;
pub use pipeline::{Owed, Pipeline, Transaction, Turn};
pub use split::{Handling, Piece, Splitter, body, split_first};

/// The longest message that is read whole: a statement, or the parameters of one.
pub const MESSAGE_LEN_MAX: usize = 64 * 1024 * 1024;
/// The longest first packet, as PostgreSQL has it.
pub const STARTUP_LEN_MAX: usize = 10_000;
/// The longest short message that is read whole: a name, a status.
pub const SHORT_LEN_MAX: usize = 64 * 1024;
/// The most messages of a client that may wait for their answer.
pub const OWED_MAX: usize = 64 * 1024;
