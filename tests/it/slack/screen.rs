//! What a person sees of messages and views, in the neutral text of `wire.rs`.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Value, json};

use super::rule;
use super::workspace::{Message, View, Workspace};

/// Slack's marks around words, and its links.
static MARKS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(^|[\s(])([*_~`])([^*_~`\n]+)([*_~`])").expect("a pattern"));
static LINKS: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"<([^<>|]*)(?:\|([^<>]*))?>").expect("a pattern"));

/// A message as it is read; without blocks, its text.
pub fn message(message: &Message) -> String {
    let lines = blocks(&message.blocks);
    if lines.is_empty() { mrkdwn(&message.text) } else { lines.join("\n") }
}

/// A view as it is read.
pub fn view(workspace: &Workspace, view: &View) -> String {
    let mut lines: Vec<String> = view.body["title"]["text"].as_str().map(str::to_owned).into_iter().collect();
    lines.extend(view.errors.get("").map(|error| format!("! {error}")));
    for block in view.body["blocks"].as_array().into_iter().flatten() {
        if block["type"] != "input" {
            lines.extend(block_lines(block).iter().map(|line| problem(line)));
            continue;
        }
        let held = held(workspace, view, block);
        lines.push(format!("{} = {held}", name(block)));
        lines.extend(block["hint"]["text"].as_str().map(str::to_owned));
        let error = view.errors.get(block["block_id"].as_str().unwrap_or_default());
        lines.extend(error.map(|error| format!("! {error}")));
    }
    lines.extend(view.body["submit"]["text"].as_str().map(|submit| format!("[{submit}]")));
    lines.join("\n")
}

/// What the app itself says is wrong: a modal cannot be opened with Slack's own errors in it.
fn problem(line: &str) -> String {
    let said = line.trim_start_matches('(').trim_end_matches(')');
    said.strip_prefix("Problem: ").map_or_else(|| line.to_owned(), |problem| format!("! {problem}"))
}

/// The name of the question of an input block: the id that the app gave it, or else what it says above it.
pub fn name(block: &Value) -> String {
    let id = block["block_id"].as_str().filter(|id| !id.starts_with(rule::UNNAMED));
    id.unwrap_or_else(|| label(block)).to_owned()
}

/// What the question of an input block says above it.
pub fn label(block: &Value) -> &str {
    block["label"]["text"].as_str().unwrap_or_default()
}

/// What an input holds, as a person sees it.
fn held(workspace: &Workspace, view: &View, block: &Value) -> String {
    let (id, element) = (block["block_id"].as_str().unwrap_or_default(), &block["element"]);
    let held = &view.values[id][element["action_id"].as_str().unwrap_or_default()];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let name_of = |id: &Value| {
        let id = id.as_str().unwrap_or_default();
        let person = workspace.person(id).map(|person| person.name.clone());
        person.or_else(|| workspace.channel(id).map(|channel| channel.name.clone())).unwrap_or_default()
    };
    match held["type"].as_str().unwrap_or_default() {
        "static_select" | "external_select" | "radio_buttons" => text(&held["selected_option"]["text"]["text"]),
        // A single box is a question of yes or no.
        "checkboxes" if rule::options(element).len() == 1 => (held["selected_options"] != json!([])).to_string(),
        "checkboxes" => {
            let chosen = held["selected_options"].as_array().into_iter().flatten();
            chosen.map(|option| text(&option["text"]["text"])).collect::<Vec<_>>().join(", ")
        }
        "users_select" => name_of(&held["selected_user"]),
        "channels_select" => name_of(&held["selected_channel"]),
        "conversations_select" => name_of(&held["selected_conversation"]),
        "datepicker" => text(&held["selected_date"]),
        "timepicker" => text(&held["selected_time"]),
        _ => text(&held["value"]),
    }
}

/// Blocks as lines.
pub fn blocks(blocks: &Value) -> Vec<String> {
    blocks.as_array().into_iter().flatten().flat_map(block_lines).collect()
}

fn block_lines(block: &Value) -> Vec<String> {
    match block["type"].as_str().unwrap_or_default() {
        "header" => vec![text(&block["text"])],
        "section" => {
            let words = block.get("text").map(text).into_iter();
            let facts = block["fields"].as_array().into_iter().flatten().map(|field| fact(&text(field)));
            let mut lines: Vec<String> = words.chain(facts).collect();
            lines.extend(buttons(&rule::elements(block)));
            lines
        }
        "context" => {
            let words = block["elements"].as_array().into_iter().flatten();
            words.map(|element| format!("({})", text(element))).collect()
        }
        "actions" => buttons(&rule::elements(block)).into_iter().collect(),
        "image" => vec![format!("({})", block["alt_text"].as_str().unwrap_or_default())],
        "markdown" => vec![block["text"].as_str().unwrap_or_default().to_owned()],
        "rich_text" => block["elements"].as_array().into_iter().flatten().flat_map(rich).collect(),
        "input" => vec![format!("{} =", name(block))],
        _ => Vec::new(),
    }
}

/// `*Label*\nvalue` as `Label: value`.
fn fact(text: &str) -> String {
    let (label, value) = text.split_once('\n').unwrap_or((text, ""));
    format!("{}: {}", label.trim_end_matches(':'), value).trim_end_matches([':', ' ']).to_owned()
}

/// What can be pressed among elements: buttons, and the options of menus.
fn buttons(elements: &[&Value]) -> Option<String> {
    let labels: Vec<String> =
        elements.iter().flat_map(|element| labels(element)).map(|label| format!("[{label}]")).collect();
    (!labels.is_empty()).then(|| labels.join(" "))
}

/// The labels under which an element can be used.
pub fn labels(element: &Value) -> Vec<String> {
    if element["type"] == "button" {
        return vec![text(&element["text"])];
    }
    rule::options(element).into_iter().map(|option| text(&option["text"])).collect()
}

/// A text object as it is read.
fn text(object: &Value) -> String {
    let words = object["text"].as_str().unwrap_or_default();
    if object["type"] == "mrkdwn" { mrkdwn(words) } else { words.to_owned() }
}

/// Slack's markup as it is read.
pub fn mrkdwn(text: &str) -> String {
    let shown = LINKS.replace_all(text, |found: &regex::Captures| {
        found.get(2).or(found.get(1)).map(|shown| shown.as_str().to_owned()).unwrap_or_default()
    });
    let bare = MARKS.replace_all(&shown, |found: &regex::Captures| {
        if found[2] == found[4] { format!("{}{}", &found[1], &found[3]) } else { found[0].to_owned() }
    });
    bare.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

/// A piece of rich text as lines.
fn rich(piece: &Value) -> Vec<String> {
    let elements = || piece["elements"].as_array().into_iter().flatten();
    if piece["type"] == "rich_text_list" {
        let is_ordered = piece["style"] == "ordered";
        let offset = piece["offset"].as_u64().unwrap_or(0);
        let mark = |at: u64| if is_ordered { format!("{}.", at + 1 + offset) } else { "•".to_owned() };
        return elements().zip(0..).map(|(item, at)| format!("{} {}", mark(at), rich(item).join("\n"))).collect();
    }
    let words: String = elements().map(inline).collect();
    let words = words.trim_matches('\n');
    if words.is_empty() { Vec::new() } else { vec![words.to_owned()] }
}

fn inline(element: &Value) -> String {
    let of = |key: &str| element[key].as_str().unwrap_or_default().to_owned();
    match element["type"].as_str().unwrap_or_default() {
        "link" if element["text"].is_null() => of("url"),
        "text" | "link" => of("text"),
        "user" => format!("<@{}>", of("user_id")),
        "usergroup" => format!("<!subteam^{}>", of("usergroup_id")),
        "broadcast" => format!("<!{}>", of("range")),
        "emoji" => format!(":{}:", of("name")),
        _ => element.to_string(),
    }
}
