//! What an adapter is to the rest: where it hands over what it hears, and what it can be told.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::{Card, Event, Offer, PlatformName, Reply, Sender};
use crate::clock::{Millis, Span};
use crate::error::Result;
use crate::store::pace::Pace;

/// Where adapters hand over what they hear.
#[async_trait]
pub trait Inbox: Send + Sync {
    /// Keeps the event durably; it is answered later by [`Platform::reply`]. `false`: it was known already, and whoever
    /// accepted it first answers it. An error, in less than 2.5 s and always a [`crate::error::UserError`]: nothing was
    /// kept and nothing will be done, and the person is to be told so at once.
    async fn accept(&self, event: Event) -> Result<bool>;

    /// Answers in less than 3 s: for [`super::Intent::Suggest`], and for [`super::Intent::Submit`], whose mistakes belong
    /// beside their fields. A submission that was taken is durable when this returns.
    async fn ask(&self, event: Event) -> Reply;

    /// The card that says an error in the words of the message files, for what an adapter has to refuse by itself.
    fn words(&self, error: &anyhow::Error) -> Card;
}

/// One chat platform. The one open set, hence the one trait.
#[async_trait]
pub trait Platform: Send + Sync {
    /// Which one it is.
    fn name(&self) -> PlatformName;

    /// Listens until `stop`; a platform whose events come through the web server has nothing to run.
    async fn run(&self, inbox: Arc<dyn Inbox>, stop: CancellationToken) -> Result<()>;

    /// Answers an event, visible to its sender alone. Called once for every accepted event, also with
    /// [`Reply::Nothing`]; called again if it failed.
    async fn reply(&self, event: &Event, reply: &Reply) -> Result<()>;

    /// Posts a card; gives the platform's id of the message, by which [`Platform::edit`] finds it. Fails with
    /// [`Undelivered`] where the outbox can do something about it.
    async fn post(&self, post: Post<'_>, card: &Card) -> Result<String>;

    /// Replaces a message that was posted to `place`. Fails with [`Undelivered`] where the outbox can do something about
    /// it.
    async fn edit(&self, place: &str, message: &str, card: &Card) -> Result<()>;

    /// Who a person is there, now. An error: it cannot be established, and then nobody may do anything.
    async fn standing(&self, _person: &str) -> Result<Standing> {
        Ok(Standing::default())
    }

    /// The ids of the groups or roles that there are; `None` where there is no such thing.
    async fn groups(&self) -> Result<Option<Vec<String>>> {
        Ok(None)
    }

    /// Who is in a group or role of this id; names may be empty, and [`Platform::standing`] tells more. `None` where the
    /// platform does not say who is in what.
    async fn members(&self, _group: &str) -> Result<Option<Vec<Sender>>> {
        Ok(None)
    }

    /// These commands can be used from now on; called at the start and whenever the catalogue was loaded again.
    async fn offer(&self, _offers: &[Offer]) -> Result<()> {
        Ok(())
    }

    /// Answers one delivery that came over HTTP, at the platform's own route of the web server.
    async fn receive(&self, _inbox: Arc<dyn Inbox>, _delivery: Delivery<'_>) -> Answer {
        Answer::refusal(404)
    }

    /// How fast it takes messages before it has said anything about that.
    fn pace(&self) -> Pace {
        Pace::FREE
    }

    /// Whether it can be used now.
    fn health(&self) -> Health {
        Health::Ready
    }

    /// Looks at tokens, rights and settings on the platform's side, and changes nothing.
    async fn examine(&self, _offers: &[Offer]) -> Vec<Finding> {
        Vec::new()
    }
}

/// Where and how a card is to be posted.
#[derive(Debug, Clone, Copy)]
pub struct Post<'a> {
    /// The conversation by the platform's id: `C1`; a thread of it: `C1/THREAD`, where the thread is an event's, or the
    /// id of a message that was posted there; or `@PERSON`, the direct conversation with a person.
    pub place: &'a str,
    /// The same when a post is tried again after a crash, so that the platform, where it can, makes one message of both.
    pub key: &'a str,
    /// When it was first tried, if an earlier try may have been made and its answer lost: look before posting twice.
    pub tried_at: Option<Millis>,
}

/// Who a person is on a platform.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Standing {
    /// The platform's ids of the groups or roles that the person is in.
    pub groups: Vec<String>,
    /// Whether the person is a guest, or of another organisation.
    pub guest: bool,
    /// The name that others see, where it is known.
    pub name: Option<String>,
    /// The time zone that they have set, by its IANA name, where the platform says it.
    pub zone: Option<String>,
}

/// One delivery over HTTP, as it came; nothing of it is proven yet.
#[derive(Debug, Clone, Copy)]
pub struct Delivery<'a> {
    /// Its headers.
    pub headers: &'a hyper::HeaderMap,
    /// Its bytes.
    pub body: &'a [u8],
}

/// The answer to a delivery.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body; text is sent as it is, `null` not at all, all else as JSON.
    pub body: Value,
}

impl Answer {
    /// 200 with a body.
    pub fn ok(body: Value) -> Self {
        Self { status: 200, body }
    }

    /// A status that says it all.
    pub fn refusal(status: u16) -> Self {
        Self { status, body: Value::Null }
    }
}

/// Whether a platform can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// It can.
    Ready,
    /// Not at the moment, for this reason; it goes on by itself.
    Waiting(String),
    /// Not until somebody does something about this reason: nothing is sent.
    Stopped(String),
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// As it should be.
    Good,
    /// It works, but perhaps not as it is meant.
    Doubtful,
    /// It does not work.
    Bad,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub level: Level,
    /// What was looked at.
    pub subject: &'static str,
    /// What was found.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.level {
            Level::Good => "ok",
            Level::Doubtful => "warn",
            Level::Bad => "fail",
        };
        let indented = |text: &str| text.trim_end().replace('\n', "\n                  ");
        write!(f, "{word:4}  {:10}  {}", self.subject, indented(&self.message))?;
        match &self.hint {
            Some(hint) => write!(f, "\n                  hint: {}", indented(hint)),
            None => Ok(()),
        }
    }
}

/// A card that was not delivered, and what the outbox makes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Undelivered {
    /// The message cannot be edited any more (deleted, too old): it is posted anew.
    Gone,
    /// The conversation cannot be written to (not joined, archived, deactivated), for this reason: another is found.
    Closed(String),
    /// Too fast: again after this time.
    Limited {
        /// The longer of what header and body of the answer said.
        wait: Span,
        /// Whether it holds for all conversations, not just this one.
        everywhere: bool,
    },
    /// The platform refuses this process (revoked token, missing right), for this reason: nothing more is sent.
    Refused(String),
}

impl fmt::Display for Undelivered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gone => f.write_str("the message cannot be edited any more"),
            Self::Closed(why) => write!(f, "the conversation cannot be written to: {why}"),
            Self::Limited { wait, .. } => write!(f, "the platform wants {wait} of silence"),
            Self::Refused(why) => write!(f, "the platform refuses: {why}"),
        }
    }
}

impl std::error::Error for Undelivered {}
