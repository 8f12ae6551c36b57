//! The words that all chat platforms share: events that come in, cards and forms that go out.
//!
//! An adapter turns its platform's words into an [`Event`] and a [`Card`] or [`Form`] into its platform's calls. It
//! knows nothing of requests, templates or tables.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock::Millis;
use crate::picture::Chart;

pub mod card;
pub mod discord;
mod ellipsis;
mod form;
mod platform;
pub mod slack;
pub mod terminal;
pub mod web;

pub use form::{Blank, Choice, Field, Form, Input, Offer};
pub use platform::{Answer, Delivery, Finding, Health, Inbox, Level, Platform, Post, Standing, Undelivered};

/// The verb of the tokens of pulse surveys. Invariant: an event or a form with it is written nowhere.
pub const SEALED: &str = "pulse";

/// A platform that people talk on, or a door that programs use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PlatformName {
    /// The local web page.
    Web,
    /// `stationmaster chat`.
    Terminal,
    /// The HTTP API.
    Api,
    /// Slack.
    Slack,
    /// Discord.
    Discord,
}

impl PlatformName {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Web, Self::Terminal, Self::Api, Self::Slack, Self::Discord];

    /// The one that shows itself as `name`.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|platform| platform.to_string() == name)
    }

    /// Its name in tables and in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::Terminal => "terminal",
            Self::Api => "api",
            Self::Slack => "slack",
            Self::Discord => "discord",
        }
    }

    /// How people call it, within a sentence.
    pub fn title(self) -> &'static str {
        match self {
            Self::Web => "the web page",
            Self::Terminal => "the terminal",
            Self::Api => "the API",
            Self::Slack => "Slack",
            Self::Discord => "Discord",
        }
    }
}

impl fmt::Display for PlatformName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A person as the platform knows them. Invariant: `id` is the platform's own, never a name that can be chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sender {
    /// The platform's id of the person.
    pub id: String,
    /// The name to show; anybody may choose any. Empty where the event does not say it.
    pub name: String,
}

/// Something a person did. Plain data, durable before it is acknowledged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// The platform's own delivery id: accepting it twice is accepting it once.
    pub id: String,
    /// Where it came from.
    pub platform: PlatformName,
    /// Who did it.
    pub person: Sender,
    /// The conversation it happened in, by the platform's id.
    pub place: String,
    /// The thread of that conversation, by the platform's id.
    #[serde(default)]
    pub thread: Option<String>,
    /// The message it belongs to, by the platform's id (the card whose button was pressed).
    pub reply_to: Option<String>,
    /// When it was received.
    pub at: Millis,
    /// What was done.
    pub intent: Intent,
    /// What the adapter needs to answer it, in its own words (Slack's response URL, Discord's interaction token);
    /// opaque to everybody else, and forgotten once the event is answered.
    #[serde(default)]
    pub answer_to: Value,
}

impl Event {
    /// Whether it answers something that nobody may read along with: it is kept nowhere, and what comes of it is told to
    /// its sender alone and kept nowhere either.
    pub fn is_sealed(&self) -> bool {
        match &self.intent {
            Intent::Press { token } | Intent::Submit { token, .. } => token.is_sealed(),
            _ => false,
        }
    }
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Intent {
    /// Something was typed, as it was typed: `/db create orders`.
    Say {
        /// The line.
        words: String,
    },
    /// A command was used with native options.
    Invoke {
        /// The command's name: `db create`.
        command: String,
        /// The options that were filled in.
        input: BTreeMap<String, Value>,
        /// Whether only the plan is wanted.
        #[serde(default)]
        dry_run: bool,
    },
    /// A button was pressed.
    Press {
        /// What it carries.
        token: Token,
    },
    /// A form was sent.
    Submit {
        /// What the form carries.
        token: Token,
        /// What was filled in, by field name; text fields as text.
        values: BTreeMap<String, Value>,
    },
    /// Somebody is typing and wants proposals; answered at once, never stored.
    Suggest {
        /// What is being completed: `say` for the line, `field:COMMAND:PARAM` for a form's field.
        token: Token,
        /// What is typed so far.
        typed: String,
        /// What the form's other fields hold.
        values: BTreeMap<String, Value>,
    },
    /// The person opened their home.
    OpenHome,
}

impl Intent {
    /// What it is called where events are counted.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Say { .. } => "say",
            Self::Invoke { .. } => "invoke",
            Self::Press { .. } => "press",
            Self::Submit { .. } => "submit",
            Self::Suggest { .. } => "suggest",
            Self::OpenHome => "open_home",
        }
    }
}

/// What a button or form carries: a verb and its object, such as `cancel:req_01k…`. It says what is meant, never who
/// may: rights are checked when it comes back. Invariant: at most 100 bytes, the shortest limit of any platform.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Token(String);

impl Token {
    /// A token of a verb and its object; too long an object is cut, and then means nothing when it comes back.
    pub fn new(verb: &str, object: &str) -> Self {
        let mut text = format!("{verb}:{object}");
        let mut end = text.len().min(100);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        Self(text)
    }

    /// A token as it came back from a platform.
    pub fn received(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Whether what it comes back with is an answer that must not be kept with who gave it.
    pub fn is_sealed(&self) -> bool {
        self.parts().0 == SEALED
    }

    /// Its verb and object.
    pub fn parts(&self) -> (&str, &str) {
        self.0.split_once(':').unwrap_or((&self.0, ""))
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The mood of a card: the colour of its edge and the word a screen reader says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    /// Nothing special.
    #[default]
    Neutral,
    /// Under way.
    Active,
    /// Waiting for somebody.
    Waiting,
    /// Went well.
    Good,
    /// Went wrong.
    Bad,
}

/// A message with a shape. Everything a platform is ever told, it is told in these words.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Card {
    /// Its mood.
    pub tone: Tone,
    /// Its first line, plain text.
    pub title: String,
    /// Its text, in the Markdown of `markdown.rs`.
    pub body: String,
    /// Short facts: label and value, both plain text.
    pub facts: Vec<(String, String)>,
    /// How far long work is.
    pub progress: Option<Progress>,
    /// Figures to look at. Where no picture can be shown, its words are.
    pub picture: Option<Picture>,
    /// What can be pressed.
    pub buttons: Vec<Button>,
    /// A last, quiet line, plain text.
    pub footnote: Option<String>,
}

/// A picture of a card. It is made when it is sent, and never kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Picture {
    /// What it shows.
    pub chart: Chart,
}

/// How far long work is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// 0 to 100.
    pub percent: u8,
    /// What is being done, plain text.
    pub label: String,
}

/// A button of a card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Button {
    /// What it says.
    pub label: String,
    /// What pressing it does.
    pub action: Action,
    /// How it looks.
    pub style: Style,
}

/// What pressing a button does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Sends [`Intent::Press`].
    Press(Token),
    /// Opens an address.
    Open(String),
    /// Puts a line where the person types, to be looked at and sent. Where that cannot be done, pressing it says the
    /// line; one that ends with a space wants more words, which are asked for first.
    Fill(String),
}

/// How a button looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Style {
    /// Like any other.
    #[default]
    Plain,
    /// The one most people want.
    Primary,
    /// The one that undoes or destroys.
    Danger,
}

/// What the desk answers to one event, for the eyes of who asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// Nothing more: a message in the conversation says it.
    Nothing,
    /// A card for the asker alone.
    Card(Card),
    /// A form to fill in.
    Form(Form),
    /// Proposals.
    Choices(Vec<Choice>),
}
