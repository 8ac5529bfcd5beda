//! A broker that grants what a test wants granted.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use postern_domain::policy::Obligations;
use postern_domain::session::EndReason;
use postern_domain::{Capability, SecretBytes, SecretText, SessionId, Timestamp, UserId, UserName};
use postern_gateway::{
    Broker, BrokerError, ConnectRequest, Credential, Directive, FactorNeed, HostKeyVerdict, Identity, Lease, Recorded,
    RecordingPlan, Refusal, StatementAnswer, StatementEvent,
};
use tokio::sync::{mpsc, watch};

/// The data key of every recording here.
pub(crate) const DATA_KEY: [u8; 32] = [7; 32];

/// What a test wants.
pub(crate) struct Wishes {
    pub(crate) capabilities: BTreeSet<Capability>,
    pub(crate) idle_seconds: Option<u64>,
    pub(crate) refuse: Option<String>,
    pub(crate) factor: Option<String>,
    pub(crate) lasts_millis: i64,
    pub(crate) port: u16,
    /// In OpenSSH's form.
    pub(crate) target_key: String,
    pub(crate) account_password: Option<String>,
    /// The host key that the target is known by.
    pub(crate) pinned: String,
    /// The fingerprint of ben's key.
    pub(crate) fingerprint: String,
}

pub(crate) struct FakeBroker {
    pub(crate) wishes: Mutex<Wishes>,
    folder: PathBuf,
    opened: AtomicU32,
    orders: Mutex<Vec<mpsc::Sender<Directive>>>,
    ended: watch::Sender<Vec<(EndReason, Option<String>)>>,
}

impl FakeBroker {
    pub(crate) fn new(wishes: Wishes, folder: PathBuf) -> Self {
        Self {
            wishes: Mutex::new(wishes),
            folder,
            opened: AtomicU32::new(0),
            orders: Mutex::default(),
            ended: watch::channel(Vec::new()).0,
        }
    }

    pub(crate) fn recording(&self, number: u32) -> PathBuf {
        self.folder.join(format!("{number}.rec"))
    }

    pub(crate) fn order(&self, directive: &Directive) {
        for orders in self.orders.lock().unwrap().iter() {
            let _ = orders.try_send(directive.clone());
        }
    }

    pub(crate) fn sessions(&self) -> u32 {
        self.opened.load(Ordering::SeqCst)
    }

    /// Waits until so many sessions have ended; why.
    pub(crate) async fn ended(&self, count: usize) -> Vec<(EndReason, Option<String>)> {
        self.ended.subscribe().wait_for(|ended| ended.len() >= count).await.unwrap().clone()
    }

    fn identity(&self, key: Option<String>) -> Identity {
        let id = UserId::generate(now(), [1, 2, 3, 4]);
        Identity { id, name: "ben".parse().unwrap(), key, factor_at: None, token_factor_at: None, console: false }
    }
}

pub(crate) fn now() -> Timestamp {
    let millis = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    Timestamp::from_millis(i64::try_from(millis).unwrap())
}

fn refused(message: &str) -> BrokerError {
    BrokerError::Refused(Refusal { message: message.to_owned(), reasons: Vec::new() })
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

    async fn user_by_key(&self, fingerprint: &str, named: Option<&UserName>) -> Result<Option<Identity>, BrokerError> {
        let known = self.wishes.lock().unwrap().fingerprint == fingerprint;
        let right_name = named.is_none_or(|named| named.as_str() == "ben");
        Ok((known && right_name).then(|| self.identity(Some(fingerprint.to_owned()))))
    }

    async fn user_by_password(
        &self,
        named: &UserName,
        password: SecretText,
        _: IpAddr,
    ) -> Result<Identity, BrokerError> {
        if named.as_str() == "ben" && password.expose() == "correct horse" {
            Ok(self.identity(None))
        } else {
            Err(refused("wrong"))
        }
    }

    async fn factor_need(&self, request: &ConnectRequest) -> Result<FactorNeed, BrokerError> {
        let link = self.wishes.lock().unwrap().factor.clone();
        Ok(match link {
            Some(link) if request.user.factor_at.is_none() => FactorNeed::Wanted { link },
            _ => FactorNeed::None,
        })
    }

    async fn prove_factor(&self, _: &Identity, code: SecretText, _: &str, _: IpAddr) -> Result<Timestamp, BrokerError> {
        if code.expose() == "123456" { Ok(now()) } else { Err(refused("wrong")) }
    }

    async fn open(&self, request: ConnectRequest) -> Result<Lease, BrokerError> {
        let wishes = self.wishes.lock().unwrap();
        if request.account.asset.as_str() != "web-1" {
            return Err(refused("no policy allows it"));
        }
        if let Some(text) = &wishes.refuse {
            return Err(refused(text));
        }
        let number = self.opened.fetch_add(1, Ordering::SeqCst);
        let session = SessionId::generate(now(), number.to_be_bytes());
        let (orders, directives) = mpsc::channel(8);
        self.orders.lock().unwrap().push(orders);
        let credential = match &wishes.account_password {
            Some(password) => Credential::Password(SecretText::new(password.clone())),
            None => Credential::SshKey(SecretText::new(wishes.target_key.clone())),
        };
        Ok(Lease {
            session: session.clone(),
            host: "127.0.0.1".to_owned(),
            port: wishes.port,
            account: request.account.account,
            server_ca: None,
            credential,
            obligations: Obligations {
                capabilities: wishes.capabilities.clone(),
                idle_seconds: wishes.idle_seconds,
                ..Obligations::default()
            },
            until: Timestamp::from_millis(now().as_millis() + wishes.lasts_millis),
            recording: RecordingPlan {
                path: self.recording(number),
                key: SecretBytes::new(DATA_KEY.to_vec()),
                sealed_key: vec![1],
                session,
            },
            directives,
        })
    }

    async fn host_key(&self, _: &SessionId, public_key: &str) -> Result<HostKeyVerdict, BrokerError> {
        let pinned = self.wishes.lock().unwrap().pinned.clone();
        let same = pinned.split_whitespace().take(2).eq(public_key.split_whitespace().take(2));
        Ok(if same {
            HostKeyVerdict::Pinned
        } else {
            HostKeyVerdict::Refused("the host key of web-1 has changed; ask an administrator".to_owned())
        })
    }

    async fn live(&self, _: &SessionId) -> Result<(), BrokerError> {
        Ok(())
    }

    async fn ended(&self, _: &SessionId, reason: EndReason, _: Option<Recorded>, detail: Option<String>) {
        self.ended.send_modify(|ended| ended.push((reason, detail)));
    }
}
