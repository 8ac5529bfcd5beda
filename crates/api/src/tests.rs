//! The API as its callers see it.

mod access;
mod authorization;
mod document;
mod identity;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use postern_control::testing::{SOURCE, World};
use postern_domain::SecretText;
use serde_json::Value;
use tower_service::Service;

use crate::metrics::Metrics;
use crate::server::{InBrowser, app};

/// Answers longer than this are not looked at.
const ANSWER_LEN_MAX: usize = 1 << 20;

/// A server's routes, called without a network.
struct Api {
    world: World,
    router: Router,
}

/// An answer that has been read.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

impl Answer {
    fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }
}

impl Api {
    async fn new() -> Self {
        let world = World::new().await;
        let router = app(world.control.clone(), Arc::new(Metrics::default()), InBrowser::default());
        Self { world, router }
    }

    async fn call(&self, method: &str, path: &str, token: Option<&SecretText>, body: Value) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {}", token.expose()));
        }
        let text = if body.is_null() { String::new() } else { body.to_string() };
        self.send(request.body(Body::from(text)).expect("a request")).await
    }

    async fn send(&self, mut request: Request<Body>) -> Answer {
        request.extensions_mut().insert(ConnectInfo(SocketAddr::new(SOURCE, 40_000)));
        let response = self.router.clone().call(request).await.expect("routes do not fail");
        let (parts, body) = response.into_parts();
        let streamed = parts.headers.get(header::CONTENT_TYPE).is_some_and(|media| {
            media.to_str().is_ok_and(|media| media.contains("event-stream") || media.contains("ndjson"))
        });
        let bytes = if streamed {
            Vec::new()
        } else {
            axum::body::to_bytes(body, ANSWER_LEN_MAX).await.expect("a body").to_vec()
        };
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Answer { status: parts.status, headers: parts.headers, body }
    }

    async fn get(&self, path: &str, token: &SecretText) -> Answer {
        self.call(Method::GET.as_str(), path, Some(token), Value::Null).await
    }

    async fn post(&self, path: &str, token: &SecretText, body: Value) -> Answer {
        self.call(Method::POST.as_str(), path, Some(token), body).await
    }
}
