//! What Slack sends of what people do, in Slack's own shapes.

use serde_json::{Value, json};

use super::workspace::{APP, BOT_USER, Message, TEAM, View, Workspace};

/// Legacy: every delivery has it, and nobody should look at it.
const VERIFICATION: &str = "xyzz0WbapA4vBCDEFasx0q6G";

/// What kind of delivery it is: that decides its form and how often it is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Command,
    Interactive,
    Event,
}

/// Something that somebody did.
#[derive(Debug, Clone)]
pub struct Delivery {
    pub kind: Kind,
    pub payload: Value,
    /// Whether the acknowledgement may carry an answer.
    pub answered: bool,
}

/// Where an element is that somebody used.
pub enum Within<'a> {
    Message(&'a Message),
    View(&'a View),
}

fn user(workspace: &Workspace, id: &str) -> Value {
    let person = workspace.person(id).expect("a person");
    json!({ "id": id, "username": person.name, "name": person.name, "team_id": person.team })
}

fn team() -> Value {
    json!({ "id": TEAM, "domain": "house" })
}

/// A slash command: `/db create name=orders`.
pub fn command(workspace: &mut Workspace, (channel, person): (&str, &str), line: &str) -> Delivery {
    let (command, text) = line.split_once(' ').unwrap_or((line, ""));
    let (trigger, hook) = (workspace.trigger(person), workspace.hook((channel, person), None));
    let payload = json!({
        "token": VERIFICATION,
        "team_id": TEAM,
        "team_domain": "house",
        "channel_id": channel,
        "channel_name": workspace.channel(channel).expect("a conversation").name,
        "user_id": person,
        "user_name": workspace.person(person).expect("a person").name,
        "command": command,
        "text": text,
        "api_app_id": APP,
        "is_enterprise_install": "false",
        "response_url": hook,
        "trigger_id": trigger,
    });
    Delivery { kind: Kind::Command, payload, answered: true }
}

fn interactive(workspace: &mut Workspace, person: &str, kind: &str) -> Value {
    json!({
        "type": kind,
        "user": user(workspace, person),
        "api_app_id": APP,
        "token": VERIFICATION,
        "team": team(),
        "enterprise": null,
        "is_enterprise_install": false,
    })
}

/// Somebody used an element: `action` is what it says of itself.
pub fn block_action(workspace: &mut Workspace, person: &str, within: &Within<'_>, action: Value) -> Delivery {
    let mut payload = interactive(workspace, person, "block_actions");
    payload["trigger_id"] = workspace.trigger(person).into();
    match within {
        Within::View(view) => {
            payload["container"] = json!({ "type": "view", "view_id": view.id });
            payload["view"] = view.to_json();
        }
        Within::Message(message) => {
            let is_ephemeral = message.only.is_some();
            let (channel, ts) = (&message.channel, &message.ts);
            payload["container"] = json!({
                "type": "message", "message_ts": ts, "channel_id": channel, "is_ephemeral": is_ephemeral,
            });
            if let Some(thread) = &message.thread {
                payload["container"]["thread_ts"] = thread.as_str().into();
            }
            let name = workspace.channel(channel).expect("a conversation").name.clone();
            payload["channel"] = json!({ "id": channel, "name": name });
            // An ephemeral message is kept nowhere, so it does not come back.
            if !is_ephemeral {
                payload["message"] = message.to_json();
            }
            payload["state"] = json!({ "values": {} });
            payload["response_url"] = workspace.hook((channel, person), Some(ts.clone())).into();
        }
    }
    payload["actions"] = json!([action]);
    Delivery { kind: Kind::Interactive, payload, answered: false }
}

/// Somebody sent a modal.
pub fn submission(workspace: &mut Workspace, view: &View) -> Delivery {
    let mut payload = interactive(workspace, &view.owner, "view_submission");
    payload["trigger_id"] = workspace.trigger(&view.owner).into();
    payload["view"] = view.to_json();
    payload["response_urls"] = json!([]);
    Delivery { kind: Kind::Interactive, payload, answered: true }
}

/// Somebody closed a modal that wants to know.
pub fn closing(workspace: &mut Workspace, view: &View) -> Delivery {
    let mut payload = interactive(workspace, &view.owner, "view_closed");
    payload["view"] = view.to_json();
    payload["is_cleared"] = false.into();
    Delivery { kind: Kind::Interactive, payload, answered: false }
}

/// Somebody types into an external select of a view.
pub fn suggestion(workspace: &mut Workspace, view: &View, (block, action): (&str, &str), typed: &str) -> Delivery {
    let mut payload = interactive(workspace, &view.owner, "block_suggestion");
    payload["container"] = json!({ "type": "view", "view_id": view.id });
    payload["view"] = view.to_json();
    payload["block_id"] = block.into();
    payload["action_id"] = action.into();
    payload["value"] = typed.into();
    Delivery { kind: Kind::Interactive, payload, answered: true }
}

/// Somebody used a global shortcut.
pub fn shortcut(workspace: &mut Workspace, person: &str, callback: &str) -> Delivery {
    let mut payload = interactive(workspace, person, "shortcut");
    payload["callback_id"] = callback.into();
    payload["trigger_id"] = workspace.trigger(person).into();
    payload["action_ts"] = workspace.stamp().into();
    Delivery { kind: Kind::Interactive, payload, answered: false }
}

/// Somebody used a shortcut on a message.
pub fn message_shortcut(workspace: &mut Workspace, person: &str, message: &Message, callback: &str) -> Delivery {
    let mut delivery = shortcut(workspace, person, callback);
    let payload = &mut delivery.payload;
    payload["type"] = "message_action".into();
    payload["message"] = message.to_json();
    payload["message_ts"] = message.ts.as_str().into();
    payload["channel"] = json!({ "id": message.channel, "name": "general" });
    payload["response_url"] = workspace.hook((&message.channel, person), None).into();
    delivery
}

/// An event of the Events API.
pub fn event(workspace: &mut Workspace, event: Value) -> Delivery {
    let count = workspace.next();
    let payload = json!({
        "token": VERIFICATION,
        "team_id": TEAM,
        "context_team_id": TEAM,
        "context_enterprise_id": null,
        "api_app_id": APP,
        "event": event,
        "type": "event_callback",
        "event_id": format!("Ev0{count:08}"),
        "event_time": workspace.now() / 1000,
        "authorizations": [
            { "enterprise_id": null, "team_id": TEAM, "user_id": BOT_USER, "is_bot": true, "is_enterprise_install": false },
        ],
        "is_ext_shared_channel": false,
        "event_context": format!("4-{count}"),
    });
    Delivery { kind: Kind::Event, payload, answered: false }
}

/// Somebody mentions the app.
pub fn mention(workspace: &mut Workspace, (channel, person): (&str, &str), words: &str) -> Delivery {
    let ts = workspace.stamp();
    let mention = json!({
        "type": "app_mention", "user": person, "text": format!("<@{BOT_USER}> {}", escape(words)), "ts": ts,
        "team": TEAM, "channel": channel, "event_ts": ts, "client_msg_id": format!("cm{ts}"), "blocks": [],
    });
    event(workspace, mention)
}

/// Somebody opens the app's home.
pub fn home_opened(workspace: &mut Workspace, person: &str) -> Delivery {
    let (ts, channel) = (workspace.stamp(), workspace.direct(person));
    let home = workspace.views.iter().find(|view| view.owner == person && view.body["type"] == "home");
    let mut opened =
        json!({ "type": "app_home_opened", "user": person, "channel": channel, "tab": "home", "event_ts": ts });
    if let Some(home) = home {
        opened["view"] = home.to_json();
    }
    event(workspace, opened)
}

/// Text as Slack sends what people type.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
