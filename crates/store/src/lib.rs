//! Rows: the embedded SQLite database, its migrations and its transactions.
//!
//! The only crate that speaks SQL to Postern's own database. A change commits in one transaction
//! with its audit event (`WriteTx::commit`), which is a leaf of the ledger.

mod access;
mod account;
mod api_token;
mod asset;
mod checkout;
mod connect_token;
mod db;
mod dependent;
mod discovery;
mod error;
mod factor;
mod finding;
mod grant;
mod group;
mod host_key;
mod idempotency;
mod intent;
mod ledger;
mod link;
mod login;
mod page;
mod policy;
mod provision;
mod request;
mod role;
mod rotation;
mod row;
mod scope;
mod secret;
mod session;
mod setting;
mod ssh_key;
mod throttle;
mod user;

pub use account::{AccountFields, AccountFilter};
pub use api_token::StoredToken;
pub use asset::AssetFilter;
pub use connect_token::StoredConnectToken;
pub use db::{ReadTx, Store, WriteTx};
pub use dependent::ClaimedPush;
pub use discovery::AssetConnector;
pub use error::Error;
pub use factor::{Proofs, TotpSeed};
pub use finding::{FindingFilter, StoredObservation};
pub use grant::GrantFilter;
pub use idempotency::Remembered;
pub use intent::Intent;
pub use ledger::{Leaf, LeafFilter};
pub use link::{Link, LinkPurpose};
pub use login::StoredLogin;
pub use page::{PAGE_LIMIT_DEFAULT, PAGE_LIMIT_MAX, Page, PageRequest};
pub use policy::PolicyFilter;
pub use provision::{ClaimedProvision, NewProvision};
pub use request::{RequestFilter, StoredRequest};
pub use rotation::{BREAKER_FAILURES, Claimed, DueAccount, NewRotation, RotationFilter, Saved};
pub use secret::SealedSecret;
pub use session::{NewSession, SessionEnd, SessionFilter};
pub use throttle::Failures;
pub use user::{Person, UserFilter};
