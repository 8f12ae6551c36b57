//! The loops, their supervision, and the graceful end; the only place that spawns for ever.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use secrecy::SecretString;
use serde_json::{Map, Value};

use crate::app::{App, Running};
use crate::catalogue::Catalogue;
use crate::catalogue::choices::Choices;
use crate::chat::{Platform, PlatformName};
use crate::clock::Clock;
use crate::config::Config;
use crate::desk::{self, outbox};
use crate::error::Result;
use crate::job::Claim;
use crate::message;
use crate::pager::Pager;
use crate::runner::{Tools, WebClient};
use crate::store::waiting::Waiting;
use crate::store::{Engine, Store};

mod acquaintance;
pub mod door;
mod inbox;
mod offer;
pub mod reload;

pub use inbox::Desk;

/// How many cards are on their way at a time.
const SENDING: usize = 64;
/// How soon a loop looks again that has found something.
const SOON: Duration = Duration::from_millis(20);
/// How often a loop looks by itself, in case a signal was lost or another process left work.
const LOOK: Duration = Duration::from_secs(1);

/// A running Stationmaster, without its doors to the network.
pub struct House {
    /// The shared handles.
    pub app: Arc<App>,
    /// Where adapters hand over what they hear.
    pub desk: Arc<Desk>,
    tasks: TaskTracker,
    stop: CancellationToken,
    /// Held as long as the work of an SQLite file is done here.
    _alone: Option<std::fs::File>,
}

/// What is built before the house is opened.
pub struct Parts {
    /// What the operator set.
    pub config: Config,
    /// The database.
    pub store: Store,
    /// The time.
    pub clock: Clock,
    /// What is on offer at first.
    pub catalogue: Catalogue,
    /// What runners need.
    pub tools: Tools,
    /// The platforms that cards are sent to.
    pub platforms: Vec<Arc<dyn Platform>>,
}

/// Builds the shared handles.
pub fn build(parts: Parts) -> Result<App> {
    let Parts { config, store, clock, catalogue, tools, platforms } = parts;
    let messages = message::Messages::load(config.messages.as_deref())?;
    let platforms: BTreeMap<PlatformName, Arc<dyn Platform>> = platforms.into_iter().map(|p| (p.name(), p)).collect();
    let env = template_env(&config);
    Ok(App {
        choices: Choices::new(&tools, &config, env.clone()),
        pager: Pager::new(&config, tools.web.clone(), clock.clone()),
        template_env: env,
        catalogue: ArcSwap::from_pointee(catalogue),
        messages: ArcSwap::from_pointee(messages),
        running: Running::default(),
        waiting: Waiting::default(),
        holder: uuid::Uuid::new_v4().to_string(),
        config,
        clock,
        store,
        tools,
        platforms,
    })
}

/// What runners need, from the configuration. `callback_key` signs call-backs; `public_url` is where they come to.
pub fn tools(config: &Config, clock: Clock, (callback_key, public_url): (SecretString, String)) -> Result<Tools> {
    Ok(Tools {
        web: WebClient::new(&config.http)?,
        clock,
        data: std::path::absolute(&config.data)?,
        commands: std::path::absolute(&config.commands)?,
        program: std::env::current_exe()?,
        public_url,
        callback_key,
    })
}

