//! The line to the gateway.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use async_trait::async_trait;
use postern_domain::{AccountRef, SecretText};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// By what the gateway's certificate is asked for; which one it is, is told by the configuration.
const NAME: &str = "localhost";
/// How much is read at once.
const READ_LEN: usize = 32 * 1024;

/// What is spoken with the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// PostgreSQL's.
    Postgresql,
    /// MySQL's, which MariaDB speaks too.
    Mysql,
}

/// How the gateway is entered from within this process.
#[async_trait]
pub trait Door: Send + Sync {
    /// A connection for a client of `protocol` that is taken as one from `source`.
    ///
    /// # Errors
    /// When the gateway takes no more.
    async fn enter(&self, protocol: Protocol, source: IpAddr) -> io::Result<TcpStream>;

    /// Cancels what runs in the connection that MySQL's gateway gave this number.
    fn cancel(&self, connection: u32);
}

/// Who signs in, where to.
pub(crate) struct SignIn<'a> {
    pub(crate) account: &'a AccountRef,
    pub(crate) token: &'a SecretText,
    /// The database to begin with; the one that is usual where none is named.
    pub(crate) database: Option<&'a str>,
    pub(crate) tls: Arc<ClientConfig>,
}

/// A connection on which TLS is spoken, and what has arrived on it.
pub(crate) struct Line {
    stream: TlsStream<TcpStream>,
    pub(crate) input: Vec<u8>,
    /// What has to be sent before anything more can come.
    pub(crate) owed: Vec<u8>,
}

impl Line {
    /// Takes up TLS.
    pub(crate) async fn secure(stream: TcpStream, tls: Arc<ClientConfig>) -> io::Result<Self> {
        let name = ServerName::try_from(NAME).map_err(|_| io::ErrorKind::InvalidInput)?;
        let stream = TlsConnector::from(tls).connect(name, stream).await?;
        Ok(Self { stream, input: Vec::new(), owed: Vec::new() })
    }

    /// Sends bytes.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await
    }

    /// Waits for more bytes. May be cancelled without losing any.
    ///
    /// # Errors
    /// `UnexpectedEof` when none will come.
    pub(crate) async fn fill(&mut self) -> io::Result<()> {
        while !self.owed.is_empty() {
            let sent = self.stream.write(&self.owed).await?;
            self.owed.drain(..sent);
            self.stream.flush().await?;
        }
        self.input.reserve(READ_LEN);
        match self.stream.read_buf(&mut self.input).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}
