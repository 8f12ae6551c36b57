//! A card as a Discord message: one embed and its buttons.
//!
//! An embed rather than the newer layout components: it shows on every client and in notifications, its facts stand in
//! columns, and it holds more text. A message without content has nothing that would be unfurled, so the flag that
//! suppresses embeds, which would hide the card as well, is not needed to keep links from being fetched.

use serde_json::{Map, Value, json};

use super::control::Control;
use super::{labels, limits, markup, picture};
use crate::chat::{Action, Button, Card, Progress, Style, Tone};
use crate::markdown::{is_safe, parse};

/// The flag of a message that only its receiver sees.
pub const EPHEMERAL: u64 = 1 << 6;
/// How long the bar of progress is, in characters.
const BAR: usize = 12;
/// How long a fact may be to stand beside others.
const BESIDE: usize = 40;
/// What a picture in words may take, when it is escaped.
const WORDS: usize = 1200;
/// What facts may take of an embed's text, so that something is left for its description.
const FACTS: usize = 3000;

/// The body of a message that shows a card: what is posted, edited, or answered with. Its picture is said in words.
pub fn message(card: &Card) -> Value {
    body(card, card.picture.as_ref().map(|picture| picture.chart.alt()).as_deref())
}

/// The same without the words of its picture, which is shown beside them.
pub fn message_without_words(card: &Card) -> Value {
    body(card, None)
}

/// The message that a card becomes where everything works.
pub fn preview(card: &Card) -> Value {
    card.picture.as_ref().map_or_else(|| message(card), |picture| picture::message(card, picture, "0"))
}

fn body(card: &Card, words: Option<&str>) -> Value {
    json!({"embeds": [embed(card, words)], "components": rows(&card.buttons), "allowed_mentions": {"parse": []}})
}

/// The colour of a mood.
pub fn colour(tone: Tone) -> u32 {
    match tone {
        Tone::Neutral => 0x6b7280,
        Tone::Active => 0x3b82f6,
        Tone::Waiting => 0xf59e0b,
        Tone::Good => 0x22a55b,
        Tone::Bad => 0xdc2626,
    }
}

fn embed(card: &Card, words: Option<&str>) -> Value {
    let mut embed = Map::new();
    let mut room = limits::EMBED;
    embed.insert("color".into(), json!(colour(card.tone)));
    let mut put = |key: &str, text: String, room: &mut usize| {
        *room = room.saturating_sub(limits::length(&text));
        if !text.trim().is_empty() {
            embed.insert(key.into(), text.into());
        }
    };
    put("title", markup::shortened(&one_line(&card.title), limits::TITLE), &mut room);
    let footnote = card.footnote.as_deref().map(|note| limits::cut(&markup::tidy(&one_line(note)), limits::FOOTER));
    // Footers are no markup.
    let footer = footnote.filter(|note| !note.trim().is_empty());
    room -= footer.as_deref().map_or(0, limits::length);
    let (fields, rest) = facts(&card.facts, FACTS.min(room));
    room = room.saturating_sub(taken(&fields));
    put("description", description(card, (words, &rest), room.min(limits::DESCRIPTION)), &mut room);
    if !fields.is_empty() {
        embed.insert("fields".into(), fields.into());
    }
    if let Some(text) = footer {
        embed.insert("footer".into(), json!({"text": text}));
    }
    if embed.len() == 1 {
        embed.insert("description".into(), labels::EMPTY.into());
    }
    embed.into()
}

/// The body, a picture in words, what did not fit elsewhere, and how far the work is.
fn description(card: &Card, (words, rest): (Option<&str>, &[(String, String)]), room: usize) -> String {
    let words = words.map(|words| markup::shortened(words, WORDS));
    let lines = unpressable(&card.buttons);
    let mut tail: Vec<String> = rest.iter().map(|(label, value)| fact_line(label, value)).collect();
    tail.extend(lines.iter().map(|line| markup::escape(line)));
    tail.splice(0..0, words.clone());
    tail.extend(card.progress.as_ref().map(bar));
    // The tail is short; the body gives way.
    let mut tail = tail.join("\n");
    if limits::length(&tail) > room / 2 {
        tail = words.into_iter().chain(card.progress.as_ref().map(bar)).collect::<Vec<_>>().join("\n");
    }
    let most = room.saturating_sub(limits::length(&tail) + 2);
    let body = markup::render(&parse(&card.body), most);
    [body, tail].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n\n")
}

