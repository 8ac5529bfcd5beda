//! MySQL's and MariaDB's clients and targets.

mod cancel;
mod mask;
mod packed;
mod peers;
mod prepared;
mod relay;
mod rules;
mod session;
mod target;
mod welcome;

pub(crate) use peers::{Peers, number};
pub(crate) use session::serve;

/// The protocol's name in requests and recordings.
pub(crate) const PROTOCOL: &str = "mysql";

/// An error of the gateway's own in one packet. Lines become sentences.
pub(crate) fn put_error(out: &mut Vec<u8>, number: u8, code: u16, state: &str, text: &str) {
    let lines: Vec<_> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    postern_wire::mysql::result::put_error(out, number, code, state, &format!("postern: {}", lines.join("; ")));
}
