//! What happens by itself: windows that close, requests that lapse, sessions kept to policy.

use std::time::Duration;

use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use crate::rotation::Worker;
use crate::{Control, Error};

/// The nouns that a decision on a session rests on.
const DECIDING: [&str; 9] = ["user", "group", "role", "grant", "policy", "asset", "account", "alert", "other"];

/// How many rotations go on at once, each on another target.
const WORKERS: usize = 8;
/// How often it is looked at what is due.
const PLAN_EVERY: Duration = Duration::from_secs(15);
const HEARTBEAT_EVERY: Duration = Duration::from_secs(10);
const TICKETS_EVERY: Duration = Duration::from_secs(1);
const LOOK_EVERY: Duration = Duration::from_secs(1);
const RETENTION_EVERY: Duration = Duration::from_secs(20);
const INVENTORY_EVERY: Duration = Duration::from_secs(60);
/// How often it is looked at what users hold.
const PEOPLE_EVERY: Duration = Duration::from_secs(10);
/// How often the figures of the day are kept.
const FIGURES_EVERY: Duration = Duration::from_secs(60);

/// Does something every now and then until `stop`, and again at once where it says that there is more.
async fn again<F, Fut>(every: Duration, stop: CancellationToken, failure: &'static str, what: F)
where
    F: Fn() -> Fut + Send,
    Fut: Future<Output = Result<bool, Error>> + Send,
{
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        loop {
            let done = tokio::select! {
                () = stop.cancelled() => return,
                done = what() => done,
            };
            match done {
                Ok(true) => {}
                Ok(false) | Err(Error::Sealed) => break,
                Err(error) => {
                    tracing::error!(error = &error as &dyn std::error::Error, "{failure}");
                    break;
                }
            }
        }
    }
}

impl Control {
    /// Looks at what time has made of grants and requests, every `tick`, until `stop`.
    pub async fn keep_time(self, tick: Duration, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(tick);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => {}
            }
            // Sessions end by themselves at the latest time that they were given, which is cut to the
            // hours of their policy: they need not be decided on because time passes.
            if let Err(error) = self.expire().await {
                tracing::error!(error = &error as &dyn std::error::Error, "timers cannot be looked at");
            }
            if let Err(error) = self.begin_windows().await {
                tracing::error!(error = &error as &dyn std::error::Error, "windows that come again cannot be begun");
            }
            if let Err(error) = self.remind_approvers().await {
                tracing::error!(error = &error as &dyn std::error::Error, "nobody can be reminded");
            }
            if let Err(error) = self.expire_checkouts().await {
                tracing::error!(error = &error as &dyn std::error::Error, "check-outs cannot be looked at");
            }
            if let Err(error) = self.keep_reports().await {
                tracing::error!(error = &error as &dyn std::error::Error, "reports cannot be made");
            }
            if let Err(error) = self.keep_reviews().await {
                tracing::error!(error = &error as &dyn std::error::Error, "access reviews cannot be looked at");
            }
        }
    }

    /// Looks after secrets until `stop`: plans and makes the rotations that are due, tells what uses them,
    /// tries whether they still work, takes away what was made for sessions, and keeps what stands each day.
    pub async fn keep_secrets(self, stop: CancellationToken) {
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..WORKERS {
            tasks.spawn(Worker::new(self.clone()).run(stop.clone()));
        }
        let this = self.clone();
        tasks.spawn(again(PLAN_EVERY, stop.clone(), "rotations cannot be planned", move || {
            let this = this.clone();
            async move { this.rotations_plan().await.map(|_| false) }
        }));
        let this = self.clone();
        tasks.spawn(again(HEARTBEAT_EVERY, stop.clone(), "secrets cannot be tried", move || {
            let this = this.clone();
            async move { this.heartbeats().await.map(|_| false) }
        }));
        let this = self.clone();
        tasks.spawn(again(LOOK_EVERY, stop.clone(), "dependents cannot be told", move || {
            let this = this.clone();
            async move { this.dependent_tell().await }
        }));
        let this = self.clone();
        tasks.spawn(again(LOOK_EVERY, stop.clone(), "what was made cannot be taken away", move || {
            let this = this.clone();
            async move { this.provision_take_away().await }
        }));
        let this = self.clone();
        tasks.spawn(again(FIGURES_EVERY, stop.clone(), "the figures of the day cannot be kept", move || {
            let this = this.clone();
            async move { this.day_figures_keep().await.map(|()| false) }
        }));
        let this = self.clone();
        tasks.spawn(again(PEOPLE_EVERY, stop.clone(), "what users hold cannot be looked at", move || {
            let this = this.clone();
            async move { this.people_judge().await.map(|()| false) }
        }));
        tasks.spawn(again(INVENTORY_EVERY, stop, "assets cannot be looked at", move || {
            let this = self.clone();
            async move { this.provision_inventories().await.map(|_| false) }
        }));
        while tasks.join_next().await.is_some() {}
    }

    /// Looks again at the tickets of access that lasts, until `stop`.
    pub async fn keep_tickets(self, stop: CancellationToken) {
        again(TICKETS_EVERY, stop, "tickets cannot be looked at", move || {
            let this = self.clone();
            async move { this.tickets_recheck().await }
        })
        .await;
    }

    /// Takes away recordings whose time is over, until `stop`.
    pub async fn keep_retention(self, stop: CancellationToken) {
        again(RETENTION_EVERY, stop, "recordings cannot be taken away", move || {
            let this = self.clone();
            async move { this.retention_keep(&this.settings().retention).await.map(|()| false) }
        })
        .await;
    }

    /// Decides anew on live sessions when something changed that the decision rests on, until `stop`.
    pub async fn keep_to_policy(self, stop: CancellationToken) {
        let mut changes = self.changes();
        loop {
            let changed = tokio::select! {
                () = stop.cancelled() => return,
                changed = changes.recv() => changed,
            };
            let mut matters = match changed {
                Ok(noun) => DECIDING.contains(&noun),
                Err(RecvError::Lagged(_)) => true,
                Err(RecvError::Closed) => return,
            };
            // One look answers everything that has changed until now.
            while let Ok(noun) = changes.try_recv() {
                matters |= DECIDING.contains(&noun);
            }
            if matters && let Err(error) = self.redecide_live().await {
                tracing::error!(error = &error as &dyn std::error::Error, "live sessions cannot be decided on anew");
            }
        }
    }
}
