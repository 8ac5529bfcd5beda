//! SSH sessions through the gate.
//!
//! A client signs in with `account@asset` as its user name; one session is opened for the connection
//! at its first channel, one connection is made to the target, and every channel is relayed between
//! the two, recorded and held to what policy allows. The gateway sees the `Broker` port and
//! `Sessions`, nothing else of Postern.

mod config;
mod connection;
mod forward;
mod govern;
mod handler;
mod link;
mod program;
mod reverse;
mod server;
mod sign_in;

pub use config::{Config, Limits};
pub use server::{Gateway, GatewayError};

/// The protocol's name in requests and recordings.
pub(crate) const PROTOCOL: &str = "ssh";
/// How much stack a thread that moves bytes has.
pub(crate) const STACK_LEN: usize = 2 * 1024 * 1024;
