//! What a person does with the things on their screen: buttons, selects, pages of a form, modals.

use serde_json::{Value, json};

use super::interaction::{Act, COMPONENT, MODAL_SUBMIT, inputs};
use super::screen::{self, BACK, EDIT, FILL_IN, FILL_IN_AND_SEND, NEXT, OPEN_FORM, OTHER, plain_name};
use super::world::{CHANNEL, Message, Modal, State, id_of, name_of, user};
use super::{Discord, person};
use crate::wire::PATIENCE;

/// The buttons that open a modal of a form.
const OPENERS: [&str; 4] = [OPEN_FORM, EDIT, FILL_IN, FILL_IN_AND_SEND];
/// More pages than any form has.
const PAGES: usize = 10;

/// A component on somebody's screen.
#[derive(Debug, Clone)]
struct Shown {
    message: String,
    channel: String,
    component: Value,
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
        let (id, channel, component) = (message.id.clone(), message.channel.clone(), component.clone());
        Some((message.changed, Shown { message: id, channel, component }))
    });
    shown.max_by_key(|(changed, _)| *changed).map(|(_, shown)| shown)
}

fn is_button(part: &Value, label: &str) -> bool {
    part["type"] == 2 && part["label"] == label
}

fn is_select(part: &Value, field: &str) -> bool {
    part["type"] != 2 && is_of(&part["placeholder"], field)
}

/// Whether a select or input is the one of this field, as its label says.
fn is_of(label: &Value, field: &str) -> bool {
    plain_name(label.as_str().unwrap_or_default()).eq_ignore_ascii_case(field)
}

/// Whether a text input is the one of this field: it is called so, or says so.
fn is_input_of(input: &Value, field: &str) -> bool {
    input["custom_id"] == field || is_of(&input["label"], field)
}

/// Whether a component belongs to a form.
fn is_of_form(part: &Value) -> bool {
    part["type"] != 2 || OPENERS.iter().chain(&[NEXT, BACK]).any(|label| is_button(part, label))
}

impl Discord {
    /// Everything on somebody's screen.
    pub fn screen(&self, who: &str) -> String {
        self.world.look(|state| screen::all(state, who))
    }

    fn see(&self, who: &str, is_it: impl Fn(&Value) -> bool) -> Option<Shown> {
        self.world.look(|state| newest(state, who, is_it))
    }

    async fn use_component(&self, who: &str, shown: &Shown, values: Option<Vec<String>>) {
        let mut data = json!({ "custom_id": shown.component["custom_id"], "component_type": shown.component["type"] });
        if let Some(values) = values {
            if shown.component["type"] == 5 {
                let named = |id: &String| (id.clone(), user(id, name_of(id).unwrap_or_default(), false));
                let users: serde_json::Map<_, _> = values.iter().map(named).collect();
                data["resolved"] = json!({ "users": users });
            }
            data["values"] = json!(values);
        }
        let (channel, source) = (shown.channel.clone(), Some(shown.message.clone()));
        self.act(Act { who: person(who), kind: COMPONENT, data, channel, source }).await;
    }

    /// Presses a button as soon as it is there.
    pub async fn press_button(&self, who: &str, label: &str) {
        let look = |state: &mut State| newest(state, who, |part| is_button(part, label));
        let shown = self.world.until(PATIENCE, look).await;
        let shown = shown.unwrap_or_else(|| panic!("{who} sees no button [{label}]\n{}", self.screen(who)));
        if shown.component["style"] != 5 {
            self.use_component(who, &shown, None).await;
        }
    }

    /// Presses a button only if it is there now.
    pub async fn press_if_there(&self, who: &str, label: &str) -> bool {
        let shown = self.see(who, |part| is_button(part, label));
        if let Some(shown) = &shown {
            self.use_component(who, shown, None).await;
            self.look_at_form(who);
        }
        shown.is_some()
    }

    fn modal(&self, who: &str) -> Option<Modal> {
        self.world.look(|state| state.modals.get(who).cloned())
    }

    /// Types into the open modal, if it has the field.
    fn type_in(&self, who: &str, field: &str, value: &str) -> bool {
        self.world.with(|state| {
            let Some(modal) = state.modals.get_mut(who) else { return false };
            let found = inputs(&modal.body).into_iter().find(|input| is_input_of(input, field)).cloned();
            let Some(input) = found else { return false };
            modal.typed.insert(input["custom_id"].as_str().expect("an id").to_owned(), value.to_owned());
            modal.read = true;
            true
        })
    }

    /// Fills in a field wherever it is: in the modal, in a select, behind a button that opens a modal, on another page.
    pub async fn fill_in(&self, who: &str, field: &str, value: &str) {
        if self.type_in(who, field, value) {
            return;
        }
        if self.modal(who).is_some() {
            self.send_modal(who).await;
        }
        if self.go_to(who, field).await {
            return assert!(self.type_in(who, field, value), "{who} types into {field}");
        }
        let select = self.see(who, |part| is_select(part, field)).expect("gone to");
        self.choose(who, &select, (field, value)).await;
    }

