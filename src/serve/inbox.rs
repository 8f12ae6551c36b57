//! The way from an adapter to the desk: an event is kept before it is acknowledged, then answered in the background.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use crate::app::App;
use crate::chat::{Card, Event, Inbox, Reply, Undelivered};
use crate::clock::Span;
use crate::desk;
use crate::error::{Reason, Result, UserError};
use crate::store::event::HOLD;

/// How long an answer that a person waits for may take; platforms wait three seconds.
const ANSWER: Duration = Duration::from_millis(2800);
/// How long keeping an event may take, so that there is time left to say that it failed.
const KEEP: Duration = Duration::from_millis(2200);
/// How often a refusal is tried to be kept, a second apart: as long as nobody else takes the event up.
const REFUSALS: u32 = 15;
/// How long an answer is tried to be given; Discord takes none after that.
const ANSWERABLE: Span = Span::from_secs(15 * 60);
/// How many events are answered at a time; further ones wait on the disk.
const ANSWERING: usize = 256;

/// The inbox of a house.
pub struct Desk {
    app: Arc<App>,
    tasks: TaskTracker,
    permits: Arc<Semaphore>,
}

impl Desk {
    pub(super) fn new(app: Arc<App>, tasks: TaskTracker) -> Self {
        Self { app, tasks, permits: Arc::new(Semaphore::new(ANSWERING)) }
    }

    pub(super) fn app(&self) -> &App {
        &self.app
    }

    /// Answers an accepted event in the background, on a permit.
    fn answer_later(&self, event: Event, permit: OwnedSemaphorePermit) {
        let app = self.app.clone();
        self.tasks.spawn(async move {
            answer(&app, &event).await;
            drop(permit);
        });
    }

    /// Answers an event that must not be kept: while its sender waits, and never again.
    async fn answer_sealed(&self, event: Event) -> Result<bool> {
        count(&event);
        let reply = timeout(KEEP, desk::handle(&self.app, &event)).await.map_err(|_| not_kept())?;
        let app = self.app.clone();
        self.tasks.spawn(async move {
            let Some(platform) = app.platforms.get(&event.platform) else { return };
            if let Err(error) = platform.reply(&event, &reply).await {
                tracing::warn!(error = format!("{error:#}"), "an answer to something sealed could not be given");
            }
        });
        Ok(true)
    }

    /// Takes up events that nobody is answering, as far as there is room for them; how many there were.
    pub async fn sweep_next(&self) -> Result<usize> {
        let free = (0..self.permits.available_permits()).map_while(|_| self.permits.clone().try_acquire_owned().ok());
        let free: Vec<OwnedSemaphorePermit> = free.collect();
        if free.is_empty() {
            return Ok(0);
        }
        let events = self.app.store.claim_events(free.len() as i64).await?;
        let count = events.len();
        for (event, permit) in events.into_iter().zip(free) {
            self.answer_later(serde_json::from_str(&event)?, permit);
        }
        Ok(count)
    }

    /// What was to be kept is not to be answered, also where the write was on its way when its time was over.
    fn refuse(&self, key: String, why: &str) -> anyhow::Error {
        tracing::warn!(event = key, why, "an event could not be kept");
        let app = self.app.clone();
        self.tasks.spawn(async move {
            for _ in 0..REFUSALS {
                if app.store.refuse_event(&key).await.is_ok() {
                    return;
                }
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            tracing::error!(event = key, "an event that was refused may still be answered: the database is away");
        });
        not_kept().into()
    }
}

#[async_trait]
impl Inbox for Desk {
    async fn accept(&self, event: Event) -> Result<bool> {
        if event.is_sealed() {
            return self.answer_sealed(event).await;
        }
        let key = key(&event);
        // With too many at a time, the rest waits on the disk for whoever has room first.
        let permit = self.permits.clone().try_acquire_owned().ok();
        let hold = if permit.is_some() { HOLD } else { Span::from_millis(0) };
        let kept = self.app.store.accept_event(&key, serde_json::to_string(&event)?, hold);
        match timeout(KEEP, kept).await {
            Ok(Ok(fresh)) => {
                if fresh {
                    count(&event);
                }
                if let Some(permit) = permit.filter(|_| fresh) {
                    self.answer_later(event, permit);
                }
                Ok(fresh)
            }
            Ok(Err(error)) => Err(self.refuse(key, &format!("{error:#}"))),
            Err(_) => Err(self.refuse(key, "it took too long")),
        }
    }

    async fn ask(&self, event: Event) -> Reply {
        count(&event);
        match timeout(ANSWER, desk::handle(&self.app, &event)).await {
            Ok(reply) => reply,
            Err(_) => Reply::Card(desk::words(&self.app, &too_slow().into())),
        }
    }

    fn words(&self, error: &anyhow::Error) -> Card {
        desk::words(&self.app, error)
    }
}

/// An event's key in the inbox: platforms, and persons on a page that makes its own ids, cannot shadow each other.
fn key(event: &Event) -> String {
    format!("{}:{}:{}", event.platform, event.person.id, event.id)
}

fn count(event: &Event) {
    let (platform, intent) = (event.platform.to_string(), event.intent.name());
    metrics::counter!("stationmaster_events_total", "platform" => platform, "intent" => intent).increment(1);
}

async fn answer(app: &App, event: &Event) {
    let reply = desk::handle(app, event).await;
    if let Some(platform) = app.platforms.get(&event.platform)
        && let Err(error) = platform.reply(event, &reply).await
    {
        let again = app.clock.now() - event.at < ANSWERABLE.millis() && !is_hopeless(&error);
        tracing::warn!(event = event.id, again, error = format!("{error:#}"), "an answer could not be given");
        if again {
            // The event stays open, so that the answer is tried again.
            return;
        }
    }
    if let Err(error) = app.store.finish_event(&key(event)).await {
        tracing::warn!(event = event.id, error = format!("{error:#}"), "an answered event could not be closed");
    }
}

/// Whether trying again would not help.
fn is_hopeless(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(Undelivered::Gone | Undelivered::Closed(_)))
}

fn not_kept() -> UserError {
    UserError::new(Reason::Unavailable, "This could not be taken, and nothing was started.")
        .hint("try the same again in a moment")
}

fn too_slow() -> UserError {
    UserError::new(Reason::Unavailable, "This took too long.").hint("try the same again; what you typed is still there")
}
