//! Interactions from Discord's side: what they tell an application, how it may answer, and until when.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::answer::Answer;
use super::check::{self, Kind};
use super::routes;
use super::world::{self, APPLICATION, Author, CHANNEL, EPHEMERAL, GUILD, Modal, State, id_of};

/// How long the first answer may take.
pub const IN_TIME: Duration = Duration::from_secs(3);

pub const PING: u64 = 1;
pub const COMMAND: u64 = 2;
pub const COMPONENT: u64 = 3;
pub const AUTOCOMPLETE: u64 = 4;
pub const MODAL_SUBMIT: u64 = 5;

/// One interaction, and how far its answer is.
#[derive(Debug, Clone)]
pub struct Interaction {
    pub id: String,
    pub token: String,
    pub who: &'static str,
    pub kind: u64,
    pub channel: String,
    pub begun: Instant,
    /// The type of the first answer.
    pub answered: Option<u64>,
    /// The message whose component it came from, itself or by way of a modal.
    pub source: Option<String>,
    /// What `@original` is.
    pub original: Option<String>,
    /// What the button says that was pressed.
    pub label: String,
    /// What was proposed.
    pub choices: Vec<Value>,
    /// Whether its fifteen minutes are over.
    pub expired: bool,
}

/// What somebody does, before it has an id.
pub struct Act {
    pub who: &'static str,
    pub kind: u64,
    pub data: Value,
    pub channel: String,
    pub source: Option<String>,
}

impl Act {
    /// Something done in the channel in which everybody talks.
    pub fn in_channel(who: &'static str, kind: u64, data: Value) -> Self {
        Self { who, kind, data, channel: CHANNEL.into(), source: None }
    }

    /// The interaction object, which is remembered.
    pub fn begin(self, state: &mut State) -> Value {
        let id = state.new_id();
        let token = format!("aW50ZXJhY3Rpb246{id}-{}", uuid::Uuid::new_v4().simple());
        let value = self.object(state, &id, &token);
        let label = self.label(state);
        let Self { who, kind, channel, source, .. } = self;
        let (answered, original, choices, expired) = (None, None, Vec::new(), false);
        let begun = Instant::now();
        let interaction = Interaction {
            id: id.clone(),
            label,
            token,
            who,
            kind,
            channel,
            begun,
            answered,
            source,
            original,
            choices,
            expired,
        };
        state.interactions.insert(id, interaction);
        value
    }

    /// What the button says that is pressed, if one is.
    fn label(&self, state: &State) -> String {
        let message = self.source.as_ref().and_then(|id| state.messages.iter().find(|message| message.id == *id));
        let rows = message.into_iter().flat_map(|message| message.body["components"].as_array().into_iter().flatten());
        let mut parts = rows.flat_map(|row| row["components"].as_array().into_iter().flatten());
        let pressed = parts.find(|part| part["custom_id"] == self.data["custom_id"]);
        pressed.and_then(|part| part["label"].as_str()).unwrap_or_default().to_owned()
    }

    fn object(&self, state: &State, id: &str, token: &str) -> Value {
        let channel = &state.channels[&self.channel];
        let mut value = json!({
            "id": id, "application_id": APPLICATION, "type": self.kind, "token": token, "version": 1,
            "data": self.data, "channel_id": self.channel, "channel": world::channel(&self.channel, channel),
            "app_permissions": "2248473465835073", "locale": "en-US", "entitlements": [],
            "attachment_size_limit": 10_485_760,
        });
        if channel.recipient.is_some() {
            value["user"] = world::user(id_of(self.who), self.who, false);
            (value["context"], value["authorizing_integration_owners"]) = (json!(1), json!({ "0": "0" }));
        } else {
            value["guild"] = json!({ "id": GUILD, "locale": "en-US", "features": [] });
            (value["guild_id"], value["guild_locale"]) = (json!(GUILD), json!("en-US"));
            value["member"] = world::member(state, self.who);
            (value["context"], value["authorizing_integration_owners"]) = (json!(0), json!({ "0": GUILD }));
        }
        if let Some(source) = self.source.as_ref().and_then(|id| state.messages.iter().find(|m| m.id == *id)) {
            value["message"] = world::message(state, source);
        }
        value
    }
}

/// The types of answer that an interaction of this kind takes; `from_component`: by way of a component.
fn takes(kind: u64, from_component: bool) -> &'static [u64] {
    match (kind, from_component) {
        (PING, _) => &[1],
        (COMMAND, _) => &[4, 5, 9],
        (COMPONENT, _) => &[4, 5, 6, 7, 9],
        (AUTOCOMPLETE, _) => &[8],
        (_, true) => &[4, 5, 6, 7],
        (_, false) => &[4, 5],
    }
}

/// The first answer to an interaction, by call or as the answer to a delivery.
pub fn respond(state: &mut State, (id, token): (&str, &str), body: &Value) -> Result<(), Answer> {
    let known = state.interactions.get(id).filter(|known| known.token == token);
    let Some(known) = known.cloned().filter(|known| known.begun.elapsed() < IN_TIME) else {
        return Err(Answer::refusal(404, 10062, "Unknown interaction"));
    };
    if known.answered.is_some() {
        return Err(Answer::refusal(400, 40060, "Interaction has already been acknowledged."));
    }
    let kind = body["type"].as_u64().unwrap_or_default();
    let mut mistakes = check::mistakes(Kind::Callback, body);
    if !takes(known.kind, known.source.is_some()).contains(&kind) {
        mistakes.push(("type".into(), format!("an interaction of type {} cannot be answered so", known.kind)));
    }
    if !body["data"]["attachments"].as_array().is_none_or(Vec::is_empty) {
        mistakes.push(("attachments".into(), "no file comes with this".into()));
    }
    if !mistakes.is_empty() {
        return Err(Answer::invalid(&mistakes));
    }
    apply(state, &known, (kind, &body["data"]));
    state.interactions.get_mut(id).expect("known").answered = Some(kind);
    Ok(())
}

