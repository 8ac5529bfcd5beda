//! What a statement would do, told from its text by a real parser.
//!
//! A text is taken apart into tokens exactly as the database does; what the two could read in
//! different ways is not understood. The first word of each statement says what kind it is, and the
//! parser is asked about those that hold queries. What is not certain is an error, never a guess.
//!
//! Nothing here does I/O.

mod ddl;
mod find;
mod functions;
mod kind;
mod mysql;
mod names;
mod redact;
pub mod redis;
mod split;
pub mod trial;
mod visit;

#[cfg(test)]
mod tests;

pub use find::mentions;
pub use mysql::{mysql, mysql_kill, mysql_redacted, mysql_shape, mysql_use};
pub use redact::{redacted, shape};

use postern_domain::statement::{NotUnderstood, StatementFacts};

/// The longest text that is looked at.
pub const TEXT_LEN_MAX: usize = 4 * 1024 * 1024;
/// How much stack a thread must have that calls in here: a tree may be deep.
pub const STACK_LEN: usize = 16 * 1024 * 1024;

/// What each of the statements in a PostgreSQL query does, in their order; none for an empty query.
///
/// # Errors
/// When a statement is not understood.
pub fn postgresql(text: &[u8]) -> Result<Vec<StatementFacts>, NotUnderstood> {
    if text.len() > TEXT_LEN_MAX {
        return Err(NotUnderstood(format!("it is longer than {TEXT_LEN_MAX} bytes")));
    }
    let text = str::from_utf8(text).map_err(|_| NotUnderstood("it is not UTF-8".to_owned()))?;
    let pieces = split::statements(text)?;
    pieces.iter().map(|piece| kind::facts(piece)).collect()
}
