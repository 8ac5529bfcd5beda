//! What is true in Postern: the nouns and every decision made about them.
//!
//! **Pure**: no I/O, no clock, no randomness, no async. Time and random bytes are arguments.
//! The same types are the API's JSON, so that one word names one thing from SQL to console.

pub mod account;
pub mod asset;
pub mod break_glass;
pub mod capability;
pub mod checkout;
pub mod discovery;
pub mod document;
pub mod duties;
pub mod event;
pub mod finding;
pub mod grant;
pub mod id;
pub mod link;
pub mod name;
pub mod period;
pub mod permission;
pub mod permit;
pub mod person;
pub mod policy;
pub mod proposal;
pub mod provision;
pub mod report;
pub mod request;
pub mod retention;
pub mod review;
pub mod right_size;
pub mod risk;
pub mod rotation;
pub mod scope;
pub mod secret;
pub mod secret_rules;
pub mod session;
pub mod stand_in;
pub mod statement;
pub mod time;
pub mod user;
pub mod vendor;

pub use capability::Capability;
pub use id::*;
pub use name::{
    AccountName, AccountRef, AssetName, DutiesName, GroupName, InvalidName, PolicyName, RoleName, SourceName, TagName,
    UserName,
};
pub use period::Period;
pub use permit::Permit;
pub use scope::ScopePath;
pub use secret::{SecretBytes, SecretText};
pub use time::Timestamp;
