//! SFTP version 3, as far as it must be understood to be judged and recorded: a splitter for the
//! stream of packets in either direction, and the fields of them that say what happens to which file.
//!
//! Packets are looked at, not rebuilt; what is passed on is what was received. `client` is for transfers
//! that Postern makes itself.

pub mod client;
mod packet;
mod splitter;

#[cfg(test)]
mod tests;

pub use packet::{OpenFlags, Reply, Request, Status, answer};
pub use splitter::{Error, Splitter};

/// The longest packet taken, without its length field. OpenSSH takes none longer.
pub const PACKET_LEN_MAX: usize = 256 * 1024;
