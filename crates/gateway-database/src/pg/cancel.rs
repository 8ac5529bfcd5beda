//! Cancelling what runs: who may, and the way to the target.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_lc_rs::rand;
use postern_wire::pg::startup::{CancelKey, cancel_request};
use rustls::ClientConfig;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::target::connect;
use crate::between::Cancel;
use crate::govern::Order;
use crate::way::Address;

/// How long a cancelling may take.
const CANCEL_TIME: Duration = Duration::from_secs(10);

/// The keys that clients were given, and the sessions that they stand for.
#[derive(Default)]
pub(crate) struct Cancels(Mutex<HashMap<CancelKey, mpsc::Sender<Order>>>);

/// A key that was given out; it stands for nothing once this is dropped.
pub(crate) struct GivenKey<'a> {
    cancels: &'a Cancels,
    pub(crate) key: CancelKey,
}

impl Cancels {
    fn lock(&self) -> MutexGuard<'_, HashMap<CancelKey, mpsc::Sender<Order>>> {
        // Entries are put in and taken out whole; a panic cannot leave one half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A key for the session that takes these orders and is known on its target as this process; none
    /// without random bytes.
    ///
    /// Clients compare the process with `pg_backend_pid()` and with the sender of a notification, so it is
    /// the target's own; what protects the key is its secret, which is not.
    pub(crate) fn give(&self, process: u32, orders: mpsc::Sender<Order>) -> Option<GivenKey<'_>> {
        let mut keys = self.lock();
        loop {
            let mut random = [0; 4];
            rand::fill(&mut random).ok()?;
            let key = CancelKey { process, secret: u32::from_be_bytes(random) };
            // Targets do not know of each other's processes.
            if let Entry::Vacant(place) = keys.entry(key) {
                place.insert(orders);
                return Some(GivenKey { cancels: self, key });
            }
        }
    }

    /// Cancels what runs in the session that the key stands for, and waits until its target has been asked to. Nobody
    /// is told whether there is one.
    ///
    /// A client takes the end of its connection as the server's word that it was done: what it runs next is not meant.
    pub(crate) async fn cancel(&self, key: CancelKey) {
        let orders = self.lock().get(&key).cloned();
        let Some(orders) = orders else { return };
        let (told, asked) = oneshot::channel();
        // Full means that it has been told already.
        if orders.try_send(Order::Cancel(Some(told))).is_ok() {
            // Letting go is the answer.
            let _ = timeout(CANCEL_TIME, asked).await;
        }
    }
}

impl Drop for GivenKey<'_> {
    fn drop(&mut self) {
        self.cancels.lock().remove(&self.key);
    }
}

/// How to cancel what runs in one session of the target's.
#[derive(Clone)]
pub(crate) struct Canceller {
    pub(crate) address: Address,
    pub(crate) tls: Arc<ClientConfig>,
    pub(crate) key: CancelKey,
}

impl Cancel for Canceller {
    async fn cancel(self) {
        let asked = async {
            let mut side = connect(&self.address, self.tls.clone()).await?;
            side.send(&cancel_request(self.key)).await?;
            // The target closes when it has done it.
            side.more(&mut Vec::new()).await
        };
        match timeout(CANCEL_TIME, asked).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::debug!(%error, "a target was not asked to cancel"),
            Err(_) => tracing::debug!("a target did not take a cancelling in time"),
        }
    }
}
