//! Others in a live session: who looks on, who types too, and who holds the input.
//!
//! A gateway that takes its session's `Guests` tells the person who comes and goes, passes on what
//! those with control type, and does not pass on what the person types while it is held.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use postern_domain::UserName;
use tokio::sync::{mpsc, watch};

use crate::watch::{Watch, Watched};

#[cfg(test)]
mod tests;

/// How much of what guests did may wait for the gateway.
const EVENTS_MAX: usize = 64;
/// How many guests a session takes.
const GUESTS_MAX: usize = 32;
/// The longest piece that a guest may type at once, in bytes.
pub const TYPED_LEN_MAX: usize = 16 * 1024;

/// Somebody who has joined a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guest {
    /// Who.
    pub user: UserName,
    /// Whether they type too.
    pub control: bool,
    /// Whether they are the person whose session it is, by whichever user: such a guest watches nobody else.
    pub own: bool,
}

/// What a guest did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GuestEvent {
    /// They joined.
    Joined(Guest),
    /// They left.
    Left(Guest),
    /// They typed.
    Typed {
        /// Who.
        user: UserName,
        /// What.
        data: Bytes,
    },
}

/// Why somebody cannot join, or input not be held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JoinError {
    /// The session is not live here.
    #[error("the session is not live")]
    NotLive,
    /// Nobody in the session could be told.
    #[error("sessions of this kind cannot be joined or paused")]
    Unsupported,
    /// There are too many guests.
    #[error("{GUESTS_MAX} people have joined this session already")]
    Full,
}

/// What the registry keeps of a session's guests.
pub(crate) struct Room {
    events: mpsc::Sender<GuestEvent>,
    /// What the gateway has not taken yet.
    waiting: Mutex<Option<Guests>>,
    taken: AtomicBool,
    guests: Mutex<Vec<Guest>>,
    held: watch::Sender<Option<UserName>>,
    /// Where somebody must watch.
    watched: Option<Watchers>,
}

/// How many people watch a session that somebody must watch.
struct Watchers {
    /// Whose session it is; who watches is somebody else.
    user: UserName,
    count: watch::Sender<usize>,
}

impl Room {
    pub(crate) fn new() -> Arc<Self> {
        Self::with(None)
    }

    /// The room of a session of `user` that somebody must watch. It can be joined before its gateway takes guests.
    pub(crate) fn watched(user: &UserName) -> Arc<Self> {
        Self::with(Some(Watchers { user: user.clone(), count: watch::Sender::new(0) }))
    }

    fn with(watched: Option<Watchers>) -> Arc<Self> {
        let (events, receiver) = mpsc::channel(EVENTS_MAX);
        let held = watch::Sender::new(None);
        let guests = Guests { events: receiver, held: held.subscribe() };
        Arc::new(Self {
            events,
            waiting: Mutex::new(Some(guests)),
            taken: AtomicBool::new(false),
            guests: Mutex::default(),
            held,
            watched,
        })
    }

    /// How many people watch, where somebody must.
    pub(crate) fn watchers(&self) -> Option<watch::Receiver<usize>> {
        self.watched.as_ref().map(|watched| watched.count.subscribe())
    }

    /// Counts who watches, where somebody must.
    fn count(&self, guests: &[Guest]) {
        if let Some(watched) = &self.watched {
            let others = guests.iter().filter(|guest| !guest.own && guest.user != watched.user).count();
            watched.count.send_replace(others);
        }
    }

