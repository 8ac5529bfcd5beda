//! The connections of clients by the numbers that they were greeted with: somebody who wants to stop a
//! statement names its connection by that, on another one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use postern_domain::session::EndReason;
use postern_domain::{AccountRef, UserId};
use tokio::sync::mpsc;

use crate::govern::Order;
use crate::server::Gate;

/// Numbers of the gate begin here; targets count from one and do not come so far.
const FIRST: u32 = 0x4000_0000;

/// The number of the gate's `count`th connection.
pub(crate) fn number(count: u32) -> u32 {
    FIRST | count & (FIRST - 1)
}

/// Whether a number is one of the gate's rather than of a target's.
pub(crate) fn is_ours(number: u32) -> bool {
    number & !(FIRST - 1) == FIRST
}

/// A session whose client knows itself by a number.
struct Peer {
    user: UserId,
    account: AccountRef,
    orders: mpsc::Sender<Order>,
}

/// The sessions by their numbers.
#[derive(Default)]
pub(crate) struct Peers(Mutex<HashMap<u32, Peer>>);

impl Peers {
    /// Stops what runs in the session of this number, if there is one. For callers within this process,
    /// which have it from the session itself.
    pub(crate) fn cancel(&self, number: u32) {
        if let Some(peer) = self.lock().get(&number) {
            // Full means that it has been told already.
            let _ = peer.orders.try_send(Order::Cancel(None));
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u32, Peer>> {
        // Entries are put in and taken out whole; a panic cannot leave one half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One session among its peers; it is known to them until this is dropped.
pub(crate) struct Place {
    gate: Arc<Gate>,
    number: u32,
    user: UserId,
    account: AccountRef,
}

impl Place {
    /// A place for the session of `user` on `account` that takes these orders.
    pub(crate) fn take(
        gate: &Arc<Gate>,
        number: u32,
        (user, account): (&UserId, &AccountRef),
        orders: mpsc::Sender<Order>,
    ) -> Self {
        gate.peers.lock().insert(number, Peer { user: user.clone(), account: account.clone(), orders });
        Self { gate: gate.clone(), number, user: user.clone(), account: account.clone() }
    }

    /// Whether this is the session's own number.
    pub(crate) fn is(&self, number: u32) -> bool {
        self.number == number
    }

    /// Stops what runs in the session of this number, or ends it; only one of the same person on the same
    /// account. False where there is no such session.
    pub(crate) fn stop(&self, number: u32, ends: bool) -> bool {
        let peers = self.gate.peers.lock();
        let own = |peer: &&Peer| peer.user == self.user && peer.account == self.account;
        let Some(peer) = peers.get(&number).filter(own) else { return false };
        let order = if ends {
            Order::End(EndReason::ClientClosed, "killed from another connection of the same person".to_owned())
        } else {
            Order::Cancel(None)
        };
        // Full means that it has been told already.
        let _ = peer.orders.try_send(order);
        true
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.gate.peers.lock().remove(&self.number);
    }
}
