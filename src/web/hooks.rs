//! Where other systems call back; each call proves itself by its signature.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::post;

use super::refusal::Refusal;
use crate::app::App;
use crate::request::callback;

/// The header that carries a signature over the body, if the token itself is not sent.
const SIGNATURE: &str = "x-signature-256";

/// The routes for call backs.
pub fn router(app: Arc<App>) -> Router {
    Router::new().route("/hooks/callback/{request}/{step}", post(call_back)).with_state(app)
}

async fn call_back(
    State(app): State<Arc<App>>,
    Path((request, step)): Path<(String, String)>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Refusal> {
    callback::arrive(&app, (&request, &step), proof(&headers), &body?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The one proof that was sent; two of a kind prove nothing.
fn proof(headers: &HeaderMap) -> &str {
    let one = |name: &str| {
        let mut values = headers.get_all(name).iter();
        values.next().filter(|_| values.next().is_none()).and_then(|value| value.to_str().ok())
    };
    one(SIGNATURE).or_else(|| one(header::AUTHORIZATION.as_str())).unwrap_or_default()
}
