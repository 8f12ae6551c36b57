//! Getting to know the members of groups: at the start, and every quarter of an hour.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::pause;
use crate::app::App;
use crate::desk::acquaintance;

/// How often platforms are asked.
const EVERY: Duration = Duration::from_secs(15 * 60);
/// How long to wait after one of them did not answer, and before the next persons are looked up.
const AGAIN: Duration = Duration::from_secs(30);

/// Asks until `stop`.
pub(super) async fn follow(app: Arc<App>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let refreshed = tokio::select! {
            () = stop.cancelled() => return,
            refreshed = acquaintance::refresh(&app) => refreshed,
        };
        let wait = match refreshed {
            Ok(0) => EVERY,
            Ok(left) => {
                tracing::info!(left, "members of groups are left to be looked up");
                AGAIN
            }
            Err(error) => {
                tracing::warn!(error = format!("{error:#}"), "who is in groups could not be established");
                AGAIN
            }
        };
        pause(&stop, wait).await;
    }
}
