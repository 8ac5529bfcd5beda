//! Live sessions: the only way to a lease, with its recorder, and the only way to end one.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand;
use postern_domain::policy::Obligations;
use postern_domain::session::EndReason;
use postern_domain::{AccountName, SessionId, Timestamp, UserName};
use postern_wire::recording::FrameKind;
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::broker::{Broker, BrokerError, ConnectRequest, Credential, Directive, Lease, Refusal};
use crate::recorder::{Recorder, RecorderFailed, Track, WriterOptions, WriterPool};
use crate::room::{Guest, Guests, JoinError, Joined, Room};
use crate::tap::Tap;
use crate::watch::Watch;

#[cfg(test)]
mod tests;

/// What a person is told when Postern is stopped under their session.
const DRAIN_MESSAGE: &str = "postern is being stopped; connect again in a moment";

/// How long a session waits for somebody who watches it.
const WATCHER_WAIT: Duration = Duration::from_secs(600);
const NOBODY_MESSAGE: &str = "this session must be watched and nobody has come to watch it: connect again when \
                              somebody is there";
const UNWATCHED_MESSAGE: &str = "nobody watches this session any more, and somebody must";

/// How sessions are recorded.
#[derive(Clone, Copy, Debug)]
pub struct SessionsOptions {
    /// How many threads seal and write recordings.
    pub writer_threads: usize,
    /// How old a frame may become before it is on its way to the disk.
    pub flush_after: Duration,
}

impl Default for SessionsOptions {
    fn default() -> Self {
        Self { writer_threads: 1, flush_after: Duration::from_millis(500) }
    }
}

/// All live sessions of this process. Clones are handles on the same.
#[derive(Clone)]
pub struct Sessions {
    shared: Arc<Shared>,
}

struct Shared {
    broker: Arc<dyn Broker>,
    writers: WriterPool,
    /// Held briefly by whoever opens, ends or lists sessions.
    live: Mutex<BTreeMap<SessionId, Arc<Live>>>,
    draining: CancellationToken,
    /// Wakes a drain when a session has ended.
    ended: Notify,
}

/// What the registry knows of a session.
struct Live {
    id: SessionId,
    track: Arc<Track>,
    room: Arc<Room>,
    /// Whoever sets it ends the session; nobody else does.
    ending: AtomicBool,
}

impl Sessions {
    /// Starts the writers; no session is live.
    pub fn new(broker: Arc<dyn Broker>, options: SessionsOptions) -> std::io::Result<Self> {
        let writers =
            WriterPool::start(WriterOptions { threads: options.writer_threads, flush_after: options.flush_after })?;
        Ok(Self {
            shared: Arc::new(Shared {
                broker,
                writers,
                live: Mutex::default(),
                draining: CancellationToken::new(),
                ended: Notify::new(),
            }),
        })
    }

    /// The port to the rest of Postern, for what comes before a session.
    #[must_use]
    pub fn broker(&self) -> &Arc<dyn Broker> {
        &self.shared.broker
    }

    /// Asks for a session. What comes back is decided on, written down and being recorded; without a
    /// recorder there is no session.
    pub async fn open(&self, request: ConnectRequest) -> Result<LiveSession, BrokerError> {
        if self.shared.draining.is_cancelled() {
            return Err(BrokerError::Unavailable(DRAIN_MESSAGE.to_owned()));
        }
        // A task of its own: a client that goes away in the middle must not leave a session that was
        // decided on and that nobody ends.
        let shared = Arc::clone(&self.shared);
        let opened = tokio::spawn(async move { shared.open(request).await }).await;
        let live = opened.unwrap_or_else(|_| Err(BrokerError::Unavailable("opening the session failed".to_owned())))?;
        live.watched().await
    }

    /// The sessions that are live here.
    #[must_use]
    pub fn live(&self) -> Vec<SessionId> {
        self.shared.live().keys().cloned().collect()
    }

    /// Follows a live session: what is needed to see its present screen, then everything that happens.
    /// `None` when it is not live here.
    pub async fn watch(&self, session: &SessionId) -> Option<Watch> {
        let track = self.shared.live().get(session).map(|live| Arc::clone(&live.track))?;
        Watch::start(track).await
    }

