//! Cancelling what runs: by a connection of its own.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;

use super::target::{ask, reach};
use super::welcome::Asked;
use crate::between::Cancel;
use crate::govern::Order;
use crate::way::Way;

/// How long a cancelling may take.
const CANCEL_TIME: Duration = Duration::from_secs(10);

/// The sessions that connections of clients have, by the number that each client was given. Only who is
/// within this process can name one: the numbers are no secret.
#[derive(Default)]
pub(crate) struct Cancels(Mutex<HashMap<u32, mpsc::Sender<Order>>>);

/// A session that is known by its connection's number until this is dropped.
pub(crate) struct Numbered<'a> {
    cancels: &'a Cancels,
    connection: u32,
}

impl Cancels {
    fn lock(&self) -> MutexGuard<'_, HashMap<u32, mpsc::Sender<Order>>> {
        // Entries are put in and taken out whole; a panic cannot leave one half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the session that takes these orders known by its connection's number.
    pub(crate) fn know(&self, connection: u32, orders: mpsc::Sender<Order>) -> Numbered<'_> {
        self.lock().insert(connection, orders);
        Numbered { cancels: self, connection }
    }

    /// Cancels what runs in the session of this connection, if it has one.
    pub(crate) fn cancel(&self, connection: u32) {
        let orders = self.lock().get(&connection).cloned();
        if let Some(orders) = orders {
            // Full means that it has been told already.
            let _ = orders.try_send(Order::Cancel);
        }
    }
}

impl Drop for Numbered<'_> {
    fn drop(&mut self) {
        self.cancels.lock().remove(&self.connection);
    }
}

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
