//! The gateway between OpenSSH's own client and a real OpenSSH server.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod broker;
mod world;

mod basics;
mod ends;
mod forwards;
mod hostile;
mod sign_in;
mod transfers;
