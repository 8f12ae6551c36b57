//! What Discord sends, as far as it is needed here: own structures, because serenity's models drop what they do not know.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// An id of Discord. Invariant: 1 to 20 digits, so it can be put into a path.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Id(String);

impl Id {
    /// The id that a text is, if it is one.
    pub fn read(text: &str) -> Option<Self> {
        let is_id = (1..=20).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        is_id.then(|| Self(text.to_owned()))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Id {
    /// From text or, as serenity writes some ids, from a number.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = match Value::deserialize(deserializer)? {
            Value::String(text) => text,
            Value::Number(number) => number.to_string(),
            _ => String::new(),
        };
        Self::read(&text).ok_or_else(|| serde::de::Error::custom("this is no id"))
    }
}

/// An interaction: somebody used a command, pressed something, is typing, or sent a modal.
#[derive(Debug, Deserialize)]
pub struct Interaction {
    pub id: Id,
    pub application_id: Id,
    #[serde(rename = "type")]
    pub kind: u8,
    #[serde(default)]
    pub token: String,
    pub guild_id: Option<Id>,
    pub channel_id: Option<Id>,
    pub member: Option<Member>,
    pub user: Option<User>,
    pub data: Option<Data>,
    pub message: Option<Reference>,
}

/// The kinds of interactions.
pub mod kind {
    pub const PING: u8 = 1;
    pub const COMMAND: u8 = 2;
    pub const COMPONENT: u8 = 3;
    pub const AUTOCOMPLETE: u8 = 4;
    pub const MODAL: u8 = 5;
}

impl Interaction {
    /// Who did it.
    pub fn person(&self) -> Option<&User> {
        self.member.as_ref().and_then(|member| member.user.as_ref()).or(self.user.as_ref())
    }

    /// Whether its token can be put into a path.
    pub fn is_answerable(&self) -> bool {
        let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'=' | b'~');
        !self.token.is_empty() && self.token.bytes().all(is_plain)
    }
}

/// A member of a guild.
#[derive(Debug, Clone, Deserialize)]
pub struct Member {
    pub user: Option<User>,
    #[serde(default)]
    pub roles: Vec<Id>,
    pub nick: Option<String>,
}

/// A user.
#[derive(Debug, Clone, Deserialize)]
pub struct User {
    pub id: Id,
    #[serde(default)]
    pub username: String,
    pub global_name: Option<String>,
    #[serde(default)]
    pub bot: bool,
}

/// The message that a component stands on.
#[derive(Debug, Deserialize)]
pub struct Reference {
    pub id: Id,
    pub channel_id: Option<Id>,
}

/// What an interaction is about; which of it is there depends on the interaction's kind.
#[derive(Debug, Default, Deserialize)]
pub struct Data {
    #[serde(default)]
    pub name: String,
    /// Of a command: 1 typed, 2 on a user, 3 on a message.
    #[serde(rename = "type", default)]
    pub kind: Option<u8>,
    #[serde(default)]
    pub options: Vec<Choice>,
    pub target_id: Option<Id>,
    #[serde(default)]
    pub resolved: Value,
    #[serde(default)]
    pub custom_id: String,
    #[serde(default)]
    pub values: Option<Vec<Value>>,
    #[serde(default)]
    pub components: Value,
}

/// An option of a command that was filled in, or a sub-command that was chosen.
#[derive(Debug, Deserialize)]
pub struct Choice {
    pub name: String,
    #[serde(rename = "type")]
    pub kind: u8,
    #[serde(default)]
    pub value: Value,
    #[serde(default)]
    pub options: Vec<Choice>,
    #[serde(default)]
    pub focused: bool,
}

impl Data {
    /// The words of the command, `db create`, and the options that were filled in.
    pub fn command(&self) -> (String, &[Choice]) {
        let mut words = vec![self.name.as_str()];
        let mut options = self.options.as_slice();
        while let [only] = options
            && matches!(only.kind, 1 | 2)
        {
            words.push(&only.name);
            options = &only.options;
        }
        (words.join(" "), options)
    }

    /// What was chosen in a select, as text.
    pub fn chosen(&self) -> Vec<String> {
        let text = |value: &Value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        self.values.iter().flatten().map(text).collect()
    }

    /// What was typed into a modal, by field name: text inputs, in rows or behind labels.
    pub fn typed(&self) -> BTreeMap<String, String> {
        let mut typed = BTreeMap::new();
        collect(&self.components, &mut typed);
        typed
    }

    /// The text of the message that a command of its menu was used on.
    pub fn target_text(&self) -> Option<&str> {
        self.resolved["messages"][self.target_id.as_ref()?.as_str()]["content"].as_str()
    }
}

fn collect(components: &Value, typed: &mut BTreeMap<String, String>) {
    for component in components.as_array().into_iter().flatten() {
        if let (Some(name), Some(value)) = (component["custom_id"].as_str(), component["value"].as_str()) {
            typed.insert(name.to_owned(), value.to_owned());
        }
        collect(&component["components"], typed);
        collect(&Value::Array(component.get("component").cloned().into_iter().collect()), typed);
    }
}

/// A message that somebody wrote.
#[derive(Debug, Deserialize)]
pub struct Message {
    pub id: Id,
    pub channel_id: Id,
    pub guild_id: Option<Id>,
    pub author: User,
    pub member: Option<Member>,
    #[serde(default)]
    pub content: String,
    #[serde(rename = "type", default)]
    pub kind: u8,
    pub webhook_id: Option<Id>,
}

