//! The gateway: one connection, kept by serenity (heartbeats, RESUME, op 7 and 9), whose events are read here.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;
use serenity::all::{
    ClientBuilder, ConnectionStage, Context, EventHandler, GatewayError, GatewayIntents, HttpBuilder, RawEventHandler,
    ShardStageUpdateEvent,
};
use serenity::model::event::Event as GatewayEvent;
use tokio_util::sync::CancellationToken;

use super::payload::{Id, Interaction, Message, kind, unread};
use super::rest::{Call, Failure};
use super::{Room, ignored, inbound};
use crate::chat::{Health, Inbox};
use crate::error::Result;

/// What is listened for. What somebody writes to the bot, or mentions it in, comes whole without the privileged intent.
const INTENTS: GatewayIntents = GatewayIntents::GUILD_MESSAGES.union(GatewayIntents::DIRECT_MESSAGES);
/// The first and the longest pause before the connection is tried again.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));
/// How long the connection is given to close.
const CLOSING: Duration = Duration::from_secs(5);

/// Why a connection ended.
enum End {
    /// It was to end.
    Stopped,
    /// It never will be taken, for this reason.
    Refused(String),
    /// It may be taken later.
    Lost(String),
}

impl Room {
    /// Keeps a connection to the gateway until `stop`, or until Discord says that it will not have it.
    pub async fn listen(self: &Arc<Self>, inbox: &Arc<dyn Inbox>, stop: &CancellationToken) {
        let mut pause = PAUSES.0;
        while !stop.is_cancelled() {
            let began = tokio::time::Instant::now();
            match self.connect(inbox, stop).await {
                Ok(End::Stopped) => return,
                Ok(End::Refused(why)) => {
                    tracing::error!(why, "Discord's gateway will not have this bot");
                    self.set_health(Health::Stopped(why));
                    stop.cancelled().await;
                    return;
                }
                Ok(End::Lost(why)) => self.wait(why),
                Err(error) => self.wait(format!("{error:#}")),
            }
            if self.rest.refused().is_some() {
                stop.cancelled().await;
                return;
            }
            // A connection that held for a while was a good one.
            pause = if began.elapsed() > PAUSES.1 { PAUSES.0 } else { (pause * 2).min(PAUSES.1) };
            super::rest_for(pause.mul_f64(0.5 + rand::random::<f64>() / 2.0), stop).await;
        }
    }

    fn wait(&self, why: String) {
        tracing::warn!(why, "the connection to Discord's gateway is lost");
        self.set_health(Health::Waiting(why));
    }

    async fn connect(self: &Arc<Self>, inbox: &Arc<dyn Inbox>, stop: &CancellationToken) -> Result<End> {
        // Serenity asks for this by itself, but where that fails it would connect to the real Discord.
        self.rest.call(Call::get("/gateway")).await?;
        let mut http = HttpBuilder::new(&self.token).ratelimiter_disabled(true);
        if let Some(base) = &self.base {
            http = http.proxy(base);
        }
        let listener = Listener { room: self.clone(), inbox: inbox.clone() };
        let builder = ClientBuilder::new_with_http(http.build(), INTENTS).raw_event_handler(listener);
        let mut client = builder.event_handler(Stages { room: self.clone() }).await?;
        let shards = client.shard_manager.clone();
        let started = tokio::select! {
            started = client.start() => started,
            () = stop.cancelled() => {
                let _ = tokio::time::timeout(CLOSING, shards.shutdown_all()).await;
                return Ok(End::Stopped);
            }
        };
        Ok(match started {
            Err(serenity::Error::Gateway(GatewayError::InvalidAuthentication)) => {
                End::Refused("the bot token is not taken (4004)".to_owned())
            }
            Err(serenity::Error::Gateway(GatewayError::DisallowedGatewayIntents)) => {
                End::Refused("an intent is not allowed to this application (4014)".to_owned())
            }
            Err(serenity::Error::Gateway(GatewayError::InvalidGatewayIntents)) => {
                End::Refused("an intent is unknown to Discord (4013)".to_owned())
            }
            Err(error) => End::Lost(error.to_string()),
            Ok(()) => End::Lost("the connection ended".to_owned()),
        })
    }

