//! The local end of `postern proxy`: a client of this machine's on one side, the gate on the other.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use postern_control::ConnectTicket;
use postern_wire::pg::startup::{First, Startup, cancel_request, first, session_request, tls_request};
use postern_wire::pg::{Handling, Piece, Splitter, back, body, front};
use postern_wire::redis;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::exit::Failure;

mod mysql;

/// How long either side may take until both speak to each other.
const BEGIN_TIME: Duration = Duration::from_secs(60);
/// The longest message that the gate asks with.
const QUESTION_LEN_MAX: usize = 64 * 1024;

/// The way to the gate.
#[derive(Clone)]
pub(crate) struct Gate {
    tls: Arc<ClientConfig>,
}

impl Gate {
    /// A gate that proves itself by a certificate that `ca` (PEM) signed, or one of the world's
    /// authorities.
    pub(crate) fn of(ca: Option<&str>) -> Result<Self, Failure> {
        let mut roots = RootCertStore::empty();
        match ca {
            Some(pem) => {
                for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
                    roots.add(certificate.context("the kept certificate is damaged: sign in again")?)?;
                }
            }
            None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        }
        let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        Ok(Self { tls: Arc::new(config) })
    }

    /// Serves one local client to its end.
    pub(crate) async fn relay(self, mut local: TcpStream, ticket: ConnectTicket) {
        let begun = timeout(BEGIN_TIME, self.begin(&mut local, &ticket)).await;
        match begun {
            // Either side may go at any time.
            Ok(Ok(Some(mut remote))) => drop(copy_bidirectional(&mut local, &mut remote).await),
            Ok(Ok(None)) => {}
            Ok(Err(error)) => eprintln!("postern: a connection failed: {error}"),
            Err(_) => eprintln!("postern: a connection was not ready in time"),
        }
    }

    async fn connect(&self, ticket: &ConnectTicket) -> io::Result<TlsStream<TcpStream>> {
        let mut stream = dial(ticket).await?;
        if ticket.protocol == "postgresql" {
            stream.write_all(&tls_request()).await?;
            if stream.read_u8().await? != b'S' {
                return Err(io::Error::other("the gate does not offer TLS"));
            }
        }
        self.secure(stream, ticket).await
    }

    /// Takes up TLS, in which the gate proves itself.
    async fn secure(&self, stream: TcpStream, ticket: &ConnectTicket) -> io::Result<TlsStream<TcpStream>> {
        let name = ServerName::try_from(ticket.host.clone()).map_err(io::Error::other)?;
        TlsConnector::from(self.tls.clone()).connect(name, stream).await
    }

    /// Signs the local client in to the gate; none when there is nothing to relay.
    async fn begin(&self, local: &mut TcpStream, ticket: &ConnectTicket) -> io::Result<Option<TlsStream<TcpStream>>> {
        local.set_nodelay(true)?;
        match ticket.protocol.as_str() {
            "redis" => return self.begin_redis(local, ticket).await,
            "mysql" => return self.begin_mysql(local, ticket).await,
            _ => {}
        }
        let startup = match wish(local).await? {
            Some(First::Session(startup)) => startup,
            Some(First::Cancel(key)) => {
                let mut remote = self.connect(ticket).await?;
                remote.write_all(&cancel_request(key)).await?;
                remote.shutdown().await?;
                return Ok(None);
            }
            _ => return Ok(None),
        };
        let mut remote = self.connect(ticket).await?;
        let account = ticket.account.to_string();
        remote.write_all(&session_request(parameters(&startup, &account))).await?;
        let mut input = Vec::new();
        let mut splitter = Splitter::default();
        loop {
            let piece = splitter.next(&input, |_| Some(Handling::Whole(QUESTION_LEN_MAX))).map_err(io::Error::other)?;
            let Some(Piece::Whole { tag, total }) = piece else {
                if remote.read_buf(&mut input).await? == 0 {
                    return Ok(None);
                }
                continue;
            };
            let message: Vec<u8> = input.drain(..total).collect();
            if tag == b'R' && back::authentication(body(&message)) == Ok(back::Authentication::Cleartext) {
                let mut answer = Vec::new();
                front::put_answer(&mut answer, &[ticket.token.as_bytes(), &[0]].concat());
                remote.write_all(&answer).await?;
                return Ok(Some(remote));
            }
            local.write_all(&message).await?;
        }
    }
}

impl Gate {
    /// Signs in to the gate in place of a local client of Redis, which is told what is wrong if something is.
    async fn begin_redis(
        &self,
        local: &mut TcpStream,
        ticket: &ConnectTicket,
    ) -> io::Result<Option<TlsStream<TcpStream>>> {
        let mut remote = self.connect(ticket).await?;
        let account = ticket.account.to_string();
        let mut out = Vec::new();
        let words: [&[u8]; 3] = [b"AUTH", account.as_bytes(), ticket.token.as_bytes()];
        redis::encode(&mut out, words.into_iter());
        remote.write_all(&out).await?;
        let mut answer = Vec::new();
        while !answer.ends_with(b"\n") {
            if answer.len() > QUESTION_LEN_MAX || remote.read_buf(&mut answer).await? == 0 {
                return Ok(None);
            }
        }
        if answer == b"+OK\r\n" {
            return Ok(Some(remote));
        }
        local.write_all(&answer).await?;
        Ok(None)
    }
}

/// Connects to the gate; nothing is said yet.
async fn dial(ticket: &ConnectTicket) -> io::Result<TcpStream> {
    let stream = TcpStream::connect((ticket.host.as_str(), ticket.port)).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// The client's parameters, with the account as the user.
fn parameters<'a>(startup: &'a Startup, account: &'a str) -> Vec<(&'a str, &'a str)> {
    let user = startup.get("user").unwrap_or_default();
    let mut parameters = vec![("user", account)];
    let given = startup.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    // A database that only repeats the local user's name was not chosen by anybody.
    parameters.extend(given.filter(|(name, value)| *name != "user" && (*name != "database" || *value != user)));
    parameters
}

/// What a local client wants; encryption is not needed on the way to it.
async fn wish(local: &mut TcpStream) -> io::Result<Option<First>> {
    let mut input = Vec::new();
    loop {
        match first(&input).map_err(io::Error::other)? {
            Some((First::Tls | First::Gss, length)) => {
                input.drain(..length);
                local.write_all(b"N").await?;
            }
            Some((wish, _)) => return Ok(Some(wish)),
            None => {
                if local.read_buf(&mut input).await? == 0 {
                    return Ok(None);
                }
            }
        }
    }
}

/// Tells a local client why there is nothing for it.
pub(crate) async fn refuse(mut local: TcpStream, protocol: String, why: String) {
    eprintln!("postern: {why}");
    let mut told = Vec::new();
    if protocol == "mysql" {
        // It may have gone.
        let _ = timeout(BEGIN_TIME, mysql::turn_away(&mut local, &why)).await;
        return;
    }
    if protocol == "redis" {
        redis::put_error(&mut told, "ERR", &format!("postern: {why}"));
    } else if let Ok(Ok(Some(First::Session(_)))) = timeout(BEGIN_TIME, wish(&mut local)).await {
        let report = back::Report {
            severity: "FATAL".into(),
            code: "28000".into(),
            message: format!("postern: {why}").into(),
            ..back::Report::default()
        };
        back::put_error(&mut told, &report);
    }
    // It may have gone.
    let _ = local.write_all(&told).await;
}