    /// Every frame of a live session, from the first on, for one who reads along. `None` when it is not live
    /// here.
    #[must_use]
    pub fn tap(&self, session: &SessionId) -> Option<Tap> {
        self.shared.live().get(session).map(|live| Tap::new(Arc::clone(&live.track)))
    }

    /// Joins a live session, so that whoever is in it knows.
    ///
    /// # Errors
    /// When it is not live here, or its gateway takes no guests.
    pub async fn join(&self, session: &SessionId, guest: Guest) -> Result<Joined, JoinError> {
        let room = self.room(session).ok_or(JoinError::NotLive)?;
        let watch = self.watch(session).await.ok_or(JoinError::NotLive)?;
        room.join(guest, watch).await
    }

    /// Who has joined a session.
    #[must_use]
    pub fn guests(&self, session: &SessionId) -> Vec<Guest> {
        self.room(session).map(|room| room.guests()).unwrap_or_default()
    }

    /// By whom a session's input is held.
    #[must_use]
    pub fn held_by(&self, session: &SessionId) -> Option<UserName> {
        self.room(session)?.held_by()
    }

    /// Holds a session's input, or lets it flow again where `by` is nobody; false when it is so already.
    ///
    /// # Errors
    /// When it is not live here, or its gateway cannot hold it.
    pub fn hold(&self, session: &SessionId, by: Option<UserName>) -> Result<bool, JoinError> {
        self.room(session).ok_or(JoinError::NotLive)?.hold(by)
    }

    fn room(&self, session: &SessionId) -> Option<Arc<Room>> {
        self.shared.live().get(session).map(|live| Arc::clone(&live.room))
    }

    /// Ends all live sessions and waits until they have ended; no new ones are opened. Those that have
    /// not ended by the deadline are ended here and then, whatever their gateway does.
    pub async fn drain(&self, deadline: tokio::time::Instant) {
        self.shared.draining.cancel();
        if tokio::time::timeout_at(deadline, self.shared.empty()).await.is_ok() {
            return;
        }
        let late: Vec<_> = self.shared.live().values().cloned().collect();
        for live in late {
            self.shared.end(&live, EndReason::Shutdown, None).await;
        }
        self.shared.empty().await;
    }
}

impl Shared {
    fn live(&self) -> MutexGuard<'_, BTreeMap<SessionId, Arc<Live>>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn open(self: Arc<Self>, request: ConnectRequest) -> Result<LiveSession, BrokerError> {
        let lease = self.broker.open(request.clone()).await?;
        let session = lease.session.clone();
        match self.start(&request, lease).await {
            Ok(live) => Ok(live),
            Err(failure) => {
                tracing::error!(%session, error = %failure, "a session was not opened for want of a recorder");
                let reason = EndReason::RecorderFailed;
                self.broker.ended(&session, reason, None, Some(failure.to_string())).await;
                Err(BrokerError::Unavailable(failure.to_string()))
            }
        }
    }

    /// Creates the recording and registers the session.
    async fn start(self: &Arc<Self>, request: &ConnectRequest, lease: Lease) -> Result<LiveSession, RecorderFailed> {
        let Lease { session, host, port, account, server_ca, credential, obligations, until, recording, directives } =
            lease;
        let mut nonce_prefix = [0; 4];
        rand::fill(&mut nonce_prefix).map_err(|_| RecorderFailed::new("no random bytes"))?;
        let queue = self.writers.assign().ok_or_else(|| RecorderFailed::new("no writer"))?;
        let track = tokio::task::spawn_blocking(move || Track::create(&recording, nonce_prefix, Instant::now(), queue));
        let track = Arc::new(track.await.map_err(|error| RecorderFailed::new(&error))??);
        let recorder = Recorder::new(Arc::clone(&track));
        recorder.record(start_frame(request, &session, until, &obligations)).await?;
        let room = if obligations.watched { Room::watched(&request.user.name) } else { Room::new() };
        let live = Arc::new(Live { id: session.clone(), track, room, ending: AtomicBool::new(false) });
        self.live().insert(session, Arc::clone(&live));
        Ok(LiveSession {
            shared: Arc::clone(self),
            live,
            recorder,
            host,
            port,
            account,
            server_ca,
            credential: Some(credential),
            obligations,
            until,
            directives: Some(Directives {
                orders: directives,
                draining: self.draining.clone(),
                drained: false,
                watchers: None,
            }),
            finishing: false,
        })
    }

    /// Ends a session once: closes its recording, writes the outcome, forgets it.
    async fn end(&self, live: &Live, reason: EndReason, detail: Option<String>) {
        if live.ending.swap(true, Ordering::AcqRel) {
            return;
        }
        let failed_before = live.track.failure();
        let reason = if failed_before.is_some() { EndReason::RecorderFailed } else { reason };
        let closed = live.track.close(FrameKind::End { reason: reason_name(reason).into() }).await;
        let (reason, detail) = match closed.failure {
            Some(failure) => {
                tracing::error!(session = %live.id, error = %failure, "a recording failed");
                (EndReason::RecorderFailed, Some(detail.unwrap_or_else(|| failure.to_string())))
            }
            None => (reason, detail),
        };
        self.broker.ended(&live.id, reason, Some(closed.recorded), detail).await;
        self.live().remove(&live.id);
        self.ended.notify_waiters();
    }

    async fn empty(&self) {
        loop {
            let ended = self.ended.notified();
            tokio::pin!(ended);
            ended.as_mut().enable();
            if self.live().is_empty() {
                return;
            }
            ended.await;
        }
    }
}

