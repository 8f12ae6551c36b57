//! The handles that everything above shares, built once from the configuration; no behaviour.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use crate::catalogue::Catalogue;
use crate::catalogue::choices::Choices;
use crate::chat::{Platform, PlatformName};
use crate::clock::Clock;
use crate::config::Config;
use crate::error::Result;
use crate::message::Messages;
use crate::pager::Pager;
use crate::people::roster::Roster;
use crate::people::{self, Person};
use crate::runner::Tools;
use crate::store::Store;
use crate::store::person::Known;
use crate::store::waiting::Waiting;

/// Everything that is built once.
pub struct App {
    /// What the operator set.
    pub config: Config,
    /// The time.
    pub clock: Clock,
    /// The database.
    pub store: Store,
    /// The catalogue that holds now; replaced whole.
    pub catalogue: ArcSwap<Catalogue>,
    /// The messages that hold now; replaced whole.
    pub messages: ArcSwap<Messages>,
    /// What runners need.
    pub tools: Tools,
    /// What `{{env.X}}` reaches.
    pub template_env: Map<String, Value>,
    /// The platforms that cards are sent to.
    pub platforms: BTreeMap<PlatformName, Arc<dyn Platform>>,
    /// Where choices that capability files fetch are looked up.
    pub choices: Choices,
    /// The paging services of the teams.
    pub pager: Pager,
    /// What runs in this process.
    pub running: Running,
    /// Answers to surveys that are not stored yet.
    pub waiting: Waiting,
    /// This process among those that share the database; another one after each start.
    pub holder: String,
}

impl App {
    /// The person of an id, with teams and roles as configured now and the groups that their platforms said last.
    pub async fn person(&self, id: &str) -> Result<Person> {
        let name = self.store.person_name(id).await?.unwrap_or_else(|| id.to_owned());
        self.person_of(&Known { id: id.to_owned(), name }).await
    }

    /// Everybody who is known now, and who of them is away.
    pub async fn roster(&self) -> Result<Roster<'_>> {
        let (identities, absences) =
            futures::try_join!(self.store.identities(), self.store.absences(self.clock.now()))?;
        Ok(Roster::new(&self.config, identities).with_absences(absences).on(self.platforms.keys().copied()))
    }

    /// The same of somebody whose name is at hand.
    pub async fn person_of(&self, known: &Known) -> Result<Person> {
        // Where no group gives anything, nobody need be asked for them.
        let has_groups = PlatformName::ALL.iter().any(|name| people::counts(&self.config, &name.to_string()));
        let identities = if has_groups { self.store.identities_of(&known.id).await? } else { Vec::new() };
        Ok(Person::of(&self.config, (&known.id, &known.name), &people::groups(&identities)))
    }
}

/// The attempts that run in this process, each with the token that stops it.
#[derive(Debug, Default)]
pub struct Running {
    tokens: Mutex<HashMap<String, CancellationToken>>,
    abandoned: CancellationToken,
}

impl Running {
    /// Notes that an attempt runs, under the name by which it is stopped, until the returned guard is dropped.
    pub fn enter(self: &Running, name: &str, token: &CancellationToken) -> Entered<'_> {
        self.lock().insert(name.to_owned(), token.clone());
        Entered { running: self, name: name.to_owned() }
    }

    /// Stops the attempt of this name, if it runs here.
    pub fn cancel(&self, name: &str) {
        if let Some(token) = self.lock().get(name) {
            token.cancel();
        }
    }

    /// Stops all attempts because the process ends; what became of them is not recorded.
    pub fn abandon(&self) {
        self.abandoned.cancel();
        self.lock().values().for_each(CancellationToken::cancel);
    }

    /// Whether the process is ending.
    pub fn is_abandoned(&self) -> bool {
        self.abandoned.is_cancelled()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, CancellationToken>> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running attempt's entry; dropping it takes it out.
#[derive(Debug)]
pub struct Entered<'r> {
    running: &'r Running,
    name: String,
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.running.lock().remove(&self.name);
    }
}
