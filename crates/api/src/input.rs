//! What a route takes: path parameters, query parameters and a JSON body, read by types.

use std::any::TypeId;
use std::collections::BTreeMap;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::problem::Problem;

/// The largest body that a route reads, in bytes.
pub(crate) const BODY_LEN_MAX: usize = 4 * 1024 * 1024;

/// The largest body that is read from somebody who has not proved who they are, in bytes.
pub(crate) const PUBLIC_BODY_LEN_MAX: usize = 64 * 1024;

/// A part of the input that a route does not take.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
pub(crate) struct Nothing {}

/// What a route takes.
#[derive(Debug)]
pub(crate) struct Input<P = Nothing, Q = Nothing, B = Nothing> {
    /// The parameters in its path.
    pub path: P,
    /// The parameters in its query.
    pub query: Q,
    /// Its body.
    pub body: B,
}

/// Reads path and query parameters. The names of the fields that do not fit are in the problem.
pub(crate) async fn parameters<P: DeserializeOwned, Q: DeserializeOwned>(parts: &mut Parts) -> Result<(P, Q), Problem> {
    let raw = RawPathParams::from_request_parts(parts, &())
        .await
        .map_err(|_| Problem::invalid("path", "is not valid UTF-8"))?;
    let path = raw
        .iter()
        .map(|(name, value)| (name.to_owned(), serde_json::Value::String(value.to_owned())))
        .collect::<serde_json::Map<_, _>>();
    let path = serde_path_to_error::deserialize(serde_json::Value::Object(path)).map_err(|e| named("path", &e))?;
    let query = parts.uri.query().unwrap_or_default();
    let query = serde_path_to_error::deserialize(serde_urlencoded::Deserializer::new(url_pairs(query)))
        .map_err(|e| named("query", &e))?;
    Ok((path, query))
}

fn url_pairs(query: &str) -> form_urlencoded::Parse<'_> {
    form_urlencoded::parse(query.as_bytes())
}

/// Reads the body; an empty one stands for `{}`.
pub(crate) fn body<B: DeserializeOwned + 'static>(bytes: &[u8]) -> Result<B, Problem> {
    let text: &[u8] = if bytes.is_empty() || TypeId::of::<B>() == TypeId::of::<Nothing>() { b"{}" } else { bytes };
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|e| named("body", &e))?;
    deserializer.end().map_err(|_| Problem::invalid("body", "there is something after the JSON value"))?;
    Ok(value)
}

fn named<E: std::fmt::Display>(part: &str, error: &serde_path_to_error::Error<E>) -> Problem {
    let path = error.path().to_string();
    let field = if path == "." { part.to_owned() } else { path };
    Problem::invalid(&field, error.inner().to_string())
}

/// The paging parameters, to be flattened into a listing's query by hand: serde's `flatten` turns
/// every value of a query into text.
#[must_use]
pub(crate) fn page(cursor: Option<String>, limit: Option<u32>) -> postern_control::PageRequest {
    postern_control::PageRequest { cursor, limit }
}

/// The parameters of a listing that can be sorted and counted.
#[must_use]
pub(crate) fn listing(
    cursor: Option<String>,
    limit: Option<u32>,
    sort: Option<String>,
    count: bool,
) -> postern_control::Listing {
    postern_control::Listing { page: page(cursor, limit), sort, count }
}

/// Query parameters given as `key=value` pairs in one parameter: `env=prod,tier=web`.
#[must_use]
pub(crate) fn labels(text: &str) -> BTreeMap<String, String> {
    text.split(',')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
        .collect()
}