fn fact_line(label: &str, value: &str) -> String {
    format!("**{}:** {}", markup::shortened(&one_line(label), 100), markup::shortened(value, 200))
}

/// The facts that fit as fields, and those that are left for the description.
fn facts(facts: &[(String, String)], room: usize) -> (Vec<Value>, Vec<(String, String)>) {
    let mut fields = Vec::new();
    let mut left = room;
    for (index, (label, value)) in facts.iter().enumerate() {
        let name = shown(markup::shortened(&one_line(label), limits::FIELD_NAME));
        let most = limits::FIELD_VALUE.min(left.saturating_sub(limits::length(&name)));
        if index == limits::FIELDS || most < 20 {
            return (fields, facts[index..].to_vec());
        }
        let value = shown(markup::shortened(value, most));
        left -= limits::length(&name) + limits::length(&value);
        let inline = limits::length(&value) <= BESIDE && !value.contains('\n');
        fields.push(json!({"name": name, "value": value, "inline": inline}));
    }
    (fields, Vec::new())
}

fn taken(fields: &[Value]) -> usize {
    let length = |field: &Value, key: &str| field[key].as_str().map_or(0, limits::length);
    fields.iter().map(|field| length(field, "name") + length(field, "value")).sum()
}

/// Text that Discord does not refuse for being empty.
fn shown(text: String) -> String {
    if text.trim().is_empty() { labels::EMPTY.to_owned() } else { text }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn bar(progress: &Progress) -> String {
    let percent = usize::from(progress.percent.min(100));
    let full = percent * BAR / 100;
    let label = markup::shortened(&one_line(&progress.label), 200);
    format!("{}{} {percent} % {label}", "▰".repeat(full), "▱".repeat(BAR - full)).trim_end().to_owned()
}

/// Rows of buttons; a button that does the same as one before it, or cannot be pressed, is left out.
pub fn rows(buttons: &[Button]) -> Vec<Value> {
    let mut known = Vec::new();
    let mut shown: Vec<Value> = Vec::new();
    for button in buttons {
        let Some(built) = self::button(button) else { continue };
        if !known.contains(&button.action) {
            known.push(button.action.clone());
            shown.push(built);
        }
    }
    shown.truncate(limits::ROWS * limits::ROW_BUTTONS);
    shown.chunks(limits::ROW_BUTTONS).map(row).collect()
}

/// A row of components.
pub fn row(components: &[Value]) -> Value {
    json!({"type": 1, "components": components})
}

/// A button that carries a control.
pub fn control_button(label: &str, custom_id: &str, style: Style) -> Value {
    let style = match style {
        Style::Primary => 1,
        Style::Plain => 2,
        Style::Danger => 4,
    };
    json!({"type": 2, "style": style, "label": button_label(label), "custom_id": custom_id})
}

fn button(button: &Button) -> Option<Value> {
    let control = match &button.action {
        Action::Open(url) => return link_button(&button.label, url),
        Action::Press(token) => Control::Token(token.clone()),
        Action::Fill(line) => Control::line(line),
    };
    Some(control_button(&button.label, &control.custom_id()?, button.style))
}

fn link_button(label: &str, url: &str) -> Option<Value> {
    // Written as it was read: Discord takes no address with a space before it.
    let url = url::Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    let fits = limits::length(url.as_str()) <= limits::BUTTON_URL;
    fits.then(|| json!({"type": 2, "style": 5, "label": button_label(label), "url": url.as_str()}))
}

fn button_label(label: &str) -> String {
    shown(limits::cut(&markup::tidy(&one_line(label)), limits::BUTTON))
}

/// What the buttons would do that Discord cannot hold: long lines to say, and addresses that are no web pages.
fn unpressable(buttons: &[Button]) -> Vec<String> {
    let line = |b: &Button| match &b.action {
        _ if button(b).is_some() => None,
        Action::Open(target) if !is_safe(target) => None,
        Action::Open(text) | Action::Fill(text) => Some(format!("{}: {text}", one_line(&b.label))),
        Action::Press(_) => None,
    };
    buttons.iter().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::Token;
    use proptest::prelude::*;

    fn button(label: &str, action: Action, style: Style) -> Button {
        Button { label: label.into(), action, style }
    }

    #[test]
    fn a_card_of_work_under_way() {
        let card = Card {
            tone: Tone::Active,
            title: "Create a *database*".into(),
            body: "`/db create orders` for **ada** <@1>\n\n- see [docs](https://e.org)"
                .replace("<@1>", &crate::markdown::escape("<@1>")),
            facts: vec![("Time".into(), "5 s".into()), ("Why".into(), "a_b ".repeat(15))],
            progress: Some(Progress { percent: 40, label: "provision_1".into() }),
            picture: None,
            buttons: vec![
                button("Cancel", Action::Press(Token::new("cancel", "req_1")), Style::Danger),
                button("Look", Action::Open("https://e.org/x".into()), Style::Plain),
                button("Repeat", Action::Fill("/db create ".into()), Style::Primary),
            ],
            footnote: Some("Asked by *ada*".into()),
        };
        insta::assert_snapshot!(format!("{:#}", message(&card)));
    }

    #[test]
    fn an_empty_card_is_still_a_message() {
        let sent = message(&Card { facts: vec![(String::new(), " ".into())], ..Card::default() });
        assert_eq!(sent["embeds"][0]["fields"][0], json!({"name": "–", "value": "–", "inline": true}));
        assert_eq!(message(&Card::default())["embeds"][0]["description"], "–");
    }

    #[test]
    fn buttons_that_cannot_be_are_written_out_or_left_out() {
        let long = format!("/help {}", "x".repeat(120));
        let press = Action::Press(Token::new("run", "db"));
        let card = Card {
            buttons: vec![
                button("Ask", Action::Fill(long.clone()), Style::Plain),
                button("One", press.clone(), Style::Plain),
                button("Two", press, Style::Plain),
                button("Mail", Action::Open("mailto:a@e.org".into()), Style::Plain),
                button("Bad", Action::Open("javascript:x".into()), Style::Plain),
            ],
            ..Card::default()
        };
        let sent = message(&card);
        assert_eq!(sent["components"][0]["components"].as_array().map(Vec::len), Some(1));
        let text = sent["embeds"][0]["description"].as_str().expect("a description");
        assert!(text.contains(&long) && text.contains(r"mailto\:a\@e.org") && !text.contains("javascript"), "{text}");
    }

    /// What Discord counts against its 6000.
    fn total(embed: &Value) -> usize {
        let length = |value: &Value| value.as_str().map_or(0, limits::length);
        let fields = embed["fields"].as_array().map_or(0, |fields| taken(fields));
        length(&embed["title"]) + length(&embed["description"]) + length(&embed["footer"]["text"]) + fields
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn every_card_fits(
            (title, body) in ("\\PC{0,400}", "(\\PC|\\n|[*_`]){0,6000}"),
            facts in prop::collection::vec(("\\PC{0,300}", "\\PC{0,1500}"), 0..30),
            labels in prop::collection::vec("\\PC{0,120}", 0..30),
            footnote in prop::option::of("\\PC{0,3000}"),
        ) {
            let buttons = labels.iter().enumerate().map(|(index, label)| {
                button(label, Action::Press(Token::new("run", &index.to_string())), Style::Plain)
            });
            let progress = Some(Progress { percent: 101, label: title.clone() });
            let card = Card { title, body, facts, buttons: buttons.collect(), footnote, progress, ..Card::default() };
            let sent = message(&card);
            let embed = &sent["embeds"][0];
            prop_assert!(total(embed) <= limits::EMBED, "{}", total(embed));
            prop_assert!(embed["title"].as_str().is_none_or(|t| limits::length(t) <= limits::TITLE));
            prop_assert!(embed["description"].as_str().is_none_or(|t| limits::length(t) <= limits::DESCRIPTION));
            for field in embed["fields"].as_array().into_iter().flatten() {
                let value = field["value"].as_str().expect("a value");
                prop_assert!(!value.is_empty() && limits::length(value) <= limits::FIELD_VALUE);
            }
            let rows = sent["components"].as_array().expect("rows");
            prop_assert!(rows.len() <= limits::ROWS);
            for button in rows.iter().flat_map(|row| row["components"].as_array().expect("buttons")) {
                let label = button["label"].as_str().expect("a label");
                prop_assert!(!label.is_empty() && limits::length(label) <= limits::BUTTON);
            }
        }
    }
}
