//! Slack's Web API, as far as an app like this one uses it: what each method checks, does and answers.

use serde_json::{Map, Value, json};

use super::workspace::{APP, APP_TOKEN, BOT, BOT_TOKEN, BOT_USER, TEAM, Workspace};
use super::{file, message, view};

/// What a method was given.
pub struct Given {
    pub args: Map<String, Value>,
    /// The token that it was called with.
    pub token: String,
}

/// `"ok": false`.
#[derive(Debug)]
pub struct Refusal {
    pub error: String,
    pub more: Value,
}

pub type Outcome = Result<Value, Refusal>;

type Method = fn(&mut Workspace, &Given) -> Outcome;

/// The methods: their names, the scope that each needs, whether they read JSON (those that only read do not), and what
/// they do.
const METHODS: [(&str, &str, bool, Method); 27] = [
    ("apps.connections.open", "connections:write", true, connections_open),
    ("auth.test", "", true, auth_test),
    ("bots.info", "users:read", false, bots_info),
    ("chat.delete", "chat:write", true, message::delete),
    ("chat.getPermalink", "", false, message::permalink),
    ("chat.postEphemeral", "chat:write", true, message::post_ephemeral),
    ("chat.postMessage", "chat:write", true, message::post),
    ("chat.update", "chat:write", true, message::update),
    ("conversations.history", "", false, message::history),
    ("conversations.info", "", false, conversations_info),
    ("conversations.join", "channels:join", true, conversations_join),
    ("conversations.list", "channels:read", false, conversations_list),
    ("conversations.members", "", false, conversations_members),
    ("conversations.open", "im:write", true, conversations_open),
    ("conversations.replies", "", false, message::replies),
    ("files.completeUploadExternal", "files:write", true, file::complete),
    ("files.getUploadURLExternal", "files:write", false, file::get_upload_url),
    ("team.info", "team:read", false, team_info),
    ("usergroups.list", "usergroups:read", false, usergroups_list),
    ("usergroups.users.list", "usergroups:read", false, usergroups_users),
    ("users.conversations", "channels:read", false, conversations_list),
    ("users.info", "users:read", false, users_info),
    ("users.list", "users:read", false, users_list),
    ("views.open", "", true, view::open),
    ("views.publish", "", true, view::publish),
    ("views.push", "", true, view::push),
    ("views.update", "", true, view::update),
];

impl Refusal {
    pub fn new(error: impl Into<String>) -> Self {
        Self { error: error.into(), more: json!({}) }
    }

    /// A refusal that says what is wrong with what was sent.
    pub fn because(error: &str, messages: &[String]) -> Self {
        let messages: Vec<String> = messages.iter().map(|message| format!("[ERROR] {message}")).collect();
        Self { error: error.into(), more: json!({ "response_metadata": { "messages": messages } }) }
    }

    fn missing_scope(needed: &str, workspace: &Workspace) -> Self {
        let provided = workspace.granted.iter().map(String::as_str).collect::<Vec<_>>().join(",");
        Self { error: "missing_scope".into(), more: json!({ "needed": needed, "provided": provided }) }
    }
}

impl Given {
    /// A text that was given.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.args.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    /// A text that must be given.
    pub fn needed(&self, name: &str) -> Result<&str, Refusal> {
        let missing = || Refusal::because("invalid_arguments", &[format!("missing required field: {name}")]);
        self.text(name).ok_or_else(missing)
    }

    /// A structure that was given, as JSON or as text that is JSON.
    pub fn structure(&self, name: &str) -> Result<Value, Refusal> {
        match self.args.get(name) {
            Some(Value::String(text)) => {
                serde_json::from_str(text).map_err(|_| Refusal::new(format!("invalid_{name}")))
            }
            Some(value) => Ok(value.clone()),
            None => Ok(Value::Null),
        }
    }

    /// Whether something was switched on.
    pub fn is_on(&self, name: &str) -> bool {
        self.args.get(name).is_some_and(|value| *value == true || value == "true" || value == "1")
    }
}

/// Calls a method by its name. `is_json`: the arguments came as JSON.
pub fn call(workspace: &mut Workspace, name: &str, mut given: Given, is_json: bool) -> Outcome {
    let found = METHODS.iter().find(|(known, ..)| *known == name);
    let Some((_, scope, reads_json, run)) = found else {
        workspace.breach(format!("there is no method {name}"));
        return Err(Refusal::new("unknown_method"));
    };
    if given.token.is_empty() {
        return Err(Refusal::new("not_authed"));
    }
    let is_known = [BOT_TOKEN, APP_TOKEN].contains(&given.token.as_str());
    if !workspace.tokens.contains(&given.token) {
        return Err(Refusal::new(if is_known { "token_revoked" } else { "invalid_auth" }));
    }
    let wants_app = name == "apps.connections.open";
    if name != "auth.test" && wants_app != (given.token == APP_TOKEN) {
        return Err(Refusal::new("not_allowed_token_type"));
    }
    if is_json && !reads_json {
        given.args.clear();
    }
    if !scope.is_empty() && !wants_app {
        need(workspace, scope)?;
    }
    run(workspace, &given)
}

/// Demands a scope that depends on what a method was given.
pub fn need(workspace: &Workspace, scope: &str) -> Result<(), Refusal> {
    if workspace.granted.contains(scope) { Ok(()) } else { Err(Refusal::missing_scope(scope, workspace)) }
}

