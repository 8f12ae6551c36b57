//! The Discord adapter: interactions over signed HTTP or the gateway, cards as embeds, forms as modals and pages.
//!
//! In reading order: `payload` (what comes), `inbound` (as our events), `answer` and `show` (first and later answers),
//! `form` and `steps` (filling in), `card` and `markup` (what goes out), `outbound` (to where), `rest` and `pacing` (how),
//! `menu` (the registered commands), `door` and `gateway` (the two transports).

use std::sync::{Arc, Mutex, OnceLock, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use secrecy::ExposeSecret;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::key::Key;
use self::menu::Menu;
use self::outbound::Outbound;
use self::payload::Id;
use self::pending::Pending;
use self::rest::{Call, Failure, Rest};
use self::standing::Members;
use super::{
    Answer, Card, Delivery, Event, Finding, Health, Inbox, Offer, Platform, PlatformName, Post, Reply, Sender, Standing,
};
use crate::clock::{Clock, Span};
use crate::config;
use crate::error::{Result, UserError};
use crate::store::draft::Drafts;
use crate::store::pace::Pace;

mod answer;
mod card;
mod control;
mod door;
mod examination;
mod form;
mod gateway;
mod inbound;
mod key;
mod labels;
mod limits;
mod markup;
mod menu;
mod outbound;
mod pacing;
mod payload;
mod pending;
mod picture;
mod rest;
mod show;
mod standing;
mod steps;

pub(in crate::chat) use self::card::preview;

/// How often what could not be registered is tried again.
const REGISTERING: Duration = Duration::from_secs(30);
/// How often Discord is asked who we are while it does not answer.
const ASKING: Duration = Duration::from_secs(5);
/// How long answers that are on their way are waited for when the process stops.
const ENDING: Duration = Duration::from_secs(5);

/// The application as Discord knows it.
pub struct DiscordChat(Arc<Room>);

/// What all parts of the adapter work with.
struct Room {
    rest: Rest,
    outbound: Outbound,
    drafts: Drafts,
    clock: Clock,
    /// For the gateway, which serenity keeps.
    token: String,
    base: Option<String>,
    key: Option<Key>,
    public_key: Option<String>,
    gateway: bool,
    guild: Option<Id>,
    application: OnceLock<Id>,
    me: OnceLock<Id>,
    pending: Pending,
    members: Members,
    menu: RwLock<Arc<Menu>>,
    /// Whether the menu differs, as far as is known, from what is registered.
    unregistered: Mutex<bool>,
    health: Mutex<Health>,
    /// Held while a form is changed.
    steps: tokio::sync::Mutex<()>,
    tasks: TaskTracker,
}

impl DiscordChat {
    /// The adapter, if a token is configured. An error if what is configured cannot be right.
    pub fn new(discord: &config::Discord, drafts: Drafts, clock: Clock) -> Result<Option<Self>> {
        let Some(token) = &discord.bot_token else { return Ok(None) };
        let token = token.expose_secret().trim().trim_start_matches("Bot ").to_owned();
        if token.is_empty() || !token.bytes().all(|b| b.is_ascii_graphic()) {
            let error = UserError::invalid("discord.bot_token is empty, or is not a token.");
            return Err(error.hint("copy it from the application's Bot page, or leave it out").into());
        }
        let guild = discord.guild.as_deref().map(|guild| {
            let error = || UserError::invalid("discord.guild is not the id of a server.").hint("write its number");
            Id::read(guild.trim()).ok_or_else(error)
        });
        let guild = guild.transpose()?;
        let base = discord.api_url.as_deref().map(|url| url.trim_end_matches('/').to_owned());
        let room = Room {
            rest: Rest::new(&token, base.as_deref()),
            outbound: Outbound::new(),
            drafts,
            clock,
            token,
            base,
            key: discord.public_key.as_deref().map(Key::read).transpose()?,
            public_key: discord.public_key.clone(),
            gateway: discord.gateway.unwrap_or(discord.public_key.is_none()),
            members: Members::new(guild.clone()),
            guild,
            application: OnceLock::new(),
            me: OnceLock::new(),
            pending: Pending::default(),
            menu: RwLock::default(),
            unregistered: Mutex::new(false),
            health: Mutex::new(Health::Waiting("Discord has not answered yet".to_owned())),
            steps: tokio::sync::Mutex::default(),
            tasks: TaskTracker::new(),
        };
        Ok(Some(Self(Arc::new(room))))
    }
}

/// Counts what was not for us, or was wrong.
fn ignored(reason: &'static str) {
    tracing::debug!(reason, "something from Discord was ignored");
    metrics::counter!("stationmaster_events_ignored_total", "platform" => "discord", "reason" => reason).increment(1);
}

/// Waits, unless it is time to stop.
async fn rest_for(time: Duration, stop: &CancellationToken) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = tokio::time::sleep(time) => {}
    }
}

impl Room {
    fn menu(&self) -> Arc<Menu> {
        self.menu.read().map(|menu| menu.clone()).unwrap_or_default()
    }

    fn set_health(&self, health: Health) {
        if let Ok(mut known) = self.health.lock() {
            *known = health;
        }
    }

