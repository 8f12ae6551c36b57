//! A refusal as JSON, in one shape for everything that programs can get wrong.

use axum::Json;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::json;

use crate::error::{FieldError, Reason, UserError, reference};

/// Why something was refused: `{"error": {"reason", "message", "hint", "fields"}}`.
#[derive(Debug, Serialize)]
pub(super) struct Refusal {
    #[serde(skip)]
    status: StatusCode,
    reason: &'static str,
    message: String,
    hint: Option<String>,
    fields: Vec<FieldError>,
}

impl Refusal {
    /// The body is not what it says it is, or cannot be read.
    pub fn malformed(message: impl Into<String>, hint: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", message).hint(hint)
    }

    /// No token, a wrong one, a revoked one, or one of a person who left: nobody learns which.
    pub fn unknown_caller() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", "This needs a valid API token.")
            .hint("send it as `Authorization: Bearer …`; `stationmaster token create` makes one")
    }

    fn new(status: StatusCode, reason: &'static str, message: impl Into<String>) -> Self {
        Self { status, reason, message: message.into(), hint: None, fields: Vec::new() }
    }

    fn hint(mut self, hint: &str) -> Self {
        self.hint = Some(hint.to_owned());
        self
    }
}

impl From<UserError> for Refusal {
    fn from(error: UserError) -> Self {
        let (status, reason) = match error.reason {
            Reason::Invalid => (StatusCode::UNPROCESSABLE_ENTITY, "invalid"),
            Reason::NotFound => (StatusCode::NOT_FOUND, "not_found"),
            Reason::Denied => (StatusCode::FORBIDDEN, "denied"),
            Reason::Conflict => (StatusCode::CONFLICT, "conflict"),
            Reason::Limited => (StatusCode::TOO_MANY_REQUESTS, "limited"),
            Reason::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
        };
        Self { status, reason, message: error.message, hint: error.hint, fields: error.fields }
    }
}

impl From<anyhow::Error> for Refusal {
    /// What is not meant for people is logged under a reference that the caller is given.
    fn from(error: anyhow::Error) -> Self {
        let plain = error.downcast_ref::<UserError>().cloned().or_else(|| crate::store::away(&error));
        match plain {
            Some(error) => error.into(),
            None => {
                let reference = reference();
                tracing::error!(reference, error = format!("{error:#}"), "something went wrong");
                let message = format!("Something went wrong here, reference {reference}.");
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", message)
            }
        }
    }
}

impl From<BytesRejection> for Refusal {
    fn from(rejection: BytesRejection) -> Self {
        match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => {
                Self::new(StatusCode::PAYLOAD_TOO_LARGE, "malformed", "The body is too large.")
                    .hint("send at most 1 MiB")
            }
            _ => Self::malformed("The body did not arrive whole.", "send it again"),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        metrics::counter!("stationmaster_http_refused_total", "reason" => self.reason).increment(1);
        let status = self.status;
        let mut response = (status, Json(json!({ "error": self }))).into_response();
        let extra = match status {
            StatusCode::UNAUTHORIZED => Some((header::WWW_AUTHENTICATE, "Bearer")),
            StatusCode::SERVICE_UNAVAILABLE => Some((header::RETRY_AFTER, "1")),
            _ => None,
        };
        if let Some((name, value)) = extra {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        response
    }
}
