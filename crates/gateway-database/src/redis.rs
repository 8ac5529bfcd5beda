//! Redis' clients and targets.

mod mask;
mod relay;
mod rules;
mod session;
mod target;
mod welcome;
mod wording;

pub(crate) use session::serve;

/// The protocol's name in requests and recordings.
pub(crate) const PROTOCOL: &str = "redis";

/// An error of the gateway's own; the first word is its code. Lines become sentences.
pub(crate) fn put_error(out: &mut Vec<u8>, code: &str, text: &str) {
    let lines: Vec<_> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    postern_wire::redis::put_error(out, code, &format!("postern: {}", lines.join("; ")));
}
