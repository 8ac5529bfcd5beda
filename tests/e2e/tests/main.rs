//! The product against foreign clients and real servers, one file per subject.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod approval;
mod archive;
mod bad_input;
mod bad_targets;
mod between;
mod break_glass;
mod channel_binding;
mod clients;
mod database;
mod drivers;
mod durability;
mod duties;
mod ephemeral;
mod estate;
mod faults;
mod hardware_keys;
mod harness;
mod lent;
mod mysql;
mod mysql_own;
mod notices;
mod outside;
mod recording;
mod redis;
mod replication;
mod reports;
mod requests;
mod retention;
mod reviews;
mod rotation;
mod scenarios;
mod search;
mod siem;
mod sources;
mod sql_console;
mod statements;
mod subjects;
mod tags;
mod terminal;
mod tickets;
mod transcript;
mod vendors;
