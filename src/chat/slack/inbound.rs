//! What Slack sends, as what somebody did.

use serde_json::Value;

use super::Identity;
use super::modal::{self, Back};
use super::outbound::message_id;
use super::payload::{Action, Callback, Command, Happening, Interaction};
use super::way::{DRAFT, Way};
use super::{blocks, typed};
use crate::chat::{Event, Form, Intent, PlatformName, Sender, Token};
use crate::clock::Millis;

/// The command that takes any line.
pub const ANY: &str = "/stationmaster";
/// The shortcut that picks a command.
pub const START: &str = "start";
/// The shortcut that looks for help with a message.
pub const FIND: &str = "find";
/// How much of a message is looked for, in characters.
const SOUGHT: usize = 200;

/// What was heard.
#[derive(Debug)]
pub enum Heard {
    /// Something to keep, and answer later.
    Event(Event),
    /// The same, whose ack can carry words.
    Command(Event),
    /// A form that was sent: what it carries, its back, and the ids of its fields.
    Form(Event, Back, Vec<String>),
    /// Somebody types into a select.
    Proposals(Event),
    /// Somebody wants to complete a line.
    Completion(Way, Form),
    /// Somebody opens a form that was kept.
    Draft(Way, String),
    /// A person has changed.
    Person(String),
    /// Nothing to do, and nothing amiss.
    Fine,
    /// Nothing to do, for this reason, which is counted.
    Ignored(&'static str),
}

/// What is read: who we are, and the time.
pub struct Ear<'a> {
    /// Who we are.
    pub identity: &'a Identity,
    /// When it was received.
    pub at: Millis,
}

