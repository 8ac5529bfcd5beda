//! What a route gives back.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;

/// How a reply is described in the OpenAPI document.
#[derive(Debug)]
pub struct Described {
    /// The status when it succeeds.
    pub status: StatusCode,
    /// The media type; none for an empty body.
    pub media: Option<&'static str>,
    /// The body's schema, for JSON.
    pub schema: Option<Schema>,
}

/// What a handler may give back.
pub(crate) trait Reply: Send + 'static {
    /// How the document describes it.
    fn describe(schemas: &mut SchemaGenerator) -> Described;
    /// The response.
    fn into_reply(self) -> Response;
}

/// 200 with a JSON body.
pub(crate) struct Found<T>(pub T);
/// 201 with a JSON body.
pub(crate) struct Created<T>(pub T);
/// 201 with a JSON body that holds a secret, which is shown once and never kept.
pub(crate) struct CreatedOnce<T>(pub T);
/// 204.
pub(crate) struct Done;
/// 200 with bytes that are not JSON.
pub(crate) struct Bytes {
    /// The media type; the same as in `MEDIA` of the route's description.
    pub media: &'static str,
    /// More headers.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The bytes, possibly a stream.
    pub body: Body,
}

impl<T: Serialize + JsonSchema + Send + 'static> Reply for Found<T> {
    fn describe(schemas: &mut SchemaGenerator) -> Described {
        let schema = Some(schemas.subschema_for::<T>());
        Described { status: StatusCode::OK, media: Some("application/json"), schema }
    }

    fn into_reply(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

impl<T: Serialize + JsonSchema + Send + 'static> Reply for Created<T> {
    fn describe(schemas: &mut SchemaGenerator) -> Described {
        let schema = Some(schemas.subschema_for::<T>());
        Described { status: StatusCode::CREATED, media: Some("application/json"), schema }
    }

    fn into_reply(self) -> Response {
        (StatusCode::CREATED, axum::Json(self.0)).into_response()
    }
}

/// Marks a response that holds a secret: it is not remembered for calls that are repeated.
#[derive(Clone, Copy)]
pub(crate) struct HoldsSecret;

impl<T: Serialize + JsonSchema + Send + 'static> Reply for CreatedOnce<T> {
    fn describe(schemas: &mut SchemaGenerator) -> Described {
        Created::<T>::describe(schemas)
    }

    fn into_reply(self) -> Response {
        let mut response = Created(self.0).into_reply();
        response.extensions_mut().insert(HoldsSecret);
        response
    }
}

impl Reply for Done {
    fn describe(_: &mut SchemaGenerator) -> Described {
        Described { status: StatusCode::NO_CONTENT, media: None, schema: None }
    }

    fn into_reply(self) -> Response {
        StatusCode::NO_CONTENT.into_response()
    }
}

impl Reply for Bytes {
    fn describe(_: &mut SchemaGenerator) -> Described {
        Described { status: StatusCode::OK, media: Some("application/octet-stream"), schema: None }
    }

    fn into_reply(self) -> Response {
        let mut response = Response::new(self.body);
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(self.media));
        response.headers_mut().extend(self.headers);
        response
    }
}

impl Reply for Response {
    fn describe(_: &mut SchemaGenerator) -> Described {
        Described { status: StatusCode::OK, media: Some("application/json"), schema: None }
    }

    fn into_reply(self) -> Response {
        self
    }
}
