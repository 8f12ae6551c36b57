//! The web adapter: a page that is to Stationmaster what Slack's servers and apps are, in one process.

use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

use self::content::Content;
use super::{Card, Event, Inbox, Platform, PlatformName, Post, Reply, Undelivered};
use crate::error::Result;
use crate::store::conversation::{Conversations, Entry};

mod acts;
mod assets;
mod content;
mod filled;
mod guard;
mod html;
mod live;
mod page;
mod picture;
mod preview;
mod refusal;
mod sealed;
mod thread;
mod view;
mod visit;

/// The most that one form may send, in bytes.
const BODY: usize = 64 * 1024;

/// The conversations of the page, and who listens to them.
pub struct WebChat {
    conversations: Conversations,
    /// Tells the open pages of this process which conversation has changed.
    changes: broadcast::Sender<String>,
    closing: CancellationToken,
    /// As whom anybody at the page may speak.
    personas: Vec<String>,
}

/// What the routes work with.
#[derive(Clone)]
struct Room {
    chat: Arc<WebChat>,
    inbox: Arc<dyn Inbox>,
}

/// The routes of the page: `/` and what is below `/chat/`.
pub fn router(chat: Arc<WebChat>, inbox: Arc<dyn Inbox>) -> Router {
    Router::new()
        .route("/", get(page::show))
        .route("/chat/style.css", get(assets::style))
        .route("/chat/script.js", get(assets::script))
        .route("/chat/icon.svg", get(assets::icon))
        .route("/chat/live", get(live::listen))
        .route("/chat/picture", get(picture::show))
        .route("/chat/preview", get(preview::show))
        .route("/chat/say", post(acts::say))
        .route("/chat/press", post(acts::press))
        .route("/chat/submit", post(acts::submit))
        .route("/chat/fold", post(acts::fold))
        .route("/chat/suggest", post(acts::suggest))
        .route("/chat/name", post(acts::rename))
        .route("/chat/be", post(acts::be))
        .layer(DefaultBodyLimit::max(BODY))
        .layer(axum::middleware::from_fn(guard::guard))
        .with_state(Room { chat, inbox })
}

/// The entry that answers an event; answered twice, it is one entry.
fn reply_id(event: &Event) -> String {
    format!("re-{}", event.id)
}

/// A visitor's conversation has the visitor's id, so the direct conversation with somebody is the only one there is.
fn conversation(place: &str) -> &str {
    place.trim_start_matches('@')
}

impl WebChat {
    /// The page's side of these conversations.
    pub fn new(conversations: Conversations) -> Self {
        let (changes, _) = broadcast::channel(256);
        Self { conversations, changes, closing: CancellationToken::new(), personas: Vec::new() }
    }

    /// The same page, where anybody may speak as these persons. Only for a page that nobody else reaches.
    #[must_use]
    pub fn with_personas(mut self, personas: &[String]) -> Self {
        self.personas = personas.to_vec();
        self
    }

    async fn append(&self, place: &str, id: &str, content: &Content) -> Result<Entry> {
        let entry = self.conversations.append(place, id, content.to_json()?).await?;
        self.announce(place);
        Ok(entry)
    }

    async fn replace(&self, place: &str, id: &str, content: &Content) -> Result<Option<Entry>> {
        let entry = self.conversations.replace(place, id, content.to_json()?).await?;
        self.announce(place);
        Ok(entry)
    }

    /// The card in whose thread something is to stand: a detail has no details of its own, and what belongs to a card that
    /// is not there stands by itself.
    async fn head(&self, place: &str, head: Option<&str>) -> Result<Option<String>> {
        let Some(head) = head else { return Ok(None) };
        let entry = self.conversations.entry(place, head).await?;
        let card = entry.filter(|entry| matches!(serde_json::from_str(&entry.content), Ok(Content::Card { .. })));
        Ok(card.map(|card| card.thread.unwrap_or(card.id)))
    }

    fn announce(&self, place: &str) {
        // It fails if no page is open, and then there is nobody to tell.
        let _ = self.changes.send(place.to_owned());
    }
}

#[async_trait]
impl Platform for WebChat {
    fn name(&self) -> PlatformName {
        PlatformName::Web
    }

    /// Events come through [`router`]; this only ends the open connections when the process stops.
    async fn run(&self, _: Arc<dyn Inbox>, stop: CancellationToken) -> Result<()> {
        stop.cancelled().await;
        self.closing.cancel();
        Ok(())
    }

    async fn reply(&self, event: &Event, reply: &Reply) -> Result<()> {
        let content = match reply {
            Reply::Card(card) => Content::Card { card: card.clone() },
            Reply::Form(form) => Content::form(form.clone()),
            Reply::Nothing | Reply::Choices(_) => return Ok(()),
        };
        self.append(&event.place, &reply_id(event), &content).await?;
        Ok(())
    }

    async fn post(&self, Post { place, key, .. }: Post<'_>, card: &Card) -> Result<String> {
        let place = conversation(place);
        let content = Content::Card { card: card.clone() };
        let (place, head) = thread::spot(place);
        let entry = match self.head(place, head).await? {
            Some(head) => {
                let entry = self.conversations.append_detail(place, &head, (key, content.to_json()?)).await?;
                self.announce(place);
                entry
            }
            None => self.append(place, key, &content).await?,
        };
        if entry.content != content.to_json()? {
            // It was posted before, and the card has changed since.
            self.replace(place, key, &content).await?;
        }
        Ok(key.to_owned())
    }

    async fn edit(&self, place: &str, message: &str, card: &Card) -> Result<()> {
        let content = Content::Card { card: card.clone() };
        let (place, _) = thread::spot(conversation(place));
        self.replace(place, message, &content).await?.map(|_| ()).ok_or_else(|| Undelivered::Gone.into())
    }
}
