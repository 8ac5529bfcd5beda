//! The gateway: listens, admits, and gives every connection a task.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use postern_gateway::{Admission, AdmissionLimits, Control, Place, Sessions, Share, Waiting, Workers, accept};
use russh::{MethodKind, MethodSet, SshId, client, server};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::{Config, Limits};
use crate::connection::Connection;
use crate::handler::Client;
use crate::sign_in::SignIn;
use crate::{PROTOCOL, STACK_LEN};
use postern_ssh_target::algorithms;
use postern_ssh_target::socket::{Allowance, Socket};
use postern_ssh_target::target::client_config;

/// Why the gateway cannot be made or does not listen.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GatewayError {
    /// There is no host key to present.
    #[error("the SSH gateway needs at least one host key")]
    NoHostKey,
    /// What was given as a host key is none.
    #[error("the SSH gateway's host key cannot be read")]
    HostKey,
    /// Its threads cannot be started.
    #[error("the SSH gateway's threads cannot be started")]
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

/// SSH sessions through the gate.
pub struct Gateway {
    gate: Arc<Gate>,
    admission: Arc<Admission>,
    config: Arc<server::Config>,
    workers: Workers,
}

/// What all connections share.
pub(crate) struct Gate {
    pub(crate) control: Control,
    pub(crate) limits: Limits,
    pub(crate) banner: Option<String>,
    /// How targets are spoken to.
    pub(crate) client_config: Arc<client::Config>,
    /// What must be over before the gateway is: connections, and the ends of their sessions.
    pub(crate) tasks: TaskTracker,
    pub(crate) shutdown: CancellationToken,
}

impl Gateway {
    /// A gateway to `sessions`, which are asked on the runtime that this is called on.
    ///
    /// # Errors
    /// When there is no host key, or no thread to be had.
    pub fn new(sessions: Sessions, config: Config) -> Result<Self, GatewayError> {
        let Config { host_keys, banner, limits } = config;
        if host_keys.is_empty() {
            return Err(GatewayError::NoHostKey);
        }
        let server_config = server::Config {
            server_id: SshId::Standard("SSH-2.0-Postern".into()),
            methods: MethodSet::from(&[MethodKind::PublicKey, MethodKind::KeyboardInteractive][..]),
            // Wrong answers are slowed down where they are judged; an offered key that is nobody's is
            // no answer, and agents offer many.
            auth_rejection_time: Duration::ZERO,
            auth_rejection_time_initial: Some(Duration::ZERO),
            max_auth_attempts: KEY_OFFERS_MAX,
            keys: host_keys,
            limits: algorithms::rekey(),
            window_size: limits.window,
            manual_window: true,
            manual_close: true,
            maximum_packet_size: 32 * 1024,
            channel_buffer_size: 4,
            preferred: algorithms::preferred(),
            inactivity_timeout: None,
            keepalive_interval: Some(Duration::from_secs(30)),
            keepalive_max: 3,
            ..server::Config::default()
        };
        Ok(Self {
            workers: Workers::start(PROTOCOL, Share::All, STACK_LEN).map_err(GatewayError::Threads)?,
            admission: Admission::new(AdmissionLimits {
                connections_max: limits.connections_max,
                unauthenticated_max: limits.unauthenticated_max,
                unauthenticated_per_source_max: limits.unauthenticated_per_source_max,
            }),
            config: Arc::new(server_config),
            gate: Arc::new(Gate {
                control: Control::new(sessions, Handle::current()),
                banner,
                client_config: client_config(limits.window),
                limits,
                tasks: TaskTracker::new(),
                shutdown: CancellationToken::new(),
            }),
        })
    }

    /// Listens on `address`; nobody is served yet.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub async fn bind(address: SocketAddr) -> Result<TcpListener, GatewayError> {
        TcpListener::bind(address).await.map_err(|source| GatewayError::Bind { address, source })
    }

    /// Serves until `shutdown`, then ends every session, telling those in it, and returns when all of
    /// them have been written down.
    pub async fn serve(self, listener: TcpListener, shutdown: CancellationToken) {
        accept(listener, &shutdown, |stream, source| self.admit(stream, source)).await;
        self.gate.shutdown.cancel();
        self.gate.tasks.close();
        self.gate.tasks.wait().await;
    }

    fn admit(&self, stream: TcpStream, source: IpAddr) {
        let Some((place, waiting)) = self.admission.admit(source) else {
            tracing::debug!(%source, "too many connections");
            return;
        };
        let (gate, config) = (self.gate.clone(), self.config.clone());
        let (Some(worker), Ok(stream)) = (self.workers.next(), stream.into_std()) else { return };
        self.gate.tasks.spawn_on(serve(gate, config, stream, source, place, waiting), worker);
    }
}

/// Serves one connection to its end.
async fn serve(
    gate: Arc<Gate>,
    config: Arc<server::Config>,
    stream: std::net::TcpStream,
    source: IpAddr,
    place: Place,
    waiting: Waiting,
) {
    let Ok(stream) = TcpStream::from_std(stream) else { return };
    let cut = CancellationToken::new();
    let allowance = Allowance::of(gate.limits.sign_in_bytes);
    let socket = Socket::new(stream, cut.clone(), allowance.clone());
    let connection = Connection::new(gate.clone(), source, cut.clone());
    let handler = Client {
        sign_in: SignIn::new(gate.control.broker(), gate.limits.clone(), source),
        connection: connection.clone(),
        waiting: Some(waiting),
        allowance,
    };
    let watch = async {
        tokio::select! {
            () = sleep(gate.limits.sign_in_time) => true,
            () = connection.in_time.cancelled() => false,
        }
    };
    let run = async {
        let running = timeout(gate.limits.sign_in_time, server::run_stream(config, socket, handler)).await;
        match running {
            Ok(Ok(running)) => running.await,
            Ok(Err(error)) => Err(error),
            Err(_) => Ok(()),
        }
    };
    tokio::pin!(run);
    let ended = tokio::select! {
        ended = &mut run => ended,
        late = watch => {
            if late {
                cut.cancel();
            }
            run.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, %source, "client connection ended");
    }
    connection.client_gone.cancel();
    connection.inboxes.close_all();
    connection.tasks.close();
    connection.tasks.wait().await;
    cut.cancel();
    drop(place);
}

/// How many keys a client may offer, and how often it may fail in other ways.
const KEY_OFFERS_MAX: usize = 24;
