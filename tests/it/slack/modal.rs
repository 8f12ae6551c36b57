//! What somebody does with the modal that is open before them: fills it in as Slack's client lets them, and sends it.

use serde_json::{Value, json};

use super::payload;
use super::workspace::{View, Workspace};
use super::{Slack, rule, screen, view};
use crate::wire::{Typing, Wire};

/// The modal in front of somebody, once there is one.
async fn front(slack: &Slack, who: &str) -> View {
    let find = |workspace: &mut Workspace| {
        let id = workspace.named(who).id.clone();
        workspace.modal_mut(&id).map(|modal| modal.clone())
    };
    slack.until(who, "a form", find).await
}

/// The block of a modal that asks for something, by its name or by what it says.
fn question<'a>(modal: &'a View, field: &str) -> Option<&'a Value> {
    let blocks = modal.body["blocks"].as_array()?;
    let is_called = |block: &Value| screen::name(block) == field || screen::label(block) == field;
    let is_meant = |block: &&Value| block["type"] == "input" && is_called(block);
    blocks.iter().find(is_meant)
}

/// The same, where it must be there; with the ids of block and element.
fn asked<'a>(modal: &'a View, field: &str) -> (&'a Value, String, String) {
    let block = question(modal, field).unwrap_or_else(|| panic!("no question {field} in {:#}", modal.body));
    let id = |value: &Value| value.as_str().expect("an id").to_owned();
    (&block["element"], id(&block["block_id"]), id(&block["element"]["action_id"]))
}

/// Somebody fills in a field, as far as Slack's client lets them.
pub async fn fill(slack: &Slack, who: &str, field: &str, value: &str) {
    let modal = front(slack, who).await;
    let (element, block, action) = asked(&modal, field);
    let offered = match element["type"].as_str() {
        Some("external_select") => fetch(slack, &modal, (&block, &action), value).await,
        _ => rule::options(element).into_iter().cloned().collect(),
    };
    let held = filled(&slack.server.workspace(), element, &offered, value);
    let held = held.unwrap_or_else(|| panic!("{who} cannot fill {value} into {field}: {element:#}, {offered:#?}"));
    let is_told = modal.body["blocks"].as_array().into_iter().flatten();
    let is_told = is_told.into_iter().any(|known| known["block_id"] == block && known["dispatch_action"] == true);
    let delivery = {
        let mut workspace = slack.server.workspace();
        let owner = workspace.named(who).id.clone();
        let front = workspace.modal_mut(&owner).expect("the modal is still there");
        front.values[&block][&action] = held.clone();
        front.errors.remove(&block);
        let front = front.clone();
        let mut used = held;
        (used["block_id"], used["action_id"]) = (block.into(), action.into());
        is_told.then(|| payload::block_action(&mut workspace, &owner, &payload::Within::View(&front), used))
    };
    if let Some(delivery) = delivery {
        let _ = slack.courier.deliver(&delivery).await;
    }
}

/// What an element holds when a person has filled in a value; nothing if its client does not let them.
fn filled(workspace: &Workspace, element: &Value, offered: &[Value], value: &str) -> Option<Value> {
    let kind = element["type"].as_str()?;
    let says = |option: &&Value, text: &str| option["text"]["text"] == text || option["value"] == text;
    let option = offered.iter().find(|option| says(option, value));
    let person = || workspace.people.iter().find(|person| person.name == value && !person.bot);
    let channel = || workspace.channels.iter().find(|channel| channel.name == value);
    let nothing = value.is_empty().then_some(Value::Null);
    let (key, held) = match kind {
        "plain_text_input" | "number_input" | "url_text_input" | "email_text_input" => {
            ("value", nothing.unwrap_or_else(|| value.into()))
        }
        "checkboxes" => ("selected_options", ticked(offered, option, value)?),
        "static_select" | "external_select" | "radio_buttons" => {
            let spoken = match value {
                "true" => offered.iter().find(|option| says(option, "yes")),
                "false" => offered.iter().find(|option| says(option, "no")),
                _ => None,
            };
            ("selected_option", nothing.or_else(|| option.or(spoken).cloned())?)
        }
        "users_select" => ("selected_user", nothing.or_else(|| person().map(|person| person.id.as_str().into()))?),
        "channels_select" => {
            ("selected_channel", nothing.or_else(|| channel().map(|channel| channel.id.as_str().into()))?)
        }
        "conversations_select" => {
            ("selected_conversation", nothing.or_else(|| channel().map(|channel| channel.id.as_str().into()))?)
        }
        "datepicker" => ("selected_date", nothing.or_else(|| is_date(value).then(|| value.into()))?),
        _ => return None,
    };
    Some(json!({ "type": kind, key: held }))
}

/// A box that is ticked or not.
fn ticked(offered: &[Value], option: Option<&Value>, value: &str) -> Option<Value> {
    match (value, option, offered) {
        ("false" | "no" | "", None, _) => Some(json!([])),
        ("true" | "yes", None, [only]) => Some(json!([only])),
        (_, Some(option), _) => Some(json!([option])),
        _ => None,
    }
}

fn is_date(text: &str) -> bool {
    text.parse::<jiff::civil::Date>().is_ok()
}