    /// For the gateway, once.
    pub(crate) fn take(&self) -> Option<Guests> {
        self.taken.store(true, Ordering::Release);
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(crate) fn guests(&self) -> Vec<Guest> {
        self.lock().clone()
    }

    pub(crate) fn held_by(&self) -> Option<UserName> {
        self.held.borrow().clone()
    }

    /// Holds the input, or lets it flow again; false when it is so already.
    pub(crate) fn hold(&self, by: Option<UserName>) -> Result<bool, JoinError> {
        if !self.taken.load(Ordering::Acquire) {
            return Err(JoinError::Unsupported);
        }
        Ok(self.held.send_if_modified(|held| {
            let changes = held.is_some() != by.is_some();
            if changes {
                *held = by;
            }
            changes
        }))
    }

    pub(crate) async fn join(self: &Arc<Self>, guest: Guest, watch: Watch) -> Result<Joined, JoinError> {
        let taken = self.taken.load(Ordering::Acquire);
        if !taken && (self.watched.is_none() || guest.control) {
            return Err(JoinError::Unsupported);
        }
        {
            let mut guests = self.lock();
            if guests.len() >= GUESTS_MAX {
                return Err(JoinError::Full);
            }
            guests.push(guest.clone());
            self.count(&guests);
        }
        // From here on they leave again, whatever happens.
        let joined = Joined { watch, place: Place { room: Arc::clone(self), guest: guest.clone() } };
        if taken {
            self.events.send(GuestEvent::Joined(guest)).await.map_err(|_| JoinError::NotLive)?;
        } else {
            // The gateway may never ask: what it does not take is dropped.
            self.events.try_send(GuestEvent::Joined(guest)).ok();
        }
        Ok(joined)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Guest>> {
        // Each change is one operation.
        self.guests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A guest's place in the session; given up when dropped.
struct Place {
    room: Arc<Room>,
    guest: Guest,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut guests = self.room.lock();
        if let Some(index) = guests.iter().position(|guest| *guest == self.guest) {
            guests.swap_remove(index);
        }
        self.room.count(&guests);
        drop(guests);
        let left = GuestEvent::Left(self.guest.clone());
        if let Err(mpsc::error::TrySendError::Full(left)) = self.room.events.try_send(left)
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let events = self.room.events.clone();
            // A session that is over need not be told.
            runtime.spawn(async move { events.send(left).await.ok() });
        }
    }
}

/// A session that somebody has joined. They leave it when this is dropped.
pub struct Joined {
    watch: Watch,
    place: Place,
}

impl Joined {
    /// What comes next, as for a watcher. May be cancelled.
    pub async fn next(&mut self) -> Option<Watched> {
        self.watch.next().await
    }

    /// Types something, waiting while the session is behind. Nothing happens without control, and to
    /// what is longer than `TYPED_LEN_MAX`.
    ///
    /// # Errors
    /// When the session is over.
    pub async fn type_in(&self, data: Bytes) -> Result<(), JoinError> {
        let Guest { user, control, .. } = &self.place.guest;
        if !control || data.is_empty() || data.len() > TYPED_LEN_MAX {
            return Ok(());
        }
        let typed = GuestEvent::Typed { user: user.clone(), data };
        self.place.room.events.send(typed).await.map_err(|_| JoinError::NotLive)
    }
}

/// A session's guests, for its gateway.
pub struct Guests {
    events: mpsc::Receiver<GuestEvent>,
    held: watch::Receiver<Option<UserName>>,
}

impl Guests {
    /// What a guest did next; waits for ever when there will be nothing. May be cancelled without
    /// losing anything.
    pub async fn next(&mut self) -> GuestEvent {
        match self.events.recv().await {
            Some(event) => event,
            None => std::future::pending().await,
        }
    }

    /// Whether the input is held.
    #[must_use]
    pub fn held(&self) -> Held {
        Held(self.held.clone())
    }
}

/// Whether a session's input is held.
#[derive(Clone)]
pub struct Held(watch::Receiver<Option<UserName>>);

impl Held {
    /// By whom it is held.
    #[must_use]
    pub fn by(&self) -> Option<UserName> {
        self.0.borrow().clone()
    }

    /// Whether it is held.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.0.borrow().is_some()
    }

    /// Waits until it is not.
    pub async fn released(&self) {
        let mut held = self.0.clone();
        // The sender is gone when the session is.
        let _ = held.wait_for(Option::is_none).await;
    }

    /// Waits until it is held or let go, and says by whom it is held then; waits for ever when it will
    /// not change any more.
    pub async fn changed(&mut self) -> Option<UserName> {
        match self.0.changed().await {
            Ok(()) => self.0.borrow_and_update().clone(),
            Err(_) => std::future::pending().await,
        }
    }
}
