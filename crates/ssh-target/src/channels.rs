//! The channels of one connection, by number.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use russh::ChannelId;

use crate::inbox::Inbox;

/// What has arrived on each open channel.
#[derive(Debug, Default)]
pub struct Inboxes(Mutex<HashMap<ChannelId, Arc<Inbox>>>);

impl Inboxes {
    /// A new channel's inbox; the one it has when it is not new.
    pub fn add(&self, id: ChannelId) -> Arc<Inbox> {
        self.lock().entry(id).or_default().clone()
    }

    /// A channel's inbox.
    pub fn get(&self, id: ChannelId) -> Option<Arc<Inbox>> {
        self.lock().get(&id).cloned()
    }

    /// Forgets a channel and closes its inbox.
    pub fn remove(&self, id: ChannelId) {
        let removed = self.lock().remove(&id);
        if let Some(inbox) = removed {
            inbox.close();
        }
    }

    /// Forgets and closes all of them.
    pub fn close_all(&self) {
        let all = std::mem::take(&mut *self.lock());
        for inbox in all.into_values() {
            inbox.close();
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ChannelId, Arc<Inbox>>> {
        // Each change is one operation of the map.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
