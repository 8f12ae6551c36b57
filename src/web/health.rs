//! Whether the process lives and can work, and its figures: for whatever watches it.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::extract::State as With;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::readiness::Readiness;
use crate::app::App;
use crate::error::Result;
use crate::job::Exception;
use crate::store::request::State;

/// The upper ends of the buckets of every duration, in seconds.
const BUCKETS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];
/// How often figures are tidied.
const TIDY: Duration = Duration::from_secs(5);

/// `/healthz`, `/readyz` and `/metrics`. Once `stop` is cancelled, the process is not ready any more.
pub fn router(app: Arc<App>, stop: CancellationToken) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(figures))
        .with_state(Readiness::new(app, stop))
}

/// Begins to gather figures, once in a process; later calls give the same recorder.
pub fn recorder() -> Result<&'static PrometheusHandle> {
    static RECORDER: LazyLock<Result<PrometheusHandle, BuildError>> = LazyLock::new(|| {
        let handle = PrometheusBuilder::new().set_buckets(&BUCKETS)?.install_recorder()?;
        describe();
        metrics::gauge!("stationmaster_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
        Ok(handle)
    });
    RECORDER.as_ref().map_err(|error| anyhow::anyhow!("figures cannot be gathered: {error}"))
}

/// Tidies the figures until `stop`: without that, histograms that nobody reads would grow.
pub async fn tidy(stop: CancellationToken) {
    while let Ok(recorder) = recorder() {
        recorder.run_upkeep();
        if timeout(TIDY, stop.cancelled()).await.is_ok() {
            return;
        }
    }
}

fn describe() {
    metrics::describe_gauge!("stationmaster_info", "The version that runs.");
    metrics::describe_gauge!("stationmaster_requests", "Requests, by state.");
    metrics::describe_gauge!("stationmaster_jobs_waiting", "Pieces of work that wait or run.");
    metrics::describe_gauge!("stationmaster_jobs_dead", "Pieces of work that were given up.");
    metrics::describe_gauge!("stationmaster_escalations", "Open calls for a human, by reason and state.");
    metrics::describe_counter!(
        "stationmaster_escalations_total",
        "Calls for a human that this process opened, by reason and capability."
    );
    metrics::describe_gauge!("stationmaster_platform_up", "Whether a platform can be used now.");
    metrics::describe_gauge!("stationmaster_messages_waiting", "Messages that wait to be sent, by platform.");
    metrics::describe_gauge!(
        "stationmaster_messages_oldest_seconds",
        "How long the oldest of them waits, by platform."
    );
    metrics::describe_counter!("stationmaster_events_total", "What people did, by platform and kind.");
    metrics::describe_counter!("stationmaster_events_ignored_total", "What was ignored, by platform and reason.");
    metrics::describe_counter!("stationmaster_http_requests_total", "Answers, by route and status.");
    metrics::describe_counter!("stationmaster_http_refused_total", "Refusals at the door, by reason.");
    metrics::describe_counter!(
        "stationmaster_http_connections_cut_total",
        "Connections that broke a limit or broke off."
    );
    metrics::describe_histogram!("stationmaster_http_answer_seconds", "The time to an answer, by route.");
}

async fn ready(With(readiness): With<Readiness>) -> Response {
    let report = readiness.report().await;
    let status = if report.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(report)).into_response()
}

async fn figures(With(readiness): With<Readiness>) -> Response {
    for (name, condition) in readiness.platforms() {
        let up = if condition.state == "ready" { 1.0 } else { 0.0 };
        metrics::gauge!("stationmaster_platform_up", "platform" => name).set(up);
    }
    let (Ok(recorder), Ok(())) = (recorder(), measure(readiness.app()).await) else {
        return (StatusCode::SERVICE_UNAVAILABLE, "the figures cannot be read at the moment\n").into_response();
    };
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], recorder.render()).into_response()
}

/// Takes the figures that stand in the database, which all processes share.
async fn measure(app: &App) -> Result<()> {
    let counts: BTreeMap<String, i64> = app.store.count_requests().await?.into_iter().collect();
    for state in State::ALL.map(State::name) {
        metrics::gauge!("stationmaster_requests", "state" => state).set(counts.get(state).copied().unwrap_or(0) as f64);
    }
    let (waiting, dead) = app.store.count_jobs().await?;
    metrics::gauge!("stationmaster_jobs_waiting").set(waiting as f64);
    metrics::gauge!("stationmaster_jobs_dead").set(dead as f64);
    measure_escalations(app).await?;
    measure_messages(app).await
}

/// The open calls for a human, those that somebody has claimed apart from those that nobody has.
async fn measure_escalations(app: &App) -> Result<()> {
    let open = app.store.count_escalations().await?;
    for reason in Exception::ALL.map(Exception::name) {
        let found = open.iter().find(|(name, ..)| name == reason);
        let (all, waiting) = found.map_or((0, 0), |(_, all, waiting)| (*all, *waiting));
        for (state, count) in [("waiting", waiting), ("claimed", all - waiting)] {
            metrics::gauge!("stationmaster_escalations", "reason" => reason, "state" => state).set(count as f64);
        }
    }
    Ok(())
}

/// The messages that wait, of each platform that is connected here.
async fn measure_messages(app: &App) -> Result<()> {
    let waiting = app.store.count_waiting().await?;
    for name in app.platforms.keys().map(ToString::to_string) {
        let found = waiting.iter().find(|(platform, ..)| *platform == name);
        let (count, age) = found.map_or((0, 0), |(_, count, since)| (*count, app.clock.now() - since));
        metrics::gauge!("stationmaster_messages_waiting", "platform" => name.clone()).set(count as f64);
        metrics::gauge!("stationmaster_messages_oldest_seconds", "platform" => name).set(age.max(0) as f64 / 1000.0);
    }
    Ok(())
}
