//! The way to a session's target: dial, prove it, sign in to it.

use std::sync::Arc;
use std::time::Duration;

use postern_domain::SessionId;
use postern_gateway::{Broker, BrokerError, Credential, HostKeyVerdict};
use russh::client::{self, AuthResult, KeyboardInteractiveAuthResponse};
use russh::keys::{Certificate, PrivateKey, PrivateKeyWithHashAlg, PublicKey};
use russh::{MethodKind, SshId};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::algorithms;
use crate::socket::{Allowance, Socket};
use crate::text::plain;
use crate::upstream::{Upstream, UpstreamError};

/// Why there is no way. The texts are for the person.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// Nobody answers.
    #[error("{host}:{port} cannot be reached: {cause}")]
    Unreachable {
        /// The host.
        host: String,
        /// The port.
        port: u16,
        /// What the system says.
        cause: String,
    },
    /// It did not answer in time.
    #[error("{host}:{port} did not {what} within {} seconds", time.as_secs())]
    Slow {
        /// The host.
        host: String,
        /// The port.
        port: u16,
        /// What was awaited.
        what: &'static str,
        /// For how long.
        time: Duration,
    },
    /// It is not the one that the asset is known by.
    #[error("{0}")]
    HostKey(String),
    /// It does not take the credential.
    #[error("{host}:{port} does not accept the credential of account {account}: ask for it to be checked or rotated")]
    Refused {
        /// The host.
        host: String,
        /// The port.
        port: u16,
        /// The account.
        account: String,
    },
    /// It does not speak as it should.
    #[error("{host}:{port} does not speak SSH as it should: {cause}")]
    Protocol {
        /// The host.
        host: String,
        /// The port.
        port: u16,
        /// In what way.
        cause: String,
    },
    /// The credential that the vault holds is not of the kind it is said to be.
    #[error("the credential kept for account {account} cannot be used: {cause}")]
    Credential {
        /// The account.
        account: String,
        /// Why.
        cause: &'static str,
    },
    /// Postern could not judge the host key.
    #[error(transparent)]
    Broker(#[from] BrokerError),
}

/// Where to go.
pub struct Destination<'a> {
    /// The host.
    pub host: &'a str,
    /// The port.
    pub port: u16,
    /// The account there.
    pub account: &'a str,
}

/// Judges the host keys of one session's target.
#[derive(Clone)]
pub struct HostKeys {
    /// Who is asked.
    pub broker: Arc<dyn Broker>,
    /// The session.
    pub session: SessionId,
}

impl HostKeys {
    /// Whether to go on with a target that presents `key`.
    ///
    /// # Errors
    /// When it is not the one that the asset is known by, or nobody can say.
    pub async fn judge(&self, key: &PublicKey) -> Result<(), UpstreamError> {
        let line = key.to_openssh().map_err(|_| UpstreamError::HostKey("its host key cannot be read".to_owned()))?;
        match self.broker.host_key(&self.session, &line).await? {
            HostKeyVerdict::Pinned => Ok(()),
            HostKeyVerdict::Refused(text) => Err(UpstreamError::HostKey(text)),
        }
    }
}

