//! Slack's methods for messages, and what it takes at response URLs.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::file;
use super::method::{Given, Outcome, Refusal, channel_for};
use super::rule;
use super::workspace::{BOT_USER, Message, Workspace};

/// The most characters of `text` in `chat.update`, and in `chat.postMessage`.
const UPDATE: usize = 4_000;
const POST: usize = 40_000;

/// What a message is to say, checked.
struct Content {
    text: String,
    blocks: Value,
    metadata: Value,
}

/// Reads and checks what a message is to say. `surface` is the method's name, for what is noted.
fn content(workspace: &mut Workspace, given: &Given, surface: &str) -> Result<Content, Refusal> {
    let refused = |workspace: &mut Workspace, error: &str, messages: &[String]| {
        workspace.breach(format!("{surface}: {error}: {}", messages.join("; ")));
        Refusal::because(error, messages)
    };
    let text = given.text("text").unwrap_or_default().to_owned();
    let blocks = given.structure("blocks")?;
    let metadata = given.structure("metadata")?;
    if text.is_empty() && blocks.as_array().is_none_or(Vec::is_empty) {
        return Err(refused(workspace, "no_text", &[]));
    }
    if !blocks.is_null() {
        let wrong = rule::message(&blocks);
        if !wrong.is_empty() {
            return Err(refused(workspace, "invalid_blocks", &wrong));
        }
    }
    let is_posted = surface.starts_with("chat.");
    if is_posted && rule::is_too_long(&blocks) {
        return Err(refused(workspace, "msg_blocks_too_long", &[]));
    }
    if text.chars().count() > if surface == "chat.update" { UPDATE } else { POST } {
        return Err(refused(workspace, "msg_too_long", &[]));
    }
    let is_named = metadata["event_type"].is_string() && metadata["event_payload"].is_object();
    if !metadata.is_null() && !is_named {
        return Err(refused(workspace, "invalid_metadata_format", &[]));
    }
    file::look(workspace, &blocks, is_posted)?;
    look(workspace, given, surface);
    let blocks = if blocks.is_null() { json!([]) } else { with_ids(workspace, blocks) };
    Ok(Content { text, blocks, metadata })
}

/// Notes what Slack takes and a careful app does not do.
fn look(workspace: &mut Workspace, given: &Given, surface: &str) {
    let mut careless = Vec::new();
    if given.text("text").is_none() {
        careless.push("no text for notifications and screen readers");
    }
    let is_off = |name: &str| given.args.get(name).is_some_and(|value| *value == false || value == "false");
    let unfurls = !is_off("unfurl_links") || !is_off("unfurl_media");
    if surface == "chat.postMessage" && unfurls {
        careless.push("links would be unfurled");
    }
    if given.is_on("link_names") || given.text("parse") == Some("full") {
        careless.push("names and addresses would become links");
    }
    for what in careless {
        workspace.breach(format!("{surface}: {what}"));
    }
}

fn with_ids(workspace: &mut Workspace, blocks: Value) -> Value {
    rule::with_ids(json!({ "blocks": blocks }), || workspace.next())["blocks"].take()
}

/// The conversation that is written to, by its id or by a person's.
fn target(workspace: &mut Workspace, given: &Given) -> Result<String, Refusal> {
    let id = given.needed("channel")?.to_owned();
    if workspace.person(&id).is_some_and(|person| !person.bot) {
        return Ok(workspace.direct(&id));
    }
    let channel = channel_for(workspace, given, "")?;
    if channel.archived {
        return Err(Refusal::new("is_archived"));
    }
    // A public channel may be written to from outside by who has the scope for it.
    if !channel.members.contains(BOT_USER) && !workspace.granted.contains("chat:write.public") {
        return Err(Refusal::new("not_in_channel"));
    }
    let others = channel.members.iter().filter(|id| *id != BOT_USER);
    if channel.is_direct() && others.filter_map(|id| workspace.person(id)).all(|person| person.deactivated) {
        return Err(Refusal::new("user_not_found"));
    }
    Ok(channel.id.clone())
}

