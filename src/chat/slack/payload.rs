//! What Slack sends, as far as it is needed; all else is not even looked at.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// A slash command: the fields of a form, or the same as JSON over a socket.
#[derive(Debug, Deserialize)]
pub struct Command {
    /// `/db`
    pub command: String,
    /// What was typed after it.
    #[serde(default)]
    pub text: String,
    /// Who typed it.
    pub user_id: String,
    /// The person's handle.
    #[serde(default)]
    pub user_name: String,
    /// Where.
    pub channel_id: String,
    /// Where an answer may be sent to.
    pub response_url: Option<String>,
    /// By what a form may be opened; also the delivery's id.
    pub trigger_id: String,
    /// Of whom.
    pub team_id: Option<String>,
    /// Of whom, in a grid.
    pub enterprise_id: Option<String>,
    /// For which app.
    pub api_app_id: Option<String>,
}

/// A press, a shortcut, a form that was sent, or a question for proposals.
#[derive(Debug, Deserialize)]
pub struct Interaction {
    /// Which of them.
    #[serde(rename = "type")]
    pub kind: String,
    /// Who did it.
    pub user: User,
    /// Of whom.
    pub team: Option<Id>,
    /// Of whom, in a grid.
    pub enterprise: Option<Id>,
    /// For which app.
    pub api_app_id: Option<String>,
    /// By what a form may be opened; also the delivery's id.
    pub trigger_id: Option<String>,
    /// Where an answer may be sent to.
    pub response_url: Option<String>,
    /// What a shortcut is called.
    pub callback_id: Option<String>,
    /// What was pressed.
    pub actions: Option<Vec<Action>>,
    /// Where it was pressed.
    pub container: Option<Container>,
    /// In which conversation.
    pub channel: Option<Id>,
    /// The message that a shortcut was used on.
    pub message: Option<Message>,
    /// The modal or home it happened in.
    pub view: Option<View>,
    /// The select that asks for proposals.
    pub action_id: Option<String>,
    /// What is typed into it.
    pub value: Option<String>,
}

/// Something with an id.
#[derive(Debug, Deserialize)]
pub struct Id {
    /// The id.
    pub id: String,
}

/// A person.
#[derive(Debug, Deserialize)]
pub struct User {
    /// The id.
    pub id: String,
    /// The handle, where it is said.
    pub name: Option<String>,
    /// The same, in other payloads.
    pub username: Option<String>,
    /// The workspace of the person.
    pub team_id: Option<String>,
}

/// A button that was pressed.
#[derive(Debug, Deserialize)]
pub struct Action {
    /// What it is.
    pub action_id: String,
    /// What it carries.
    pub value: Option<String>,
}

/// Where a button is.
#[derive(Debug, Deserialize)]
pub struct Container {
    /// The conversation.
    pub channel_id: Option<String>,
    /// The message.
    pub message_ts: Option<String>,
    /// The thread of the message.
    pub thread_ts: Option<String>,
    /// Whether only the presser sees it.
    pub is_ephemeral: Option<bool>,
}

/// A message.
#[derive(Debug, Deserialize)]
pub struct Message {
    /// What it says.
    pub text: Option<String>,
    /// The thread it is in.
    pub thread_ts: Option<String>,
}

/// A modal or home.
#[derive(Debug, Deserialize)]
pub struct View {
    /// Its id.
    pub id: String,
    /// `modal` or `home`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What we wrote on its back.
    #[serde(default)]
    pub private_metadata: String,
    /// What is filled in.
    pub state: Option<State>,
    /// Its blocks, of which only the ids matter.
    #[serde(default)]
    pub blocks: Vec<Block>,
}

/// What is filled in: by block, then by element.
#[derive(Debug, Default, Deserialize)]
pub struct State {
    /// The elements' values.
    pub values: BTreeMap<String, BTreeMap<String, Value>>,
}

/// A block of a view.
#[derive(Debug, Deserialize)]
pub struct Block {
    /// Its id.
    pub block_id: Option<String>,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: String,
}

/// An event that was subscribed to.
#[derive(Debug, Deserialize)]
pub struct Callback {
    /// `event_callback`, `url_verification`, …
    #[serde(rename = "type")]
    pub kind: String,
    /// What `url_verification` wants back.
    pub challenge: Option<String>,
    /// Of whom.
    pub team_id: Option<String>,
    /// Of whom, in a grid.
    pub enterprise_id: Option<String>,
    /// For which app.
    pub api_app_id: Option<String>,
    /// The delivery's id, the same when it is delivered again.
    pub event_id: Option<String>,
    /// What happened.
    pub event: Option<Happening>,
}

/// What happened.
#[derive(Debug, Deserialize)]
pub struct Happening {
    /// `message`, `app_mention`, …
    #[serde(rename = "type")]
    pub kind: String,
    /// Who did it: an id; in `user_change` the whole profile.
    pub user: Option<Value>,
    /// What was said.
    pub text: Option<String>,
    /// Where.
    pub channel: Option<Value>,
    /// `im` in a direct conversation.
    pub channel_type: Option<String>,
    /// The thread.
    pub thread_ts: Option<String>,
    /// Set for all that is no plain message of a person.
    pub subtype: Option<String>,
    /// Set if a bot said it.
    pub bot_id: Option<String>,
    /// Which tab of the app was opened.
    pub tab: Option<String>,
}
