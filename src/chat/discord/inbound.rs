//! Discord's words into ours: what somebody did, and what is needed to answer it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::control::{Act, Control};
use super::labels;
use super::limits;
use super::menu::Names;
use super::payload::{Choice, Data, Id, Interaction, Message, User, kind};
use crate::chat::{Event, Intent, PlatformName, Sender, Token};
use crate::clock::Millis;

/// How much of a message is looked up by the command of its menu.
const LOOKED_UP: usize = 200;

/// What somebody did.
#[derive(Debug, PartialEq)]
pub enum Heard {
    /// Something for the inbox.
    Did(Intent),
    /// They are typing, and want this answered at once.
    Typing(Intent),
    /// They sent a whole form, and want its mistakes at once.
    Sent(Intent),
    /// They pressed a button whose line wants more words.
    Wants(String),
    /// They took a step in filling in a form that is kept under an id.
    Stepped(Act, String, Given),
    /// Nothing that is known here, for this reason.
    Unknown(&'static str),
}

/// What came with a step.
#[derive(Debug, PartialEq)]
pub enum Given {
    /// Nothing: a button was pressed.
    Nothing,
    /// What was chosen in a select.
    Chosen(Vec<String>),
    /// What was typed into a modal, by field.
    Typed(BTreeMap<String, String>),
}

/// How an event is answered; it goes with the event, so any process can do it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "to")]
pub enum Ticket {
    /// An interaction, by its token.
    Interaction {
        /// The application that the token is for.
        application: String,
        /// The token; it is taken for fifteen minutes.
        token: String,
        /// Whether it came from a component of a message, and is answered beside it.
        on_message: bool,
    },
    /// A message.
    Message {
        /// The channel it stands in.
        channel: String,
        /// Its id.
        message: String,
        /// Whether nobody else reads there.
        private: bool,
    },
}

/// What an interaction means.
pub fn hear(interaction: &Interaction, names: &Names) -> Heard {
    let Some(data) = &interaction.data else { return Heard::Unknown("no data") };
    match interaction.kind {
        kind::COMMAND => command(data, names),
        kind::AUTOCOMPLETE => typing(data, names),
        kind::COMPONENT => pressed(data),
        kind::MODAL => sent(data),
        _ => Heard::Unknown("unknown interaction"),
    }
}

fn command(data: &Data, names: &Names) -> Heard {
    match data.kind {
        Some(3) => {
            let text = data.target_text().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
            let words = limits::cut(&text, LOOKED_UP);
            return Heard::Did(Intent::Say { words: format!("/help {words}").trim_end().to_owned() });
        }
        Some(1) | None => {}
        Some(_) => return Heard::Unknown("unknown command"),
    }
    let (words, options) = data.command();
    if words == labels::SAY.0 {
        let line = options.iter().find(|option| option.name == labels::LINE.0);
        let words = line.and_then(|option| option.value.as_str()).unwrap_or_default().to_owned();
        return Heard::Did(Intent::Say { words });
    }
    let dry_run = options.iter().any(|option| option.name == labels::DRY_RUN.0 && option.value == true);
    Heard::Did(Intent::Invoke { command: names.command(&words), input: values(options, names, &words), dry_run })
}

/// The options that were filled in, by the names of the parameters.
fn values(options: &[Choice], names: &Names, words: &str) -> BTreeMap<String, Value> {
    let named = options.iter().filter(|option| option.name != labels::DRY_RUN.0);
    named.map(|option| (names.parameter(words, &option.name), value(option))).collect()
}

fn value(option: &Choice) -> Value {
    match (option.kind, &option.value) {
        (6, Value::String(user)) => person(user),
        // Whole numbers come as 3.0 by way of the gateway.
        (_, Value::Number(number)) => match number.as_f64().filter(|n| n.fract() == 0.0 && n.abs() < 9e15) {
            Some(whole) => Value::from(whole as i64),
            None => option.value.clone(),
        },
        (_, value) => value.clone(),
    }
}

/// A user as the value of a person field.
pub fn person(user: &str) -> Value {
    format!("{}:{user}", PlatformName::Discord).into()
}

fn typing(data: &Data, names: &Names) -> Heard {
    let (words, options) = data.command();
    let Some(focused) = options.iter().find(|option| option.focused) else { return Heard::Unknown("no option") };
    let typed = focused.value.as_str().map_or_else(|| focused.value.to_string(), str::to_owned);
    if words == labels::SAY.0 {
        return Heard::Typing(Intent::Suggest { token: Token::received("say"), typed, values: BTreeMap::new() });
    }
    let others: Vec<&Choice> = options.iter().filter(|option| !option.focused).collect();
    let values = others.iter().map(|option| (names.parameter(&words, &option.name), value(option))).collect();
    let object = format!("{}:{}", names.command(&words), names.parameter(&words, &focused.name));
    Heard::Typing(Intent::Suggest { token: Token::new("field", &object), typed, values })
}

fn pressed(data: &Data) -> Heard {
    match Control::read(&data.custom_id) {
        Control::Token(token) => Heard::Did(Intent::Press { token }),
        Control::Say(words) => Heard::Did(Intent::Say { words }),
        Control::Ask(line) => Heard::Wants(line),
        Control::Draft(act, id) => {
            let given = if data.values.is_some() { Given::Chosen(data.chosen()) } else { Given::Nothing };
            Heard::Stepped(act, id, given)
        }
    }
}

fn sent(data: &Data) -> Heard {
    match Control::read(&data.custom_id) {
        Control::Ask(line) => {
            let words = data.typed().into_values().collect::<Vec<_>>().join(" ");
            Heard::Did(Intent::Say { words: format!("{line}{}", words.trim()) })
        }
        Control::Draft(act, id) => Heard::Stepped(act, id, Given::Typed(data.typed())),
        Control::Token(token) => {
            let filled = data.typed().into_iter().filter(|(_, text)| !text.is_empty());
            let values = filled.map(|(name, text)| (name, Value::String(text))).collect();
            Heard::Sent(Intent::Submit { token, values })
        }
        Control::Say(_) => Heard::Unknown("unknown form"),
    }
}

fn sender(user: &User) -> Sender {
    Sender { id: user.id.to_string(), name: user.username.clone() }
}

/// An interaction as an event; nothing if it does not say who did it and where.
pub fn event(interaction: &Interaction, intent: Intent, at: Millis) -> Option<Event> {
    let person = sender(interaction.person()?);
    let place = interaction.channel_id.as_ref()?.to_string();
    let ticket = Ticket::Interaction {
        application: interaction.application_id.to_string(),
        token: interaction.token.clone(),
        on_message: interaction.message.is_some(),
    };
    let reply_to = interaction.message.as_ref().map(|message| {
        let channel = message.channel_id.as_ref().map_or(place.as_str(), Id::as_str);
        format!("{channel}:{}", message.id)
    });
    Some(Event {
        id: interaction.id.to_string(),
        platform: PlatformName::Discord,
        person,
        place,
        thread: None,
        reply_to,
        at,
        intent,
        answer_to: json!(ticket),
    })
}

/// A message as an event: one that begins by mentioning `me`, or that nobody else reads. Others are nothing to us: those of
/// programs, so that there is never a loop, and replies that mention nobody in so many words.
pub fn said(message: &Message, me: &str, at: Millis) -> Result<Event, &'static str> {
    if message.author.bot || message.webhook_id.is_some() || message.author.id.as_str() == me {
        return Err("program");
    }
    // 0 is an ordinary message, 19 a reply; all else tells of something that happened.
    if !matches!(message.kind, 0 | 19) {
        return Err("no message");
    }
    let private = message.guild_id.is_none();
    let content = message.content.trim();
    let mention = [format!("<@{me}>"), format!("<@!{me}>")].into_iter().find_map(|m| content.strip_prefix(m.as_str()));
    let words = match mention {
        Some(words) => words.trim().trim_start_matches([',', ':']).trim_start(),
        None if private => content,
        None => return Err("not mentioned"),
    };
    let ticket = Ticket::Message { channel: message.channel_id.to_string(), message: message.id.to_string(), private };
    Ok(Event {
        id: message.id.to_string(),
        platform: PlatformName::Discord,
        person: sender(&message.author),
        place: message.channel_id.to_string(),
        thread: None,
        reply_to: None,
        at,
        intent: Intent::Say { words: words.to_owned() },
        answer_to: json!(ticket),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(kind: u8, data: Value) -> Heard {
        let payload = json!({
            "id": "1", "application_id": "9", "type": kind, "token": "t", "channel_id": "5",
            "user": {"id": "42", "username": "ada"}, "data": data,
        });
        let interaction = serde_json::from_value(payload).expect("an interaction");
        hear(&interaction, &Names::default())
    }

    #[test]
    fn commands_with_native_options() {
        let options = json!([{"name": "create", "type": 1, "options": [
            {"name": "name", "type": 3, "value": "orders"},
            {"name": "owner", "type": 6, "value": "43"},
            {"name": "dry-run", "type": 5, "value": true},
        ]}]);
        let input = BTreeMap::from([("name".into(), json!("orders")), ("owner".into(), json!("discord:43"))]);
        let invoked = Intent::Invoke { command: "db create".into(), input, dry_run: true };
        assert_eq!(heard(2, json!({"name": "db", "type": 1, "options": options})), Heard::Did(invoked));
    }

    #[test]
    fn lines_and_messages() {
        let options = json!([{"name": "line", "type": 3, "value": "db create orders"}]);
        let said = |words: &str| Heard::Did(Intent::Say { words: words.into() });
        assert_eq!(heard(2, json!({"name": "stationmaster", "type": 1, "options": options})), said("db create orders"));
        let resolved = json!({"messages": {"77": {"content": "I need\n a   database"}}});
        let found = json!({"name": "Find a command", "type": 3, "target_id": "77", "resolved": resolved});
        assert_eq!(heard(2, found), said("/help I need a database"));
    }

    #[test]
    fn typing_into_an_option() {
        let options = json!([{"name": "create", "type": 1, "options": [
            {"name": "environment", "type": 3, "value": "dev"},
            {"name": "size", "type": 3, "value": "sm", "focused": true},
        ]}]);
        let Heard::Typing(Intent::Suggest { token, typed, values }) =
            heard(4, json!({"name": "db", "type": 1, "options": options}))
        else {
            panic!("not typing");
        };
        assert_eq!((token.to_string().as_str(), typed.as_str()), ("field:db create:size", "sm"));
        assert_eq!(values, BTreeMap::from([("environment".to_owned(), json!("dev"))]));
    }

    #[test]
    fn buttons_selects_and_modals() {
        let press = Heard::Did(Intent::Press { token: Token::new("cancel", "req_1") });
        assert_eq!(heard(3, json!({"custom_id": "cancel:req_1", "component_type": 2})), press);
        assert_eq!(heard(3, json!({"custom_id": "~ask:/help ", "component_type": 2})), Heard::Wants("/help ".into()));
        let chosen = Heard::Stepped(Act::Choose(2), "d1".into(), Given::Chosen(vec!["43".into()]));
        assert_eq!(heard(3, json!({"custom_id": "~choose:2:d1", "component_type": 5, "values": ["43"]})), chosen);
        let row = |name: &str, value: &str| json!([{"type": 1, "components": [{"type": 4, "custom_id": name, "value": value}]}]);
        let said = Heard::Did(Intent::Say { words: "/help a database".into() });
        assert_eq!(heard(5, json!({"custom_id": "~ask:/help ", "components": row("words", " a database ")})), said);
        let sent = Intent::Submit { token: Token::new("run", "db drop"), values: BTreeMap::new() };
        assert_eq!(heard(5, json!({"custom_id": "run:db drop", "components": row("name", "")})), Heard::Sent(sent));
    }

    #[test]
    fn a9_what_is_unknown_is_nothing() {
        assert_eq!(heard(9, json!({})), Heard::Unknown("unknown interaction"));
        assert_eq!(heard(2, Value::Null), Heard::Unknown("no data"));
        assert_eq!(heard(2, json!({"name": "x", "type": 2})), Heard::Unknown("unknown command"));
    }

    fn message(change: Value) -> Result<Event, &'static str> {
        let mut payload = json!({
            "id": "8", "channel_id": "5", "guild_id": "7", "type": 0, "content": "<@9> db create orders",
            "author": {"id": "42", "username": "ada"},
        });
        payload.as_object_mut().expect("an object").extend(change.as_object().expect("an object").clone());
        said(&serde_json::from_value(payload).expect("a message"), "9", 1)
    }

    #[test]
    fn mentions_and_direct_messages_are_said() {
        let words = |event: Result<Event, _>| match event.map(|event| event.intent) {
            Ok(Intent::Say { words }) => words,
            other => panic!("{other:?}"),
        };
        assert_eq!(words(message(json!({}))), "db create orders");
        assert_eq!(words(message(json!({"content": "<@!9>, help"}))), "help");
        assert_eq!(words(message(json!({"content": "help", "guild_id": null}))), "help");
    }

    #[test]
    fn f25_programs_are_not_heard() {
        let bot = json!({"author": {"id": "43", "username": "other", "bot": true}});
        assert_eq!(message(bot).err(), Some("program"));
        assert_eq!(message(json!({"webhook_id": "3"})).err(), Some("program"));
        assert_eq!(message(json!({"author": {"id": "9", "username": "me"}})).err(), Some("program"));
        assert_eq!(message(json!({"content": "thanks", "type": 19})).err(), Some("not mentioned"));
        assert_eq!(message(json!({"type": 7})).err(), Some("no message"));
    }
}
