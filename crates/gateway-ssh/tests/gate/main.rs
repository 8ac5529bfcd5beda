//! The gateway between OpenSSH's own client and a real OpenSSH server.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, dead_code)]

mod broker;
mod world;

mod basics;
