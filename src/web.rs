//! What is reached over HTTP: the server with its limits, and what answers beyond the chat page.

use std::sync::Arc;

use axum::Router;
use tokio_util::sync::CancellationToken;

use crate::app::App;

pub mod api;
pub mod guard;
pub mod health;
pub mod hooks;
mod json;
pub mod readiness;
mod refusal;
pub mod server;
pub mod signed;
pub mod surveys;
pub mod token;

/// Everything but the chat page, which is an adapter's own.
pub fn router(app: &Arc<App>, stop: &CancellationToken) -> Router {
    api::router(app.clone()).merge(hooks::router(app.clone())).merge(health::router(app.clone(), stop.clone()))
}