impl Ear<'_> {
    /// A slash command.
    pub fn command(&self, command: Command) -> Heard {
        let origin = (command.team_id.as_deref(), command.enterprise_id.as_deref(), command.api_app_id.as_deref());
        if !self.identity.is_ours(origin) {
            return Heard::Ignored("foreign");
        }
        let text = typed::typed(&command.text);
        let words = match (command.command.as_str(), text.trim()) {
            (ANY, "") => "/home".to_owned(),
            (ANY, line) if line.starts_with('/') => line.to_owned(),
            (ANY, line) => format!("/{line}"),
            (name, text) => format!("{name} {text}").trim_end().to_owned(),
        };
        let way = Way {
            user: command.user_id,
            channel: Some(command.channel_id),
            response_url: command.response_url,
            trigger: Some(command.trigger_id.clone()),
            at: self.at,
            ..Way::default()
        };
        Heard::Command(self.event(command.trigger_id, command.user_name, way, Intent::Say { words }))
    }

    /// A press, a shortcut, a form that was sent, a question for proposals.
    pub fn interaction(&self, mut said: Interaction) -> Heard {
        let team = said.team.as_ref().map(|team| team.id.as_str()).or(said.user.team_id.as_deref());
        let enterprise = said.enterprise.as_ref().map(|enterprise| enterprise.id.as_str());
        if !self.identity.is_ours((team, enterprise, said.api_app_id.as_deref())) {
            return Heard::Ignored("foreign");
        }
        match said.kind.as_str() {
            "block_actions" => match said.actions.as_mut().filter(|actions| !actions.is_empty()) {
                Some(actions) => {
                    let action = actions.swap_remove(0);
                    self.pressed(&said, action)
                }
                None => Heard::Ignored("malformed"),
            },
            "block_suggestion" => self.proposals(said),
            "view_submission" => self.sent(said),
            "view_closed" => Heard::Fine,
            "shortcut" | "message_action" => self.shortcut(&said),
            _ => Heard::Ignored("unknown"),
        }
    }

    /// An event that was subscribed to.
    pub fn callback(&self, callback: Callback) -> Heard {
        if callback.kind != "event_callback" {
            return Heard::Ignored("unknown");
        }
        let origin = (callback.team_id.as_deref(), callback.enterprise_id.as_deref(), callback.api_app_id.as_deref());
        if !self.identity.is_ours(origin) {
            return Heard::Ignored("foreign");
        }
        match (callback.event, callback.event_id) {
            (Some(event), Some(id)) => self.happened(id, event),
            _ => Heard::Ignored("malformed"),
        }
    }

    fn happened(&self, id: String, event: Happening) -> Heard {
        let user = event.user.as_ref().and_then(|user| user.as_str().or_else(|| user["id"].as_str()));
        let Some(user) = user.map(str::to_owned) else { return Heard::Ignored("bot") };
        if event.bot_id.is_some() || user == self.identity.user {
            return Heard::Ignored("bot");
        }
        let way = Way {
            user: user.clone(),
            channel: event.channel.as_ref().and_then(Value::as_str).map(str::to_owned),
            thread: event.thread_ts.clone(),
            at: self.at,
            ..Way::default()
        };
        let text = event.text.as_deref().unwrap_or_default();
        let intent = match event.kind.as_str() {
            "user_change" => return Heard::Person(user),
            "app_home_opened" if event.tab.as_deref() == Some("messages") => return Heard::Fine,
            "app_home_opened" => {
                return Heard::Event(self.event(id, String::new(), Way { channel: None, ..way }, Intent::OpenHome));
            }
            "app_mention" if event.subtype.is_none() => Intent::Say { words: self.mentioned(text) },
            "message" if event.subtype.is_some() => return Heard::Ignored("subtype"),
            "message" if event.channel_type.as_deref() == Some("im") => Intent::Say { words: typed::typed(text) },
            "message" => return Heard::Fine,
            _ => return Heard::Ignored("unknown"),
        };
        if way.channel.is_none() {
            return Heard::Ignored("malformed");
        }
        Heard::Event(self.event(id, String::new(), way, intent))
    }

    /// What was said to us, without our name at its beginning.
    fn mentioned(&self, text: &str) -> String {
        let text = text.trim();
        let name = format!("<@{}", self.identity.user);
        let rest = text.strip_prefix(&name).filter(|rest| rest.starts_with(['>', '|']));
        let rest = rest.and_then(|rest| rest.split_once('>')).map_or(text, |(_, rest)| rest);
        typed::typed(rest.trim())
    }

    fn pressed(&self, said: &Interaction, action: Action) -> Heard {
        let (way, message) = self.pressed_where(said);
        let prefix = action.action_id.split(':').next().unwrap_or_default();
        let intent = match (prefix, action.value) {
            (blocks::OPEN, _) => return Heard::Fine,
            // A button that carries nothing is answered as one that no longer does anything.
            (blocks::PRESS, None) => Intent::Press { token: Token::received("") },
            (blocks::PRESS, Some(token)) => match token.strip_prefix(DRAFT).and_then(|rest| rest.strip_prefix(':')) {
                Some(draft) => return Heard::Draft(way, draft.to_owned()),
                None => Intent::Press { token: Token::received(token) },
            },
            (blocks::FILL, Some(line)) if line.ends_with(' ') => {
                return Heard::Completion(way, modal::completion(&line));
            }
            (blocks::FILL, Some(words)) => Intent::Say { words },
            // A select of a form that changes: what it says comes with the form.
            _ if said.view.is_some() => return Heard::Fine,
            _ => return Heard::Ignored("unknown"),
        };
        let Some(id) = said.trigger_id.clone() else { return Heard::Ignored("malformed") };
        let mut event = self.event(id, name(said), way, intent);
        event.reply_to = message;
        Heard::Event(event)
    }

    /// The way back from a button, and its message.
    fn pressed_where(&self, said: &Interaction) -> (Way, Option<String>) {
        let container = said.container.as_ref();
        let view = said.view.as_ref();
        let back = view.map(|view| Back::read(&view.private_metadata)).unwrap_or_default();
        let channel =
            container.and_then(|c| c.channel_id.clone()).or_else(|| said.channel.as_ref().map(|c| c.id.clone()));
        let of_back = Some(back.place).filter(|place| !place.is_empty() && !place.starts_with('@'));
        // A message that only its reader sees cannot be edited by its id.
        let lasting = container.filter(|container| container.is_ephemeral != Some(true));
        let ts = lasting.and_then(|container| container.message_ts.as_deref());
        let message = channel.as_deref().zip(ts).map(|(channel, ts)| message_id(channel, ts));
        let way = Way {
            user: said.user.id.clone(),
            channel: channel.or(of_back),
            thread: container.and_then(|container| container.thread_ts.clone()).or(back.thread),
            response_url: said.response_url.clone(),
            trigger: said.trigger_id.clone(),
            view: view.filter(|view| view.kind == "modal").map(|view| view.id.clone()),
            at: self.at,
        };
        (way, message)
    }

    fn proposals(&self, said: Interaction) -> Heard {
        let (Some(token), Some(view)) = (said.action_id.clone(), &said.view) else {
            return Heard::Ignored("malformed");
        };
        let typed = said.value.clone().unwrap_or_default();
        let values = view.state.as_ref().map(modal::values).unwrap_or_default();
        let intent = Intent::Suggest { token: Token::received(token), typed, values };
        let (way, id) = (self.of_view(&said), view.id.clone());
        Heard::Proposals(self.event(id, name(&said), way, intent))
    }

    fn sent(&self, said: Interaction) -> Heard {
        let Some(view) = &said.view else { return Heard::Ignored("malformed") };
        let back = Back::read(&view.private_metadata);
        if back.token.is_empty() {
            return Heard::Ignored("unknown");
        }
        let values = view.state.as_ref().map(modal::values).unwrap_or_default();
        let intent = Intent::Submit { token: Token::received(&*back.token), values };
        let inputs = view.blocks.iter().filter(|block| block.kind == "input");
        let shown = inputs.filter_map(|block| block.block_id.clone()).collect();
        let event = self.event(view.id.clone(), name(&said), self.of_view(&said), intent);
        Heard::Form(event, back, shown)
    }

    /// The way back from a form, which may be closed by then.
    fn of_view(&self, said: &Interaction) -> Way {
        let (way, _) = self.pressed_where(said);
        Way { view: None, response_url: None, trigger: None, ..way }
    }

    fn shortcut(&self, said: &Interaction) -> Heard {
        let message = said.message.as_ref();
        let intent = match said.callback_id.as_deref() {
            Some(START) => Intent::Press { token: Token::received("start:") },
            Some(FIND) => {
                let text = typed::typed(message.and_then(|message| message.text.as_deref()).unwrap_or_default());
                let sought: String =
                    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(SOUGHT).collect();
                Intent::Say { words: format!("/help {sought}").trim_end().to_owned() }
            }
            _ => return Heard::Ignored("unknown"),
        };
        let Some(id) = said.trigger_id.clone() else { return Heard::Ignored("malformed") };
        let (mut way, _) = self.pressed_where(said);
        way.thread = message.and_then(|message| message.thread_ts.clone());
        Heard::Event(self.event(id, name(said), way, intent))
    }

    fn event(&self, id: String, name: String, way: Way, intent: Intent) -> Event {
        Event {
            id,
            platform: PlatformName::Slack,
            person: Sender { id: way.user.clone(), name },
            place: way.place(),
            thread: way.thread.clone(),
            reply_to: None,
            at: self.at,
            intent,
            // A struct of texts always is JSON.
            answer_to: serde_json::to_value(way).unwrap_or_default(),
        }
    }
}

