//! Whether the process lives, and whether it can do its work.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::server::App;

/// The process lives.
pub(crate) async fn alive() -> &'static str {
    "ok\n"
}

/// Sessions can be opened: the database answers, the vault is open, the disk has room.
pub(crate) async fn ready(State(app): State<App>) -> Response {
    let readiness = app.control.readiness().await;
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(readiness)).into_response()
}