    /// Goes to the page that has a field; `true` if it is typed, and the modal with it is open then.
    async fn go_to(&self, who: &str, field: &str) -> bool {
        let form = |state: &mut State| newest(state, who, is_of_form);
        self.world.until(PATIENCE, form).await.unwrap_or_else(|| panic!("{who} sees no form\n{}", self.screen(who)));
        if let Some(is_typed) = self.look_for(who, field).await {
            return is_typed;
        }
        while self.press_if_there(who, BACK).await {}
        for _ in 0..PAGES {
            if let Some(is_typed) = self.look_for(who, field).await {
                return is_typed;
            }
            if !self.press_if_there(who, NEXT).await {
                break;
            }
        }
        panic!("{who} finds no field {field}\n{}", self.screen(who));
    }

    /// Looks for a field on the page that is shown: as a select, or in one of the modals that it opens.
    async fn look_for(&self, who: &str, field: &str) -> Option<bool> {
        if self.see(who, |part| is_select(part, field)).is_some() {
            return Some(false);
        }
        for label in OPENERS {
            if !self.press_if_there(who, label).await {
                continue;
            }
            let Some(modal) = self.modal(who) else { continue };
            if inputs(&modal.body).iter().any(|input| is_input_of(input, field)) {
                return Some(true);
            }
            self.world.with(|state| state.modals.remove(who));
        }
        None
    }

    async fn choose(&self, who: &str, select: &Shown, (field, value): (&str, &str)) {
        let chosen = match select.component["type"].as_u64() {
            Some(5) => Some(id_of(value.trim_start_matches('@')).to_owned()),
            Some(8) => Some(CHANNEL.to_owned()),
            _ => option(&select.component, value),
        };
        let other = || option(&select.component, OTHER);
        let chosen = chosen.or_else(other).unwrap_or_else(|| panic!("no {value} to choose\n{}", self.screen(who)));
        self.use_component(who, select, Some(vec![chosen])).await;
        // What is not listed is typed.
        if self.modal(who).is_some() && self.type_in(who, field, value) {
            self.send_modal(who).await;
        }
        self.look_at_form(who);
    }

    /// Whoever changes a form looks at it, and has read how it is then.
    fn look_at_form(&self, who: &str) {
        self.world.with(|state| {
            let Some(shown) = newest(state, who, is_of_form) else { return };
            let message = state.message(&shown.message).expect("it is shown");
            let text = screen::message(message);
            message.read.insert(who.into(), text);
        });
    }

    /// Sends the open modal, as far as Discord's app lets one.
    async fn send_modal(&self, who: &str) {
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
        let source = modal.source;
        let from = |state: &mut State| source.as_ref().and_then(|id| state.message(id)).map(|m| m.channel.clone());
        let channel = self.world.with(from).unwrap_or_else(|| CHANNEL.into());
        self.act(Act { who: person(who), kind: MODAL_SUBMIT, data, channel, source }).await;
    }

    /// Sends the form: the modal that is open, and where it is but a part of the form, the form after it.
    pub async fn send_form(&self, who: &str) {
        if let Some(modal) = self.modal(who) {
            self.send_modal(who).await;
            if modal.opened_by != FILL_IN {
                return;
            }
            self.look_at_form(who);
        }
        for _ in 0..PAGES {
            let form = self.see(who, is_of_form).unwrap_or_else(|| panic!("{who} sees no form\n{}", self.screen(who)));
            let sends = |message: &Message| components(message).find(|part| !is_of_form(part)).cloned();
            let component = self.world.with(|state| state.message(&form.message).and_then(|message| sends(message)));
            if let Some(component) = component {
                return self.use_component(who, &Shown { component, ..form }, None).await;
            }
            assert!(self.press_if_there(who, NEXT).await, "{who} cannot send the form\n{}", self.screen(who));
        }
    }

    /// What can be chosen for a field of the open form, of what has in it what is typed.
    pub async fn choices_of(&self, who: &str, field: &str, typed: &str) -> Vec<String> {
        assert!(!self.go_to(who, field).await, "{field} is typed, so nothing is proposed");
        let select = self.see(who, |part| is_select(part, field)).expect("gone to");
        let options = select.component["options"].as_array().cloned().unwrap_or_default();
        let labels = options.iter().map(|option| option["label"].as_str().expect("a label").to_owned());
        let fits = |label: &String| label != OTHER && label.to_lowercase().contains(&typed.to_lowercase());
        labels.filter(fits).collect()
    }
}

/// The value of an option, found by what it shows.
fn option(select: &Value, shown: &str) -> Option<String> {
    let options = select["options"].as_array()?;
    let by = |key: &str| {
        options.iter().find(|option| option[key].as_str().is_some_and(|text| text.eq_ignore_ascii_case(shown)))
    };
    by("label").or_else(|| by("value")).map(|option| option["value"].as_str().expect("a value").to_owned())
}
