//! The way to a session's target, whatever protocol it speaks: where it is, what it is known by, and
//! what proves the account.

use std::io;
use std::sync::Arc;

use postern_domain::session::EndReason;
use postern_domain::{AccountRef, SecretText};
use postern_gateway::{Credential, LiveSession};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;

use crate::pump::End;
use crate::server::Gate;
use crate::side::Side;
use crate::text::plain;

/// Why there is no way. The texts are for the person.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TargetError {
    /// Nobody answers, or not as themselves.
    #[error("{address} cannot be reached: {cause}")]
    Unreachable {
        /// Where.
        address: String,
        /// What the system or TLS says.
        cause: String,
    },
    /// It does not take the credential.
    #[error("{address} does not let account {account} in: {cause}\nask for its secret to be checked or rotated")]
    Refused {
        /// Where.
        address: String,
        /// The account.
        account: String,
        /// What it says.
        cause: String,
    },
    /// It does not speak as it should.
    #[error("{address} does not speak {protocol} as it should: {cause}")]
    Protocol {
        /// Where.
        address: String,
        /// What it should speak.
        protocol: &'static str,
        /// In what way.
        cause: String,
    },
}

/// Where a target is.
#[derive(Clone, Debug)]
pub(crate) struct Address {
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl Address {
    /// Connects; nothing is said yet.
    pub(crate) async fn dial(&self) -> io::Result<TcpStream> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    /// Takes up TLS, in which the target proves itself.
    pub(crate) async fn secure(&self, stream: TcpStream, tls: Arc<ClientConfig>) -> io::Result<Side> {
        let name = ServerName::try_from(self.host.clone())
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "its host is no name that TLS knows"))?;
        Side::connect(stream, tls, name).await
    }

    /// That it cannot be reached.
    pub(crate) fn unreachable(&self, error: &io::Error) -> TargetError {
        TargetError::Unreachable { address: self.to_string(), cause: plain(&error.to_string(), 300) }
    }
}

/// What is needed to sign in to a session's target.
pub(crate) struct Way {
    pub(crate) address: Address,
    pub(crate) tls: Arc<ClientConfig>,
    /// The account's name there.
    pub(crate) account: String,
    pub(crate) password: SecretText,
}

impl Way {
    /// The way of a session that was opened; what is missing for it is why it ends.
    pub(crate) fn of(gate: &Gate, account: &AccountRef, live: &mut LiveSession) -> Result<Self, End> {
        let failed = |why: String| (EndReason::TargetFailed, why);
        let asset = &account.asset;
        let Some(Credential::Password(password)) = live.take_credential() else {
            return Err(failed(format!("{account} has no password; an administrator stores one")));
        };
        let pem = live.server_ca().ok_or_else(|| {
            let next = "an administrator declares the field server_ca of the asset";
            failed(format!("nobody has said by which certificate {asset} is known\n{next}"))
        })?;
        let tls = gate.trust.of(pem).ok_or_else(|| failed(format!("server_ca of {asset} cannot be read")))?;
        let address = Address { host: live.host().to_owned(), port: live.port() };
        Ok(Self { address, tls, account: live.account().to_string(), password })
    }

    /// Waits for `reach`, as long as a target has to be reached.
    pub(crate) async fn within<T>(
        gate: &Gate,
        address: &Address,
        reach: impl Future<Output = Result<T, TargetError>>,
    ) -> Result<T, End> {
        match tokio::time::timeout(gate.limits.target_time, reach).await {
            Ok(reached) => reached.map_err(|error| (EndReason::TargetFailed, error.to_string())),
            Err(_) => {
                let seconds = gate.limits.target_time.as_secs();
                Err((EndReason::TargetFailed, format!("{address} did not answer within {seconds} seconds")))
            }
        }
    }
}