fn name(said: &Interaction) -> String {
    said.user.name.clone().or_else(|| said.user.username.clone()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn hear(said: impl FnOnce(Ear<'_>) -> Heard) -> Heard {
        let identity = Identity { team: "T1".into(), app: Some("A1".into()), user: "U0".into(), ..Identity::default() };
        said(Ear { identity: &identity, at: 7 })
    }

    fn command(name: &str, text: &str) -> Heard {
        let said = json!({
            "command": name, "text": text, "user_id": "U1", "user_name": "ada", "channel_id": "C1", "team_id": "T1",
            "api_app_id": "A1", "trigger_id": "1.2.x", "response_url": "https://hooks.slack.com/commands/1",
        });
        hear(|ear| ear.command(serde_json::from_value(said).expect("a command")))
    }

    fn interaction(more: Value) -> Heard {
        let base = json!({
            "user": {"id": "U1", "username": "ada", "team_id": "T1"}, "team": {"id": "T1"}, "api_app_id": "A1",
            "trigger_id": "1.2.x",
        });
        let said = super::super::outbound::merged(&base, more);
        hear(|ear| ear.interaction(serde_json::from_value(said).expect("an interaction")))
    }

    fn callback(event: Value) -> Heard {
        let said = json!({
            "type": "event_callback", "team_id": "T1", "api_app_id": "A1", "event_id": "Ev1", "event": event,
        });
        hear(|ear| ear.callback(serde_json::from_value(said).expect("an event")))
    }

    fn event(heard: Heard) -> Event {
        match heard {
            Heard::Event(event) | Heard::Command(event) | Heard::Proposals(event) | Heard::Form(event, ..) => event,
            other => panic!("no event: {other:?}"),
        }
    }

    fn words(heard: Heard) -> String {
        match event(heard).intent {
            Intent::Say { words } => words,
            other => panic!("nothing was said: {other:?}"),
        }
    }

    #[test]
    fn commands_are_lines() {
        assert_eq!(words(command("/db", "create name=a&amp;b owner=<@U2|ben>")), "/db create name=a&b owner=slack:U2");
        assert_eq!(words(command("/db", " ")), "/db");
        assert_eq!(words(command(ANY, "db create orders")), "/db create orders");
        assert_eq!(words(command(ANY, "/db create orders")), "/db create orders");
        assert_eq!(words(command(ANY, "")), "/home");
        let event = event(command("/db", "create"));
        assert_eq!((event.id.as_str(), event.place.as_str(), event.person.name.as_str()), ("1.2.x", "C1", "ada"));
        let way: Way = serde_json::from_value(event.answer_to).expect("a way");
        assert_eq!((way.trigger.as_deref(), way.channel.as_deref(), way.at), (Some("1.2.x"), Some("C1"), 7));
    }

    #[test]
    fn a9_f25_what_is_of_others_or_of_bots_is_ignored() {
        let foreign =
            json!({"command": "/db", "user_id": "U1", "channel_id": "C1", "team_id": "T2", "trigger_id": "1"});
        let foreign = hear(|ear| ear.command(serde_json::from_value(foreign).expect("a command")));
        assert!(matches!(foreign, Heard::Ignored("foreign")), "{foreign:?}");
        let im = |more: Value| {
            let base = json!({"type": "message", "channel": "D1", "channel_type": "im", "user": "U1", "text": "hi"});
            callback(super::super::outbound::merged(&base, more))
        };
        assert_eq!(words(im(json!({}))), "hi");
        for (more, reason) in [
            (json!({"bot_id": "B1"}), "bot"),
            (json!({"user": "U0"}), "bot"),
            (json!({"user": null}), "bot"),
            (json!({"subtype": "message_changed"}), "subtype"),
            (json!({"channel": null}), "malformed"),
            (json!({"type": "reaction_added"}), "unknown"),
        ] {
            let heard = im(more);
            assert!(matches!(heard, Heard::Ignored(why) if why == reason), "{heard:?}");
        }
    }

    #[test]
    fn mentions_are_lines_in_their_thread() {
        let event = |text: &str| {
            event(callback(
                json!({"type": "app_mention", "channel": "C1", "user": "U1", "text": text, "thread_ts": "1.5"}),
            ))
        };
        let heard = event("<@U0> db list &lt;x&gt;");
        assert_eq!(heard.intent, Intent::Say { words: "db list <x>".into() });
        assert_eq!((heard.thread.as_deref(), heard.id.as_str()), (Some("1.5"), "Ev1"));
        assert_eq!(event("<@U0|bot>").intent, Intent::Say { words: String::new() });
        assert_eq!(event("ask <@U01> first").intent, Intent::Say { words: "ask slack:U01 first".into() });
    }

    #[test]
    fn the_home_belongs_to_no_channel() {
        let opened = event(callback(json!({"type": "app_home_opened", "user": "U1", "channel": "D1", "tab": "home"})));
        assert_eq!((&opened.intent, opened.place.as_str()), (&Intent::OpenHome, "@U1"));
        let other = callback(json!({"type": "app_home_opened", "user": "U1", "channel": "D1", "tab": "messages"}));
        assert!(matches!(other, Heard::Fine));
        let changed = callback(json!({"type": "user_change", "user": {"id": "U7"}}));
        assert!(matches!(changed, Heard::Person(id) if id == "U7"));
    }

    fn press(action: Value, more: Value) -> Heard {
        let base = json!({
            "type": "block_actions", "actions": [action], "channel": {"id": "C1"},
            "container": {"type": "message", "channel_id": "C1", "message_ts": "1.7", "thread_ts": "1.5"},
        });
        interaction(super::super::outbound::merged(&base, more))
    }

    #[test]
    fn presses_are_what_their_buttons_carry() {
        let pressed = event(press(json!({"action_id": "press:0", "value": "cancel:req_1"}), json!({})));
        assert_eq!(pressed.intent, Intent::Press { token: Token::received("cancel:req_1") });
        assert_eq!(pressed.reply_to.as_deref(), Some("C1:1.7"));
        assert_eq!((pressed.place.as_str(), pressed.thread.as_deref()), ("C1", Some("1.5")));
        assert_eq!(words(press(json!({"action_id": "fill:1", "value": "/db list"}), json!({}))), "/db list");
        let wanting = press(json!({"action_id": "fill:1", "value": "/help "}), json!({}));
        assert!(matches!(wanting, Heard::Completion(_, form) if form.fields[0].value == Some("/help ".into())));
        let draft = press(json!({"action_id": "press:0", "value": "draft:slack:U1:Ev1"}), json!({}));
        assert!(matches!(draft, Heard::Draft(_, id) if id == "slack:U1:Ev1"));
        assert!(matches!(press(json!({"action_id": "open:0"}), json!({})), Heard::Fine));
        assert!(matches!(press(json!({"action_id": "x"}), json!({})), Heard::Ignored("unknown")));
        assert!(matches!(interaction(json!({"type": "block_actions", "actions": []})), Heard::Ignored("malformed")));
    }

    #[test]
    fn a_press_in_a_modal_is_answered_there() {
        let back = json!({"place": "C9", "thread": "1.5"}).to_string();
        let view = json!({"id": "V1", "type": "modal", "private_metadata": back});
        let base = json!({
            "type": "block_actions", "actions": [{"action_id": "press:0", "value": "x:1"}], "view": view,
            "container": {"type": "view", "view_id": "V1"},
        });
        let pressed = event(interaction(base));
        let way: Way = serde_json::from_value(pressed.answer_to).expect("a way");
        assert_eq!((pressed.place.as_str(), way.view.as_deref(), pressed.reply_to), ("C9", Some("V1"), None));
    }

    #[test]
    fn forms_bring_their_token_values_and_fields() {
        let back = json!({"place": "C9", "token": "run:db create"}).to_string();
        let view = json!({
            "id": "V1", "type": "modal", "private_metadata": back,
            "blocks": [{"type": "input", "block_id": "name"}, {"type": "context", "block_id": "x"}],
            "state": {"values": {"name": {"name": {"type": "plain_text_input", "value": "orders"}}}},
        });
        let Heard::Form(event, back, shown) = interaction(json!({"type": "view_submission", "view": view})) else {
            panic!("a form")
        };
        let values = [("name".to_owned(), json!("orders"))].into();
        assert_eq!(event.intent, Intent::Submit { token: Token::received("run:db create"), values });
        assert_eq!((event.id.as_str(), event.place.as_str()), ("V1", "C9"));
        assert_eq!((back.token.as_str(), shown), ("run:db create", vec!["name".to_owned()]));
        let card = interaction(json!({"type": "view_submission", "view": {"id": "V1", "type": "modal"}}));
        assert!(matches!(card, Heard::Ignored("unknown")));
        assert!(matches!(interaction(json!({"type": "view_closed"})), Heard::Fine));
    }

    #[test]
    fn proposals_are_asked_with_what_is_filled_in() {
        let view = json!({
            "id": "V1", "type": "modal", "private_metadata": json!({"place": "C9"}).to_string(),
            "state": {"values": {"environment": {"environment": {
                "type": "static_select", "selected_option": {"value": "dev"}
            }}}},
        });
        let said =
            json!({"type": "block_suggestion", "action_id": "field:db create:size", "value": "sm", "view": view});
        let asked = event(interaction(said));
        let values = [("environment".to_owned(), json!("dev"))].into();
        let token = Token::received("field:db create:size");
        assert_eq!(asked.intent, Intent::Suggest { token, typed: "sm".into(), values });
    }

    #[test]
    fn shortcuts_begin_something() {
        let begun = event(interaction(json!({"type": "shortcut", "callback_id": START})));
        assert_eq!((begun.intent, begun.place.as_str()), (Intent::Press { token: Token::received("start:") }, "@U1"));
        let text = format!("how do I get a &lt;database&gt;?\n{}", "x".repeat(300));
        let sought = words(interaction(json!({
            "type": "message_action", "callback_id": FIND, "channel": {"id": "C1"}, "message": {"text": text},
        })));
        assert!(sought.starts_with("/help how do I get a <database>? xxx"), "{sought}");
        assert_eq!(sought.chars().count(), "/help ".len() + SOUGHT);
        assert!(matches!(interaction(json!({"type": "shortcut", "callback_id": "x"})), Heard::Ignored("unknown")));
    }
}
