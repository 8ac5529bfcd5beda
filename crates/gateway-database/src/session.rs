//! What sessions have in common, whatever protocol they speak.

use std::sync::Arc;
use std::time::Duration;

use postern_domain::AccountRef;
use postern_domain::session::{Limits, Machine};
use postern_gateway::LiveSession;
use tokio::sync::mpsc;

use crate::govern::{Activity, Governor, Order, now};
use crate::server::Gate;

/// Has a session governed from now on; none when it is already.
pub(crate) fn govern(
    gate: &Gate,
    account: &AccountRef,
    live: &mut LiveSession,
    orders: mpsc::Sender<Order>,
) -> Option<Arc<Activity>> {
    let limits = Limits {
        account: account.clone(),
        until: live.until(),
        idle: live.obligations().idle_seconds.map(Duration::from_secs),
    };
    let activity = Arc::new(Activity::default());
    let governor = Governor {
        machine: Machine::new(limits, now()),
        directives: live.take_directives()?,
        recorder: live.recorder(),
        activity: activity.clone(),
        orders,
        shutdown: gate.shutdown.clone(),
    };
    tokio::spawn(governor.run());
    Some(activity)
}

#[cfg(test)]
mod tests {
    use crate::{mysql, pg, redis};

    fn size_of_task<A, B, C, D, F>(_: impl Fn(A, B, C, D) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn an_idle_session_takes_little_memory() {
        let sizes = [size_of_task(pg::serve), size_of_task(mysql::serve), size_of_task(redis::serve)];
        assert!(sizes.iter().all(|size| *size <= 10 * 1024), "{sizes:?}");
    }
}
