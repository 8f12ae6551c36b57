//! What a person reads on Discord's screen, in the neutral words of a transcript.

use serde_json::Value;

use super::interaction::inputs;
use super::markup;
use super::world::{Author, Message, Modal, State};

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The words by which this application's forms are worked; they are how Discord shows a form, and not of the form itself.
pub const OPEN_FORM: &str = "Open the form";
pub const EDIT: &str = "Edit";
pub const FILL_IN: &str = "Fill in …";
pub const FILL_IN_AND_SEND: &str = "Fill in and send …";
pub const NEXT: &str = "Next page";
pub const BACK: &str = "Back";
/// The choice that stands for one that is not listed.
pub const OTHER: &str = "Something else …";
/// In place of a value that nobody gave.
const EMPTY: &str = "–";
/// Before what is wrong with a value.
const WRONG: &str = "⚠ ";

/// A field's name: its label without what is said beside it.
pub fn plain_name(label: &str) -> String {
    label.trim().trim_end_matches("(optional)").trim().to_owned()
}

fn is_working(label: &str) -> bool {
    [OPEN_FORM, EDIT, FILL_IN, NEXT, BACK].contains(&label)
}

fn parts(body: &Value) -> impl Iterator<Item = &Value> {
    list(&body["components"]).iter().flat_map(|row| list(&row["components"]))
}

/// Whether a message is a form: one fills it in, or opens it.
pub fn is_form(body: &Value) -> bool {
    parts(body).any(|part| part["type"] != 2 || [OPEN_FORM, EDIT, FILL_IN].contains(&text(&part["label"])))
}

/// A message as it is read.
pub fn message(message: &Message) -> String {
    if message.thinking {
        return String::new();
    }
    let (mut lines, is_form) = (Vec::new(), is_form(&message.body));
    read(&mut lines, text(&message.body["content"]));
    for embed in list(&message.body["embeds"]) {
        lines.extend(embed_lines(embed, is_form));
    }
    lines.extend(message.attachments.iter().map(|attachment| format!("({})", text(&attachment["description"]))));
    for row in list(&message.body["components"]) {
        let labels = list(&row["components"]).iter().filter(|part| part["type"] == 2).map(|part| text(&part["label"]));
        let buttons: Vec<_> =
            labels.filter(|label| !is_form || !is_working(label)).map(|label| format!("[{label}]")).collect();
        lines.extend(Some(buttons.join(" ")).filter(|line| !line.is_empty()));
    }
    // A quiet last line is the last, also where buttons stand below it; a form's says only which page it is.
    for embed in list(&message.body["embeds"]).iter().filter(|_| !is_form) {
        let note = text(&embed["footer"]["text"]);
        lines.extend(Some(format!("({note})")).filter(|_| !note.is_empty()));
    }
    lines.join("\n")
}

fn read(lines: &mut Vec<String>, source: &str) {
    lines.extend(markup::read(source).text.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned));
}

fn embed_lines(embed: &Value, is_form: bool) -> Vec<String> {
    let mut lines = Vec::new();
    read(&mut lines, text(&embed["author"]["name"]));
    read(&mut lines, text(&embed["title"]));
    read(&mut lines, text(&embed["description"]));
    for field in list(&embed["fields"]) {
        let (name, value) = (markup::read(text(&field["name"])).text, markup::read(text(&field["value"])).text);
        if !is_form {
            lines.push(format!("{name}: {value}"));
            continue;
        }
        let (value, wrong) =
            value.split_once(&format!("\n{WRONG}")).map_or((value.as_str(), None), |(v, w)| (v, Some(w)));
        lines
            .push(format!("{} = {}", plain_name(&name), if value == EMPTY { "" } else { value }).trim_end().to_owned());
        lines.extend(wrong.map(|wrong| format!("! {wrong}")));
    }
    lines
}

/// A modal as it is read.
pub fn modal(modal: &Modal) -> String {
    let mut lines = vec![text(&modal.body["title"]).to_owned()];
    for input in inputs(&modal.body) {
        let typed = modal.typed.get(text(&input["custom_id"])).cloned().unwrap_or_default();
        lines.push(format!("{} = {typed}", plain_name(text(&input["label"]))).trim_end().to_owned());
    }
    lines.join("\n")
}

/// Whether somebody can see a message at all: their own ephemeral ones, the channel's, and those of direct talks.
pub fn is_visible(state: &State, message: &Message, who: &str) -> bool {
    let talk = state.channels.get(&message.channel);
    message.author == Author::Bot
        && message.only_for.as_deref().is_none_or(|only| only == who)
        && talk.is_some_and(|talk| talk.recipient.is_none_or(|with| with == who))
}

/// Everything that somebody sees, oldest change first.
pub fn all(state: &State, who: &str) -> String {
    let mut seen: Vec<&Message> = state.messages.iter().filter(|m| is_visible(state, m, who)).collect();
    seen.sort_by_key(|message| message.changed);
    let mut parts: Vec<String> = seen.into_iter().map(|m| frame(m, who)).collect();
    parts.extend(state.modals.get(who).map(|open| format!("--- modal\n{}", modal(open))));
    parts.extend(
        state.notices.iter().filter(|notice| notice.who == who).map(|notice| format!("--- notice\n{}", notice.text)),
    );
    parts.join("\n")
}

fn frame(shown: &Message, who: &str) -> String {
    let kind = if shown.is_ephemeral() { "ephemeral" } else { "message" };
    let text = if shown.thinking { "is thinking…".to_owned() } else { message(shown) };
    let read = if shown.read.get(who) == Some(&text) { ", read" } else { "" };
    format!("--- {kind}, changed {} times{read}\n{text}", shown.edits)
}
