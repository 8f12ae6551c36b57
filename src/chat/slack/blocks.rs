//! A card as Block Kit.

use serde_json::{Value, json};

use super::markup::{self, Rendered};
use super::{labels, limits};
use crate::chat::{Action, Button, Card, Picture, Progress};
use crate::markdown;

/// The width of a bar of progress, in characters.
const BAR: usize = 20;

/// The prefixes of a button's `action_id`, by what it does; its place in the card follows.
pub const PRESS: &str = "press";
/// See [`PRESS`].
pub const FILL: &str = "fill";
/// See [`PRESS`].
pub const OPEN: &str = "open";

/// A text that is shown as it is.
pub fn plain(text: &str, most: usize) -> Value {
    json!({"type": "plain_text", "text": limits::cut(text, most), "emoji": false})
}

/// The same in one line.
pub fn plain_line(text: &str, most: usize) -> Value {
    plain(&limits::cut_line(text, usize::MAX), most)
}

/// A card as blocks of a message, a modal or a home. Its picture is said in words.
pub fn blocks(card: &Card) -> Vec<Value> {
    all(card, card.picture.as_ref().map(|picture| context(&picture.chart.alt())))
}

/// The same with its picture, which is in a file.
pub fn pictured(card: &Card, file: &str) -> Vec<Value> {
    let image = |picture: &Picture| {
        let alt = limits::cut(&picture.chart.alt(), limits::ALT);
        json!({"type": "image", "slack_file": {"id": file}, "alt_text": alt})
    };
    all(card, card.picture.as_ref().map(image))
}

fn all(card: &Card, picture: Option<Value>) -> Vec<Value> {
    // A picture in words takes of the room of the body.
    let most = limits::BODY - if picture.is_some() { limits::CONTEXT } else { 0 };
    let Rendered { blocks: body, mut is_cut } = markup::rich_text(&markdown::parse(&card.body), most);
    let mut blocks = Vec::new();
    blocks.extend(
        header(&format!("{}{}", labels::sign(card.tone), card.title)).filter(|_| !limits::is_blank(&card.title)),
    );
    let room = limits::MESSAGE_BLOCKS - limits::ROWS - 5;
    is_cut |= body.len() > room;
    blocks.extend(body.into_iter().take(room));
    blocks.extend(markup::facts(&card.facts));
    blocks.extend(picture);
    blocks.extend(card.progress.as_ref().map(progress));
    let (rows, has_more) = rows(&card.buttons);
    blocks.extend(rows);
    blocks.extend(footnote(card.footnote.as_deref(), is_cut || has_more));
    blocks
}

/// A text as a header; none if there is nothing to say.
pub fn header(text: &str) -> Option<Value> {
    (!limits::is_blank(text)).then(|| json!({"type": "header", "text": plain_line(text, limits::HEADER)}))
}

/// A text as a section of its own.
pub fn section(text: &str) -> Option<Value> {
    (!limits::is_blank(text)).then(|| json!({"type": "section", "text": plain(text, limits::SECTION)}))
}

/// A quiet line.
pub fn context(text: &str) -> Value {
    json!({"type": "context", "elements": [plain(text, limits::CONTEXT)]})
}

/// All that a card says, for notifications, screen readers, and where its blocks are refused.
pub fn text(card: &Card) -> String {
    let mut lines = vec![format!("{}{}", labels::word(card.tone), card.title)];
    lines.push(markdown::plain(&markdown::parse(&card.body)));
    lines.extend(card.facts.iter().map(|(label, value)| format!("{label}: {value}")));
    lines.extend(card.picture.as_ref().map(|picture| picture.chart.alt()));
    lines.extend(card.progress.as_ref().map(|p| format!("{} % {}", p.percent.min(100), p.label)));
    lines.extend(card.footnote.clone());
    lines.retain(|line| !limits::is_blank(line));
    let text = limits::cut(&lines.join("\n"), limits::NOTIFICATION);
    if limits::is_blank(&text) { labels::EMPTY.to_owned() } else { text }
}

