//! What is due by itself: secrets that have become as old as they may.

use std::time::Duration;

use postern_domain::event::Event;
use postern_domain::rotation::schedule::{self, Pace};
use postern_domain::rotation::{Machine, RotationTrigger, Ways};
use postern_domain::{RotationId, ScopePath};
use postern_store::NewRotation;
use postern_vault::random;

use crate::{Control, Error};

/// How many are planned at once.
const DUE_MAX: u32 = 10_000;
/// How quickly they are begun: a fleet whose secrets fell due together is spread out.
const PACE: Pace = Pace { per_asset: Duration::from_secs(5), overall: Duration::from_millis(250) };
/// How long a target that said no is left alone.
const REFUSED_PAUSE: Duration = Duration::from_secs(86_400);

impl Control {
    /// Plans the rotations that are due. To be called now and then; gives how many it planned. By whom
    /// each is changed is settled when it is begun.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn rotations_plan(&self) -> Result<usize, Error> {
        let now = self.now();
        let refused_since = now.before(REFUSED_PAUSE);
        let due = self.store().read().await?.rotations_due(now, refused_since, DUE_MAX).await?;
        if due.is_empty() {
            return Ok(0);
        }
        let accounts: Vec<_> = due.iter().map(|one| one.due.clone()).collect();
        let times = schedule::stagger(&accounts, PACE, now);
        let mut tx = self.store().write(now).await?;
        let new: Vec<_> = due
            .into_iter()
            .zip(times)
            .map(|(one, at)| NewRotation {
                id: RotationId::generate(now, random::bytes()),
                account: one.due.account,
                asset: one.due.asset,
                scope: one.scope,
                trigger: RotationTrigger::Schedule,
                run: None,
                machine: Machine::new(Ways { itself: true, reconcile: false }, false, true),
                next_at: at,
            })
            .collect();
        let planned = tx.rotations_insert(&new).await?;
        let event = Event::done(now, Self::system(), "rotation.plan", "due", ScopePath::root())
            .with("accounts", planned)
            .with("because", "schedule");
        self.commit(tx, &[event]).await?;
        self.0.work.notify_one();
        Ok(usize::try_from(planned).unwrap_or(usize::MAX))
    }
}
