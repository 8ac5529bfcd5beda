//! The way to a session's SSH target: dial, prove it by its host key, sign in with the credential, and
//! what is the same for everybody who has come that far: channels with back-pressure, and file
//! transfer judged and recorded operation by operation.
//!
//! Gateways build on it; it knows no client. It sees the `Broker` port, nothing else of Postern.

pub mod activity;
pub mod algorithms;
pub mod channels;
pub mod inbox;
pub mod request;
pub mod sftp;
pub mod side;
pub mod socket;
pub mod target;
pub mod text;
pub mod upstream;