/// One event of the gateway as `(name, data)`, from serenity's reading of it. Its interactions do not say their kind, which
/// is put back.
pub fn unread(event: &serenity::model::event::Event) -> Option<(String, Value)> {
    let mut whole: Map<String, Value> = serde_json::from_value(serde_json::to_value(event).ok()?).ok()?;
    let name = whole.get("t")?.as_str()?.to_owned();
    let mut data = whole.remove("d")?;
    if let serenity::model::event::Event::InteractionCreate(event) = event {
        data["type"] = u8::from(event.interaction.kind()).into();
    }
    Some((name, data))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn interaction(kind: u8, data: Value) -> Value {
        json!({
            "id": "1001", "application_id": "9", "type": kind, "token": "tok_1", "version": 1,
            "guild_id": "7", "channel_id": "5", "locale": "en-GB", "entitlements": [],
            "authorizing_integration_owners": {}, "app_permissions": "0", "attachment_size_limit": 1,
            "member": {
                "user": {"id": "42", "username": "ada", "discriminator": "0", "avatar": null},
                "roles": ["71"], "joined_at": "2026-01-01T00:00:00Z", "deaf": false, "mute": false, "flags": 0,
                "permissions": "0", "nick": null, "avatar": null,
            },
            "data": data,
        })
    }

    /// The same payload, straight from the wire and by way of serenity's models.
    fn both(kind: u8, data: Value) -> [Interaction; 2] {
        let payload = interaction(kind, data);
        let event: serenity::model::event::Event =
            serde_json::from_value(json!({"t": "INTERACTION_CREATE", "d": payload})).expect("an event");
        let (name, by_gateway) = unread(&event).expect("an event");
        assert_eq!(name, "INTERACTION_CREATE");
        [payload, by_gateway].map(|value| serde_json::from_value(value).expect("an interaction"))
    }

    #[test]
    fn a_command_is_the_same_over_both_transports() {
        let options = json!([{"name": "create", "type": 1, "options": [
            {"name": "name", "type": 3, "value": "orders"},
            {"name": "count", "type": 4, "value": 3},
            {"name": "dry-run", "type": 5, "value": true},
            {"name": "who", "type": 6, "value": "43"},
        ]}]);
        for read in both(kind::COMMAND, json!({"id": "1", "name": "db", "type": 1, "options": options})) {
            assert_eq!(read.kind, kind::COMMAND);
            let data = read.data.as_ref().expect("data");
            let (words, options) = data.command();
            assert_eq!(words, "db create");
            let values: Vec<Value> = options.iter().map(|option| option.value.clone()).collect();
            assert_eq!(values[..3], [json!("orders"), json!(3), json!(true)]);
            assert_eq!(read.person().expect("a person").username, "ada");
            assert!(read.is_answerable());
        }
    }

    #[test]
    fn what_is_being_typed_is_the_same_over_both_transports() {
        let options = json!([{"name": "line", "type": 3, "value": "/db", "focused": true}]);
        for read in both(kind::AUTOCOMPLETE, json!({"id": "1", "name": "stationmaster", "type": 1, "options": options}))
        {
            assert_eq!(read.kind, kind::AUTOCOMPLETE);
            assert!(read.data.expect("data").options[0].focused);
        }
    }

    #[test]
    fn a_modal_is_the_same_over_both_transports() {
        let components = json!([{"type": 1, "components": [{"type": 4, "custom_id": "name", "value": "orders"}]}]);
        for read in both(kind::MODAL, json!({"custom_id": "run:db create", "components": components})) {
            assert_eq!(read.kind, kind::MODAL);
            let data = read.data.expect("data");
            assert_eq!(data.typed(), BTreeMap::from([("name".to_owned(), "orders".to_owned())]));
            assert_eq!(data.custom_id, "run:db create");
        }
    }

    #[test]
    fn what_serenity_does_not_know_arrives_whole() {
        for read in both(9, json!({"custom_id": "new"})) {
            assert_eq!((read.kind, read.data.expect("data").custom_id.as_str()), (9, "new"));
        }
    }

    #[test]
    fn inputs_behind_labels_are_lost_on_the_gateway_so_modals_have_rows() {
        let label =
            json!([{"type": 18, "id": 1, "component": {"type": 4, "id": 2, "custom_id": "name", "value": "x"}}]);
        let counts = both(kind::MODAL, json!({"custom_id": "f", "components": label}));
        assert_eq!(counts.map(|read| read.data.expect("data").typed().len()), [1, 0]);
    }

    #[test]
    fn f4_what_is_no_interaction_is_refused() {
        for wrong in [
            "null",
            "[]",
            "1",
            "{}",
            "{\"__proto__\":{}}",
            "{\"id\":null,\"application_id\":\"1\",\"type\":2}",
            "{\"id\":\"1\",\"id\":\"2\",\"application_id\":\"1\",\"type\":2}",
            "{\"id\":\"1/2\",\"application_id\":\"1\",\"type\":2}",
            "{\"id\":\"1\",\"application_id\":\"1\",\"type\":\"2\"}",
        ] {
            assert!(serde_json::from_str::<Interaction>(wrong).is_err(), "{wrong}");
        }
        assert!(Id::read("").is_none() && Id::read("../x").is_none() && Id::read(&"1".repeat(21)).is_none());
    }
}