/// Puts a message where it belongs; gives its time stamp.
fn put(workspace: &mut Workspace, (channel, thread): (String, Option<String>), content: Content) -> &mut Message {
    let (ts, order) = (workspace.stamp(), workspace.next());
    workspace.messages.push(Message {
        channel,
        ts,
        thread,
        author: BOT_USER.into(),
        text: content.text,
        blocks: content.blocks,
        metadata: content.metadata,
        only: None,
        edits: 0,
        order,
        read_by: BTreeSet::new(),
    });
    workspace.messages.last_mut().expect("it was just put there")
}

fn thread(workspace: &Workspace, given: &Given, channel: &str) -> Result<Option<String>, Refusal> {
    let Some(ts) = given.text("thread_ts") else { return Ok(None) };
    let exists = workspace.messages.iter().any(|message| message.channel == channel && message.ts == ts);
    if exists { Ok(Some(ts.to_owned())) } else { Err(Refusal::new("thread_not_found")) }
}

/// `chat.postMessage`
pub fn post(workspace: &mut Workspace, given: &Given) -> Outcome {
    let channel = target(workspace, given)?;
    let thread = thread(workspace, given, &channel)?;
    let content = content(workspace, given, "chat.postMessage")?;
    let message = put(workspace, (channel, thread), content);
    Ok(json!({ "channel": message.channel, "ts": message.ts, "message": message.to_json() }))
}

/// `chat.postEphemeral`
pub fn post_ephemeral(workspace: &mut Workspace, given: &Given) -> Outcome {
    let channel = target(workspace, given)?;
    let user = given.needed("user")?.to_owned();
    if !workspace.channel(&channel).is_some_and(|channel| channel.members.contains(&user)) {
        return Err(Refusal::new("user_not_in_channel"));
    }
    let thread = thread(workspace, given, &channel)?;
    let content = content(workspace, given, "chat.postEphemeral")?;
    let message = put(workspace, (channel, thread), content);
    message.only = Some(user);
    Ok(json!({ "message_ts": message.ts }))
}

/// The app's own message that a method is about.
fn own<'a>(workspace: &'a mut Workspace, given: &Given) -> Result<&'a mut Message, Refusal> {
    let channel = target(workspace, given)?;
    let ts = given.needed("ts")?;
    let message = workspace.message_mut(&channel, ts).filter(|message| message.only.is_none());
    let message = message.ok_or_else(|| Refusal::new("message_not_found"))?;
    if message.author == BOT_USER { Ok(message) } else { Err(Refusal::new("cant_update_message")) }
}

/// `chat.update`
pub fn update(workspace: &mut Workspace, given: &Given) -> Outcome {
    own(workspace, given)?;
    let content = content(workspace, given, "chat.update")?;
    let message = own(workspace, given)?;
    replace(message, content);
    Ok(json!({ "channel": message.channel, "ts": message.ts, "text": message.text, "message": message.to_json() }))
}

/// Gives a message other words; who has read it has not read these.
fn replace(message: &mut Message, content: Content) {
    message.edits += 1;
    if said(&message.blocks) != said(&content.blocks) || message.text != content.text {
        message.read_by.clear();
    }
    (message.text, message.blocks) = (content.text, content.blocks);
    if !content.metadata.is_null() {
        message.metadata = content.metadata;
    }
}

/// Blocks without the ids that differ in every version.
fn said(blocks: &Value) -> Value {
    match blocks {
        Value::Array(items) => items.iter().map(said).collect(),
        Value::Object(object) => {
            let kept = object.iter().filter(|(key, _)| !["block_id", "action_id"].contains(&key.as_str()));
            Value::Object(kept.map(|(key, value)| (key.clone(), said(value))).collect())
        }
        other => other.clone(),
    }
}

/// `chat.delete`
pub fn delete(workspace: &mut Workspace, given: &Given) -> Outcome {
    let (channel, ts) = own(workspace, given).map(|message| (message.channel.clone(), message.ts.clone()))?;
    workspace.messages.retain(|message| message.ts != ts);
    Ok(json!({ "channel": channel, "ts": ts }))
}

/// `chat.getPermalink`
pub fn permalink(workspace: &mut Workspace, given: &Given) -> Outcome {
    let (channel, ts) = (given.needed("channel")?, given.needed("message_ts")?);
    let link = format!("http://{}/archives/{channel}/p{}", workspace.host, ts.replace('.', ""));
    Ok(json!({ "channel": channel, "permalink": link }))
}

