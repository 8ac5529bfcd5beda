//! The product against foreign clients and real servers, one file per subject.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod approval;
mod bad_input;
mod clients;
mod durability;
mod harness;
mod recording;
mod transcript;