    /// Whether something comes from another server than the one that is configured.
    fn is_foreign(&self, guild: Option<&Id>) -> bool {
        self.guild.is_some() && guild.is_some() && guild != self.guild.as_ref()
    }

    /// Asks who we are until it is known; `false` if the token is not taken.
    async fn introduction(&self, stop: &CancellationToken) -> bool {
        while !stop.is_cancelled() {
            match self.identify().await {
                Ok(_) => return true,
                Err(Failure::Refused(_)) => return false,
                Err(failure) => {
                    tracing::warn!(%failure, "Discord does not say which application this is");
                    self.set_health(Health::Waiting(failure.to_string()));
                }
            }
            rest_for(ASKING.mul_f64(0.5 + rand::random::<f64>()), stop).await;
        }
        false
    }

    /// Registers the menu if it differs from what is registered: Discord allows 200 new commands a day.
    async fn register(&self) -> Result<(), Failure> {
        let application = self.identify().await?;
        let (path, menu) = (self.commands_path(&application), self.menu());
        let wanted = serde_json::Value::from(menu.commands.clone());
        let known = self.rest.call(Call::get(path.as_str())).await?;
        if menu::normalised(&known) != menu::normalised(&wanted) {
            self.rest.call(Call::put(path, wanted)).await?;
            tracing::info!(commands = menu.commands.len(), "registered with Discord");
        }
        self.set_unregistered(false);
        Ok(())
    }

    fn set_unregistered(&self, unregistered: bool) {
        if let Ok(mut known) = self.unregistered.lock() {
            *known = unregistered;
        }
    }

    /// Tries again to register what could not be.
    async fn keep_registered(&self, stop: &CancellationToken) {
        while !stop.is_cancelled() {
            rest_for(REGISTERING, stop).await;
            let is_due = self.unregistered.lock().is_ok_and(|unregistered| *unregistered);
            if is_due && let Err(failure) = self.register().await {
                tracing::warn!(%failure, "the commands could not be registered with Discord");
            }
        }
    }
}

#[async_trait]
impl Platform for DiscordChat {
    fn name(&self) -> PlatformName {
        PlatformName::Discord
    }

    async fn run(&self, inbox: Arc<dyn Inbox>, stop: CancellationToken) -> Result<()> {
        let room = &self.0;
        if room.introduction(&stop).await {
            if !room.gateway {
                room.set_health(Health::Ready);
            }
            let listen = async {
                if room.gateway {
                    room.listen(&inbox, &stop).await;
                }
            };
            tokio::join!(listen, room.keep_registered(&stop));
        }
        stop.cancelled().await;
        room.tasks.close();
        let _ = tokio::time::timeout(ENDING, room.tasks.wait()).await;
        Ok(())
    }

    async fn reply(&self, event: &Event, reply: &Reply) -> Result<()> {
        // The event stays open until Discord has its answer, so that who dies in between is followed by another.
        // A picture goes by a call of its own, for which the first response has to be out of the way.
        match reply {
            Reply::Card(Card { picture: Some(_), .. }) => self.0.pending.release(&event.id),
            _ if self.0.pending.give(&event.id, reply).await => return Ok(()),
            _ => {}
        }
        self.0.answer_late(event, reply).await
    }

    async fn post(&self, post: Post<'_>, card: &Card) -> Result<String> {
        self.0.outbound.post(&self.0.rest, post, card).await
    }

    async fn edit(&self, place: &str, message: &str, card: &Card) -> Result<()> {
        self.0.outbound.edit(&self.0.rest, (place, message), card).await
    }

    async fn standing(&self, person: &str) -> Result<Standing> {
        self.0.members.standing(&self.0.rest, person, self.0.clock.now()).await
    }

    async fn groups(&self) -> Result<Option<Vec<String>>> {
        Ok(self.0.members.roles(&self.0.rest).await?)
    }

    async fn members(&self, role: &str) -> Result<Option<Vec<Sender>>> {
        Ok(self.0.members.having(&self.0.rest, role, self.0.clock.now()).await?)
    }

    async fn offer(&self, offers: &[Offer]) -> Result<()> {
        if let Ok(mut menu) = self.0.menu.write() {
            *menu = Arc::new(menu::build(offers));
        }
        self.0.set_unregistered(true);
        Ok(self.0.register().await?)
    }

    async fn receive(&self, inbox: Arc<dyn Inbox>, delivery: Delivery<'_>) -> Answer {
        self.0.receive(&inbox, delivery).await
    }

    /// About 5 messages per 5 s in a channel, and 50 calls per second in all, of which posts and edits have half each.
    fn pace(&self) -> Pace {
        Pace { conversation: Span::from_millis(1000), everywhere: Span::from_millis(40) }
    }

    fn health(&self) -> Health {
        match self.0.rest.refused() {
            Some(why) => Health::Stopped(format!("Discord does not take the bot token: {why}")),
            None => self.0.health.lock().map_or(Health::Ready, |health| health.clone()),
        }
    }

    async fn examine(&self, offers: &[Offer]) -> Vec<Finding> {
        self.0.look(offers).await
    }
}
