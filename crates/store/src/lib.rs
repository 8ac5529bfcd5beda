//! Rows: the embedded SQLite database, its migrations and its transactions.
//!
//! The only crate that speaks SQL to Postern's own database. A change commits in one transaction
//! with its audit event (`WriteTx::commit`), which is a leaf of the ledger.

mod db;
mod error;
mod idempotency;
mod ledger;
mod page;
mod row;
mod session;
mod setting;

pub use db::{ReadTx, Store, WriteTx};
pub use error::Error;
pub use idempotency::Remembered;
pub use ledger::{Leaf, LeafFilter};
pub use page::{Page, PageRequest};
