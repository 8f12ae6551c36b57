//! Whether Discord would take a body: its schema, the limits that no schema says, and the promises of this house.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::{Value, json};

use super::markup;

/// What a body is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Create,
    Edit,
    FollowUp,
    Callback,
    Commands,
    Thread,
    Direct,
}

const KINDS: [(Kind, &str); 7] = [
    (Kind::Create, "create"),
    (Kind::Edit, "edit"),
    (Kind::FollowUp, "follow_up"),
    (Kind::Callback, "callback"),
    (Kind::Commands, "commands"),
    (Kind::Thread, "thread"),
    (Kind::Direct, "direct"),
];

/// The schemas: Discord's own, and ours, which is stricter.
static SCHEMAS: LazyLock<Vec<(Kind, Validator)>> = LazyLock::new(|| {
    let texts = [include_str!("../../schemas/discord.json"), include_str!("../../schemas/discord_openapi.json")];
    let schemas = texts.map(|text| serde_json::from_str::<Value>(text).expect("the schema is JSON"));
    let of_schema = |schema: &Value| KINDS.map(|(kind, name)| (kind, definition(schema, name)));
    schemas.iter().flat_map(of_schema).collect()
});

fn definition(schema: &Value, name: &str) -> Validator {
    let mut schema = schema.clone();
    schema["$ref"] = json!(format!("#/$defs/{name}"));
    jsonschema::validator_for(&schema).expect("a schema")
}

/// What is wrong with a body, as the path to it and the reason.
pub fn mistakes(kind: Kind, body: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (_, schema) in SCHEMAS.iter().filter(|(known, _)| *known == kind) {
        let wrong = schema.iter_errors(body);
        found.extend(wrong.map(|error| (error.instance_path().to_string(), error.to_string())));
    }
    match kind {
        Kind::Create | Kind::Edit | Kind::FollowUp => message(body, &mut found),
        Kind::Callback => callback(body, &mut found),
        Kind::Commands => super::commands::check(body, &mut found),
        Kind::Thread | Kind::Direct => {}
    }
    found
}

fn callback(body: &Value, found: &mut Vec<(String, String)>) {
    let before = found.len();
    match body["type"].as_u64() {
        Some(4 | 7) => message(&body["data"], found),
        Some(9) => modal(&body["data"], found),
        _ => {}
    }
    for (path, _) in &mut found[before..] {
        *path = format!("data/{path}");
    }
}

/// Whether a message would show nothing. Components alone are not something, an embed without text neither.
pub fn is_empty(body: &Value) -> bool {
    let says = |value: &Value| value.as_str().is_some_and(|text| !text.trim().is_empty());
    let shows = |embed: &Value| {
        says(&embed["title"])
            || says(&embed["description"])
            || says(&embed["footer"]["text"])
            || says(&embed["author"]["name"])
            || embed["fields"].as_array().is_some_and(|fields| !fields.is_empty())
    };
    !says(&body["content"]) && !body["embeds"].as_array().is_some_and(|embeds| embeds.iter().any(shows))
}

/// What no schema says of a message.
fn message(body: &Value, found: &mut Vec<(String, String)>) {
    let mut wrong = |path: &str, why: String| found.push((path.to_owned(), why));
    let nobody = |list: &Value| list.as_array().is_none_or(Vec::is_empty);
    let mentions = &body["allowed_mentions"];
    if mentions["parse"] != json!([]) || !nobody(&mentions["users"]) || !nobody(&mentions["roles"]) {
        wrong("allowed_mentions", "nothing that is sent may mention anybody".into());
    }
    let embeds = body["embeds"].as_array().cloned().unwrap_or_default();
    let letters: usize = embeds.iter().flat_map(texts).map(|text| text.chars().count()).sum();
    if letters > 6000 {
        wrong("embeds", format!("all embeds together have {letters} characters; 6000 is the most"));
    }
    if embeds.iter().flat_map(texts).any(|text| text.trim().is_empty()) {
        wrong("embeds", "Discord trims texts, and then this one is empty".into());
    }
    if embeds.iter().any(|embed| is_empty(&json!({ "embeds": [embed] }))) {
        wrong("embeds", "an embed shows nothing".into());
    }
    let content = body["content"].as_str().unwrap_or_default();
    let quiet = body["flags"].as_u64().unwrap_or_default() & 4 != 0;
    if !quiet && markup::read(content).marks.iter().any(|mark| mark.starts_with("link")) {
        wrong("content", "Discord would fetch this link and show what is behind it".into());
    }
    components(&body["components"], found);
}

/// All texts of an embed that count.
pub fn texts(embed: &Value) -> Vec<String> {
    let fields = embed["fields"].as_array().into_iter().flatten().flat_map(|field| [&field["name"], &field["value"]]);
    let single = [&embed["title"], &embed["description"], &embed["footer"]["text"], &embed["author"]["name"]];
    single.into_iter().chain(fields).filter_map(|text| text.as_str().map(str::to_owned)).collect()
}

fn components(rows: &Value, found: &mut Vec<(String, String)>) {
    let mut ids = BTreeSet::new();
    let rows = rows.as_array().into_iter().flatten();
    for component in rows.flat_map(|row| row["components"].as_array().into_iter().flatten()) {
        if let Some(id) = component["custom_id"].as_str()
            && !ids.insert(id.to_owned())
        {
            found.push(("components".into(), format!("{id} is there twice")));
        }
        if component["label"].as_str().is_some_and(|label| label.trim().is_empty()) {
            found.push(("components".into(), "a label shows nothing".into()));
        }
        select(component, found);
    }
}

fn select(component: &Value, found: &mut Vec<(String, String)>) {
    let mut wrong = |why: &str| found.push(("components".into(), format!("{}: {why}", component["custom_id"])));
    let Some(options) = component["options"].as_array() else { return };
    let values: BTreeSet<_> = options.iter().map(|option| option["value"].as_str()).collect();
    if values.len() != options.len() {
        wrong("two options have the same value");
    }
    let least = component["min_values"].as_u64().unwrap_or(1);
    let most = component["max_values"].as_u64().unwrap_or(1);
    if least > most || most > options.len() as u64 {
        wrong("that many cannot be chosen");
    }
    if options.iter().filter(|option| option["default"] == true).count() as u64 > most {
        wrong("more is chosen than may be");
    }
    if options.iter().any(|option| option["label"].as_str().is_some_and(|label| label.trim().is_empty())) {
        wrong("an option shows nothing");
    }
}

/// What no schema says of a modal.
fn modal(data: &Value, found: &mut Vec<(String, String)>) {
    let mut ids = BTreeSet::new();
    let inputs = super::interaction::inputs(data);
    for input in inputs {
        let mut wrong = |why: &str| found.push(("components".into(), format!("{}: {why}", input["custom_id"])));
        if !ids.insert(input["custom_id"].as_str()) {
            wrong("it is there twice");
        }
        let most = input["max_length"].as_u64().unwrap_or(4000);
        if input["min_length"].as_u64().unwrap_or(0) > most {
            wrong("its shortest is longer than its longest");
        }
        if input["value"].as_str().is_some_and(|value| value.chars().count() as u64 > most) {
            wrong("it holds more than it may");
        }
        if input["label"].as_str().is_some_and(|label| label.trim().is_empty()) {
            wrong("its label shows nothing");
        }
    }
    if data["title"].as_str().is_some_and(|title| title.trim().is_empty()) {
        found.push(("title".into(), "it shows nothing".into()));
    }
}
