//! Entries, cards and forms as HTML.

use askama::Template;
use uuid::Uuid;

use super::content::{Content, text_of};
use super::html;
use super::picture;
use super::thread::Thread;
use crate::chat::{Action, Button, Card, Choice, Field, Form, Input, Style, Tone};
use crate::clock::{Clock, Span};
use crate::error::Result;
use crate::store::conversation::Entry;

/// The most choices that are shown side by side; more become a list that opens.
const SIDE_BY_SIDE: usize = 5;
/// How long a sealed form stands open for who comes back; nothing tells whether it was sent.
const SEALED_FOR: Span = Span::from_secs(86_400);
/// The most proposals that are shown.
const PROPOSALS: usize = 50;

/// An entry with its details as HTML; nothing if a newer Stationmaster wrote it.
pub fn entry(thread: &Thread) -> Result<String> {
    let entry = &thread.head;
    let Some(mut content) = content_of(entry) else { return Ok(String::new()) };
    if let Content::Form { form } = &content
        && form.is_sealed()
        && entry.at < Clock::system().now() - SEALED_FOR.millis()
    {
        content = Content::aside(form.clone());
    }
    let (at, clock) = times(entry)?;
    let details = thread.details.iter().map(detail).collect::<Result<Vec<_>>>()?.concat();
    let (dom_id, seq) = (format!("e-{}", entry.id), thread.seq());
    // What somebody is asked is not left folded.
    let unfolded = thread
        .details
        .iter()
        .any(|detail| matches!(content_of(detail), Some(Content::Card { card }) if !card.buttons.is_empty()));
    Ok(EntryView { dom_id, entry, seq, content: &content, details, at, clock, unfolded, passing: false }.render()?)
}

/// Something that is shown in an entry's place, or beside the entries, and kept nowhere.
pub fn passing(entry: &Entry, content: &Content) -> Result<String> {
    let (dom_id, (at, clock)) = (format!("e-{}", entry.id), times(entry)?);
    let details = String::new();
    Ok(EntryView { dom_id, entry, seq: entry.seq, content, details, at, clock, unfolded: false, passing: true }
        .render()?)
}

/// The card of the home as HTML.
pub fn home(card: &Card) -> Result<String> {
    Ok(CardView::new("home", "", card).render()?)
}

/// Proposals as HTML.
pub fn proposals(choices: &[Choice]) -> Result<String> {
    Ok(Proposals { choices: &choices[..choices.len().min(PROPOSALS)] }.render()?)
}

/// A card of a thread as HTML.
fn detail(entry: &Entry) -> Result<String> {
    let Some(Content::Card { card }) = content_of(entry) else { return Ok(String::new()) };
    let dom_id = format!("e-{}", entry.id);
    let card = CardView { level: 3, ..CardView::new(&dom_id, &entry.id, &card) }.render()?;
    let (at, clock) = times(entry)?;
    Ok(DetailView { dom_id, of: &entry.id, card, at, clock }.render()?)
}

/// What an entry is; `None` if a newer Stationmaster wrote it.
fn content_of(entry: &Entry) -> Option<Content> {
    let content = serde_json::from_str(&entry.content).ok();
    if content.is_none() {
        tracing::warn!(entry = entry.id, "an entry of a conversation cannot be read");
    }
    content
}

/// When an entry was added: for machines, and for people until the script shows their own time.
fn times(entry: &Entry) -> Result<(String, String)> {
    let at = jiff::Timestamp::from_millisecond(entry.at)?;
    Ok((at.to_string(), at.strftime("%H:%M UTC").to_string()))
}

#[derive(Template)]
#[template(path = "entry.html")]
struct EntryView<'a> {
    dom_id: String,
    entry: &'a Entry,
    /// The newest change of it or of its details.
    seq: i64,
    content: &'a Content,
    /// The HTML of its details.
    details: String,
    /// Whether they are shown before anybody asks for them.
    unfolded: bool,
    at: String,
    clock: String,
    /// Whether it is kept nowhere.
    passing: bool,
}

impl EntryView<'_> {
    fn card_html(&self, card: &Card) -> askama::Result<String> {
        CardView {
            details: &self.details,
            unfolded: self.unfolded,
            ..CardView::new(&self.dom_id, &self.entry.id, card)
        }
        .render()
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

#[derive(Template)]
#[template(path = "detail.html")]
struct DetailView<'a> {
    dom_id: String,
    /// The entry's id.
    of: &'a str,
    card: String,
    at: String,
    clock: String,
}

#[derive(Template)]
#[template(path = "card.html")]
struct CardView<'a> {
    dom_id: &'a str,
    /// The entry's id; empty for the home.
    entry: &'a str,
    /// How deep its heading is.
    level: u8,
    /// What a button's press is called if it is pressed on this rendering.
    delivery: Uuid,
    card: &'a Card,
    body: String,
    /// The HTML of its picture.
    picture: String,
    /// The HTML of what is folded under it.
    details: &'a str,
    /// Whether that is shown before anybody asks for it.
    unfolded: bool,
}

impl<'a> CardView<'a> {
    fn new(dom_id: &'a str, entry: &'a str, card: &'a Card) -> Self {
        let picture = card.picture.as_ref().map(|picture| picture::image(entry, picture)).unwrap_or_default();
        let body = html::markdown(&card.body);
        Self { dom_id, entry, level: 2, delivery: Uuid::new_v4(), card, body, picture, details: "", unfolded: false }
    }

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
        crate::markdown::is_safe(address)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::{Progress, Token};
    use serde_json::json;

    /// The HTML of an entry, a tag to a line, without what is random.
    fn shown(content: &Content) -> String {
        let content = content.to_json().expect("JSON");
        readable(&super::entry(&written("7", content).into()).expect("HTML"))
    }