/// A session that was decided on and is being recorded. It ends with `finish`; when it is dropped
/// without, it ends as if the client had closed it.
pub struct LiveSession {
    shared: Arc<Shared>,
    live: Arc<Live>,
    recorder: Recorder,
    host: String,
    port: u16,
    account: AccountName,
    server_ca: Option<String>,
    credential: Option<Credential>,
    obligations: Obligations,
    until: Timestamp,
    directives: Option<Directives>,
    finishing: bool,
}

impl LiveSession {
    /// The session's id.
    #[must_use]
    pub fn id(&self) -> &SessionId {
        &self.live.id
    }

    /// The target's host.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The target's port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The account's name on the target.
    #[must_use]
    pub fn account(&self) -> &AccountName {
        &self.account
    }

    /// The certificates, in PEM, that the target's TLS is verified by.
    #[must_use]
    pub fn server_ca(&self) -> Option<&str> {
        self.server_ca.as_deref()
    }

    /// What proves the account; given out once.
    pub fn take_credential(&mut self) -> Option<Credential> {
        self.credential.take()
    }

    /// What the session is bound to.
    #[must_use]
    pub fn obligations(&self) -> &Obligations {
        &self.obligations
    }

    /// When it must end at the latest.
    #[must_use]
    pub fn until(&self) -> Timestamp {
        self.until
    }

    /// Orders from the rest of Postern; given out once, to the one who obeys them.
    pub fn take_directives(&mut self) -> Option<Directives> {
        self.directives.take()
    }

    /// Those who join the session; given out once. A gateway that takes it tells the person who comes
    /// and goes, passes on what guests type, and holds the input when it is held.
    #[must_use]
    pub fn take_guests(&self) -> Option<Guests> {
        self.live.room.take()
    }

    /// The session's recorder.
    #[must_use]
    pub fn recorder(&self) -> Recorder {
        self.recorder.clone()
    }

    /// Says that the target has been signed in to. To be called where the rest of Postern runs; a thread
    /// that moves bytes asks `Control`'s broker.
    pub async fn now_live(&self) -> Result<(), BrokerError> {
        self.shared.broker.live(&self.live.id).await
    }

    /// Ends the session: closes its recording and writes the outcome. Goes on even if the caller stops
    /// waiting. `detail` is for the ledger.
    pub async fn finish(mut self, reason: EndReason, detail: Option<String>) {
        self.finishing = true;
        let (shared, live) = (Arc::clone(&self.shared), Arc::clone(&self.live));
        let ending = tokio::spawn(async move { shared.end(&live, reason, detail).await });
        if let Err(error) = ending.await {
            tracing::error!(session = %self.live.id, %error, "ending a session failed");
        }
    }
}

/// Waits until nobody watches any more who must; for ever where nobody must.
async fn unwatched(watchers: &mut Option<watch::Receiver<usize>>) {
    match watchers {
        // The room is gone when the session is.
        Some(watchers) => drop(watchers.wait_for(|count| *count == 0).await),
        None => std::future::pending().await,
    }
}

