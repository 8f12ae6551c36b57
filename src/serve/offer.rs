//! Telling the platforms what can be used there: at the start, and whenever the catalogue was loaded again.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::pause;
use crate::app::App;
use crate::catalogue::Catalogue;
use crate::desk;

/// How long to wait after a platform could not be told.
const AGAIN: Duration = Duration::from_secs(5);
/// How often it is looked whether the catalogue was loaded again.
const LOOK: Duration = Duration::from_secs(1);

/// Tells every platform until `stop`. One that cannot be told holds up none of the others.
pub(super) async fn follow(app: Arc<App>, stop: CancellationToken) {
    let tellings = app.platforms.values().map(|platform| async {
        let mut told: Option<Arc<Catalogue>> = None;
        while !stop.is_cancelled() {
            let catalogue = app.catalogue.load_full();
            if told.as_ref().is_some_and(|told| Arc::ptr_eq(told, &catalogue)) {
                pause(&stop, LOOK).await;
                continue;
            }
            match platform.offer(&desk::offers(&catalogue)).await {
                Ok(()) => told = Some(catalogue),
                Err(error) => {
                    let error = format!("{error:#}");
                    tracing::warn!(platform = %platform.name(), error, "what can be used there could not be told");
                    pause(&stop, AGAIN).await;
                }
            }
        }
    });
    futures::future::join_all(tellings).await;
}
