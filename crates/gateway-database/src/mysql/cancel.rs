//! Cancelling what runs: by a connection of its own.

use std::sync::Arc;
use std::time::Duration;

use super::target::{ask, reach};
use super::welcome::Asked;
use crate::between::Cancel;
use crate::way::Way;

/// How long a cancelling may take.
const CANCEL_TIME: Duration = Duration::from_secs(10);

/// How to cancel what runs in one session of the target's.
#[derive(Clone)]
pub(crate) struct Canceller {
    pub(crate) way: Arc<Way>,
    /// The number of the connection there.
    pub(crate) connection: u32,
}

impl Cancel for Canceller {
    async fn cancel(self) {
        let asked = async {
            let mut target = reach(&self.way, &Asked::default()).await?;
            ask(&self.way, &mut target.side, &format!("KILL QUERY {}", self.connection)).await
        };
        match tokio::time::timeout(CANCEL_TIME, asked).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::debug!(%error, "a target was not asked to cancel"),
            Err(_) => tracing::debug!("a target did not take a cancelling in time"),
        }
    }
}
