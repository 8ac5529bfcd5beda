//! Figures in Prometheus' text format.

use std::time::Duration;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use postern_domain::permission::Permission;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use crate::auth;
use crate::problem::Problem;
use crate::server::App;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Call {
    method: String,
    path: String,
    status: u16,
}

/// The figures. Names never carry a person's or an asset's name.
pub struct Metrics {
    registry: Registry,
    calls: Family<Call, Counter>,
    call_seconds: Histogram,
    sessions_live: Gauge,
    ledger_size: Gauge,
    vault_sealed: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("postern");
        let calls = Family::default();
        let call_seconds = Histogram::new(exponential_buckets(0.0005, 2.0, 14));
        let (sessions_live, ledger_size, vault_sealed) = (Gauge::default(), Gauge::default(), Gauge::default());
        registry.register("http_calls", "Calls answered", calls.clone());
        registry.register("http_call_seconds", "How long calls took", call_seconds.clone());
        registry.register("sessions_live", "Live sessions", sessions_live.clone());
        registry.register("ledger_leaves", "Leaves in the ledger", ledger_size.clone());
        registry.register("vault_sealed", "1 when the vault is sealed", vault_sealed.clone());
        Self { registry, calls, call_seconds, sessions_live, ledger_size, vault_sealed }
    }
}

impl Metrics {
    /// Counts one answered call. `path` is the route's pattern, never the path that was asked for.
    pub fn answered(&self, method: &Method, path: &str, status: StatusCode, took: Duration) {
        let label = Call { method: method.to_string(), path: path.to_owned(), status: status.as_u16() };
        self.calls.get_or_create(&label).inc();
        self.call_seconds.observe(took.as_secs_f64());
    }
}

/// The figures, to this machine's own scraper or to those who may see the server's state.
pub(crate) async fn show(State(app): State<App>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let local = parts
        .extensions
        .get::<ConnectInfo<std::net::SocketAddr>>()
        .is_some_and(|ConnectInfo(peer)| peer.ip().to_canonical().is_loopback());
    if !local {
        let visitor = auth::visitor(&parts);
        match auth::caller(&app, &parts, visitor).await {
            Ok(caller) if caller.permit(Permission::StatusRead).is_some() => {}
            Ok(_) => {
                return Problem::new(StatusCode::FORBIDDEN, "forbidden", "this needs the permission status:read")
                    .into_response();
            }
            Err(problem) => return problem.into_response(),
        }
    }
    let gauges = app.control.gauges().await;
    app.metrics.sessions_live.set(gauges.sessions_live);
    app.metrics.ledger_size.set(gauges.ledger_size);
    app.metrics.vault_sealed.set(i64::from(gauges.vault_sealed));
    let mut text = String::new();
    if encode(&mut text, &app.metrics.registry).is_err() {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    ([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text).into_response()
}