fn apply(state: &mut State, known: &Interaction, (kind, data): (u64, &Value)) {
    let mut original = known.source.clone();
    match kind {
        4 | 5 => original = Some(say(state, known, (data, kind == 5))),
        7 => state.rewrite(known.source.as_deref().unwrap_or_default(), data),
        8 => {
            let choices = data["choices"].as_array().cloned().unwrap_or_default();
            state.interactions.get_mut(&known.id).expect("known").choices = choices;
        }
        9 => {
            let (body, typed) = (data.clone(), prefilled(data));
            let opened_by = known.label.clone();
            let modal = Modal { body, typed, source: known.source.clone(), opened_by, read: false };
            state.modals.insert(known.who.into(), modal);
            original = None;
        }
        _ => {}
    }
    state.interactions.get_mut(&known.id).expect("known").original = original;
}

/// Writes a message that answers; its id.
fn say(state: &mut State, known: &Interaction, (data, thinking): (&Value, bool)) -> String {
    let body = if data.is_object() { data.clone() } else { json!({}) };
    let is_ephemeral = body["flags"].as_u64().unwrap_or_default() & EPHEMERAL != 0;
    let message = state.write(&known.channel, Author::Bot, body);
    message.thinking = thinking;
    message.only_for = is_ephemeral.then(|| known.who.to_owned());
    message.id.clone()
}

/// The inputs of a modal by their `custom_id`, with what stands in them.
pub fn inputs(modal: &Value) -> Vec<&Value> {
    let rows = modal["components"].as_array().into_iter().flatten();
    rows.flat_map(|row| row["components"].as_array().into_iter().flatten()).collect()
}

fn prefilled(modal: &Value) -> std::collections::BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    inputs(modal).iter().map(|input| (text(&input["custom_id"]), text(&input["value"]))).collect()
}

/// The interaction of a token that can still be written to.
fn writable(state: &State, token: &str) -> Result<Interaction, Answer> {
    let known = state.interactions.values().find(|known| known.token == token);
    match known {
        Some(known) if known.expired => Err(Answer::refusal(401, 50027, "Invalid Webhook Token")),
        Some(known) if known.answered.is_some() => Ok(known.clone()),
        _ => Err(Answer::refusal(404, 10015, "Unknown Webhook")),
    }
}

/// A message of an interaction: `@original` or one by its id.
fn message_of(state: &State, token: &str, id: &str) -> Result<String, Answer> {
    let known = writable(state, token)?;
    let id = if id == "@original" { known.original.unwrap_or_default() } else { id.to_owned() };
    let exists = state.messages.iter().any(|message| message.id == id);
    exists.then_some(id).ok_or_else(Answer::unknown_message)
}

/// `POST /webhooks/APPLICATION/TOKEN`: a further message, or the first after "thinking".
pub fn follow_up(state: &mut State, token: &str, body: &Value) -> Result<Answer, Answer> {
    let known = writable(state, token)?;
    let mistakes = check::mistakes(Kind::FollowUp, body);
    if !mistakes.is_empty() {
        return Err(Answer::invalid(&mistakes));
    }
    let attachments = routes::attach(state, &[], body)?;
    let waiting = known.original.clone().filter(|id| state.message(id).is_some_and(|message| message.thinking));
    let id = match waiting {
        Some(id) => {
            state.rewrite(&id, body);
            id
        }
        None => say(state, &known, (body, false)),
    };
    state.message(&id).ok_or_else(Answer::unknown_message)?.attachments = attachments;
    shown(state, &id)
}

fn shown(state: &mut State, id: &str) -> Result<Answer, Answer> {
    let message = state.messages.iter().find(|message| message.id == id).ok_or_else(Answer::unknown_message)?;
    Ok(Answer::ok(world::message(state, message)))
}

/// `GET`, `PATCH` and `DELETE` of a message of an interaction.
pub fn message(state: &mut State, method: &str, (token, id): (&str, &str), body: &Value) -> Result<Answer, Answer> {
    let id = message_of(state, token, id)?;
    match method {
        "GET" => shown(state, &id),
        "DELETE" => {
            state.messages.retain(|message| message.id != id);
            Ok(Answer::empty())
        }
        _ => {
            edit(state, (&id, Kind::Edit), body)?;
            shown(state, &id)
        }
    }
}

/// Edits a message, if it may be edited so.
pub fn edit(state: &mut State, (id, kind): (&str, Kind), body: &Value) -> Result<(), Answer> {
    let message = state.message(id).ok_or_else(Answer::unknown_message)?;
    let mut mistakes = check::mistakes(kind, body);
    let ephemeral = |flags: u64| flags & EPHEMERAL != 0;
    if body["flags"].as_u64().is_some_and(|flags| ephemeral(flags) != message.is_ephemeral()) {
        mistakes.push(("flags".into(), "who sees a message is decided when it is first sent".into()));
    }
    let mut after = message.body.clone();
    for key in ["content", "embeds", "components"] {
        if let Some(value) = body.get(key) {
            after[key] = value.clone();
        }
    }
    if !mistakes.is_empty() {
        return Err(Answer::invalid(&mistakes));
    }
    if check::is_empty(&after) {
        return Err(Answer::refusal(400, 50006, "Cannot send an empty message"));
    }
    let had = state.message(id).map(|message| message.attachments.clone()).unwrap_or_default();
    let attachments = routes::attach(state, &had, body)?;
    state.rewrite(id, body);
    state.message(id).ok_or_else(Answer::unknown_message)?.attachments = attachments;
    Ok(())
}
