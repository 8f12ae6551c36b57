//! Requests that are refused, and the plain words that say so.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::error::{Reason, UserError};

/// Why a request was refused.
#[derive(Debug)]
pub struct Refusal {
    status: StatusCode,
    words: String,
}

impl Refusal {
    /// The browser is not known (401).
    pub fn unknown() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "This browser is not known here (any more).\nhint: load the page again")
    }

    /// Another site sent it (403).
    pub fn foreign() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "Only this page itself may send that.\nhint: open the page and try again there",
        )
    }

    /// Nobody may speak as that person here (403).
    pub fn not_listed() -> Self {
        Self::new(StatusCode::FORBIDDEN, "Nobody can speak as that person here.\nhint: web.personas lists who can be")
    }

    /// It is not what the page sends (400).
    pub fn malformed() -> Self {
        Self::new(StatusCode::BAD_REQUEST, "That is not something that this page sends.\nhint: load the page again")
    }

    /// There is no such entry (404).
    pub fn missing() -> Self {
        Self::new(StatusCode::NOT_FOUND, "That message is not there any more.\nhint: load the page again")
    }

    fn new(status: StatusCode, words: impl Into<String>) -> Self {
        Self { status, words: words.into() }
    }
}

impl From<anyhow::Error> for Refusal {
    fn from(error: anyhow::Error) -> Self {
        let Some(user) = error.downcast_ref::<UserError>() else {
            tracing::error!(error = format!("{error:#}"), "the page could not answer");
            let words = "Something went wrong here. What you typed is kept.\nhint: try again in a moment";
            return Self::new(StatusCode::INTERNAL_SERVER_ERROR, words);
        };
        let status = match user.reason {
            Reason::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
            Reason::NotFound => StatusCode::NOT_FOUND,
            Reason::Denied => StatusCode::FORBIDDEN,
            Reason::Conflict => StatusCode::CONFLICT,
            Reason::Limited => StatusCode::TOO_MANY_REQUESTS,
            Reason::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self::new(status, user.to_string())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], self.words).into_response()
    }
}
