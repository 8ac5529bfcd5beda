//! Search over recordings.
//!
//! A recording is cut into slices while it is written ([`Slicer`]). The index ([`Index`]) holds for every
//! slice which words occur in it, and which files, hosts, tables, commands and statements: each as a
//! keyed hash, so that the index without the vault's key tells nobody what was shown. A search
//! ([`Query`]) finds slices by their terms; what it shows is read from the recording itself ([`look`]),
//! which also makes certain that it is there. Secrets are masked before a word is made a term.

mod error;
mod index;
mod key;
mod look;
mod moment;
mod query;
mod slice;
mod words;

#[cfg(test)]
mod tests;

pub use error::Error;
pub use index::{Index, Place};
pub use key::IndexKey;
pub use look::{Hit, look};
pub use moment::{Moment, MomentKind};
pub use query::{Clause, Query, QueryError};
pub use slice::{SLICE_LEN, Slice, Slicer};
pub use words::Field;
