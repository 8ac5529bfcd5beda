//! Rows: the embedded SQLite database, its migrations and its transactions.
//!
//! The only crate that speaks SQL to Postern's own database. A change commits in one transaction
//! with its audit event (`WriteTx::commit`), which is a leaf of the ledger.

mod api_token;
mod db;
mod error;
mod factor;
mod group;
mod idempotency;
mod intent;
mod ledger;
mod link;
mod login;
mod page;
mod role;
mod row;
mod scope;
mod session;
mod setting;
mod ssh_key;
mod throttle;
mod user;

pub use api_token::StoredToken;
pub use db::{ReadTx, Store, WriteTx};
pub use error::Error;
pub use factor::{Proofs, TotpSeed};
pub use group::StoredGroup;
pub use idempotency::Remembered;
pub use intent::Intent;
pub use ledger::{Leaf, LeafFilter};
pub use link::{Link, LinkPurpose};
pub use login::StoredLogin;
pub use page::{Page, PageRequest};
pub use session::{NewSession, SessionEnd, SessionFilter};
pub use throttle::Failures;
pub use user::UserFilter;