/// A text as it may stand in a message's `text`, where `&`, `<` and `>` mean something.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn progress(progress: &Progress) -> Value {
    let percent = usize::from(progress.percent.min(100));
    let full = percent * BAR / 100;
    let bar = format!("{}{} {percent} %", "█".repeat(full), "░".repeat(BAR - full));
    let text = limits::cut(format!("{bar}  {}", progress.label).trim_end(), limits::FACT);
    let run = json!({"type": "text", "text": text});
    json!({"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [run]}]})
}

/// Rows of as many buttons as there is room for, and whether there are more.
fn rows(buttons: &[Button]) -> (Vec<Value>, bool) {
    let all: Vec<Value> = buttons.iter().enumerate().filter_map(|(index, button)| element(index, button)).collect();
    let mut room = limits::BUTTONS;
    let fits = |element: &&Value| {
        let texts = [element["text"]["text"].as_str(), element["url"].as_str()];
        let taken: usize = texts.into_iter().flatten().map(limits::length).sum();
        room.checked_sub(taken).map(|rest| room = rest).is_some()
    };
    let shown: Vec<Value> = all.iter().take(limits::ROW * limits::ROWS).take_while(fits).cloned().collect();
    let row = |elements: &[Value]| json!({"type": "actions", "elements": elements});
    (shown.chunks(limits::ROW).map(row).collect(), shown.len() < all.len())
}

/// A button. One that does not fit is left out: cut, it would do something else.
fn element(index: usize, button: &Button) -> Option<Value> {
    let label = if limits::is_blank(&button.label) { labels::EMPTY } else { &button.label };
    let mut element = json!({"type": "button", "text": plain_line(label, limits::BUTTON)});
    let mut value = String::new();
    let prefix = match &button.action {
        Action::Press(token) => {
            value = token.to_string();
            PRESS
        }
        Action::Fill(line) => {
            value.clone_from(line);
            FILL
        }
        Action::Open(url) => {
            let is_web = markdown::is_safe(url) && url.starts_with("http") && limits::length(url) <= limits::URL;
            element["url"] = is_web.then_some(url.as_str())?.into();
            OPEN
        }
    };
    if !value.is_empty() {
        element["value"] = Some(value).filter(|value| limits::length(value) <= limits::BUTTON_VALUE)?.into();
    }
    element["action_id"] = format!("{prefix}:{index}").into();
    if let Some(style) = labels::style(button.style) {
        element["style"] = style.into();
    }
    Some(element)
}

fn footnote(note: Option<&str>, is_cut: bool) -> Option<Value> {
    let note = note.filter(|note| !limits::is_blank(note));
    let shortened = is_cut.then_some(labels::SHORTENED);
    let lines: Vec<&str> = note.into_iter().chain(shortened).collect();
    (!lines.is_empty()).then(|| context(&lines.join("\n")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::{Style, Token, Tone};
    use proptest::prelude::*;

    fn button(label: &str, action: Action, style: Style) -> Button {
        Button { label: label.into(), action, style }
    }

    #[test]
    fn a_card_of_work_under_way() {
        let card = Card {
            tone: Tone::Active,
            title: "Creating orders".into(),
            body: "Step **2** of `3`".into(),
            facts: vec![("Environment".into(), "dev".into()), ("Since".into(), "40s".into())],
            progress: Some(Progress { percent: 64, label: "Copying <the> schema".into() }),
            picture: None,
            buttons: vec![
                button("Look", Action::Open("https://ci.example.org/7".into()), Style::Plain),
                button("Not a link", Action::Open("javascript:alert(1)".into()), Style::Plain),
                button("Cancel", Action::Press(Token::new("cancel", "req_1")), Style::Danger),
                button("Help", Action::Fill("/help ".into()), Style::Primary),
            ],
            footnote: Some("req_1".into()),
        };
        insta::assert_snapshot!(serde_json::to_string_pretty(&blocks(&card)).expect("JSON"));
        insta::assert_snapshot!(text(&card), @r"
        Under way: Creating orders
        Step 2 of 3
        Environment: dev
        Since: 40s
        64 % Copying <the> schema
        req_1
        ");
        assert_eq!(escape("<!channel> & co"), "&lt;!channel&gt; &amp; co");
    }

    #[test]
    fn an_empty_card_says_that_it_is_there() {
        assert_eq!((blocks(&Card::default()), text(&Card::default()).as_str()), (Vec::new(), "…"));
    }

    /// What Slack refuses, as its documentation has it.
    fn complaints(value: &Value, out: &mut Vec<String>) {
        match value {
            Value::Array(all) => all.iter().for_each(|one| complaints(one, out)),
            Value::Object(object) => {
                let most = match (object.get("type").and_then(Value::as_str), object.get("text")) {
                    (Some("header"), Some(text)) => (text["text"].as_str(), 150),
                    (Some("button"), Some(text)) => (text["text"].as_str(), 75),
                    (_, text) => (text.and_then(Value::as_str), 3000),
                };
                if let (Some(text), most) = most
                    && (text.is_empty() || text.encode_utf16().count() > most)
                    && object.get("type") != Some(&json!("text"))
                {
                    out.push(format!("{text:?} is not of 1 to {most} characters"));
                }
                object.values().for_each(|inner| complaints(inner, out));
            }
            _ => {}
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        #[test]
        fn no_card_breaks_a_limit(
            (title, body, label) in ("\\PC{0,200}", "(\\PC|\n){0,200}", "\\PC{0,100}"),
            (facts, buttons, repeat) in (0usize..40, 0usize..130, 1usize..60),
        ) {
            let button = button(&label, Action::Press(Token::new("x", &label)), Style::Danger);
            let card = Card {
                tone: Tone::Bad,
                title,
                body: body.repeat(repeat),
                facts: vec![(label.clone(), body.clone()); facts],
                progress: Some(Progress { percent: 250, label: label.clone() }),
                picture: None,
                buttons: vec![button; buttons],
                footnote: Some(label),
            };
            let blocks = blocks(&card);
            prop_assert!(blocks.len() <= limits::MESSAGE_BLOCKS);
            let mut found = Vec::new();
            complaints(&blocks.into(), &mut found);
            prop_assert!(found.is_empty(), "{:?}", found);
            prop_assert!(text(&card).chars().count() <= 3000);
        }
    }
}
