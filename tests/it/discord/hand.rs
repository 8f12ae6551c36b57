//! What a person does with the things on their screen: buttons, selects, pages of a form, modals.

use serde_json::{Value, json};

use super::Discord;
use super::interaction::{Act, COMPONENT, MODAL_SUBMIT, inputs};
use super::screen::{self, plain_name};
use super::world::{CHANNEL, Message, Modal, PEOPLE, State, id_of, user};
use crate::wire::PATIENCE;

/// The button of a form's page that opens what is typed.
const TYPED: &str = "Fill in…";
/// The button that shows the next page of a form.
const NEXT: &str = "Next page";

/// A component on somebody's screen.
#[derive(Debug, Clone)]
struct Shown {
    message: String,
    channel: String,
    component: Value,
}

fn known(who: &str) -> &'static str {
    PEOPLE.iter().find(|(name, _)| *name == who).unwrap_or_else(|| panic!("{who} is nobody here")).0
}

fn components(message: &Message) -> impl Iterator<Item = &Value> {
    let rows = message.body["components"].as_array().into_iter().flatten();
    rows.flat_map(|row| row["components"].as_array().into_iter().flatten())
}

/// The newest component of this kind that somebody can use.
fn newest(state: &State, who: &str, is_it: impl Fn(&Value) -> bool) -> Option<Shown> {
    let seen = state.messages.iter().filter(|message| screen::is_visible(state, message, who));
    let shown = seen.filter_map(|message| {
        let component = components(message).find(|part| part["disabled"] != true && is_it(part))?;
        let (message_id, channel) = (message.id.clone(), message.channel.clone());
        Some((message.changed, Shown { message: message_id, channel, component: component.clone() }))
    });
    shown.max_by_key(|(changed, _)| *changed).map(|(_, shown)| shown)
}

fn is_button(part: &Value, label: &str) -> bool {
    part["type"] == 2 && part["label"] == label
}

/// Whether a select or input is the one of this field, as its label says.
fn is_of(label: &Value, field: &str) -> bool {
    plain_name(label.as_str().unwrap_or_default()).eq_ignore_ascii_case(field)
}

impl Discord {
    /// The component, as soon as it is there.
    async fn find(&self, who: &str, what: &str, is_it: impl Fn(&Value) -> bool + Send) -> Shown {
        let found = self.world.until(PATIENCE, |state| newest(state, who, &is_it)).await;
        found.unwrap_or_else(|| panic!("{who} sees no {what}\n{}", self.screen(who)))
    }

    /// Everything on somebody's screen.
    pub fn screen(&self, who: &str) -> String {
        self.world.look(|state| screen::all(state, who))
    }

    async fn use_component(&self, who: &str, shown: &Shown, values: Option<Vec<String>>) {
        let mut data = json!({ "custom_id": shown.component["custom_id"], "component_type": shown.component["type"] });
        if let Some(values) = values {
            if shown.component["type"] == 5 {
                let users: serde_json::Map<_, _> = values.iter().map(|id| (id.clone(), named(id))).collect();
                data["resolved"] = json!({ "users": users });
            }
            data["values"] = json!(values);
        }
        let (channel, source) = (shown.channel.clone(), Some(shown.message.clone()));
        self.act(Act { who: known(who), kind: COMPONENT, data, channel, source }).await;
    }

    pub async fn press_button(&self, who: &str, label: &str) {
        let shown = self.find(who, &format!("button [{label}]"), |part| is_button(part, label)).await;
        if shown.component["style"] != 5 {
            self.use_component(who, &shown, None).await;
        }
    }

    /// Presses a button only if it is there.
    async fn press_if_there(&self, who: &str, label: &str) -> bool {
        let shown = self.world.look(|state| newest(state, who, |part| is_button(part, label)));
        if let Some(shown) = &shown {
            self.use_component(who, shown, None).await;
        }
        shown.is_some()
    }

    fn modal(&self, who: &str) -> Option<Modal> {
        self.world.look(|state| state.modals.get(who).cloned())
    }

    /// Types into the open modal, if it has the field.
    fn typed(&self, who: &str, field: &str, value: &str) -> bool {
        self.world.with(|state| {
            let Some(modal) = state.modals.get_mut(who) else { return false };
            let found = inputs(&modal.body).into_iter().find(|input| is_of(&input["label"], field)).cloned();
            let Some(input) = found else { return false };
            modal.typed.insert(input["custom_id"].as_str().expect("an id").to_owned(), value.to_owned());
            modal.read = true;
            true
        })
    }