    /// Takes one event of the gateway.
    async fn take_event(self: &Arc<Self>, inbox: &Arc<dyn Inbox>, name: &str, data: Value) {
        match name {
            "READY" => {
                self.introduce(&data["user"]["id"], &data["application"]["id"]);
                self.set_health(Health::Ready);
                tracing::info!("connected to Discord's gateway");
            }
            "RESUMED" => self.set_health(Health::Ready),
            "INTERACTION_CREATE" => match serde_json::from_value::<Interaction>(data) {
                Ok(interaction) => self.interact(inbox, &interaction).await,
                Err(_) => ignored("malformed"),
            },
            "MESSAGE_CREATE" => match serde_json::from_value::<Message>(data) {
                Ok(message) => self.hear(inbox, &message).await,
                Err(_) => ignored("malformed"),
            },
            _ => {}
        }
    }

    async fn interact(self: &Arc<Self>, inbox: &Arc<dyn Inbox>, interaction: &Interaction) {
        if self.application.get().is_some_and(|ours| *ours != interaction.application_id) {
            return ignored("other application");
        }
        if interaction.kind == kind::PING || !interaction.is_answerable() {
            return ignored("malformed");
        }
        if let Some(response) = self.respond(inbox, interaction).await {
            self.call_back(interaction, response).await;
        }
    }

    async fn hear(&self, inbox: &Arc<dyn Inbox>, message: &Message) {
        let Some(me) = self.me.get() else { return ignored("nobody") };
        if self.is_foreign(message.guild_id.as_ref()) {
            return ignored("other server");
        }
        let event = match inbound::said(message, me.as_str(), self.clock.now()) {
            Ok(event) => event,
            // Most of what is written is not for us.
            Err("not mentioned") => return,
            Err(reason) => return ignored(reason),
        };
        if let Some(member) = &message.member {
            self.members.see(message.guild_id.as_ref(), (&event.person.id, member), event.at);
        }
        if let Err(error) = inbox.accept(event.clone()).await {
            let words = crate::chat::Reply::Card(inbox.words(&error));
            if let Err(error) = self.answer_late(&event, &words).await {
                tracing::warn!(event = event.id, error = format!("{error:#}"), "a refusal could not be told");
            }
        }
    }

    /// Remembers who this bot is, from Discord's own words.
    pub fn introduce(&self, user: &Value, application: &Value) {
        let id = |value: &Value| serde_json::from_value::<Id>(value.clone()).ok();
        // Once known, neither changes while the token is the same.
        if let Some(user) = id(user) {
            let _ = self.me.set(user);
        }
        if let Some(application) = id(application) {
            let _ = self.application.set(application);
        }
    }

    /// Learns which application this is; it is needed to register commands and to refuse what is meant for others.
    pub async fn identify(&self) -> Result<Id, Failure> {
        if let Some(known) = self.application.get() {
            return Ok(known.clone());
        }
        let application = self.rest.call(Call::get("/applications/@me")).await?;
        self.introduce(&application["bot"]["id"], &application["id"]);
        let missing = || Failure::Unreachable("its answer names no application".to_owned());
        self.application.get().cloned().ok_or_else(missing)
    }
}

/// What serenity hands events to.
struct Listener {
    room: Arc<Room>,
    inbox: Arc<dyn Inbox>,
}

#[async_trait]
impl RawEventHandler for Listener {
    async fn raw_event(&self, _: Context, event: GatewayEvent) {
        if let Some((name, data)) = unread(&event) {
            self.room.take_event(&self.inbox, &name, data).await;
        }
    }
}

/// What serenity tells of the connection itself.
struct Stages {
    room: Arc<Room>,
}

#[async_trait]
impl EventHandler for Stages {
    async fn shard_stage_update(&self, _: Context, event: ShardStageUpdateEvent) {
        if event.old == ConnectionStage::Connected && event.new != ConnectionStage::Connected {
            self.room.wait("the connection is being made again".to_owned());
        }
    }
}
