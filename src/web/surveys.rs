//! The published results of surveys as a page and as CSV, for reading only; served where the chat page is, to whoever may
//! open that.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{Html, IntoResponse as _, Response};
use axum::routing::get;

use super::refusal::Refusal;
use crate::app::App;
use crate::error::{Reason, Result, UserError};
use crate::store::survey::Wave;
use crate::survey::report::{Report, Row, report};

/// Nothing but our own style; framed by nobody.
const POLICY: &str = "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'";

/// The routes: `/surveys/WAVE` and `/surveys/WAVE.csv`.
pub fn router(app: Arc<App>) -> Router {
    Router::new().route("/surveys/{wave}", get(show)).with_state(app)
}

#[derive(Template)]
#[template(path = "survey.html")]
struct Page<'a> {
    report: &'a Report,
    id: &'a str,
}

impl Page<'_> {
    /// The share of those who answered in full, as it is shown.
    fn rate(&self) -> Option<String> {
        self.report.answered.map(|(count, rate)| format!("{count} answered, {rate:.0} % in full"))
    }

    /// Whether early answers are held against late ones.
    fn is_timed(&self) -> bool {
        self.report.questions.iter().any(|question| question.timing.is_some())
    }

    /// What stands in the place of a figure.
    fn words<'r>(&self, row: &'r Row) -> &'r str {
        match row.shown.as_str() {
            "hidden" => "hidden to protect a small group",
            "nobody" => "no answers",
            _ => &row.words,
        }
    }
}

async fn show(State(app): State<Arc<App>>, Path(name): Path<String>, headers: HeaderMap) -> Result<Response, Refusal> {
    // A page of another site may link here, but not draw it into itself.
    if headers.get("sec-fetch-dest").is_some_and(|dest| dest != "document" && dest != "empty") {
        return Err(missing().into());
    }
    let (id, as_csv) = name.strip_suffix(".csv").map_or((name.as_str(), false), |id| (id, true));
    let wave: Wave = app.store.wave(id).await?.ok_or_else(missing)?;
    let report = report(&wave)?.ok_or_else(missing)?;
    if as_csv {
        let kind = [
            (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
            (header::CONTENT_DISPOSITION, "attachment; filename=\"survey.csv\""),
        ];
        return Ok((kind, report.csv()).into_response());
    }
    let page = Page { report: &report, id }.render().map_err(anyhow::Error::from)?;
    let mut response = Html(page).into_response();
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    Ok(response)
}

fn missing() -> anyhow::Error {
    UserError::new(Reason::NotFound, "There are no such results.").hint("type /surveys to see yours").into()
}