    /// Fills in a field wherever it is: in the modal, in a select, behind "Fill in…", on a further page.
    pub async fn fill_in(&self, who: &str, field: &str, value: &str) {
        if self.typed(who, field, value) {
            return;
        }
        if self.modal(who).is_some() {
            self.send_modal(who).await;
        }
        let first = |state: &mut State| newest(state, who, |part| is_field(part, field) || is_button(part, TYPED));
        self.world.until(PATIENCE, first).await.unwrap_or_else(|| panic!("{who} sees no form\n{}", self.screen(who)));
        // As many pages as there can be, and once around.
        for _ in 0..10 {
            let select = self.world.look(|state| newest(state, who, |part| is_field(part, field)));
            if let Some(select) = select {
                return self.choose(who, &select, value).await;
            }
            if self.press_if_there(who, TYPED).await {
                if self.typed(who, field, value) {
                    return;
                }
                self.world.with(|state| state.modals.remove(who));
            }
            if !self.press_if_there(who, NEXT).await {
                break;
            }
            self.look_at_form(who);
        }
        panic!("{who} finds no field {field}\n{}", self.screen(who));
    }

    async fn choose(&self, who: &str, select: &Shown, value: &str) {
        let chosen = match select.component["type"].as_u64() {
            Some(5) => id_of(value.trim_start_matches('@')).to_owned(),
            Some(8) => CHANNEL.to_owned(),
            _ => option(&select.component, value)
                .unwrap_or_else(|| panic!("{value} cannot be chosen\n{}", self.screen(who))),
        };
        self.use_component(who, select, Some(vec![chosen])).await;
        self.look_at_form(who);
    }

    /// Whoever changes a form looks at it, and has read how it is then.
    fn look_at_form(&self, who: &str) {
        self.world.with(|state| {
            let is_form = |part: &Value| part["type"] != 2 || is_button(part, TYPED) || is_button(part, NEXT);
            let Some(shown) = newest(state, who, is_form) else { return };
            let message = state.message(&shown.message).expect("it is shown");
            let text = screen::message(message);
            message.read.insert(who.into(), text);
        });
    }

    /// Sends the open modal.
    pub async fn send_modal(&self, who: &str) {
        let modal = self.world.with(|state| state.modals.remove(who)).expect("a modal is open");
        for input in inputs(&modal.body) {
            let typed = &modal.typed[input["custom_id"].as_str().expect("an id")];
            let least = if input["required"] != false { input["min_length"].as_u64().unwrap_or(1).max(1) } else { 0 };
            let most = input["max_length"].as_u64().unwrap_or(4000);
            let length = typed.chars().count() as u64;
            assert!(length >= least, "Discord's app does not send the form: {} is missing", input["label"]);
            assert!(length <= most, "Discord's app does not let one type so much: {}", input["label"]);
        }
        let row = |input: &&Value| {
            let id = input["custom_id"].as_str().expect("an id");
            json!({ "type": 1, "components": [{ "type": 4, "custom_id": id, "value": modal.typed[id] }] })
        };
        let rows: Vec<Value> = inputs(&modal.body).iter().map(row).collect();
        let data = json!({ "custom_id": modal.body["custom_id"], "components": rows });
        let source = modal.source.clone();
        let channel =
            source.as_ref().and_then(|id| self.world.with(|state| state.message(id).map(|m| m.channel.clone())));
        let channel = channel.unwrap_or_else(|| CHANNEL.into());
        self.act(Act { who: known(who), kind: MODAL_SUBMIT, data, channel, source }).await;
    }

    /// Sends the form: the modal that is open, and where it belongs to the pages of a form, those.
    pub async fn send_form(&self, who: &str) {
        let from_page = match self.modal(who) {
            Some(modal) => {
                self.send_modal(who).await;
                let source = modal.source.unwrap_or_default();
                self.world.with(|state| {
                    state.message(&source).is_some_and(|m| components(m).any(|part| is_button(part, TYPED)))
                })
            }
            None => true,
        };
        if from_page {
            let shown = self.find(who, "button that sends the form", |part| is_send(part)).await;
            self.use_component(who, &shown, None).await;
        }
    }

    /// What can be chosen for a field of the open form, of what begins or goes on like what is typed.
    pub async fn choices_of(&self, who: &str, field: &str, typed: &str) -> Vec<String> {
        let select = self.find(who, &format!("select {field}"), |part| is_field(part, field)).await;
        let options = select.component["options"].as_array().cloned().unwrap_or_default();
        let labels = options.iter().map(|option| option["label"].as_str().expect("a label").to_owned());
        labels.filter(|label| label.to_lowercase().contains(&typed.to_lowercase())).collect()
    }
}

fn is_field(part: &Value, field: &str) -> bool {
    part["type"] != 2 && is_of(&part["placeholder"], field)
}

/// The button that sends a form stands out.
fn is_send(part: &Value) -> bool {
    part["type"] == 2 && part["custom_id"].as_str().is_some_and(|_| part["style"] == 3)
}

/// The value of an option, found by what it shows.
fn option(select: &Value, shown: &str) -> Option<String> {
    let options = select["options"].as_array()?;
    let by = |key: &str| options.iter().find(|option| option[key] == shown);
    by("label").or_else(|| by("value")).map(|option| option["value"].as_str().expect("a value").to_owned())
}

fn named(id: &str) -> Value {
    user(id, super::world::name_of(id).unwrap_or_default(), false)
}