fn auth_test(workspace: &mut Workspace, given: &Given) -> Outcome {
    if given.token == APP_TOKEN {
        return Ok(json!({ "app_name": "stationmaster", "app_id": APP }));
    }
    let url = format!("http://{}/", workspace.host);
    Ok(json!({
        "url": url, "team": "House", "user": "stationmaster", "team_id": TEAM, "user_id": BOT_USER, "bot_id": BOT,
        "is_enterprise_install": false,
    }))
}

fn bots_info(_: &mut Workspace, given: &Given) -> Outcome {
    if given.text("bot").is_some_and(|bot| bot != BOT) {
        return Err(Refusal::new("bot_not_found"));
    }
    Ok(json!({ "bot": { "id": BOT, "app_id": APP, "user_id": BOT_USER, "name": "stationmaster", "deleted": false } }))
}

fn team_info(_: &mut Workspace, _: &Given) -> Outcome {
    Ok(json!({ "team": { "id": TEAM, "name": "House", "domain": "house" } }))
}

fn connections_open(workspace: &mut Workspace, _: &Given) -> Outcome {
    let ticket = format!("{:032x}", rand::random::<u128>());
    let url = format!("ws://{}/link/?ticket={ticket}&app_id={APP}", workspace.host);
    workspace.tickets.insert(ticket);
    Ok(json!({ "url": url }))
}

/// The conversation that a method is about, if the app may use `right` on it.
pub fn channel_for<'a>(
    workspace: &'a Workspace,
    given: &Given,
    right: &str,
) -> Result<&'a super::workspace::Channel, Refusal> {
    let id = given.needed("channel")?;
    let channel = workspace.channel(id).ok_or_else(|| Refusal::new("channel_not_found"))?;
    let is_member = channel.members.contains(BOT_USER);
    // What is private and not one's own does not exist.
    if !is_member && !channel.id.starts_with('C') {
        return Err(Refusal::new("channel_not_found"));
    }
    let is_direct = channel.is_direct() && right == "read";
    if !right.is_empty() && !is_direct {
        need(workspace, &channel.scope(right))?;
    }
    Ok(channel)
}

fn conversations_info(workspace: &mut Workspace, given: &Given) -> Outcome {
    Ok(json!({ "channel": channel_for(workspace, given, "read")?.to_json() }))
}

fn conversations_join(workspace: &mut Workspace, given: &Given) -> Outcome {
    let id = channel_for(workspace, given, "")?.id.clone();
    let channel = workspace.channel_mut(&id);
    if channel.archived {
        return Err(Refusal::new("is_archived"));
    }
    channel.members.insert(BOT_USER.into());
    Ok(json!({ "channel": channel.to_json() }))
}

fn conversations_list(workspace: &mut Workspace, _: &Given) -> Outcome {
    let is_seen =
        |channel: &&super::workspace::Channel| channel.id.starts_with('C') || channel.members.contains(BOT_USER);
    let channels: Vec<Value> = workspace.channels.iter().filter(is_seen).map(|channel| channel.to_json()).collect();
    Ok(json!({ "channels": channels, "response_metadata": { "next_cursor": "" } }))
}

fn conversations_members(workspace: &mut Workspace, given: &Given) -> Outcome {
    let channel = channel_for(workspace, given, "read")?;
    Ok(json!({ "members": channel.members, "response_metadata": { "next_cursor": "" } }))
}

fn conversations_open(workspace: &mut Workspace, given: &Given) -> Outcome {
    let users = given.needed("users")?;
    let person = workspace.person(users).ok_or_else(|| Refusal::new("user_not_found"))?;
    if person.bot {
        return Err(Refusal::new("cannot_dm_bot"));
    }
    if person.deactivated {
        return Err(Refusal::new("user_disabled"));
    }
    let id = workspace.direct(users);
    Ok(json!({ "channel": { "id": id }, "no_op": true, "already_open": true }))
}

fn told_person(person: &super::workspace::Person) -> Value {
    json!({
        "id": person.id,
        "team_id": person.team,
        "name": person.name,
        "real_name": person.name,
        "profile": { "display_name": person.name, "real_name": person.name, "team": person.team },
        "deleted": person.deactivated,
        "is_bot": person.bot,
        "is_restricted": person.guest,
        "is_ultra_restricted": false,
        "is_stranger": person.team != TEAM,
        "is_app_user": false,
        "tz": "Europe/Berlin",
    })
}

fn users_info(workspace: &mut Workspace, given: &Given) -> Outcome {
    let person = workspace.person(given.needed("user")?).ok_or_else(|| Refusal::new("user_not_found"))?;
    Ok(json!({ "user": told_person(person) }))
}

fn users_list(workspace: &mut Workspace, _: &Given) -> Outcome {
    let members: Vec<Value> = workspace.people.iter().map(told_person).collect();
    Ok(json!({ "members": members, "response_metadata": { "next_cursor": "" } }))
}

fn usergroups_list(workspace: &mut Workspace, given: &Given) -> Outcome {
    let with_users = given.is_on("include_users");
    let told = |(id, handle, users): &(String, String, Vec<String>)| {
        let mut group = json!({ "id": id, "team_id": TEAM, "handle": handle, "name": handle, "date_delete": 0 });
        if with_users {
            group["users"] = json!(users);
        }
        group
    };
    let groups: Vec<Value> = workspace.groups.iter().map(told).collect();
    Ok(json!({ "usergroups": groups }))
}

fn usergroups_users(workspace: &mut Workspace, given: &Given) -> Outcome {
    let id = given.needed("usergroup")?;
    let group =
        workspace.groups.iter().find(|(known, ..)| known == id).ok_or_else(|| Refusal::new("no_such_subteam"))?;
    Ok(json!({ "users": group.2 }))
}
