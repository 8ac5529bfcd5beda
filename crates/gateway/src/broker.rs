//! The port through which gateways reach the rest of Postern.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::PathBuf;

use async_trait::async_trait;
use postern_domain::policy::{Obligations, Reason, StatementAction};
use postern_domain::session::EndReason;
use postern_domain::{
    AccountName, AccountRef, Capability, SecretBytes, SecretText, SessionId, Timestamp, UserId, UserName,
};
use tokio::sync::mpsc;

/// A person whose identity has been proved to the gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Identifier.
    pub id: UserId,
    /// Sign-in name.
    pub name: UserName,
    /// The fingerprint of the key that proved it; none when a password did.
    pub key: Option<String>,
    /// When a second factor was proved on this very connection, or for the very token that works once.
    pub factor_at: Option<Timestamp>,
    /// When one was proved in the login that the token was made in.
    pub token_factor_at: Option<Timestamp>,
    /// Whether they come by the SQL console in the browser.
    pub console: bool,
}

/// Whether a second factor is still wanted before a session can be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FactorNeed {
    /// No: a recent one counts, or the answer will be a refusal anyway.
    None,
    /// Yes: a code typed here, or a confirmation at the link.
    Wanted {
        /// Where it can be confirmed in a browser.
        link: String,
    },
}

/// A wish to open a session.
#[derive(Clone, Debug)]
pub struct ConnectRequest {
    /// Who.
    pub user: Identity,
    /// On what.
    pub account: AccountRef,
    /// From where.
    pub source: IpAddr,
    /// By which protocol: `ssh`, `postgresql`, `mysql`, `redis`.
    pub protocol: &'static str,
}

/// A refusal, for the person to read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// One or more lines: the cause and the next step.
    pub message: String,
    /// The reasons that policy gave, when it was policy.
    pub reasons: Vec<Reason>,
}

/// Why the broker gave no answer of its own.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// The wish was refused.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Postern itself could not answer; nothing was opened. The text is safe to show.
    #[error("postern cannot open sessions at the moment: {0}")]
    Unavailable(String),
}

/// What proves the account to its target. Never shown, never recorded, wiped when dropped.
pub enum Credential {
    /// A password.
    Password(SecretText),
    /// A private key in OpenSSH's form.
    SshKey(SecretText),
    /// A private key in OpenSSH's form and a short-lived certificate for it, in the one-line form.
    SshCertificate {
        /// The private key.
        key: SecretText,
        /// The certificate.
        certificate: String,
    },
}

/// How the session is to be recorded.
pub struct RecordingPlan {
    /// The file, which does not exist yet; its folder does.
    pub path: PathBuf,
    /// The data key, 32 bytes, used for this recording only.
    pub key: SecretBytes,
    /// The data key as sealed by the vault, to be stored in the recording's header.
    pub sealed_key: Vec<u8>,
    /// The session's identity as it is bound into every chunk.
    pub session: SessionId,
}

/// An order from the rest of Postern to a live session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Directive {
    /// End it, showing the person this text.
    End {
        /// Why.
        reason: EndReason,
        /// What they are told.
        message: String,
    },
    /// Show the person this text and go on.
    Message(String),
    /// Go on until then at the latest, as was decided anew.
    Until(Timestamp),
}

impl Directive {
    /// The end that an order demands, or that comes with nobody governing any more.
    #[must_use]
    pub fn end_of(order: Option<Self>) -> (EndReason, String) {
        match order {
            Some(Self::End { reason, message }) => (reason, message),
            _ => (EndReason::Shutdown, "postern does not govern this session any more; connect again".to_owned()),
        }
    }
}

/// The right to one session, with all that is needed to run it.
pub struct Lease {
    /// The session.
    pub session: SessionId,
    /// The target's host.
    pub host: String,
    /// The target's port.
    pub port: u16,
    /// The account's name on the target.
    pub account: AccountName,
    /// The certificates, in PEM, that the target's TLS is verified by.
    pub server_ca: Option<String>,
    /// What proves the account.
    pub credential: Credential,
    /// What the session is bound to.
    pub obligations: Obligations,
    /// When it must end at the latest.
    pub until: Timestamp,
    /// How it is recorded.
    pub recording: RecordingPlan,
    /// Orders while it is live. A closed channel ends the session.
    pub directives: mpsc::Receiver<Directive>,
}

