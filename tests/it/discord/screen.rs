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

/// A name as transcripts write it: the label of a field without its marks.
pub fn plain_name(label: &str) -> String {
    label.trim_end_matches([' ', '*', ':', '…']).trim().to_owned()
}

/// A message as it is read.
pub fn message(message: &Message) -> String {
    if message.thinking {
        return String::new();
    }
    let mut lines = Vec::new();
    read(&mut lines, text(&message.body["content"]));
    for embed in list(&message.body["embeds"]) {
        lines.extend(embed_lines(embed));
    }
    for row in list(&message.body["components"]) {
        lines.extend(row_lines(row));
    }
    // A quiet last line is the last, also where buttons stand below it.
    for embed in list(&message.body["embeds"]) {
        lines.extend(
            Some(text(&embed["footer"]["text"])).filter(|text| !text.is_empty()).map(|text| format!("({text})")),
        );
    }
    lines.join("\n")
}

fn read(lines: &mut Vec<String>, source: &str) {
    lines.extend(markup::read(source).text.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned));
}

fn embed_lines(embed: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    read(&mut lines, text(&embed["author"]["name"]));
    read(&mut lines, text(&embed["title"]));
    read(&mut lines, text(&embed["description"]));
    for field in list(&embed["fields"]) {
        let (name, value) = (markup::read(text(&field["name"])).text, markup::read(text(&field["value"])).text);
        lines.push(format!("{}: {value}", name.trim_end_matches(':')));
    }
    lines
}

fn row_lines(row: &Value) -> Vec<String> {
    let parts = list(&row["components"]);
    let buttons: Vec<_> =
        parts.iter().filter(|part| part["type"] == 2).map(|part| format!("[{}]", text(&part["label"]))).collect();
    let mut lines: Vec<String> = parts.iter().filter(|part| part["type"] != 2).map(select_line).collect();
    if !buttons.is_empty() {
        lines.push(buttons.join(" "));
    }
    lines
}

/// `name = value` of a select. Once something is chosen, its placeholder is not seen: the value alone tells.
fn select_line(select: &Value) -> String {
    let name = plain_name(text(&select["placeholder"]));
    format!("{name} = {}", chosen(select).join(", "))
}

/// What is chosen in a select.
pub fn chosen(select: &Value) -> Vec<String> {
    let options = list(&select["options"]).iter().filter(|option| option["default"] == true);
    let named = list(&select["default_values"]).iter().map(|value| {
        let id = text(&value["id"]);
        super::world::name_of(id).unwrap_or(id).to_owned()
    });
    options.map(|option| text(&option["label"]).to_owned()).chain(named).collect()
}

/// A modal as it is read.
pub fn modal(modal: &Modal) -> String {
    let mut lines = vec![text(&modal.body["title"]).to_owned()];
    for input in inputs(&modal.body) {
        let typed = modal.typed.get(text(&input["custom_id"])).cloned().unwrap_or_default();
        lines.push(format!("{} = {typed}", plain_name(text(&input["label"]))));
    }
    lines.push("[Submit]".into());
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