    fn written(id: &str, content: String) -> Entry {
        Entry { id: id.into(), thread: None, born: 3, seq: 5, content, at: 1_700_000_000_000 }
    }

    fn readable(html: &str) -> String {
        let delivery = regex::Regex::new(r#"name="delivery" value="[-0-9a-f]{36}""#).expect("a pattern");
        let html = delivery.replace_all(html, r#"name="delivery" value="…""#).replace("><", ">\n<");
        html.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_card_of_work_under_way() {
        let button = |label: &str, action, style| Button { label: label.into(), action, style };
        let card = Card {
            tone: Tone::Active,
            title: "Creating orders".into(),
            body: "Step **2**".into(),
            facts: vec![("Since".into(), "40s".into())],
            progress: Some(Progress { percent: 140, label: "Copying".into() }),
            picture: None,
            buttons: vec![
                button("Look", Action::Open("https://ci.example.org/7".into()), Style::Plain),
                button("Not a link", Action::Open("javascript:alert(1)".into()), Style::Plain),
                button("Cancel", Action::Press(Token::new("cancel", "req_1")), Style::Danger),
                button("Help", Action::Fill("/help \"x\"".into()), Style::Primary),
            ],
            footnote: Some("req_1".into()),
        };
        insta::assert_snapshot!(shown(&Content::Card { card }));
    }

    #[test]
    fn every_tone_has_a_colour_and_a_word() {
        for (tone, class, word) in [
            (Tone::Active, "active", "Under way:"),
            (Tone::Waiting, "waiting", "Waiting:"),
            (Tone::Good, "good", "Done:"),
            (Tone::Bad, "bad", "Problem:"),
        ] {
            let html = shown(&Content::Card { card: Card { tone, ..Card::default() } });
            assert!(html.contains(&format!("class=\"card {class}\"")), "{html}");
            assert!(html.contains(&format!("aria-label=\"{word}\"")), "{html}");
        }
    }

    #[test]
    fn c2_text_that_wants_to_be_more_is_text() {
        let bad = "\"><script>x</script>'{{7*7}}\u{202e}".to_owned();
        let card = Card {
            title: bad.clone(),
            body: bad.clone(),
            facts: vec![(bad.clone(), bad.clone())],
            progress: Some(Progress { percent: 1, label: bad.clone() }),
            picture: None,
            buttons: vec![Button { label: bad.clone(), action: Action::Fill(bad.clone()), style: Style::Plain }],
            footnote: Some(bad.clone()),
            ..Card::default()
        };
        let field = Field {
            name: bad.clone(),
            label: bad.clone(),
            help: bad.clone(),
            input: Input::Choice(vec![Choice { value: bad.clone(), label: bad.clone(), hint: bad.clone() }]),
            required: false,
            value: Some(json!(bad)),
            error: Some(bad.clone()),
        };
        let kinds =
            [Input::Line, Input::Text, Input::Toggle, Input::Lookup(Token::received(&*bad)), field.input.clone()];
        let fields = kinds.map(|input| Field { input, ..field.clone() }).to_vec();
        let (title, intro, submit, token) = (bad.clone(), bad.clone(), bad.clone(), Token::received(&*bad));
        let form = Form { title, intro, fields, submit, token, error: Some(bad.clone()) };
        let sent = Content::Sent { title: bad.clone(), facts: vec![(bad.clone(), bad.clone())] };
        for content in [Content::Card { card }, Content::form(form), sent, Content::Said { words: bad }] {
            let html = shown(&content);
            assert!(!html.contains("<script") && !html.contains("\">x"), "{html}");
            assert!(html.matches("&lt;script&gt;").count() + html.matches("&#60;script&#62;").count() > 0, "{html}");
        }
    }

    #[test]
    fn a_form_with_a_mistake() {
        let field = |name: &str, input| Field {
            name: name.into(),
            label: name.to_uppercase(),
            help: String::new(),
            input,
            required: false,
            value: None,
            error: None,
        };
        let choice = |value: &str| Choice { value: value.into(), label: value.into(), hint: String::new() };
        let form = Form {
            title: "Create".into(),
            intro: String::new(),
            fields: vec![
                Field {
                    required: true,
                    help: "Lower case".into(),
                    value: Some(json!("A")),
                    error: Some("Not lower case".into()),
                    ..field("name", Input::Line)
                },
                Field { value: Some(json!("dev")), ..field("env", Input::Choice(vec![choice("dev"), choice("prod")])) },
                Field { value: Some(json!("hunter22")), ..field("password", Input::Secret) },
                Field { value: Some(json!(true)), ..field("backup", Input::Toggle) },
            ],
            submit: "Create it".into(),
            token: Token::new("invoke", "db create"),
            error: None,
        };
        insta::assert_snapshot!(shown(&Content::form(form)));
    }

    #[test]
    fn details_are_folded_under_their_card() {
        let written_card = |id: &str, title: &str, seq| {
            let content = Content::Card { card: Card { title: title.into(), ..Card::default() } };
            Entry { seq, ..written(id, content.to_json().expect("JSON")) }
        };
        let details = vec![written_card("8", "What it said", 9), written_card("9", "The plan", 6)];
        let thread = Thread { head: written_card("7", "Failed", 5), details };
        insta::assert_snapshot!(readable(&super::entry(&thread).expect("HTML")));
    }

    #[test]
    fn an_entry_of_a_newer_stationmaster_is_left_out() {
        let entry = written("7", r#"{"is":"hologram"}"#.into());
        assert_eq!(super::entry(&entry.into()).expect("no error"), "");
    }
}