/// A statement that a rule speaks of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatementEvent {
    /// What the rule says.
    pub action: StatementAction,
    /// The rule.
    pub rule: String,
    /// The statement without literals, for the ledger; none where it could not be taken apart.
    pub shape: Option<String>,
    /// The statement for whoever decides on it, as it is recorded.
    pub text: String,
}

/// What somebody said to a statement that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StatementAnswer {
    /// It may run.
    Approved {
        /// Who said so.
        by: UserName,
    },
    /// It may not; the text is for the person.
    Denied(String),
}

/// What is known about a host key that a target presented.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostKeyVerdict {
    /// It is the one that the asset is known by.
    Pinned,
    /// It is not; the session must not go on. The text says what to do.
    Refused(String),
}

/// A finished recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Bytes on disk.
    pub bytes: u64,
    /// The digest at the head of its hash chain.
    pub digest: [u8; 32],
    /// The capabilities that were asked for in it and allowed; empty where a protocol does not tell them apart.
    pub capabilities: BTreeSet<Capability>,
}

/// The port. Every method may be called concurrently.
#[async_trait]
pub trait Broker: Send + Sync + 'static {
    /// Whose key has this fingerprint (`SHA256:...`)? `named` is who the client says it is, if it
    /// says. A key of somebody else than named is nobody's. Called before the signature is proved.
    async fn user_by_key(&self, fingerprint: &str, named: Option<&UserName>) -> Result<Option<Identity>, BrokerError>;

    /// Checks a password. Takes the same time whether the user exists or not.
    async fn user_by_password(
        &self,
        named: &UserName,
        password: SecretText,
        source: IpAddr,
    ) -> Result<Identity, BrokerError>;

    /// Whose token this is, which stands for a password where a client knows nothing else. It must have
    /// been made for this account and protocol, and for this source where it was made for one.
    async fn user_by_token(
        &self,
        token: SecretText,
        account: &AccountRef,
        protocol: &'static str,
        source: IpAddr,
    ) -> Result<Identity, BrokerError>;

    /// Whether a second factor is wanted before this can be opened.
    async fn factor_need(&self, request: &ConnectRequest) -> Result<FactorNeed, BrokerError>;

    /// Checks a one-time code, or, where `code` is empty, whether the link has been confirmed.
    /// Returns when it was proved.
    async fn prove_factor(
        &self,
        user: &Identity,
        code: SecretText,
        link: &str,
        source: IpAddr,
    ) -> Result<Timestamp, BrokerError>;

    /// Decides, writes the intent, opens the secret. Called by `Sessions::open` only.
    async fn open(&self, request: ConnectRequest) -> Result<Lease, BrokerError>;

    /// Judges the host key that the session's target presented, in OpenSSH's one-line form.
    async fn host_key(&self, session: &SessionId, public_key: &str) -> Result<HostKeyVerdict, BrokerError>;

    /// The target has been signed in to; the session is live.
    async fn live(&self, session: &SessionId) -> Result<(), BrokerError>;

    /// Writes down that a rule spoke of a statement. The statement must not run where this fails.
    async fn statement_event(&self, session: &SessionId, event: StatementEvent) -> Result<(), BrokerError>;

    /// Asks people whether a statement may run, and waits until somebody has decided or the time for
    /// it is over.
    async fn statement_ask(&self, session: &SessionId, event: StatementEvent) -> Result<StatementAnswer, BrokerError>;

    /// The session is over; writes the outcome. `detail` is for the ledger: what the target said, say.
    async fn ended(&self, session: &SessionId, reason: EndReason, recorded: Option<Recorded>, detail: Option<String>);
}
