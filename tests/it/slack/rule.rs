//! What Slack refuses of blocks and views: the schema of `tests/schemas/slack_blocks.json`, and what a schema cannot say.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::{Value, json};

/// The most bytes of a view's JSON.
const VIEW: usize = 250_000;
/// About where `chat.postMessage` begins to answer `msg_blocks_too_long`: Slack does not say, people have measured
/// 13 200 characters of text, less where there are many containers.
const MESSAGE: usize = 13_200;
const CONTAINER: usize = 25;
/// What the ids begin with that Slack gives to blocks.
pub const UNNAMED: &str = "blk-";

static MESSAGES: LazyLock<Validator> = LazyLock::new(|| validator("message"));
static MODALS: LazyLock<Validator> = LazyLock::new(|| validator("modal"));
static HOMES: LazyLock<Validator> = LazyLock::new(|| validator("home"));
static PROPOSALS: LazyLock<Validator> = LazyLock::new(|| validator("proposals"));

fn validator(of: &str) -> Validator {
    let text = include_str!("../../schemas/slack_blocks.json");
    let mut schema: Value = serde_json::from_str(text).expect("JSON");
    schema["$ref"] = format!("#/$defs/{of}").into();
    jsonschema::validator_for(&schema).expect("a schema")
}

fn errors(validator: &Validator, top: &str, value: &Value) -> Vec<String> {
    let said = |error: jsonschema::ValidationError| format!("{error} [json-pointer:{top}{}]", error.instance_path());
    // A whole block in a message is of no use to anybody.
    validator.iter_errors(value).map(said).map(|text| shorten(&text)).collect()
}

fn shorten(text: &str) -> String {
    let (start, end) = (text.chars().take(300).collect::<String>(), text.chars().count().saturating_sub(120));
    if end <= 300 { text.to_owned() } else { format!("{start} … {}", text.chars().skip(end).collect::<String>()) }
}

/// What is wrong with a message's blocks.
pub fn message(blocks: &Value) -> Vec<String> {
    let mut found = errors(&MESSAGES, "/blocks", blocks);
    found.extend(block_errors(blocks, "/blocks"));
    found
}

/// Whether a posted message is too long as a whole.
pub fn is_too_long(blocks: &Value) -> bool {
    weight(blocks) > MESSAGE
}

fn weight(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(weight).sum(),
        Value::Object(object) => {
            let words = ["text", "url"].iter().filter_map(|key| object.get(*key)?.as_str());
            let words: usize = words.map(|text| text.chars().count()).sum();
            let container =
                if object.contains_key("elements") || object.contains_key("block_id") { CONTAINER } else { 0 };
            words + container + object.values().map(weight).sum::<usize>()
        }
        _ => 0,
    }
}

/// What is wrong with a view.
pub fn view(view: &Value) -> Vec<String> {
    let validator = if view["type"] == "home" { &HOMES } else { &MODALS };
    let mut found = errors(validator, "/view", view);
    found.extend(block_errors(&view["blocks"], "/view/blocks"));
    let asks = view["blocks"].as_array().is_some_and(|blocks| blocks.iter().any(|block| block["type"] == "input"));
    if asks && view["type"] == "modal" && view["submit"].is_null() {
        found.push("missing required field: submit [json-pointer:/view]".into());
    }
    if view.to_string().len() > VIEW {
        found.push("view_too_large".into());
    }
    found
}

/// What is wrong with the answer to a `block_suggestion`.
pub fn proposals(answer: &Value) -> Vec<String> {
    errors(&PROPOSALS, "", answer)
}

fn block_errors(blocks: &Value, top: &str) -> Vec<String> {
    let mut found = Vec::new();
    let (mut ids, mut focused) = (BTreeSet::new(), 0);
    for (index, block) in blocks.as_array().into_iter().flatten().enumerate() {
        let at = format!("{top}/{index}");
        if block["block_id"].as_str().is_some_and(|id| !ids.insert(id.to_owned())) {
            found.push(format!("`block_id` {} already exists [json-pointer:{at}/block_id]", block["block_id"]));
        }
        let mut actions = BTreeSet::new();
        for element in elements(block) {
            if element["action_id"].as_str().is_some_and(|id| !actions.insert(id.to_owned())) {
                found.push(format!("`action_id` {} already exists [json-pointer:{at}]", element["action_id"]));
            }
            focused += usize::from(element["focus_on_load"] == true);
            found.extend(element_errors(element).map(|error| format!("{error} [json-pointer:{at}]")));
        }
    }
    if focused > 1 {
        found.push(format!("only one element may have focus_on_load [json-pointer:{top}]"));
    }
    found
}

