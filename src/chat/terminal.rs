//! The terminal adapter: a conversation on standard input and output, for people and for pipes.

use std::io::BufRead;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use self::screen::{Hidden, Screen};
use self::talk::{Meaning, Talk};
use super::{Card, Event, Inbox, Intent, Platform, PlatformName, Post, Reply, Sender, Undelivered};
use crate::clock::Clock;
use crate::error::{Result, UserError};

mod paint;
mod questions;
mod render;
pub mod screen;
mod talk;

/// How long the next line waits for the answer to the one before. Who types ahead, types to what they will see.
const ANSWER: Duration = Duration::from_secs(5);
/// How long the end of the input waits for an answer that may never come.
const LAST_ANSWER: Duration = Duration::from_secs(30);

/// A conversation on a terminal.
pub struct TerminalChat {
    person: Sender,
    /// This conversation; the next one is another.
    place: String,
    talk: Mutex<Talk>,
    /// Something was written.
    changed: Notify,
    lines: Mutex<Option<mpsc::Receiver<String>>>,
    ended: CancellationToken,
}

impl TerminalChat {
    /// A conversation with the person at standard input and output.
    pub fn standard(person: Sender) -> Self {
        Self::new(person, Box::new(std::io::BufReader::new(std::io::stdin())), Screen::standard())
    }

    /// A conversation that reads `input` and writes to `screen`.
    pub fn new(person: Sender, input: Box<dyn BufRead + Send>, screen: Screen) -> Self {
        let (sender, lines) = mpsc::channel(1);
        // Reading blocks, and at a terminal it may block for ever: a thread that nobody waits for.
        std::thread::spawn(move || {
            let lines = input.split(b'\n').map_while(std::result::Result::ok);
            for line in lines.map(|line| String::from_utf8_lossy(&line).trim_end_matches('\r').to_owned()) {
                if sender.blocking_send(line).is_err() {
                    return;
                }
            }
        });
        Self {
            person,
            place: format!("terminal-{}", Uuid::new_v4().simple()),
            talk: Mutex::new(Talk::new(screen)),
            changed: Notify::new(),
            lines: Mutex::new(Some(lines)),
            ended: CancellationToken::new(),
        }
    }

    /// Waits until the input has ended, and with it everything that was asked for.
    pub async fn ended(&self) {
        self.ended.cancelled().await;
    }

    fn talk(&self) -> MutexGuard<'_, Talk> {
        self.talk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows a card of the conversation, or of the thread of one of its cards.
    fn put(&self, place: &str, key: &str, card: &Card) -> Result<()> {
        match place.split_once('/') {
            Some(_) => self.talk().show_detail(key, card),
            None => self.talk().show(Some(key), card),
        }
    }

    fn event(&self, reply_to: Option<String>, intent: Intent) -> Event {
        Event {
            id: Uuid::new_v4().to_string(),
            platform: PlatformName::Terminal,
            person: self.person.clone(),
            place: self.place.clone(),
            thread: None,
            reply_to,
            answer_to: serde_json::Value::Null,
            at: Clock::system().now(),
            intent,
        }
    }

    async fn converse(&self, inbox: &dyn Inbox, lines: &mut mpsc::Receiver<String>) -> Result<()> {
        if self.talk().is_live()
            && let Reply::Card(home) = inbox.ask(self.event(None, Intent::OpenHome)).await
        {
            self.talk().show(None, &home)?;
        }
        loop {
            let hidden = if self.talk().is_secret() { Hidden::begin() } else { None };
            self.talk().ask()?;
            let Some(line) = lines.recv().await else { break };
            drop(hidden);
            let meaning = self.talk().hear(&line)?;
            self.act(inbox, meaning).await?;
            self.wait(ANSWER, Talk::is_answered).await;
        }
        self.talk().give_up_form()?;
        // What is running may run for long; what was not answered at all by then never will be.
        self.wait(LAST_ANSWER, Talk::is_answered).await;
        self.wait(Duration::MAX, Talk::is_done).await;
        Ok(())
    }

    async fn act(&self, inbox: &dyn Inbox, meaning: Meaning) -> Result<()> {
        match meaning {
            Meaning::Nothing => Ok(()),
            Meaning::Accept(intent, reply_to) => {
                let event = self.event(reply_to, intent);
                self.talk().expect(&event.id);
                let Err(error) = inbox.accept(event.clone()).await else { return Ok(()) };
                self.reply(&event, &Reply::Card(refusal(error)?)).await
            }
            Meaning::Ask(intent) => {
                let event = self.event(None, intent);
                self.talk().expect(&event.id);
                let reply = inbox.ask(event.clone()).await;
                self.reply(&event, &reply).await
            }
        }
    }

    /// Waits for what is written to make `enough` true, `most` at most since the last that was written.
    async fn wait(&self, most: Duration, enough: fn(&Talk) -> bool) {
        loop {
            let changed = self.changed.notified();
            if enough(&self.talk()) || tokio::time::timeout(most, changed).await.is_err() {
                return;
            }
        }
    }
}

/// What cannot be accepted, as a card, if its reason is for people.
fn refusal(error: anyhow::Error) -> Result<Card> {
    let refused = error.downcast::<UserError>()?;
    Ok(Card {
        tone: super::Tone::Bad,
        title: refused.message,
        footnote: refused.hint.map(|hint| format!("hint: {hint}")),
        ..Card::default()
    })
}

#[async_trait]
impl Platform for TerminalChat {
    fn name(&self) -> PlatformName {
        PlatformName::Terminal
    }

    async fn run(&self, inbox: Arc<dyn Inbox>, stop: CancellationToken) -> Result<()> {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner).take();
        let mut lines = lines.context("a terminal is listened to once")?;
        let result = tokio::select! {
            () = stop.cancelled() => Ok(()),
            result = self.converse(inbox.as_ref(), &mut lines) => result,
        };
        self.ended.cancel();
        result
    }

    async fn reply(&self, event: &Event, reply: &Reply) -> Result<()> {
        self.talk().answer(&event.id, reply)?;
        self.changed.notify_waiters();
        Ok(())
    }

    async fn post(&self, Post { place, key, .. }: Post<'_>, card: &Card) -> Result<String> {
        self.put(place, key, card)?;
        self.changed.notify_waiters();
        Ok(key.to_owned())
    }

    async fn edit(&self, place: &str, message: &str, card: &Card) -> Result<()> {
        if !self.talk().knows(message) {
            return Err(Undelivered::Gone.into());
        }
        self.put(place, message, card)?;
        self.changed.notify_waiters();
        Ok(())
    }
}
