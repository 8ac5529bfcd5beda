//! The HTTPS server: bind and serve are two phases with different failures.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::http::{HeaderValue, Request, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use postern_control::Control;
use postern_gateway_web::Terminals;
use postern_sql_console::Consoles;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_service::Service;

use crate::metrics::Metrics;
use crate::route::Routes;
use crate::{console, health, metrics, openapi, problem::Problem, routes};

/// Connections that are open at once, at most.
const CONNECTIONS_MAX: usize = 2048;
/// How long a TLS handshake may take.
const HANDSHAKE_MAX: Duration = Duration::from_secs(10);
/// How long a client may take to send its request's header.
const HEADER_MAX: Duration = Duration::from_secs(15);
/// How long calls in progress are waited for when stopping.
const DRAIN_MAX: Duration = Duration::from_secs(10);

/// What handlers are given.
#[derive(Clone)]
pub(crate) struct App {
    /// The use cases.
    pub control: Control,
    /// The figures.
    pub metrics: Arc<Metrics>,
    /// The terminals in browsers, where sessions are run.
    pub terminals: Option<Terminals>,
    /// The SQL consoles in browsers, where databases are served.
    pub consoles: Option<Consoles>,
}

/// What runs in browsers; what is left out is not to be had.
#[derive(Clone, Default)]
pub struct InBrowser {
    /// Terminals.
    pub terminals: Option<Terminals>,
    /// SQL consoles.
    pub consoles: Option<Consoles>,
}

/// A bound HTTPS server.
pub struct Server {
    listener: TcpListener,
    acceptor: TlsAcceptor,
    app: Router,
}

impl Server {
    /// A server of `app` on a socket that listens already.
    #[must_use]
    pub fn new(listener: TcpListener, tls: Arc<rustls::ServerConfig>, app: Router) -> Self {
        Self { listener, acceptor: TlsAcceptor::from(tls), app }
    }

    /// Serves until `stop`, then waits for the calls in progress, but not for ever.
    pub async fn serve(self, stop: CancellationToken) {
        let calls = TaskTracker::new();
        let permits = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = stop.cancelled() => break,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    // Out of file descriptors, most likely: give those that close a chance.
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            };
            let Ok(permit) = permits.clone().try_acquire_owned() else { continue };
            let (acceptor, app, stop) = (self.acceptor.clone(), self.app.clone(), stop.clone());
            calls.spawn(async move {
                connection(stream, peer, acceptor, app, stop).await;
                drop(permit);
            });
        }
        drop(self.listener);
        calls.close();
        if tokio::time::timeout(DRAIN_MAX, calls.wait()).await.is_err() {
            tracing::warn!("some calls were still in progress and were cut off");
        }
    }
}

async fn connection(stream: TcpStream, peer: SocketAddr, acceptor: TlsAcceptor, app: Router, stop: CancellationToken) {
    let _ = stream.set_nodelay(true);
    let accepted = tokio::select! {
        accepted = tokio::time::timeout(HANDSHAKE_MAX, acceptor.accept(stream)) => accepted,
        () = stop.cancelled() => return,
    };
    let Ok(Ok(stream)) = accepted else { return };
    let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        app.clone().call(request)
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_MAX)
        .max_buf_size(64 * 1024)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%peer, error = %error, "connection ended early");
    }
}

/// Everything that is served: the API, its document, health, metrics and the console.
pub fn app(control: Control, metrics: Arc<Metrics>, in_browser: InBrowser) -> Router {
    let text = Arc::new(document().to_string());
    let InBrowser { terminals, consoles } = in_browser;
    let state = App { control, metrics, terminals, consoles };
    let routes = routes::all(Routes::default());
    routes
        .router
        .route("/openapi.json", axum::routing::get(move || async move { json(&text) }))
        .route("/healthz", axum::routing::get(health::alive))
        .route("/readyz", axum::routing::get(health::ready))
        .route("/metrics", axum::routing::get(metrics::show))
        .route("/v1/{*rest}", axum::routing::any(unknown))
        .fallback(console::serve)
        .layer(middleware::from_fn_with_state(state.clone(), observe))
        .with_state(state)
}

/// The OpenAPI document.
#[must_use]
pub fn document() -> serde_json::Value {
    openapi::document(routes::all(Routes::default()))
}

fn json(text: &str) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], text.to_owned()).into_response()
}

async fn unknown() -> Problem {
    Problem::new(axum::http::StatusCode::NOT_FOUND, "not_found", "there is no such route; /openapi.json lists them all")
}

/// Counts and times each call, and sets the headers that every answer carries.
async fn observe(
    axum::extract::State(app): axum::extract::State<App>,
    request: axum::extract::Request,
    next: Next,
) -> Response {
    let method = request.method().clone();
    let path = request
        .extensions()
        .get::<axum::extract::MatchedPath>()
        .map_or_else(|| "other".to_owned(), |path| path.as_str().to_owned());
    let begun = std::time::Instant::now();
    let mut response = next.run(request).await;
    app.metrics.answered(&method, &path, response.status(), begun.elapsed());
    let headers = response.headers_mut();
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::STRICT_TRANSPORT_SECURITY, "max-age=31536000"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}
