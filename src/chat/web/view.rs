//! Entries, cards and forms as HTML.

use askama::Template;
use uuid::Uuid;

use super::content::{Content, text_of};
use super::html;
use crate::chat::{Action, Button, Card, Choice, Field, Form, Input, Style, Tone};
use crate::error::Result;
use crate::store::conversation::Entry;

/// The most choices that are shown side by side; more become a list that opens.
const SIDE_BY_SIDE: usize = 5;
/// The most proposals that are shown.
const PROPOSALS: usize = 50;

/// An entry as HTML; nothing if a newer Stationmaster wrote it.
pub fn entry(entry: &Entry) -> Result<String> {
    let Ok(content) = serde_json::from_str::<Content>(&entry.content) else {
        tracing::warn!(entry = entry.id, "an entry of a conversation cannot be read");
        return Ok(String::new());
    };
    let at = jiff::Timestamp::from_millisecond(entry.at)?;
    let view = EntryView {
        dom_id: format!("e-{}", entry.id),
        entry,
        content: &content,
        at: at.to_string(),
        clock: at.strftime("%H:%M UTC").to_string(),
    };
    Ok(view.render()?)
}

/// The card of the home as HTML.
pub fn home(card: &Card) -> Result<String> {
    Ok(card_html("home", "", card)?)
}

/// Proposals as HTML.
pub fn proposals(choices: &[Choice]) -> Result<String> {
    Ok(Proposals { choices: &choices[..choices.len().min(PROPOSALS)] }.render()?)
}

#[derive(Template)]
#[template(path = "entry.html")]
struct EntryView<'a> {
    dom_id: String,
    entry: &'a Entry,
    content: &'a Content,
    /// When it was added, for machines.
    at: String,
    /// The same for people, until the script shows their own time.
    clock: String,
}

impl EntryView<'_> {
    fn card_html(&self, card: &Card) -> askama::Result<String> {
        card_html(&self.dom_id, &self.entry.id, card)
    }

    fn form_html(&self, form: &Form) -> askama::Result<String> {
        let questions = form.fields.iter().enumerate();
        let view = FormView {
            dom_id: &self.dom_id,
            entry: &self.entry.id,
            delivery: Uuid::new_v4(),
            form,
            intro: html::markdown(&form.intro),
            questions: questions.map(|(index, field)| question(&self.dom_id, index, field)).collect(),
        };
        view.render()
    }
}

fn card_html(dom_id: &str, entry: &str, card: &Card) -> askama::Result<String> {
    let body = html::markdown(&card.body);
    CardView { dom_id, entry, delivery: Uuid::new_v4(), card, body }.render()
}

#[derive(Template)]
#[template(path = "card.html")]
struct CardView<'a> {
    dom_id: &'a str,
    /// The entry's id; empty for the home.
    entry: &'a str,
    /// What a button's press is called if it is pressed on this rendering.
    delivery: Uuid,
    card: &'a Card,
    body: String,
}

impl CardView<'_> {
    fn tone(&self) -> &'static str {
        match self.card.tone {
            Tone::Neutral => "neutral",
            Tone::Active => "active",
            Tone::Waiting => "waiting",
            Tone::Good => "good",
            Tone::Bad => "bad",
        }
    }

    fn style(&self, button: &Button) -> &'static str {
        match button.style {
            Style::Plain => "plain",
            Style::Primary => "primary",
            Style::Danger => "danger",
        }
    }

    fn is_safe(&self, address: &str) -> bool {
        html::is_safe(address)
    }
}

#[derive(Template)]
#[template(path = "form.html")]
struct FormView<'a> {
    dom_id: &'a str,
    entry: &'a str,
    delivery: Uuid,
    form: &'a Form,
    intro: String,
    questions: Vec<Question<'a>>,
}

/// A field with what its HTML needs.
struct Question<'a> {
    id: String,
    field: &'a Field,
    value: String,
    /// Whether its choices are shown side by side.
    is_short: bool,
    /// The attributes that tell a screen reader of help and mistakes. Invariant: made of our own words and ids only.
    aria: String,
    /// The attributes that tell the browser what is typed here. Invariant: made of our own words only.
    kind: &'static str,
}

fn question<'a>(dom_id: &str, index: usize, field: &'a Field) -> Question<'a> {
    let id = format!("{dom_id}-{index}");
    let mut aria = String::new();
    let parts = [("error", field.error.is_some()), ("help", !field.help.is_empty())];
    let parts: Vec<String> = parts.iter().filter(|(_, is)| *is).map(|(part, _)| format!("{id}-{part}")).collect();
    if !parts.is_empty() {
        aria.push_str(&format!("aria-describedby=\"{}\"", parts.join(" ")));
    }
    if field.error.is_some() {
        aria.push_str(" aria-invalid=\"true\"");
    }
    if field.required && field.input != Input::Toggle {
        aria.push_str(" aria-required=\"true\"");
    }
    let is_short = matches!(&field.input, Input::Choice(choices) if choices.len() <= SIDE_BY_SIDE);
    let value = field.value.as_ref().map(text_of).unwrap_or_default();
    Question { id, field, value, is_short, aria, kind: kind_of(&field.input) }
}

fn kind_of(input: &Input) -> &'static str {
    match input {
        // A browser's number field would lose what is not a number; here it comes back with the mistake beside it.
        Input::Number => "type=\"text\" inputmode=\"decimal\"",
        Input::Date => "type=\"date\"",
        Input::Secret => "type=\"password\" autocomplete=\"new-password\" spellcheck=\"false\"",
        Input::Person => "type=\"text\" placeholder=\"@\" spellcheck=\"false\" autocapitalize=\"off\" dir=\"auto\"",
        Input::Channel => "type=\"text\" placeholder=\"#\" spellcheck=\"false\" autocapitalize=\"off\" dir=\"auto\"",
        _ => "type=\"text\" dir=\"auto\"",
    }
}

#[derive(Template)]
#[template(path = "proposals.html")]
struct Proposals<'a> {
    choices: &'a [Choice],
}