impl Destination<'_> {
    /// Connects and signs in. `cut` ends the connection, now or later.
    ///
    /// # Errors
    /// When the target cannot be reached, proved or signed in to within `time` for each.
    pub async fn reach(
        &self,
        handler: Upstream,
        credential: Credential,
        config: &Arc<client::Config>,
        time: Duration,
        cut: CancellationToken,
    ) -> Result<client::Handle<Upstream>, TargetError> {
        let address = (self.host, self.port);
        let stream = timeout(time, TcpStream::connect(address))
            .await
            .map_err(|_| self.slow("answer", time))?
            .map_err(|error| self.unreachable(&error))?;
        let socket = Socket::new(stream, cut, Allowance::unlimited());
        let mut target = timeout(time, client::connect_stream(config.clone(), socket, handler))
            .await
            .map_err(|_| self.slow("exchange keys", time))?
            .map_err(|error| self.failed(error))?;
        let accepted = timeout(time, self.sign_in(&mut target, credential))
            .await
            .map_err(|_| self.slow("take the credential", time))??;
        if accepted {
            Ok(target)
        } else {
            Err(TargetError::Refused { host: self.host.to_owned(), port: self.port, account: self.account.to_owned() })
        }
    }

    async fn sign_in(
        &self,
        target: &mut client::Handle<Upstream>,
        credential: Credential,
    ) -> Result<bool, TargetError> {
        match credential {
            Credential::Password(password) => {
                let secret = password.expose();
                let answer = target
                    .authenticate_password(self.account, secret)
                    .await
                    .map_err(|error| self.failed(error.into()))?;
                match answer {
                    AuthResult::Success => Ok(true),
                    AuthResult::Failure { remaining_methods, .. }
                        if remaining_methods.contains(&MethodKind::KeyboardInteractive) =>
                    {
                        self.answer_questions(target, secret).await
                    }
                    AuthResult::Failure { .. } => Ok(false),
                }
            }
            Credential::SshKey(key) => {
                let key = self.private_key(key.expose())?;
                let hash = if key.algorithm().is_rsa() {
                    target.best_supported_rsa_hash().await.map_err(|error| self.failed(error.into()))?.flatten()
                } else {
                    None
                };
                let key = PrivateKeyWithHashAlg::new(Arc::new(key), hash);
                let answer = target
                    .authenticate_publickey(self.account, key)
                    .await
                    .map_err(|error| self.failed(error.into()))?;
                Ok(answer.success())
            }
            Credential::SshCertificate { key, certificate } => {
                let key = self.private_key(key.expose())?;
                let certificate = Certificate::from_openssh(&certificate)
                    .map_err(|_| self.unusable("its certificate cannot be read"))?;
                let answer = target
                    .authenticate_openssh_cert(self.account, Arc::new(key), certificate)
                    .await
                    .map_err(|error| self.failed(error.into()))?;
                Ok(answer.success())
            }
        }
    }

    /// Gives the password to every question whose answer is not shown, as password prompts are.
    async fn answer_questions(
        &self,
        target: &mut client::Handle<Upstream>,
        password: &str,
    ) -> Result<bool, TargetError> {
        let mut reply = target
            .authenticate_keyboard_interactive_start(self.account, None)
            .await
            .map_err(|error| self.failed(error.into()))?;
        for _ in 0..QUESTION_ROUNDS_MAX {
            match reply {
                KeyboardInteractiveAuthResponse::Success => return Ok(true),
                KeyboardInteractiveAuthResponse::Failure { .. } => return Ok(false),
                KeyboardInteractiveAuthResponse::InfoRequest { prompts, .. } => {
                    let answers = prompts
                        .iter()
                        .map(|prompt| if prompt.echo { String::new() } else { password.to_owned() })
                        .collect();
                    reply = target
                        .authenticate_keyboard_interactive_respond(answers)
                        .await
                        .map_err(|error| self.failed(error.into()))?;
                }
            }
        }
        Ok(false)
    }

    fn private_key(&self, text: &str) -> Result<PrivateKey, TargetError> {
        PrivateKey::from_openssh(text).map_err(|_| self.unusable("its private key cannot be read"))
    }

    fn unusable(&self, cause: &'static str) -> TargetError {
        TargetError::Credential { account: self.account.to_owned(), cause }
    }

    fn slow(&self, what: &'static str, time: Duration) -> TargetError {
        TargetError::Slow { host: self.host.to_owned(), port: self.port, what, time }
    }

    fn unreachable(&self, error: &std::io::Error) -> TargetError {
        TargetError::Unreachable { host: self.host.to_owned(), port: self.port, cause: plain(&error.to_string(), 120) }
    }

    fn failed(&self, error: UpstreamError) -> TargetError {
        match error {
            UpstreamError::HostKey(text) => TargetError::HostKey(text),
            UpstreamError::Broker(error) => TargetError::Broker(error),
            other => TargetError::Protocol {
                host: self.host.to_owned(),
                port: self.port,
                cause: plain(&other.to_string(), 120),
            },
        }
    }
}

/// How the gate speaks to targets, which may have `window` bytes outstanding on a channel.
#[must_use]
pub fn client_config(window: u32) -> Arc<client::Config> {
    Arc::new(client::Config {
        client_id: SshId::Standard("SSH-2.0-Postern".into()),
        limits: algorithms::rekey(),
        window_size: window,
        manual_window: true,
        maximum_packet_size: 32 * 1024,
        channel_buffer_size: 4,
        preferred: algorithms::preferred(),
        inactivity_timeout: None,
        keepalive_interval: Some(Duration::from_secs(30)),
        keepalive_max: 3,
        ..client::Config::default()
    })
}

/// How many rounds of questions a target may put.
const QUESTION_ROUNDS_MAX: usize = 4;
