//! Errors as `application/problem+json` (RFC 9457).

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use postern_control::{DocumentProblem, Error};
use postern_domain::policy::Reason;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What went wrong, for a program (`code`) and for a person (`detail`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// `/problems/` and the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// The status line's text.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// A stable word for programs.
    pub code: String,
    /// The cause and the next step.
    pub detail: String,
    /// Which field of the input it is about.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub field: Option<String>,
    /// Why policy refused.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub reasons: Vec<Why>,
    /// What is wrong with which document, where several were given.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub problems: Vec<DocumentProblem>,
    /// How old a second factor may be, where a fresher one is wanted.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub max_age_seconds: Option<u64>,
    /// After how many seconds it may be tried again.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub retry_after_seconds: Option<u64>,
}

/// One reason of policy's, with its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Why {
    /// The reason.
    #[serde(flatten)]
    pub reason: Reason,
    /// For a person to read.
    pub message: String,
}

impl Problem {
    /// A problem of this status and code.
    #[must_use]
    pub fn new(status: StatusCode, code: &str, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("/problems/{code}"),
            title: status.canonical_reason().unwrap_or("Error").to_owned(),
            status: status.as_u16(),
            code: code.to_owned(),
            detail: detail.into(),
            field: None,
            reasons: Vec::new(),
            problems: Vec::new(),
            max_age_seconds: None,
            retry_after_seconds: None,
        }
    }

    /// A field whose value is not acceptable.
    #[must_use]
    pub fn invalid(field: &str, detail: impl Into<String>) -> Self {
        let detail = format!("{field}: {}", detail.into());
        Self { field: Some(field.to_owned()), ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail) }
    }

    /// Nobody has proved who they are.
    #[must_use]
    pub fn unauthenticated() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", "sign in first: postern login, or open the console")
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let detail = error.to_string();
        match error {
            Error::NotFound { .. } => Self::new(StatusCode::NOT_FOUND, "not_found", detail),
            Error::Link => Self::new(StatusCode::NOT_FOUND, "not_found", detail),
            Error::Unauthenticated { code, .. } => Self::new(StatusCode::UNAUTHORIZED, code, detail),
            Error::Forbidden(_) => Self::new(StatusCode::FORBIDDEN, "forbidden", detail),
            Error::Refused(reasons) => {
                let reasons = reasons.into_iter().map(|reason| Why { message: reason.to_string(), reason }).collect();
                Self { reasons, ..Self::new(StatusCode::FORBIDDEN, "refused", detail) }
            }
            Error::StepUp { max_age_seconds } => Self {
                max_age_seconds: Some(max_age_seconds),
                ..Self::new(StatusCode::PRECONDITION_REQUIRED, "step_up_required", detail)
            },
            Error::Invalid { field, .. } => {
                Self { field: Some(field), ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail) }
            }
            Error::Documents(problems) => {
                // Lacking a permission is told as such where nothing else is wrong.
                let forbidden = problems.iter().all(|problem| problem.code == "forbidden");
                let (status, code) = if forbidden {
                    (StatusCode::FORBIDDEN, "forbidden")
                } else {
                    (StatusCode::UNPROCESSABLE_ENTITY, "invalid")
                };
                Self { problems, ..Self::new(status, code, detail) }
            }
            Error::Conflict(_) => Self::new(StatusCode::CONFLICT, "conflict", detail),
            Error::Throttled(wait) => Self {
                retry_after_seconds: Some(wait.as_secs().max(1)),
                ..Self::new(StatusCode::TOO_MANY_REQUESTS, "throttled", detail)
            },
            Error::Sealed => Self::new(StatusCode::SERVICE_UNAVAILABLE, "sealed", detail),
            Error::Unavailable(_) => Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail),
            other => {
                tracing::error!(error = &other as &dyn std::error::Error, "use case failed");
                let detail = "something failed inside postern; its log says what";
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let retry = self.retry_after_seconds;
        let mut response = (status, axum::Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = retry {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
