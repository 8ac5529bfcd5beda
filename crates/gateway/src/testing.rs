//! A broker for the tests of this crate: it grants everything and notes what it was told.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use postern_domain::policy::Obligations;
use postern_domain::session::EndReason;
use postern_domain::{SecretBytes, SecretText, SessionId, Timestamp, UserName};
use tokio::sync::mpsc;

use crate::broker::{
    Broker, BrokerError, ConnectRequest, Credential, Directive, FactorNeed, HostKeyVerdict, Identity, Lease, Recorded,
    RecordingPlan, StatementAnswer, StatementEvent,
};

pub(crate) const KEY: [u8; 32] = [5; 32];

/// How a session was reported to have ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) session: SessionId,
    pub(crate) reason: EndReason,
    pub(crate) recorded: Option<Recorded>,
    pub(crate) detail: Option<String>,
}

pub(crate) struct FakeBroker {
    folder: PathBuf,
    /// Where every recording is said to go; a file of its own in the folder unless given.
    path: Option<PathBuf>,
    opened: Mutex<Vec<mpsc::Sender<Directive>>>,
    ended: Mutex<Vec<Ended>>,
    ended_now: tokio::sync::Notify,
}

impl FakeBroker {
    pub(crate) fn new(folder: impl Into<PathBuf>) -> Arc<Self> {
        Self::writing_to(folder, None)
    }

    pub(crate) fn writing_to(folder: impl Into<PathBuf>, path: Option<PathBuf>) -> Arc<Self> {
        Arc::new(Self {
            folder: folder.into(),
            path,
            opened: Mutex::default(),
            ended: Mutex::default(),
            ended_now: tokio::sync::Notify::new(),
        })
    }

    pub(crate) fn path(&self, session: &SessionId) -> PathBuf {
        self.path.clone().unwrap_or_else(|| self.folder.join(session.as_str()))
    }

    pub(crate) fn ended(&self) -> Vec<Ended> {
        self.ended.lock().unwrap().clone()
    }

    /// Waits until so many sessions have ended.
    pub(crate) async fn wait_ended(&self, count: usize) -> Vec<Ended> {
        loop {
            let now = self.ended_now.notified();
            tokio::pin!(now);
            now.as_mut().enable();
            let ended = self.ended();
            if ended.len() >= count {
                return ended;
            }
            now.await;
        }
    }

    /// Sends an order to the session opened as number `number`.
    pub(crate) async fn order(&self, number: usize, directive: Directive) {
        let sender = self.opened.lock().unwrap()[number].clone();
        sender.send(directive).await.unwrap();
    }

    /// Stops governing every session.
    pub(crate) fn abandon(&self) {
        self.opened.lock().unwrap().clear();
    }
}

pub(crate) fn request() -> ConnectRequest {
    let id = postern_domain::UserId::generate(Timestamp::from_millis(1), [0; 4]);
    ConnectRequest {
        user: Identity {
            id,
            name: "ben".parse().unwrap(),
            key: None,
            factor_at: None,
            token_factor_at: None,
            console: false,
        },
        account: "root@web-1".parse().unwrap(),
        source: "192.0.2.7".parse().unwrap(),
        protocol: "ssh",
    }
}

#[async_trait]
impl Broker for FakeBroker {
    async fn user_by_token(
        &self,
        _: SecretText,
        _: &postern_domain::AccountRef,
        _: &'static str,
        _: std::net::IpAddr,
    ) -> Result<Identity, BrokerError> {
        Err(BrokerError::Unavailable("no tokens here".to_owned()))
    }

    async fn statement_event(&self, _: &SessionId, _: StatementEvent) -> Result<(), BrokerError> {
        Ok(())
    }

    async fn statement_ask(&self, _: &SessionId, _: StatementEvent) -> Result<StatementAnswer, BrokerError> {
        Ok(StatementAnswer::Denied("nobody is here".to_owned()))
    }

    async fn user_by_key(&self, _: &str, _: Option<&UserName>) -> Result<Option<Identity>, BrokerError> {
        Ok(None)
    }

    async fn user_by_password(
        &self,
        _: &UserName,
        _: SecretText,
        _: std::net::IpAddr,
    ) -> Result<Identity, BrokerError> {
        Ok(request().user)
    }

    async fn factor_need(&self, _: &ConnectRequest) -> Result<FactorNeed, BrokerError> {
        Ok(FactorNeed::None)
    }

    async fn prove_factor(
        &self,
        _: &Identity,
        _: SecretText,
        _: &str,
        _: std::net::IpAddr,
    ) -> Result<Timestamp, BrokerError> {
        Ok(Timestamp::from_millis(1))
    }

    async fn open(&self, request: ConnectRequest) -> Result<Lease, BrokerError> {
        let (sender, directives) = mpsc::channel(4);
        let number = {
            let mut opened = self.opened.lock().unwrap();
            opened.push(sender);
            u32::try_from(opened.len()).unwrap()
        };
        let session = SessionId::generate(Timestamp::from_millis(1), number.to_be_bytes());
        Ok(Lease {
            session: session.clone(),
            host: "127.0.0.1".to_owned(),
            port: 22,
            account: request.account.account,
            server_ca: None,
            credential: Credential::Password(SecretText::new("hunter2".to_owned())),
            obligations: Obligations::default(),
            until: Timestamp::from_millis(1_790_000_000_000),
            recording: RecordingPlan {
                path: self.path(&session),
                key: SecretBytes::new(KEY.to_vec()),
                sealed_key: vec![1, 2, 3],
                session,
            },
            directives,
        })
    }

    async fn host_key(&self, _: &SessionId, _: &str) -> Result<HostKeyVerdict, BrokerError> {
        Ok(HostKeyVerdict::Pinned)
    }

    async fn live(&self, _: &SessionId) -> Result<(), BrokerError> {
        Ok(())
    }

    async fn ended(&self, session: &SessionId, reason: EndReason, recorded: Option<Recorded>, detail: Option<String>) {
        self.ended.lock().unwrap().push(Ended { session: session.clone(), reason, recorded, detail });
        self.ended_now.notify_waiters();
    }
}
