//! The clock, read at the edge and passed inward.

use std::sync::{Mutex, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use postern_domain::Timestamp;

/// Says what time it is.
pub trait Clock: Send + Sync + 'static {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// The machine's clock, made steady: it never runs backwards and never stands still, so that setting
/// the machine's clock back neither revives a grant that has ended nor stretches one that is running.
pub struct SystemClock {
    /// The latest time given out, and when that was by the monotonic clock.
    latest: Mutex<(Timestamp, Instant)>,
}

impl SystemClock {
    /// A clock that gives no time before `floor`: the latest time that is written down anywhere.
    #[must_use]
    pub fn not_before(floor: Timestamp) -> Self {
        Self { latest: Mutex::new((floor, Instant::now())) }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let machine = Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX));
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let (given, at) = *latest;
        let instant = Instant::now();
        let now = machine.max(given.after(instant.duration_since(at)));
        // A millisecond is the resolution: keeping the remainder of one keeps the clock from lagging.
        if now > given {
            *latest = (now, instant);
        }
        now
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_machine_clock_set_back_does_not_take_time_back() {
        let real = SystemClock::not_before(Timestamp::from_millis(0)).now();
        let ahead = real.after(Duration::from_secs(3600));
        let clock = SystemClock::not_before(ahead);
        let first = clock.now();
        assert!(first >= ahead);
        while clock.now() == first {
            std::hint::spin_loop();
        }
        assert!(clock.now() > first, "time goes on although the machine's clock is behind");
    }
}
