//! Database sessions through the gate.
//!
//! A client signs in with `account@asset` as its user name and a connect token as its password; one
//! session is opened for the connection, one connection is made to the target with the account's own
//! secret, and every message is relayed between the two: statements are recorded before the target is
//! sent them, and held to what policy says of them. The gateway sees the `Broker` port and `Sessions`,
//! nothing else of Postern.

mod config;
mod govern;
mod pg;
mod server;
mod side;
mod text;
mod verify;

pub use config::{Config, Limits};
pub use server::{Gateway, GatewayError};
