//! The threads that move bytes. A connection lives on one of them, its client's side, its target's
//! side and the pump between: handing a packet on is then a function call, not the waking of another
//! thread, which costs more than encrypting it. Everything that is asked of Postern is asked where the
//! rest of it runs, so that a slow answer delays nobody else's bytes.

use std::future::Future;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use async_trait::async_trait;
use postern_domain::session::EndReason;
use postern_domain::{AccountRef, SecretText, SessionId, Timestamp, UserName};
use tokio::runtime::{Builder, Handle};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::AbortOnDropHandle;

use crate::broker::{
    Broker, BrokerError, ConnectRequest, FactorNeed, HostKeyVerdict, Identity, Lease, Recorded, StatementAnswer,
    StatementEvent,
};
use crate::sessions::{LiveSession, Sessions};

/// For how many of the processors there is a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    /// For all.
    All,
    /// For half of them. Where many small messages pass, a thread that serves more connections finds more of
    /// them ready at once and sleeps less.
    Half,
}

/// The threads. They end when this is dropped.
pub struct Workers {
    handles: Vec<Handle>,
    next: AtomicUsize,
    _stop: DropGuard,
}

impl Workers {
    /// Starts a thread for every processor, or for every other one, called after `name`, each with so much
    /// stack in bytes.
    ///
    /// # Errors
    /// When a thread cannot be started.
    pub fn start(name: &str, share: Share, stack: usize) -> std::io::Result<Self> {
        let stop = CancellationToken::new();
        let processors = thread::available_parallelism()?.get();
        let count = match share {
            Share::All => processors,
            Share::Half => processors.div_ceil(2),
        };
        let handles = (0..count)
            .map(|number| start_one(format!("{name}-{number}"), stack, stop.clone()))
            .collect::<Result<_, _>>()?;
        Ok(Self { handles, next: AtomicUsize::new(0), _stop: stop.drop_guard() })
    }

    /// The thread for the next connection.
    #[must_use]
    pub fn next(&self) -> Option<&Handle> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.handles.get(number % self.handles.len().max(1))
    }
}

fn start_one(name: String, stack: usize, stop: CancellationToken) -> std::io::Result<Handle> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    thread::Builder::new().name(name).stack_size(stack).spawn(move || runtime.block_on(stop.cancelled()))?;
    Ok(handle)
}

/// Sessions and the broker, asked where the rest of Postern runs.
#[derive(Clone)]
pub struct Control {
    sessions: Sessions,
    home: Handle,
}

impl Control {
    /// Asks `sessions` and its broker on `home`.
    #[must_use]
    pub fn new(sessions: Sessions, home: Handle) -> Self {
        Self { sessions, home }
    }

    /// The broker.
    #[must_use]
    pub fn broker(&self) -> Arc<dyn Broker> {
        Arc::new(self.clone())
    }

    /// Opens a session.
    ///
    /// # Errors
    /// When it is refused, or nobody answers.
    pub async fn open_session(&self, request: ConnectRequest) -> Result<LiveSession, BrokerError> {
        let sessions = self.sessions.clone();
        // Large, and only for a moment: whoever waits for it has no place for it.
        self.at_home(Box::pin(async move { sessions.open(request).await })).await?
    }

    /// Ends a session.
    pub async fn finish(&self, live: LiveSession, reason: EndReason, detail: Option<String>) {
        if let Err(error) = self.at_home(Box::pin(async move { live.finish(reason, detail).await })).await {
            tracing::error!(%error, "ending a session failed");
        }
    }

    async fn at_home<F>(&self, work: F) -> Result<F::Output, BrokerError>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        let answer = self.home.spawn(work).await;
        answer.map_err(|_| BrokerError::Unavailable("it did not answer".to_owned()))
    }
}

#[async_trait]
impl Broker for Control {
    async fn user_by_token(
        &self,
        token: SecretText,
        account: &AccountRef,
        protocol: &'static str,
        source: IpAddr,
    ) -> Result<Identity, BrokerError> {
        let (broker, account) = (self.sessions.broker().clone(), account.clone());
        self.at_home(async move { broker.user_by_token(token, &account, protocol, source).await }).await?
    }

    async fn statement_event(&self, session: &SessionId, event: StatementEvent) -> Result<(), BrokerError> {
        let (broker, session) = (self.sessions.broker().clone(), session.clone());
        self.at_home(async move { broker.statement_event(&session, event).await }).await?
    }

    async fn statement_ask(&self, session: &SessionId, event: StatementEvent) -> Result<StatementAnswer, BrokerError> {
        let (broker, session) = (self.sessions.broker().clone(), session.clone());
        let asking = self.home.spawn(async move { broker.statement_ask(&session, event).await });
        // A session that ends does not wait for the answer any more.
        AbortOnDropHandle::new(asking).await.map_err(|_| BrokerError::Unavailable("it did not answer".to_owned()))?
    }

    async fn user_by_key(&self, fingerprint: &str, named: Option<&UserName>) -> Result<Option<Identity>, BrokerError> {
        let (broker, fingerprint, named) = (self.sessions.broker().clone(), fingerprint.to_owned(), named.cloned());
        self.at_home(async move { broker.user_by_key(&fingerprint, named.as_ref()).await }).await?
    }

    async fn user_by_password(
        &self,
        named: &UserName,
        password: SecretText,
        source: IpAddr,
    ) -> Result<Identity, BrokerError> {
        let (broker, named) = (self.sessions.broker().clone(), named.clone());
        self.at_home(async move { broker.user_by_password(&named, password, source).await }).await?
    }

    async fn factor_need(&self, request: &ConnectRequest) -> Result<FactorNeed, BrokerError> {
        let (broker, request) = (self.sessions.broker().clone(), request.clone());
        self.at_home(async move { broker.factor_need(&request).await }).await?
    }

    async fn prove_factor(
        &self,
        user: &Identity,
        code: SecretText,
        link: &str,
        source: IpAddr,
    ) -> Result<Timestamp, BrokerError> {
        let (broker, user, link) = (self.sessions.broker().clone(), user.clone(), link.to_owned());
        self.at_home(async move { broker.prove_factor(&user, code, &link, source).await }).await?
    }

    async fn open(&self, request: ConnectRequest) -> Result<Lease, BrokerError> {
        let broker = self.sessions.broker().clone();
        self.at_home(async move { broker.open(request).await }).await?
    }

    async fn host_key(&self, session: &SessionId, public_key: &str) -> Result<HostKeyVerdict, BrokerError> {
        let (broker, session, public_key) = (self.sessions.broker().clone(), session.clone(), public_key.to_owned());
        self.at_home(async move { broker.host_key(&session, &public_key).await }).await?
    }

    async fn live(&self, session: &SessionId) -> Result<(), BrokerError> {
        let (broker, session) = (self.sessions.broker().clone(), session.clone());
        self.at_home(async move { broker.live(&session).await }).await?
    }

    async fn ended(&self, session: &SessionId, reason: EndReason, recorded: Option<Recorded>, detail: Option<String>) {
        let (broker, session) = (self.sessions.broker().clone(), session.clone());
        let ending = async move { broker.ended(&session, reason, recorded, detail).await };
        if let Err(error) = self.at_home(ending).await {
            tracing::error!(%error, "writing an outcome failed");
        }
    }
}