/// The interactive elements of a block.
pub fn elements(block: &Value) -> Vec<&Value> {
    match block["type"].as_str() {
        Some("actions") => block["elements"].as_array().into_iter().flatten().collect(),
        Some("input") => vec![&block["element"]],
        Some("section") if block["accessory"].is_object() => vec![&block["accessory"]],
        _ => Vec::new(),
    }
}

/// The options of an element, in groups or not.
pub fn options(element: &Value) -> Vec<&Value> {
    let groups = element["option_groups"].as_array().into_iter().flatten();
    let grouped = groups.filter_map(|group| group["options"].as_array()).flatten();
    element["options"].as_array().into_iter().flatten().chain(grouped).collect()
}

fn element_errors(element: &Value) -> impl Iterator<Item = &'static str> {
    let options = options(element);
    let values: BTreeSet<String> = options.iter().map(|option| option["value"].to_string()).collect();
    let several = element["initial_options"].as_array().into_iter().flatten();
    let initial: Vec<&Value> = several.chain(element.get("initial_option")).collect();
    let is_external = element["type"] == "external_select";
    let stray = !is_external && initial.iter().any(|option| !options.contains(option));
    let bound = |key: &str| element[key].as_str().and_then(|text| text.parse::<f64>().ok());
    let crossed = matches!((bound("min_value"), bound("max_value")), (Some(min), Some(max)) if min > max);
    let whole = element["is_decimal_allowed"] == false;
    let fraction = whole && element["initial_value"].as_str().is_some_and(|text| text.contains('.'));
    [
        (values.len() < options.len(), "duplicate option values"),
        (stray, "initial option is not one of the options"),
        (crossed, "min_value is above max_value"),
        (fraction, "initial_value must be whole"),
    ]
    .into_iter()
    .filter_map(|(wrong, what)| wrong.then_some(what))
}

/// Whom a message would notify, or what would be made a link or mention of in it.
pub fn pings(text: &str, blocks: &Value) -> Vec<String> {
    let mut found = marks(text);
    gather_pings(blocks, &mut found);
    found
}

fn gather_pings(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| gather_pings(item, found)),
        Value::Object(object) => {
            match object.get("type").and_then(Value::as_str) {
                Some("mrkdwn") => found.extend(marks(value["text"].as_str().unwrap_or_default())),
                Some("user" | "usergroup" | "broadcast" | "channel") => found.push(value.to_string()),
                _ => {}
            }
            object.values().for_each(|inner| gather_pings(inner, found));
        }
        _ => {}
    }
}

/// What stands between `<` and `>` in text with Slack's markup, and is no link.
fn marks(text: &str) -> Vec<String> {
    let inner = text.split('<').skip(1).filter_map(|rest| rest.split_once('>')).map(|(inner, _)| inner);
    inner.filter(|inner| inner.starts_with(['@', '!', '#'])).map(str::to_owned).collect()
}

/// A view as Slack keeps it: every block and element has an id.
pub fn with_ids(mut view: Value, mut next: impl FnMut() -> u64) -> Value {
    for block in view["blocks"].as_array_mut().into_iter().flatten() {
        if block["block_id"].is_null() {
            block["block_id"] = format!("{UNNAMED}{}", next()).into();
        }
        let several = ["actions"].contains(&block["type"].as_str().unwrap_or_default());
        let key = if block["type"] == "section" { "accessory" } else { "element" };
        let elements: Vec<&mut Value> = match several {
            true => block["elements"].as_array_mut().into_iter().flatten().collect(),
            false => block.get_mut(key).into_iter().collect(),
        };
        for element in elements.into_iter().filter(|element| element["action_id"].is_null()) {
            element["action_id"] = format!("act{}", next()).into();
        }
    }
    view
}

