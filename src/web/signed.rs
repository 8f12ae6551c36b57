//! Where chat platforms deliver over HTTP; each delivery proves itself to its adapter by its signature.

use std::sync::Arc;

use axum::Json;
use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::Value;

use crate::app::App;
use crate::chat::{Answer, Delivery, Inbox, Platform, PlatformName};

/// The platforms that deliver over HTTP, and where.
const DOORS: [(PlatformName, &str); 2] =
    [(PlatformName::Slack, "/slack/events"), (PlatformName::Discord, "/discord/interactions")];

/// The routes of the platforms that are connected.
pub fn router(app: &App, inbox: &Arc<dyn Inbox>) -> Router {
    DOORS.iter().fold(Router::new(), |router, (name, path)| match app.platforms.get(name) {
        Some(platform) => router.merge(door(path, platform.clone(), inbox.clone())),
        None => router,
    })
}

fn door(path: &str, platform: Arc<dyn Platform>, inbox: Arc<dyn Inbox>) -> Router {
    let receive = move |headers: HeaderMap, body: Result<Bytes, BytesRejection>| {
        let (platform, inbox) = (platform.clone(), inbox.clone());
        async move {
            match body {
                Ok(body) => respond(platform.receive(inbox, Delivery { headers: &headers, body: &body }).await),
                Err(rejection) => rejection.into_response(),
            }
        }
    };
    Router::new().route(path, post(receive))
}

fn respond(answer: Answer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    match answer.body {
        Value::Null => status.into_response(),
        Value::String(text) => (status, text).into_response(),
        body => (status, Json(body)).into_response(),
    }
}
