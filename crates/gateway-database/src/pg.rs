//! PostgreSQL's clients and targets.

mod between;
mod cancel;
mod journal;
mod mask;
mod origins;
mod parameters;
mod prepared;
mod relay;
mod rules;
mod session;
mod target;
mod welcome;

#[cfg(test)]
mod tests;

use postern_wire::pg::back::Report;

pub(crate) use cancel::Cancels;
pub(crate) use session::serve;

/// The protocol's name in requests and recordings.
pub(crate) const PROTOCOL: &str = "postgresql";
/// Its name in TLS, where a client begins with that at once.
pub(crate) const ALPN: &[u8] = b"postgresql";

/// An error of the gateway's own. Of several lines the first is the message, the rest the hint.
pub(crate) fn report(severity: &'static str, code: &'static str, text: &str) -> Report<'static> {
    let (message, rest) = text.split_once('\n').unwrap_or((text, ""));
    let hint: Vec<_> = rest.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    Report {
        severity: severity.into(),
        code: code.into(),
        message: format!("postern: {message}").into(),
        detail: None,
        hint: (!hint.is_empty()).then(|| hint.join("; ").into()),
    }
}
