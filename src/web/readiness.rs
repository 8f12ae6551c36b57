//! Whether the process can take work, and each of its platforms be used; why not, in words.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::chat::{Health, PlatformName};

/// What readiness is made of.
#[derive(Clone)]
pub struct Readiness {
    app: Arc<App>,
    stop: CancellationToken,
    /// The platforms that could be used at some time: one that was lost comes back by itself, and until then the process
    /// is of use to the others.
    met: Arc<Mutex<BTreeSet<PlatformName>>>,
}

/// Whether the process can take work.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Whether it can.
    pub ready: bool,
    /// Why not.
    pub reason: Option<String>,
    /// The platforms that are connected, by name.
    pub platforms: BTreeMap<String, Condition>,
}

/// Whether a platform can be used.
#[derive(Debug, Serialize)]
pub struct Condition {
    /// `ready`, `waiting` (it goes on by itself) or `stopped` (somebody has to do something).
    pub state: &'static str,
    /// Why it cannot be used now.
    pub reason: Option<String>,
    /// Why the process is not ready for it.
    #[serde(skip)]
    complaint: Option<String>,
}

impl Readiness {
    /// Of an app; once `stop` is cancelled, the process is not ready any more.
    pub fn new(app: Arc<App>, stop: CancellationToken) -> Self {
        Self { app, stop, met: Arc::default() }
    }

    /// The app that it is about.
    pub fn app(&self) -> &App {
        &self.app
    }

    /// Looks at everything.
    pub async fn report(&self) -> Report {
        let platforms = self.platforms();
        let complaint = platforms.values().find_map(|condition| condition.complaint.clone());
        let reason = if self.stop.is_cancelled() {
            Some("it is stopping".to_owned())
        } else if let Err(error) = self.app.store.ready().await {
            Some(format!("the database: {error}"))
        } else {
            complaint
        };
        Report { ready: reason.is_none(), reason, platforms }
    }

    /// The platforms that are connected.
    pub fn platforms(&self) -> BTreeMap<String, Condition> {
        let mut met = self.met.lock().unwrap_or_else(PoisonError::into_inner);
        let each = self.app.platforms.iter().map(|(name, platform)| {
            let health = platform.health();
            if health == Health::Ready {
                met.insert(*name);
            }
            (name.to_string(), Condition::of(*name, health, met.contains(name)))
        });
        each.collect()
    }
}

impl Condition {
    fn of(name: PlatformName, health: Health, is_met: bool) -> Self {
        match health {
            Health::Ready => Self { state: "ready", reason: None, complaint: None },
            Health::Waiting(why) => {
                let complaint = (!is_met).then(|| format!("{name} could not be used yet: {why}"));
                Self { state: "waiting", reason: Some(why), complaint }
            }
            Health::Stopped(why) => {
                Self { state: "stopped", complaint: Some(format!("{name}: {why}")), reason: Some(why) }
            }
        }
    }
}
