//! What happens by itself: windows that close, requests that lapse, sessions kept to policy.

use std::time::Duration;

use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use crate::Control;

/// The nouns that a decision on a session rests on.
const DECIDING: [&str; 8] = ["user", "group", "role", "grant", "policy", "asset", "account", "other"];

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
        }
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
