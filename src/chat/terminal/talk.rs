//! The state of a conversation: what is asked, what is awaited, and what a line means.

use std::collections::{BTreeMap, BTreeSet};

use super::questions::{Questions, Step, numbered};
use super::screen::Screen;
use crate::chat::{Action, Button, Card, Intent, Reply, Tone};
use crate::error::Result;

/// What is shown where a line is awaited.
const PROMPT: &str = "› ";
/// What stands before every line of a card of a thread.
const DETAIL: &str = "    ";

/// The state of a conversation.
pub struct Talk {
    screen: Screen,
    /// The form that is being filled in.
    form: Option<Questions>,
    /// A line that a button proposed; an empty line sends it.
    proposed: Option<String>,
    /// The buttons that numbers press, and the card they are on.
    buttons: (Vec<Button>, Option<String>),
    /// The events that have no answer yet.
    awaited: BTreeSet<String>,
    /// The cards that were posted, as they are now.
    cards: BTreeMap<String, Card>,
    /// The cards of their threads, as they are now.
    details: BTreeMap<String, Card>,
}

/// What is to be done about a line.
pub enum Meaning {
    /// Nothing that others hear of.
    Nothing,
    /// To be accepted, about the card of this key.
    Accept(Intent, Option<String>),
    /// To be answered at once.
    Ask(Intent),
}

impl Talk {
    /// A conversation in which nothing was said.
    pub fn new(screen: Screen) -> Self {
        Self {
            screen,
            form: None,
            proposed: None,
            buttons: (Vec::new(), None),
            awaited: BTreeSet::new(),
            cards: BTreeMap::new(),
            details: BTreeMap::new(),
        }
    }

    /// Whether somebody watches.
    pub fn is_live(&self) -> bool {
        self.screen.is_live()
    }

    /// Whether the line that is asked for next must not be seen.
    pub fn is_secret(&self) -> bool {
        self.form.as_ref().is_some_and(Questions::is_secret)
    }

    /// Asks for a line.
    pub fn ask(&mut self) -> Result<()> {
        let Some(form) = &self.form else { return Ok(self.screen.ask(PROMPT)?) };
        let (above, question) = form.ask();
        if !above.is_empty() {
            self.screen.line(&above)?;
        }
        Ok(self.screen.ask(&question)?)
    }

    /// What a line means here.
    pub fn hear(&mut self, line: &str) -> Result<Meaning> {
        self.screen.heard(line, self.is_secret())?;
        if let Some(form) = &mut self.form {
            let step = form.take(line);
            if matches!(step, Step::Leave) {
                self.form = None;
            }
            return Ok(match step {
                Step::Next | Step::Leave => Meaning::Nothing,
                Step::Propose(intent) | Step::Send(intent) => Meaning::Ask(intent),
            });
        }
        let line = line.trim();
        if let (true, Some(words)) = (line.is_empty(), self.proposed.take()) {
            return Ok(Meaning::Accept(Intent::Say { words }, None));
        }
        if let Some(button) = self.button(line) {
            return self.press(button);
        }
        Ok(if line.is_empty() {
            Meaning::Nothing
        } else {
            Meaning::Accept(Intent::Say { words: line.to_owned() }, None)
        })
    }

    fn button(&self, line: &str) -> Option<Button> {
        let number = line.parse::<usize>().ok()?;
        self.buttons.0.get(number.checked_sub(1)?).cloned()
    }

    fn press(&mut self, button: Button) -> Result<Meaning> {
        match button.action {
            Action::Press(token) => return Ok(Meaning::Accept(Intent::Press { token }, self.buttons.1.clone())),
            Action::Open(url) if crate::markdown::is_safe(&url) => self.screen.line(&url)?,
            Action::Open(_) => {}
            Action::Fill(line) => {
                self.screen.line(&format!("{PROMPT}{line}\nEnter sends it."))?;
                self.proposed = Some(line);
            }
        }
        Ok(Meaning::Nothing)
    }

    /// An answer to this event is awaited.
    pub fn expect(&mut self, event: &str) {
        self.awaited.insert(event.to_owned());
    }

    /// Shows the answer to an event.
    pub fn answer(&mut self, event: &str, reply: &Reply) -> Result<()> {
        if *reply != Reply::Nothing {
            self.awaited.remove(event);
        }
        match reply {
            // A card will say it.
            Reply::Nothing => self.form = None,
            Reply::Card(card) => {
                self.form = None;
                self.show(None, card)?;
            }
            Reply::Form(form) => {
                let before = self.form.take();
                // The form that comes back with mistakes was introduced before.
                let is_known = before.is_some() && form.error.is_none();
                let form = Questions::new(form.clone(), before);
                if !is_known {
                    self.show(None, &form.heading())?;
                }
                self.form = Some(form);
            }
            Reply::Choices(choices) => self.screen.line(&numbered(choices).join("\n"))?,
        }
        Ok(())
    }

    /// Shows a card, or what has become of it. It may be what an event was answered with.
    pub fn show(&mut self, key: Option<&str>, card: &Card) -> Result<()> {
        let before = key.and_then(|key| self.cards.get(key));
        self.screen.card(key, (card, before), "")?;
        self.number_buttons(key, card);
        if let Some(key) = key {
            // A card says nothing of the event that it answers, and one answer is awaited at a time.
            self.awaited.pop_first();
            self.cards.insert(key.to_owned(), card.clone());
        }
        Ok(())
    }

    /// Shows a card of a thread, or what has become of it. It answers nothing, and nobody waits for its end.
    pub fn show_detail(&mut self, key: &str, card: &Card) -> Result<()> {
        self.screen.card(Some(key), (card, self.details.get(key)), DETAIL)?;
        self.number_buttons(Some(key), card);
        self.details.insert(key.to_owned(), card.clone());
        Ok(())
    }

    /// From now on numbers press the buttons of this card, if it has any.
    fn number_buttons(&mut self, key: Option<&str>, card: &Card) {
        if !card.buttons.is_empty() {
            self.buttons = (card.buttons.clone(), key.map(str::to_owned));
        } else if key.is_some() && self.buttons.1.as_deref() == key {
            self.buttons = (Vec::new(), None);
        }
    }

    /// Whether a card was posted here.
    pub fn knows(&self, key: &str) -> bool {
        self.cards.contains_key(key) || self.details.contains_key(key)
    }

    /// The input has ended: what was filled in cannot be sent any more.
    pub fn give_up_form(&mut self) -> Result<()> {
        if self.form.take().is_some() {
            self.screen.line("The input ended before the form was filled in; it was not sent.")?;
        }
        Ok(())
    }

    /// Whether everything that was said has an answer.
    pub fn is_answered(&self) -> bool {
        self.awaited.is_empty()
    }

    /// Whether nothing that was asked for is under way.
    pub fn is_done(&self) -> bool {
        self.cards.values().all(|card| card.tone != Tone::Active)
    }
}
