//! A question of a form as an input block.
//!
//! What was given already is shown again whatever it is: where a picker cannot hold it, a line of text stands in its
//! place. A field's name is the id of its block; a lookup's token is the id of its element, from where it comes back.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::blocks::{plain, plain_line};
use super::{labels, limits};
use crate::chat::{Choice, Field, Input};

/// A field as an input block.
pub fn input(field: &Field) -> Value {
    let label = if limits::is_blank(&field.label) { &field.name } else { &field.label };
    let mut block = json!({
        "type": "input",
        "block_id": limits::cut_line(&field.name, limits::ID),
        "label": plain_line(label, limits::LABEL),
        "optional": !field.required || field.input == Input::Toggle,
        "element": element(field),
    });
    if !limits::is_blank(&field.help) {
        block["hint"] = plain(&field.help, limits::LABEL);
    }
    block
}

/// A choice as an option of a select; none if it cannot be carried whole.
pub fn option(choice: &Choice) -> Option<Value> {
    let label = if limits::is_blank(&choice.label) { &choice.value } else { &choice.label };
    let fits = !choice.value.is_empty() && limits::length(&choice.value) <= limits::OPTION_VALUE;
    let label = Some(label).filter(|label| fits && !limits::is_blank(label))?;
    let mut option = json!({"text": plain_line(label, limits::OPTION), "value": choice.value});
    if !limits::is_blank(&choice.hint) {
        option["description"] = plain_line(&choice.hint, limits::OPTION);
    }
    Some(option)
}

fn element(field: &Field) -> Value {
    let given = field.value.as_ref().map(text).filter(|given| !given.is_empty());
    let mut element = match &field.input {
        Input::Choice(choices) => select(choices, given.as_deref()),
        Input::Lookup(_) => lookup(given.as_deref()),
        Input::Toggle => Some(toggle(given.as_deref())),
        Input::Date => pick("datepicker", "initial_date", given.as_deref().map(|g| (g, is_date(g)))),
        Input::Person => person(given.as_deref()),
        Input::Channel => channel(given.as_deref()),
        Input::Number => number(given.as_deref()),
        Input::Line | Input::Text | Input::Secret => None,
    }
    .unwrap_or_else(|| line(field, given.as_deref()));
    element["action_id"] = match &field.input {
        Input::Lookup(token) if element["type"] == "external_select" => token.to_string().into(),
        _ => limits::cut_line(&field.name, limits::ID).into(),
    };
    element
}

/// What was given, as text.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn line(field: &Field, given: Option<&str>) -> Value {
    let given = given.filter(|_| field.input != Input::Secret);
    let is_long = field.input == Input::Text || given.is_some_and(|given| given.contains('\n'));
    let mut element = json!({"type": "plain_text_input", "multiline": is_long});
    if let Some(given) = given {
        element["initial_value"] = limits::cut(given, limits::INITIAL).into();
    }
    element
}

fn number(given: Option<&str>) -> Option<Value> {
    let mut element = json!({"type": "number_input", "is_decimal_allowed": true});
    if let Some(given) = given {
        let number: f64 = given.trim().parse().ok()?;
        element["initial_value"] = number.is_finite().then(|| given.trim())?.into();
    }
    Some(element)
}

fn toggle(given: Option<&str>) -> Value {
    let yes = json!({"text": plain_line(labels::YES, limits::OPTION), "value": "true"});
    let mut element = json!({"type": "checkboxes", "options": [yes]});
    if given.is_some_and(|given| matches!(given.to_lowercase().as_str(), "true" | "yes" | "on" | "1")) {
        element["initial_options"] = json!([yes]);
    }
    element
}

/// A select; of more than a hundred choices, one with groups of a hundred each.
fn select(choices: &[Choice], given: Option<&str>) -> Option<Value> {
    let mut seen = BTreeSet::new();
    let distinct = choices.iter().filter(|choice| seen.insert(&choice.value));
    let options: Option<Vec<Value>> = distinct.map(option).collect();
    let options = options.filter(|options| (1..=limits::OPTIONS * limits::GROUPS).contains(&options.len()))?;
    let mut element = json!({"type": "static_select", "placeholder": plain_line(labels::CHOOSE, limits::OPTION)});
    if let Some(chosen) = given.and_then(|given| options.iter().find(|option| option["value"] == given)) {
        element["initial_option"] = chosen.clone();
    }
    if options.len() <= limits::OPTIONS {
        element["options"] = options.into();
    } else {
        element["option_groups"] = options.chunks(limits::OPTIONS).map(group).collect();
    }
    Some(element)
}

fn group(options: &[Value]) -> Value {
    let name = |option: Option<&Value>| {
        let text = option.and_then(|option| option["text"]["text"].as_str()).unwrap_or_default();
        limits::cut_line(text, limits::OPTION / 2 - 2)
    };
    let label = format!("{} – {}", name(options.first()), name(options.last()));
    json!({"label": plain_line(&label, limits::OPTION), "options": options})
}

