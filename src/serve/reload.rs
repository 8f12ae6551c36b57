//! Following the capability files and messages as they change; the last good version stays until a new one checks.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::{LOOK, pause};
use crate::app::App;
use crate::catalogue::Catalogue;
use crate::catalogue::check::{Known, explain};
use crate::catalogue::files::Watch;
use crate::message::Messages;

/// Looks for changes until `stop`.
pub(super) async fn follow(app: Arc<App>, stop: CancellationToken) {
    let mut commands = Watch::new(&app.config.commands);
    let mut messages = app.config.messages.as_deref().map(Watch::new);
    while !stop.is_cancelled() {
        pause(&stop, LOOK).await;
        if commands.changed() {
            let app = app.clone();
            // Compiling thousands of files takes a while, and nobody else should wait for it.
            let _ = tokio::task::spawn_blocking(move || load_commands(&app)).await;
        }
        if messages.as_mut().is_some_and(Watch::changed) {
            load_messages(&app);
        }
    }
}

/// Loads the capability files and swaps them in if they check.
pub fn load_commands(app: &App) {
    match Catalogue::load(&app.config.commands, &app.tools, &Known::of(&app.config)) {
        Ok(catalogue) => {
            tracing::info!(commands = catalogue.commands.len(), "the capability files were loaded again");
            app.catalogue.store(Arc::new(catalogue));
        }
        Err(problems) => tracing::error!(
            problems = explain(&problems),
            "the capability files have mistakes; the last good version stays"
        ),
    }
}

/// Loads the messages and swaps them in if they compile.
pub fn load_messages(app: &App) {
    match Messages::load(app.config.messages.as_deref()) {
        Ok(messages) => app.messages.store(Arc::new(messages)),
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "the messages have mistakes; the last good version stays");
        }
    }
}
