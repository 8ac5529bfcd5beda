//! The gateway: listens, admits, and gives every connection a task.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Weak};

use postern_gateway::{Admission, AdmissionLimits, Control, Sessions, Share, Workers, accept};
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, ServerConfig};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::{Config, Limits};
use crate::mysql;
use crate::pg;
use crate::pg::Cancels;
use crate::redis;
use crate::verify::{Trust, exactly};

/// Why the gateway cannot be made or does not listen.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GatewayError {
    /// Its threads cannot be started.
    #[error("the database gateway's threads cannot be started")]
    Threads(#[source] std::io::Error),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
}

/// What a listener's clients speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// PostgreSQL's.
    Postgresql,
    /// MySQL's, which MariaDB speaks too.
    Mysql,
    /// Redis', which Valkey speaks too.
    Redis,
}

/// Database sessions through the gate.
pub struct Gateway {
    entrance: Arc<Entrance>,
}

/// Where connections come in.
struct Entrance {
    gate: Arc<Gate>,
    admission: Arc<Admission>,
    workers: Workers,
}

/// How clients within this process enter the gateway: as others do, from where they say. It opens nothing
/// once the gateway is gone.
#[derive(Clone)]
pub struct Door {
    entrance: Weak<Entrance>,
}

impl Door {
    /// A connection for a client of `protocol`, which is taken as one from `source`.
    ///
    /// # Errors
    /// When the gateway is gone, or the system has no connection to give.
    pub async fn enter(&self, protocol: Protocol, source: IpAddr) -> io::Result<TcpStream> {
        let gone = || io::Error::new(io::ErrorKind::NotConnected, "the database gateway has stopped");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let client = TcpStream::connect(listener.local_addr()?).await?;
        let own = client.local_addr()?;
        // Whoever else has found the port in this moment is not let in by it.
        let stream = loop {
            let (stream, peer) = listener.accept().await?;
            if peer == own {
                break stream;
            }
        };
        client.set_nodelay(true)?;
        self.entrance.upgrade().ok_or_else(gone)?.admit(protocol, stream, source);
        Ok(client)
    }

    /// How clients within this process speak TLS to a gateway that has this certificate, and to no other.
    ///
    /// # Errors
    /// When TLS is not to be had.
    pub fn tls(certificate: CertificateDer<'static>) -> Result<ClientConfig, rustls::Error> {
        exactly(certificate)
    }

    /// Cancels what runs in the session of the MySQL client that was given this number.
    pub fn cancel(&self, connection: u32) {
        if let Some(entrance) = self.entrance.upgrade() {
            entrance.gate.peers.cancel(connection);
        }
    }
}

/// What all connections share.
pub(crate) struct Gate {
    pub(crate) control: Control,
    pub(crate) limits: Limits,
    /// How TLS is spoken to clients of protocols without a name in it.
    pub(crate) tls: Arc<ServerConfig>,
    /// The same for PostgreSQL's.
    pub(crate) pg_tls: Arc<ServerConfig>,
    pub(crate) trust: Trust,
    /// What MySQL's clients are told to be the version.
    pub(crate) mysql_version: String,
    /// The number of the last connection of theirs.
    connections: AtomicU32,
    pub(crate) cancels: Cancels,
    pub(crate) peers: mysql::Peers,
    /// What must be over before the gateway is: connections, and the ends of their sessions.
    pub(crate) tasks: TaskTracker,
    pub(crate) shutdown: CancellationToken,
}

impl Gate {
    /// A number for a connection of a MySQL client's.
    pub(crate) fn next_connection(&self) -> u32 {
        mysql::number(self.connections.fetch_add(1, Ordering::Relaxed).wrapping_add(1))
    }
}

impl Gateway {
    /// A gateway to `sessions`, which are asked on the runtime that this is called on.
    ///
    /// # Errors
    /// When there is no thread to be had.
    pub fn new(sessions: Sessions, config: Config) -> Result<Self, GatewayError> {
        let Config { tls, limits, mysql_version } = config;
        let mut tls = ServerConfig::clone(&tls);
        // Nobody resumes a session with a database; tickets would be sent and kept for nothing.
        tls.send_tls13_tickets = 0;
        let mut pg_tls = tls.clone();
        pg_tls.alpn_protocols = vec![pg::ALPN.to_vec()];
        let admission = Admission::new(AdmissionLimits {
            connections_max: limits.connections_max,
            unauthenticated_max: limits.unauthenticated_max,
            unauthenticated_per_source_max: limits.unauthenticated_per_source_max,
        });
        Ok(Self {
            entrance: Arc::new(Entrance {
                workers: Workers::start("database", Share::Half, postern_sql::STACK_LEN)
                    .map_err(GatewayError::Threads)?,
                admission,
                gate: Arc::new(Gate {
                    control: Control::new(sessions, Handle::current()),
                    limits,
                    tls: Arc::new(tls),
                    pg_tls: Arc::new(pg_tls),
                    trust: Trust::default(),
                    mysql_version,
                    connections: AtomicU32::new(0),
                    cancels: Cancels::default(),
                    peers: mysql::Peers::default(),
                    tasks: TaskTracker::new(),
                    shutdown: CancellationToken::new(),
                }),
            }),
        })
    }

    /// How clients within this process enter.
    #[must_use]
    pub fn door(&self) -> Door {
        Door { entrance: Arc::downgrade(&self.entrance) }
    }

    /// Listens on `address`; nobody is served yet.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub async fn bind(address: SocketAddr) -> Result<TcpListener, GatewayError> {
        TcpListener::bind(address).await.map_err(|source| GatewayError::Bind { address, source })
    }

    /// Serves clients until `shutdown`, then ends every session, telling those in it, and returns when all
    /// of them have been written down.
    pub async fn serve(self, listeners: Vec<(Protocol, TcpListener)>, shutdown: CancellationToken) {
        let entrance = self.entrance;
        let accepting = TaskTracker::new();
        for (protocol, listener) in listeners {
            let (entrance, shutdown) = (entrance.clone(), shutdown.clone());
            accepting.spawn(async move {
                accept(listener, &shutdown, |stream, source| entrance.admit(protocol, stream, source)).await;
            });
        }
        accepting.close();
        accepting.wait().await;
        entrance.gate.shutdown.cancel();
        entrance.gate.tasks.close();
        entrance.gate.tasks.wait().await;
    }
}

impl Entrance {
    fn admit(&self, protocol: Protocol, stream: TcpStream, source: IpAddr) {
        let Some((place, waiting)) = self.admission.admit(source) else {
            tracing::debug!(%source, "too many connections");
            return;
        };
        let gate = self.gate.clone();
        let (Some(worker), Ok(stream)) = (self.workers.next(), stream.into_std()) else { return };
        let serve = async move {
            let Ok(stream) = TcpStream::from_std(stream) else { return };
            // Small answers must not wait for one another.
            if stream.set_nodelay(true).is_ok() {
                match protocol {
                    Protocol::Postgresql => pg::serve(gate, stream, source, waiting).await,
                    Protocol::Mysql => mysql::serve(gate, stream, source, waiting).await,
                    Protocol::Redis => redis::serve(gate, stream, source, waiting).await,
                }
            }
            drop(place);
        };
        self.gate.tasks.spawn_on(serve, worker);
    }
}
