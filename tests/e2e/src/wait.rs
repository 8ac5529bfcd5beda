//! Waiting for conditions, never for time.

use std::net::{Ipv4Addr, TcpListener};
use std::time::{Duration, Instant};

use anyhow::bail;

/// How long anything may take on a busy machine before it counts as not happening.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// Waits until `condition` gives something.
///
/// # Errors
/// When it does not in a minute, or fails.
pub fn until<T>(what: &str, condition: impl FnMut() -> anyhow::Result<Option<T>>) -> anyhow::Result<T> {
    within(what, PATIENCE, condition)
}

/// Waits until `condition` gives something, at most for `patience`.
///
/// # Errors
/// When it does not in that time, or fails.
pub fn within<T>(
    what: &str,
    patience: Duration,
    mut condition: impl FnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<T> {
    let begun = Instant::now();
    loop {
        if let Some(found) = condition()? {
            return Ok(found);
        }
        if begun.elapsed() > patience {
            bail!("waited in vain for: {what}");
        }
        std::thread::park_timeout(LOOK_AGAIN);
    }
}

/// A port of 127.0.0.1 that nobody listened on a moment ago.
///
/// # Errors
/// When there is none.
pub fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
