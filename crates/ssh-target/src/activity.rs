//! Noticing that somebody works, and what time it is.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use postern_domain::Timestamp;
use postern_domain::session::Machine;
use tokio::sync::Notify;
use tokio::time::sleep;

/// Notices input, at the price of a counter for each piece of it.
#[derive(Debug, Default)]
pub struct Activity {
    count: AtomicU64,
    first: Notify,
}

impl Activity {
    /// The person typed or sent something.
    pub fn mark(&self) {
        if self.count.fetch_add(1, Ordering::Relaxed) == 0 {
            self.first.notify_one();
        }
    }

    /// Answers once there is activity, and then a moment later, so that a busy session costs one input
    /// to its machine each moment and an idle one none.
    pub async fn noticed(&self) {
        self.first.notified().await;
        sleep(ACTIVITY_GRAIN).await;
        self.count.store(0, Ordering::Relaxed);
    }
}

/// How long until the machine wants to be looked at.
#[must_use]
pub fn until(machine: &Machine) -> Duration {
    // The clock on the wall can be set while this sleeps; look at it now and then.
    machine.poll_timeout().map_or(CLOCK_CHECK, |at| at.since(now())).min(CLOCK_CHECK)
}

/// The time.
#[must_use]
pub fn now() -> Timestamp {
    let millis = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    Timestamp::from_millis(i64::try_from(millis).unwrap_or(i64::MAX))
}

/// How exactly input is timed.
const ACTIVITY_GRAIN: Duration = Duration::from_secs(1);
/// How often the clock is looked at though nothing is due.
const CLOCK_CHECK: Duration = Duration::from_secs(20);
