//! Getting to know the members of groups: at the start, and every quarter of an hour.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::pause;
use crate::app::App;
use crate::desk::acquaintance;

/// How often platforms are asked.
const EVERY: Duration = Duration::from_secs(15 * 60);
/// How long to wait before the next persons are looked up, and after one of them could not be; twice as long after each
/// failure in a row.
const AGAIN: Duration = Duration::from_secs(30);

/// Asks until `stop`.
pub(super) async fn follow(app: Arc<App>, stop: CancellationToken) {
    let mut failures: u32 = 0;
    while !stop.is_cancelled() {
        let refreshed = tokio::select! {
            () = stop.cancelled() => return,
            refreshed = acquaintance::refresh(&app) => refreshed,
        };
        failures = if refreshed.is_ok() { 0 } else { failures + 1 };
        let wait = match refreshed {
            Ok(0) => EVERY,
            Ok(left) => {
                tracing::info!(left, "members of groups are left to be looked up");
                AGAIN
            }
            Err(error) => {
                tracing::warn!(error = format!("{error:#}"), "who is in groups could not be established");
                AGAIN.saturating_mul(1 << (failures - 1).min(5)).min(EVERY)
            }
        };
        pause(&stop, wait).await;
    }
}
