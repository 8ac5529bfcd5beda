//! From a request to who sent it: a bearer token, or the console's cookie.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::ConnectInfo;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use postern_control::{Caller, Visitor};
use postern_domain::SecretText;

use crate::problem::Problem;
use crate::server::App;

/// The console's cookie. The prefix makes browsers insist on TLS, this host and the whole path.
pub(crate) const COOKIE: &str = "__Host-postern";

const CLIENT_LEN_MAX: usize = 120;

/// Whoever sent the request, before anything is proved.
pub(crate) fn visitor(parts: &Parts) -> Visitor {
    let source = parts
        .extensions
        .get::<ConnectInfo<SocketAddr>>()
        .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |ConnectInfo(address)| address.ip().to_canonical());
    let client = parts
        .headers
        .get(header::USER_AGENT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .chars()
        .take(CLIENT_LEN_MAX)
        .collect();
    Visitor { source, client }
}

/// The caller that the request's token proves.
pub(crate) async fn caller(app: &App, parts: &Parts, visitor: Visitor) -> Result<Caller, Problem> {
    let token = match bearer(&parts.headers) {
        Some(token) => token,
        None => {
            let token = cookie(&parts.headers).ok_or_else(Problem::unauthenticated)?;
            same_origin(parts, &app.control.settings().public_url)?;
            token
        }
    };
    Ok(app.control.authenticate(token, visitor).await?)
}

/// The token in the `Authorization` header.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<SecretText> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| SecretText::new(token.trim().to_owned()))
}

/// The token in the console's cookie.
pub(crate) fn cookie(headers: &HeaderMap) -> Option<SecretText> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE)
        .map(|(_, token)| SecretText::new(token.to_owned()))
}

/// Whether a WebSocket comes from the console's own pages, or from a program that shows a token: a
/// browser lets any site open one, and sends the cookie along.
pub(crate) fn from_console(parts: &Parts, public_url: &str) -> Result<(), Problem> {
    let shows_token = bearer(&parts.headers).is_some();
    if shows_token && !parts.headers.contains_key(header::ORIGIN) { Ok(()) } else { origin(parts, public_url) }
}

/// A browser sends the cookie along with requests that other sites make it send; what changes
/// something must come from the console's own pages.
fn same_origin(parts: &Parts, public_url: &str) -> Result<(), Problem> {
    if matches!(parts.method, Method::GET | Method::HEAD) {
        return Ok(());
    }
    origin(parts, public_url)
}

/// Whether the request says that it comes from the console's own pages.
fn origin(parts: &Parts, public_url: &str) -> Result<(), Problem> {
    let text = |name| parts.headers.get(name).and_then(|value: &axum::http::HeaderValue| value.to_str().ok());
    let origin = text(header::ORIGIN).unwrap_or_default();
    let host = text(header::HOST).unwrap_or_default();
    if origin == public_url || (!host.is_empty() && origin == format!("https://{host}")) {
        Ok(())
    } else {
        Err(Problem::new(
            StatusCode::FORBIDDEN,
            "cross_origin",
            "the request does not come from the console's own pages",
        ))
    }
}
