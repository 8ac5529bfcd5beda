//! One client's connection: what its channels share.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use postern_domain::AccountRef;
use postern_gateway::Identity;
use russh::{ChannelId, server};
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::link::{Link, NoLink};
use crate::program::Program;
use crate::server::Gate;
use postern_ssh_target::channels::Inboxes;

/// The connection.
pub(crate) struct Connection {
    pub(crate) gate: Arc<Gate>,
    pub(crate) source: IpAddr,
    /// Ends the connections to client and target at once.
    pub(crate) cut: CancellationToken,
    /// Cancelled when the client is gone.
    pub(crate) client_gone: CancellationToken,
    /// Cancelled when the client has signed in.
    pub(crate) in_time: CancellationToken,
    /// The way to the client, outside of what it asks for.
    pub(crate) client: OnceLock<server::Handle>,
    /// Who signed in, and what they want.
    pub(crate) signed_in: OnceLock<(Identity, AccountRef)>,
    /// What the client has sent.
    pub(crate) inboxes: Inboxes,
    /// Everything that runs for this connection, but for what governs it.
    pub(crate) tasks: TaskTracker,
    link: OnceCell<Result<Arc<Link>, NoLink>>,
    channels: AtomicUsize,
    programs: Mutex<HashMap<ChannelId, Weak<Program>>>,
}

/// A channel's place among those allowed at once. Given back when dropped.
pub(crate) struct ChannelPlace(Arc<Connection>);

impl Drop for ChannelPlace {
    fn drop(&mut self) {
        self.0.channels.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Connection {
    /// A connection from `source` that `cut` ends.
    pub(crate) fn new(gate: Arc<Gate>, source: IpAddr, cut: CancellationToken) -> Arc<Self> {
        Arc::new(Self {
            gate,
            source,
            cut,
            client_gone: CancellationToken::new(),
            in_time: CancellationToken::new(),
            client: OnceLock::new(),
            signed_in: OnceLock::new(),
            inboxes: Inboxes::default(),
            tasks: TaskTracker::new(),
            link: OnceCell::new(),
            channels: AtomicUsize::new(0),
            programs: Mutex::default(),
        })
    }

    /// The session and the way to its target, opened when first wanted.
    pub(crate) async fn link(self: &Arc<Self>) -> Result<Arc<Link>, NoLink> {
        self.link.get_or_init(|| Link::open(self)).await.clone()
    }

    /// The same, where it has been wanted before.
    pub(crate) fn link_now(&self) -> Option<&Result<Arc<Link>, NoLink>> {
        self.link.get()
    }

    /// A place for one more channel, or none.
    pub(crate) fn channel_place(self: &Arc<Self>) -> Option<ChannelPlace> {
        let limit = self.gate.limits.channels_max;
        let more = |count| if count < limit { Some(count + 1) } else { None };
        self.channels.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok()?;
        Some(ChannelPlace(self.clone()))
    }

    /// From now on the program is told what its session is told.
    pub(crate) fn register(&self, id: ChannelId, program: &Arc<Program>) {
        self.programs().insert(id, Arc::downgrade(program));
    }

    /// The program is over.
    pub(crate) fn unregister(&self, id: ChannelId) {
        self.programs().remove(&id);
    }

    /// The programs that run.
    pub(crate) fn running(&self) -> Vec<Arc<Program>> {
        self.programs().values().filter_map(Weak::upgrade).collect()
    }

    fn programs(&self) -> MutexGuard<'_, HashMap<ChannelId, Weak<Program>>> {
        // Each change is one operation of the map.
        self.programs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
