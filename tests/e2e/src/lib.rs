//! The harness: starts Postern and real servers on loopback with private ports and data folders, and
//! people who work with it through the clients that they have: the command line, OpenSSH, curl.
//!
//! Used by the end-to-end tests, by `cargo xtask bench` and by `cargo xtask faults`. Needs root, for
//! the SSH targets are small machines in namespaces of their own (`scripts/ssh-target.sh`).

mod browser;
mod child;
mod database;
mod declared;
mod gate;
mod mysql;
mod person;
mod pg;
mod ran;
mod redis;
mod server;
mod target;
mod wait;
mod world;

pub use browser::{Browser, Seen, Socket};
pub use child::Child;
pub use database::DatabaseWorld;
pub use declared::{Declared, indented};
pub use gate::{Gate, binary};
pub use mysql::MysqlWorld;
pub use person::Person;
pub use pg::PgTarget;
pub use ran::{Ran, python_with, run, run_with_input};
pub use redis::RedisWorld;
pub use server::Server;
pub use target::{SshTarget, repository};
pub use wait::{free_port, until, within};
pub use world::World;
