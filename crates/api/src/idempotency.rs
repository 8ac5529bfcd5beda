//! `Idempotency-Key`: a call repeated with the same key gets the first one's answer and does nothing.

use std::future::Future;

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use postern_control::{Caller, Control, Remembered};

use crate::problem::Problem;
use crate::reply::HoldsSecret;

const HEADER: &str = "idempotency-key";
const KEY_LEN_MAX: usize = 128;
/// Larger answers are not remembered; no route that changes something gives one.
const ANSWER_LEN_MAX: usize = 256 * 1024;

/// What identifies a repeated call.
pub(crate) struct Key {
    caller: String,
    key: String,
    request_hash: String,
}

impl Key {
    /// The key of a call that changes something, if it has one.
    pub(crate) fn of(parts: &Parts, caller: &Caller, body: &[u8]) -> Result<Option<Self>, Problem> {
        if matches!(parts.method, Method::GET | Method::HEAD) {
            return Ok(None);
        }
        let Some(value) = parts.headers.get(HEADER) else { return Ok(None) };
        let key = value.to_str().ok().filter(|key| !key.is_empty() && key.len() <= KEY_LEN_MAX);
        let key = key.ok_or_else(|| Problem::invalid("Idempotency-Key", "give 1 to 128 visible ASCII characters"))?;
        let request_hash =
            postern_control::digest(&[parts.method.as_str().as_bytes(), parts.uri.to_string().as_bytes(), body]);
        Ok(Some(Self { caller: caller.user.id.to_string(), key: key.to_owned(), request_hash }))
    }
}

/// Does the call, or gives the answer that it gave before.
pub(crate) async fn once(
    control: &Control,
    key: Option<Key>,
    call: impl Future<Output = Result<Response, Problem>>,
) -> Result<Response, Problem> {
    let Some(key) = key else { return call.await };
    if let Some(before) = control.remembered(&key.caller, &key.key).await? {
        if before.request_hash != key.request_hash {
            return Err(Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "idempotency_key_reused",
                "Idempotency-Key: this key was used for another request; make a new one",
            ));
        }
        return Ok(again(before));
    }
    let response = call.await.unwrap_or_else(IntoResponse::into_response);
    if response.status().is_server_error() {
        return Ok(response);
    }
    if response.extensions().get::<HoldsSecret>().is_some() {
        let again = serde_json::to_vec(&shown_before()).unwrap_or_default();
        let status = StatusCode::CONFLICT.as_u16();
        let answer = Remembered { request_hash: key.request_hash, status, body: again };
        control.remember(&key.caller, &key.key, &answer).await?;
        return Ok(response);
    }
    let (parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, ANSWER_LEN_MAX).await.map_err(|_| {
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the answer is too large to be remembered")
    })?;
    let answer = Remembered { request_hash: key.request_hash, status: parts.status.as_u16(), body: bytes.to_vec() };
    control.remember(&key.caller, &key.key, &answer).await?;
    Ok(Response::from_parts(parts, Body::from(bytes)))
}

/// The answer to a repeated call whose first answer held a secret.
fn shown_before() -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "shown_once",
        "this was done when it was called first; what it gave is shown once: make a new one",
    )
}

fn again(before: Remembered) -> Response {
    let status = StatusCode::from_u16(before.status).unwrap_or(StatusCode::OK);
    let media = if status.is_client_error() { "application/problem+json" } else { "application/json" };
    let mut response = (status, before.body).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    response.headers_mut().insert("idempotent-replay", HeaderValue::from_static("true"));
    response
}
