//! Database sessions through the gate.
//!
//! PostgreSQL, MySQL, MariaDB and Redis. A client signs in with `account@asset` as its user name and a connect token as its password; one
//! session is opened for the connection, one connection is made to the target with the account's own
//! secret, and every message is relayed between the two: statements are recorded before the target is
//! sent them, and held to what policy says of them. The gateway sees the `Broker` port and `Sessions`,
//! nothing else of Postern.

mod between;
mod budget;
mod config;
mod detect;
mod govern;
mod journal;
mod mysql;
mod pg;
mod pump;
mod redis;
mod server;
mod session;
mod side;
mod text;
mod told;
mod verify;
mod way;

pub use config::{Config, Limits};
pub use server::{Door, Gateway, GatewayError, Protocol};