impl LiveSession {
    /// The session once somebody watches it, where somebody must.
    async fn watched(mut self) -> Result<Self, BrokerError> {
        let Some(mut watchers) = self.live.room.watchers() else { return Ok(self) };
        let note = FrameKind::note("the session waits for somebody to watch it");
        let (reason, message) = {
            let Some(directives) = self.directives.as_mut() else { return Ok(self) };
            if let Err(failure) = self.recorder.record(note).await {
                (EndReason::RecorderFailed, failure.to_string())
            } else {
                tokio::select! {
                    biased;
                    end = directives.end() => end,
                    there = watchers.wait_for(|count| *count > 0) => match there {
                        Ok(_) => {
                            directives.watchers = self.live.room.watchers();
                            return Ok(self);
                        }
                        Err(_) => (EndReason::Unknown, "the session is over".to_owned()),
                    },
                    () = tokio::time::sleep(WATCHER_WAIT) => (EndReason::Unwatched, NOBODY_MESSAGE.to_owned()),
                }
            }
        };
        self.finish(reason, Some(message.clone())).await;
        Err(BrokerError::Refused(Refusal { message, reasons: Vec::new() }))
    }
}

impl Drop for LiveSession {
    fn drop(&mut self) {
        if self.finishing {
            return;
        }
        // Without a runtime the process is going down; the next start closes what is left open.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let (shared, live) = (Arc::clone(&self.shared), Arc::clone(&self.live));
        runtime.spawn(async move { shared.end(&live, EndReason::ClientClosed, None).await });
    }
}

/// Orders to one live session.
pub struct Directives {
    orders: mpsc::Receiver<Directive>,
    draining: CancellationToken,
    drained: bool,
    /// How many people watch, where somebody must.
    watchers: Option<watch::Receiver<usize>>,
}

impl Directives {
    /// The next order. `None` means that nobody governs the session any more: it must end. May be
    /// cancelled without losing an order.
    pub async fn recv(&mut self) -> Option<Directive> {
        tokio::select! {
            biased;
            order = self.orders.recv() => order,
            () = self.draining.cancelled(), if !self.drained => {
                self.drained = true;
                Some(Directive::End { reason: EndReason::Shutdown, message: DRAIN_MESSAGE.to_owned() })
            }
            () = unwatched(&mut self.watchers) => {
                Some(Directive::End { reason: EndReason::Unwatched, message: UNWATCHED_MESSAGE.to_owned() })
            }
        }
    }
}

impl Directives {
    /// The end that an order demands; waits while orders demand none.
    pub async fn end(&mut self) -> (EndReason, String) {
        loop {
            match self.recv().await {
                Some(Directive::Message(_) | Directive::Until(_)) => {}
                other => return Directive::end_of(other),
            }
        }
    }
}

fn start_frame(
    request: &ConnectRequest,
    session: &SessionId,
    until: Timestamp,
    obligations: &Obligations,
) -> FrameKind<'static> {
    let now_ms = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    FrameKind::Start {
        session: session.as_str().to_owned().into(),
        user: request.user.name.to_string().into(),
        account: request.account.account.to_string().into(),
        asset: request.account.asset.to_string().into(),
        protocol: request.protocol.into(),
        source: request.source.to_string().into(),
        started_at_ms: u64::try_from(now_ms).unwrap_or(0),
        until_ms: u64::try_from(until.as_millis()).unwrap_or(0),
        capabilities: obligations.capabilities.iter().map(|capability| capability.as_str().into()).collect(),
    }
}

/// The reason's name, as the API and the ledger have it.
fn reason_name(reason: EndReason) -> &'static str {
    match reason {
        EndReason::ClientClosed => "client_closed",
        EndReason::TargetClosed => "target_closed",
        EndReason::TargetFailed => "target_failed",
        EndReason::Expired => "expired",
        EndReason::Revoked => "revoked",
        EndReason::Idle => "idle",
        EndReason::Killed => "killed",
        EndReason::PolicyChanged => "policy_changed",
        EndReason::UserDisabled => "user_disabled",
        EndReason::Unwatched => "unwatched",
        EndReason::RecorderFailed => "recorder_failed",
        EndReason::Shutdown => "shutdown",
        EndReason::Unknown => "unknown",
    }
}