fn lookup(given: Option<&str>) -> Option<Value> {
    let placeholder = plain_line(labels::CHOOSE, limits::OPTION);
    let mut element = json!({"type": "external_select", "min_query_length": 0, "placeholder": placeholder});
    if let Some(given) = given {
        let choice = Choice { value: given.to_owned(), label: given.to_owned(), hint: String::new() };
        element["initial_option"] = option(&choice)?;
    }
    Some(element)
}

fn pick(kind: &str, initial: &str, given: Option<(&str, bool)>) -> Option<Value> {
    let mut element = json!({"type": kind});
    if let Some((given, fits)) = given {
        element[initial] = fits.then_some(given)?.into();
    }
    Some(element)
}

fn person(given: Option<&str>) -> Option<Value> {
    let id = |given| str::strip_prefix(given, "slack:").unwrap_or(given);
    pick("users_select", "initial_user", given.map(id).map(|id| (id, is_id(id, &['U', 'W']))))
}

fn channel(given: Option<&str>) -> Option<Value> {
    let given = given.map(|given| (given, is_id(given, &['C', 'G'])));
    let mut element = pick("conversations_select", "initial_conversation", given)?;
    element["filter"] = json!({"include": ["public", "private"], "exclude_bot_users": true});
    Some(element)
}

fn is_date(text: &str) -> bool {
    text.parse::<jiff::civil::Date>().is_ok_and(|date| date.to_string() == text)
}

/// Whether this is an id of Slack's, which says by its first letter what it is of.
pub fn is_id(text: &str, kinds: &[char]) -> bool {
    let rest = text.strip_prefix(kinds).unwrap_or_default();
    !rest.is_empty() && rest.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::Token;

    fn shown(input_kind: Input, value: Option<Value>) -> Value {
        let field = Field {
            name: "f".into(),
            label: String::new(),
            help: String::new(),
            input: input_kind,
            required: true,
            value,
            error: None,
        };
        input(&field)["element"].clone()
    }

    fn choices(count: usize) -> Input {
        let choice = |n: usize| Choice { value: format!("v{n}"), label: format!("Label {n}"), hint: String::new() };
        Input::Choice((0..count).map(choice).collect())
    }

    #[test]
    fn every_kind_of_question_has_its_element() {
        let lookup = Input::Lookup(Token::new("field", "db create:owner"));
        let all = [
            Input::Line,
            Input::Text,
            Input::Number,
            Input::Toggle,
            choices(2),
            lookup,
            Input::Date,
            Input::Person,
            Input::Channel,
            Input::Secret,
        ];
        let lines: Vec<String> = all.map(|input| shown(input, None).to_string()).to_vec();
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn nothing_given_is_lost() {
        let lookup = Input::Lookup(Token::received("say"));
        for (input, given, kind, key) in [
            (Input::Number, "3.5", "number_input", "initial_value"),
            (Input::Number, "many", "plain_text_input", "initial_value"),
            (Input::Date, "2026-12-01", "datepicker", "initial_date"),
            (Input::Date, "tomorrow", "plain_text_input", "initial_value"),
            (Input::Person, "slack:U012", "users_select", "initial_user"),
            (Input::Person, "ada", "plain_text_input", "initial_value"),
            (Input::Channel, "C012", "conversations_select", "initial_conversation"),
            (Input::Channel, "#general", "plain_text_input", "initial_value"),
            (lookup, "orders", "external_select", "initial_option"),
            (Input::Line, "a", "plain_text_input", "initial_value"),
        ] {
            let element = shown(input.clone(), Some(given.into()));
            assert_eq!(element["type"], kind, "{input:?} {given}");
            let initial = element[key]["value"].as_str().or(element[key].as_str()).expect("what was given");
            assert_eq!(initial, given.trim_start_matches("slack:"));
        }
        assert_eq!(shown(Input::Toggle, Some(true.into()))["initial_options"][0]["value"], "true");
        assert!(shown(Input::Toggle, Some("no".into())).get("initial_options").is_none());
    }

    #[test]
    fn secrets_are_never_prefilled() {
        assert!(!shown(Input::Secret, Some("hunter2".into())).to_string().contains("hunter2"));
    }

    #[test]
    fn long_lists_are_grouped_and_odd_ones_typed() {
        let element = shown(choices(250), Some("v207".into()));
        let groups = element["option_groups"].as_array().expect("groups");
        assert_eq!((groups.len(), groups[2]["label"]["text"].as_str()), (3, Some("Label 200 – Label 249")));
        assert_eq!(element["initial_option"]["value"], "v207");
        let long = Choice { value: "x".repeat(200), label: "X".into(), hint: String::new() };
        assert_eq!(shown(Input::Choice(vec![long]), None)["type"], "plain_text_input");
        assert_eq!(shown(Input::Choice(Vec::new()), None)["type"], "plain_text_input");
    }
}