/// `conversations.history`
pub fn history(workspace: &mut Workspace, given: &Given) -> Outcome {
    list(workspace, given, |message| message.thread.is_none())
}

/// `conversations.replies`
pub fn replies(workspace: &mut Workspace, given: &Given) -> Outcome {
    let ts = given.needed("ts")?.to_owned();
    if !workspace.messages.iter().any(|message| message.ts == ts) {
        return Err(Refusal::new("thread_not_found"));
    }
    list(workspace, given, |message| message.ts == ts || message.thread.as_ref() == Some(&ts))
}

fn list(workspace: &mut Workspace, given: &Given, wanted: impl Fn(&Message) -> bool) -> Outcome {
    let channel = channel_for(workspace, given, "history")?;
    if !channel.members.contains(BOT_USER) {
        return Err(Refusal::new("not_in_channel"));
    }
    let bound = |name: &str| given.text(name).and_then(|text| text.parse::<f64>().ok());
    let (oldest, latest) = (bound("oldest").unwrap_or(0.0), bound("latest").unwrap_or(f64::MAX));
    let is_within = |message: &&Message| message.ts.parse().is_ok_and(|ts: f64| oldest <= ts && ts <= latest);
    let shown =
        workspace.messages.iter().rev().filter(|message| message.channel == channel.id && message.only.is_none());
    let with_metadata = given.is_on("include_all_metadata");
    let told = |message: &Message| {
        let mut told = message.to_json();
        if with_metadata && !message.metadata.is_null() {
            told["metadata"] = message.metadata.clone();
        }
        told
    };
    let messages: Vec<Value> = shown.filter(|message| wanted(message)).filter(is_within).map(told).collect();
    Ok(json!({ "messages": messages, "has_more": false }))
}

/// What the app sent to a response URL; gives the status and what is answered.
pub fn respond(workspace: &mut Workspace, path: &str, args: Map<String, Value>) -> (u16, Value) {
    let hook = match workspace.use_hook(path) {
        Ok(hook) => hook,
        Err(error) => {
            workspace.breach(format!("a response URL was called in vain: {error}"));
            return (404, json!({ "ok": false, "error": error }));
        }
    };
    let (channel, person, source) = (hook.channel.clone(), hook.person.clone(), hook.message.clone());
    let given = Given { args, token: String::new() };
    if given.is_on("delete_original") {
        workspace.messages.retain(|message| Some(&message.ts) != source.as_ref());
        return (200, json!({ "ok": true }));
    }
    let content = match content(workspace, &given, "response_url") {
        Ok(content) => content,
        Err(refusal) => return (400, json!({ "ok": false, "error": refusal.error })),
    };
    let replaced = source.filter(|_| given.is_on("replace_original"));
    if let Some(message) = replaced.and_then(|ts| workspace.message_mut(&channel, &ts)) {
        replace(message, content);
        return (200, json!({ "ok": true }));
    }
    answer(workspace, (&channel, &person), given, content);
    (200, json!({ "ok": true }))
}

/// Shows what answers a command or interaction, to its sender alone unless it says otherwise.
fn answer(workspace: &mut Workspace, (channel, person): (&str, &str), given: Given, content: Content) {
    let thread = given.text("thread_ts").map(str::to_owned);
    let is_public = given.text("response_type") == Some("in_channel");
    let message = put(workspace, (channel.to_owned(), thread), content);
    message.only = (!is_public).then(|| person.to_owned());
}

/// What the acknowledgement of a slash command says at once.
pub fn answer_command(workspace: &mut Workspace, (channel, person): (&str, &str), ack: &Value) {
    let args = match ack {
        Value::Object(args) if !args.is_empty() => args.clone(),
        Value::String(text) if !text.is_empty() => Map::from_iter([("text".to_owned(), text.as_str().into())]),
        _ => return,
    };
    let given = Given { args, token: String::new() };
    if let Ok(content) = content(workspace, &given, "the answer to a command") {
        answer(workspace, (channel, person), given, content);
    }
}

/// What Slack itself tells somebody when the app does not answer.
pub fn apologise(workspace: &mut Workspace, (channel, person): (&str, &str), why: &str) {
    let content = Content { text: why.to_owned(), blocks: json!([]), metadata: Value::Null };
    put(workspace, (channel.to_owned(), None), content).only = Some(person.to_owned());
}