/// Somebody sends the modal: what their client finds wrong does not leave it.
pub async fn submit(slack: &Slack, who: &str) {
    let modal = front(slack, who).await;
    let wrong: Vec<(String, &str)> = modal.body["blocks"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|block| block["type"] == "input")
        .filter_map(|block| Some((block["block_id"].as_str()?.to_owned(), complaint(&modal, block)?)))
        .collect();
    if !wrong.is_empty() {
        let mut workspace = slack.server.workspace();
        let owner = modal.owner.clone();
        let front = workspace.modal_mut(&owner).expect("the modal is still there");
        front.errors = wrong.into_iter().map(|(block, error)| (block, error.to_owned())).collect();
        front.read = false;
        return;
    }
    let delivery = payload::submission(&mut slack.server.workspace(), &modal);
    let answer = slack.courier.deliver(&delivery).await;
    let mut workspace = slack.server.workspace();
    match answer {
        Ok(ack) => view::answer(&mut workspace, &modal.id, &ack),
        Err(_) => view::fail(&mut workspace, &modal.id),
    }
    drop(workspace);
    slack.server.touch();
}

/// What Slack's client says of an input before it sends anything.
fn complaint(modal: &View, block: &Value) -> Option<&'static str> {
    let element = &block["element"];
    let held = &modal.values[block["block_id"].as_str()?][element["action_id"].as_str()?];
    let value = held.as_object()?.iter().find(|(key, _)| *key != "type").map(|(_, value)| value)?;
    let text = value.as_str().unwrap_or_default();
    let is_empty = value.is_null() || *value == "" || *value == json!([]);
    if is_empty {
        return (block["optional"] != true).then_some("Please complete this required field.");
    }
    match element["type"].as_str()? {
        "number_input" => {
            let number: f64 = match text.parse() {
                Ok(number) => number,
                Err(_) => return Some("Please enter a valid number."),
            };
            let bound = |key: &str| element[key].as_str().and_then(|bound| bound.parse::<f64>().ok());
            let is_whole = number.fract() == 0.0 || element["is_decimal_allowed"] == true;
            let is_within = bound("min_value").is_none_or(|min| number >= min)
                && bound("max_value").is_none_or(|max| number <= max);
            (!is_whole || !is_within).then_some("Please enter a valid number.")
        }
        "url_text_input" => url::Url::parse(text).is_err().then_some("Please enter a valid URL."),
        "email_text_input" => (!text.contains('@')).then_some("Please enter a valid email address."),
        "plain_text_input" => {
            let length = text.chars().count() as u64;
            let is_long = length > element["max_length"].as_u64().unwrap_or(3000);
            let is_short = length < element["min_length"].as_u64().unwrap_or(0);
            (is_long || is_short).then_some("Please use a valid number of characters.")
        }
        _ => None,
    }
}

/// Somebody closes the modal with its own button.
pub async fn close(slack: &Slack, who: &str) {
    let modal = front(slack, who).await;
    let delivery = {
        let mut workspace = slack.server.workspace();
        workspace.views.retain(|view| view.id != modal.id);
        (modal.body["notify_on_close"] == true).then(|| payload::closing(&mut workspace, &modal))
    };
    if let Some(delivery) = delivery {
        let _ = slack.courier.deliver(&delivery).await;
    }
}

/// What somebody is offered who types into a field of the modal. There are no native options here: who has a line opens
/// the command's form, fills in what the line gives already, and looks there.
pub async fn suggest(slack: &Slack, who: &str, typing: Typing<'_>) -> Vec<String> {
    if typing.line.is_empty() {
        return offered(slack, who, typing).await;
    }
    let words: Vec<&str> = typing.line.split(' ').collect();
    let (given, command): (Vec<&str>, Vec<&str>) = words.iter().partition(|word| word.contains('='));
    slack.say(who, &command.join(" ")).await;
    for (field, value) in given.iter().filter_map(|word| word.split_once('=')) {
        fill(slack, who, field, value).await;
    }
    let found = offered(slack, who, typing).await;
    close(slack, who).await;
    found
}

async fn offered(slack: &Slack, who: &str, Typing { field, typed, .. }: Typing<'_>) -> Vec<String> {
    let modal = front(slack, who).await;
    let (element, block, action) = asked(&modal, field);
    let fits = |text: &str| text.to_lowercase().contains(&typed.to_lowercase());
    let text = |option: &Value| option["text"]["text"].as_str().unwrap_or_default().to_owned();
    match element["type"].as_str().unwrap_or_default() {
        "external_select" => fetch(slack, &modal, (&block, &action), typed).await.iter().map(text).collect(),
        "users_select" => {
            let workspace = slack.server.workspace();
            workspace.people.iter().map(|person| person.name.clone()).filter(|name| fits(name)).collect()
        }
        _ => rule::options(element).into_iter().map(text).filter(|text| fits(text)).collect(),
    }
}

/// Asks the app what it offers.
async fn fetch(slack: &Slack, modal: &View, ids: (&str, &str), typed: &str) -> Vec<Value> {
    let least = modal.body["blocks"].as_array().into_iter().flatten();
    let least = least.into_iter().find(|block| block["block_id"] == ids.0);
    let least = least.and_then(|block| block["element"]["min_query_length"].as_u64()).unwrap_or(3);
    if (typed.chars().count() as u64) < least {
        return Vec::new();
    }
    let delivery = payload::suggestion(&mut slack.server.workspace(), modal, ids, typed);
    let Ok(answer) = slack.courier.deliver(&delivery).await else { return Vec::new() };
    let wrong = rule::proposals(&answer);
    if !wrong.is_empty() {
        slack.server.workspace().breach(format!("proposals were refused: {}", wrong.join("; ")));
        return Vec::new();
    }
    rule::options(&answer).into_iter().cloned().collect()
}