/// What an element holds when it is first shown, as Slack says it; nothing for what holds nothing.
pub fn initial(element: &Value) -> Option<Value> {
    let (key, from) = match element["type"].as_str()? {
        "plain_text_input" | "url_text_input" | "email_text_input" | "number_input" => ("value", "initial_value"),
        "static_select" | "external_select" | "radio_buttons" => ("selected_option", "initial_option"),
        "checkboxes" => ("selected_options", "initial_options"),
        "users_select" => ("selected_user", "initial_user"),
        "channels_select" => ("selected_channel", "initial_channel"),
        "conversations_select" => ("selected_conversation", "initial_conversation"),
        "datepicker" => ("selected_date", "initial_date"),
        "timepicker" => ("selected_time", "initial_time"),
        "datetimepicker" => ("selected_date_time", "initial_date_time"),
        _ => return None,
    };
    let none = if key == "selected_options" { json!([]) } else { Value::Null };
    let held = element.get(from).filter(|value| *value != "").cloned().unwrap_or(none);
    Some(json!({ "type": element["type"], key: held }))
}

#[test]
fn blocks_of_every_kind_are_taken() {
    let option = json!({ "text": { "type": "plain_text", "text": "dev" }, "value": "dev" });
    let select = json!({ "type": "static_select", "action_id": "a", "options": [option], "initial_option": option });
    let words = json!({ "type": "text", "text": "x", "style": { "bold": true } });
    let section =
        json!({ "type": "rich_text_section", "elements": [words, { "type": "link", "url": "https://e.org" }] });
    let blocks = json!([
        { "type": "header", "text": { "type": "plain_text", "text": "T" } },
        { "type": "section", "text": { "type": "mrkdwn", "text": "x", "verbatim": true }, "accessory": select },
        { "type": "section", "fields": [{ "type": "plain_text", "text": "x" }] },
        { "type": "context", "elements": [{ "type": "plain_text", "text": "x", "emoji": false }] },
        { "type": "divider" },
        { "type": "rich_text", "elements": [section, { "type": "rich_text_list", "style": "bullet", "elements": [section] }] },
        { "type": "rich_text", "elements": [{ "type": "rich_text_preformatted", "elements": [words] }] },
        { "type": "actions", "elements": [{ "type": "button", "text": { "type": "plain_text", "text": "x" } }] },
    ]);
    assert_eq!(message(&blocks), Vec::<String>::new());
}

#[test]
fn blocks_that_slack_refuses_are_refused() {
    let plain = |text: &str| json!({ "type": "plain_text", "text": text });
    let button = |id: &str| json!({ "type": "button", "action_id": id, "text": plain("x") });
    let option = |text: &str| json!({ "text": plain(text), "value": text });
    let refused = [
        json!([{ "type": "header", "text": { "type": "mrkdwn", "text": "T" } }]),
        json!([{ "type": "header", "text": plain(&"x".repeat(151)) }]),
        json!([{ "type": "section", "text": plain("") }]),
        json!([{ "type": "section" }]),
        json!([{ "type": "section", "text": plain("x"), "colour": "red" }]),
        json!([{ "type": "marquee", "text": plain("x") }]),
        json!([{ "type": "actions", "elements": [] }]),
        json!([{ "type": "actions", "elements": [button("a"), button("a")] }]),
        json!([{ "type": "actions", "elements": (0..26).map(|n| button(&n.to_string())).collect::<Vec<_>>() }]),
        json!([{ "type": "divider", "block_id": "a" }, { "type": "divider", "block_id": "a" }]),
        json!([{ "type": "actions", "elements": [{ "type": "static_select", "options": [option("a")], "initial_option": option("b") }] }]),
        json!([{ "type": "actions", "elements": [{ "type": "radio_buttons", "options": [option("a"), option("a")] }] }]),
        json!([{ "type": "rich_text", "elements": [{ "type": "rich_text_section", "elements": [{ "type": "text", "text": "" }] }] }]),
        Value::Array(vec![json!({ "type": "divider" }); 51]),
    ];
    for blocks in refused {
        assert!(!message(&blocks).is_empty(), "{blocks}");
    }
    let asks = json!([{ "type": "input", "label": plain("x"), "element": { "type": "plain_text_input" } }]);
    let modal = json!({ "type": "modal", "title": plain("x"), "blocks": asks });
    assert_eq!(view(&modal), ["missing required field: submit [json-pointer:/view]"]);
}