/// The key that call-backs are signed with: made at the first start and kept, so that a call back finds the same key
/// after a restart and on every replica.
pub async fn callback_key(store: &Store) -> Result<SecretString> {
    let random = format!("{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple());
    Ok(store.setting("callback_key", &random).await?.into())
}

/// The environment variables that the configuration opens to templates.
fn template_env(config: &Config) -> Map<String, Value> {
    config.templates.present.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect()
}

impl House {
    /// Takes up the work that is there and starts the loops. On SQLite this is the only process that may.
    pub async fn open(app: App) -> Result<Self> {
        let alone = app.store.hold_alone()?;
        if app.store.engine() == Engine::Sqlite {
            let (jobs, events) = (app.store.take_back_jobs().await?, app.store.take_back_events().await?);
            let messages = app.store.take_back_messages().await?;
            if jobs + events + messages > 0 {
                tracing::info!(jobs, events, messages, "taken up again after the last stop");
            }
        }
        let (app, tasks) = (Arc::new(app), TaskTracker::new());
        let desk = Arc::new(Desk::new(app.clone(), tasks.clone()));
        let house = Self { app, desk, tasks, stop: CancellationToken::new(), _alone: alone };
        house.start_loops();
        Ok(house)
    }

    fn start_loops(&self) {
        let (app, stop) = (self.app.clone(), self.stop.clone());
        let tasks = self.tasks.clone();
        self.tasks.spawn(async move { work(app, tasks, stop).await });
        let (app, stop) = (self.app.clone(), self.stop.clone());
        let tasks = self.tasks.clone();
        self.tasks.spawn(async move { deliver(app, tasks, stop).await });
        let (desk, stop) = (self.desk.clone(), self.stop.clone());
        self.tasks.spawn(async move { sweep(desk, stop).await });
        let (app, stop) = (self.app.clone(), self.stop.clone());
        self.tasks.spawn(async move { reload::follow(app, stop).await });
        let (app, stop) = (self.app.clone(), self.stop.clone());
        self.tasks.spawn(async move { offer::follow(app, stop).await });
        let (app, stop) = (self.app.clone(), self.stop.clone());
        self.tasks.spawn(async move { acquaintance::follow(app, stop).await });
        for platform in self.app.platforms.values() {
            let (platform, inbox, stop) = (platform.clone(), self.desk.clone(), self.stop.clone());
            self.tasks.spawn(async move {
                if let Err(error) = platform.run(inbox, stop).await {
                    tracing::error!(platform = %platform.name(), error = format!("{error:#}"), "a platform stopped");
                }
            });
        }
    }

    /// Stops taking work, lets what runs end within the grace that is configured, then stops it.
    pub async fn close(self) {
        self.stop.cancel();
        self.tasks.close();
        if tokio::time::timeout(self.app.config.jobs.grace.duration(), self.tasks.wait()).await.is_err() {
            tracing::warn!(
                "work is still running at the end of the grace; it is stopped and taken up at the next start"
            );
            self.app.running.abandon();
            let _ = tokio::time::timeout(Duration::from_secs(5), self.tasks.wait()).await;
        }
        if let Err(error) = crate::survey::closing::keep_all(&self.app).await {
            tracing::error!(error = format!("{error:#}"), "answers that waited could not be stored and are lost");
        }
    }

    /// Is cancelled when the house closes.
    pub fn stop(&self) -> CancellationToken {
        self.stop.clone()
    }
}

/// Claims due jobs and performs them, as many at a time as there are workers.
async fn work(app: Arc<App>, tasks: TaskTracker, stop: CancellationToken) {
    let permits = Arc::new(Semaphore::new(app.config.jobs.workers));
    while !stop.is_cancelled() {
        let Ok(first) = permits.clone().acquire_owned().await else { return };
        drop(first);
        let claims = match work_next(&app, permits.available_permits()).await {
            Ok(claims) => claims,
            Err(error) => {
                tracing::warn!(error = format!("{error:#}"), "due work could not be claimed");
                pause(&stop, LOOK).await;
                continue;
            }
        };
        if claims.is_empty() {
            tokio::select! {
                () = stop.cancelled() => {}
                () = app.store.job_enqueued() => {}
                () = until_due(&app) => {}
            }
        }
        for claim in claims {
            let (app, permits) = (app.clone(), permits.clone());
            tasks.spawn(async move {
                let _permit = permits.acquire_owned().await;
                desk::perform(&app, &claim).await;
            });
        }
        tokio::task::yield_now().await;
    }
}

/// Claims what is due, as far as there is room for it.
pub async fn work_next(app: &App, most: usize) -> Result<Vec<Claim>> {
    app.store.claim_jobs(&app.holder, most.clamp(1, 64), app.config.jobs.lease).await
}

/// Waits until the next job is due, a second at most.
async fn until_due(app: &App) {
    let next = app.store.next_job_at().await.ok().flatten();
    let wait = next.map_or(LOOK.as_millis() as i64, |at| at - app.clock.now());
    let wait = u64::try_from(wait.clamp(5, LOOK.as_millis() as i64)).unwrap_or(1000);
    tokio::time::sleep(Duration::from_millis(wait)).await;
}

/// Sends cards that lag behind, so that a slow conversation holds up nobody else's.
async fn deliver(app: Arc<App>, tasks: TaskTracker, stop: CancellationToken) {
    let permits = Arc::new(Semaphore::new(SENDING));
    while !stop.is_cancelled() {
        let due = match outbox::claim_next(&app, permits.available_permits()).await {
            Ok(due) => due,
            Err(error) => {
                tracing::warn!(error = format!("{error:#}"), "cards could not be sent");
                pause(&stop, LOOK).await;
                continue;
            }
        };
        if due.is_empty() {
            tokio::select! {
                () = stop.cancelled() => {}
                () = app.store.message_changed() => {}
                () = until_lagging(&app) => {}
            }
        }
        for due in due {
            let Ok(permit) = permits.clone().acquire_owned().await else { return };
            let app = app.clone();
            tasks.spawn(async move {
                outbox::deliver(&app, due).await;
                drop(permit);
            });
        }
    }
}

/// Waits until a message that lags behind may go, a second at most; one that waits for its pace is looked at again soon.
async fn until_lagging(app: &App) {
    let wait = match app.store.next_message_at().await {
        Ok(Some(at)) => (at - app.clock.now()).clamp(100, LOOK.as_millis() as i64),
        _ => LOOK.as_millis() as i64,
    };
    tokio::time::sleep(Duration::from_millis(wait.unsigned_abs())).await;
}

async fn sweep(desk: Arc<Desk>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let more = match desk.sweep_next().await {
            Ok(count) => count > 0,
            Err(error) => {
                tracing::warn!(error = format!("{error:#}"), "open events could not be taken up");
                false
            }
        };
        tend(desk.app()).await;
        // Where there are more than can be answered at a time, the next ones follow as soon as there is room again.
        pause(&stop, if more { SOON } else { LOOK }).await;
    }
}

/// Looks after what is due by the clock and has no job of its own.
async fn tend(app: &App) {
    let overdue = crate::request::end::expire_next(app).await.map(drop);
    let surveys = crate::survey::tend_next(app).await.map(drop);
    let waits = crate::request::end::note_long_waits(app).await.map(drop);
    for (what, done) in [("overdue requests", overdue), ("surveys", surveys), ("long waits", waits)] {
        if let Err(error) = done {
            tracing::warn!(what, error = format!("{error:#}"), "could not be looked after");
        }
    }
}

async fn pause(stop: &CancellationToken, time: Duration) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = tokio::time::sleep(time) => {}
    }
}
