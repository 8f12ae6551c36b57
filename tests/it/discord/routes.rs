//! The calls of Discord's REST API that an application of this kind makes.

use serde_json::{Value, json};

use super::answer::Answer;
use super::attachment;
use super::check::{self, Kind};
use super::interaction;
use super::world::{self, APPLICATION, Author, Channel, GUILD, ROLE, State, name_of, user};

/// A call, taken apart.
pub struct Request<'a> {
    pub method: &'a str,
    /// The parts of the path after `/api/v10`.
    pub path: &'a [&'a str],
    pub query: &'a str,
    pub body: &'a Value,
    /// Whether it carries the bot's token.
    pub authorized: bool,
    /// Where the gateway is.
    pub gateway: &'a str,
    /// The application's public key.
    pub public_key: &'a str,
}

/// Answers a call.
pub fn answer(state: &mut State, request: &Request<'_>) -> Answer {
    let Request { method, path, body, .. } = request;
    // An interaction's token is all that these need.
    let by_token = match (*method, *path) {
        ("GET", ["gateway"]) => Some(Ok(Answer::ok(json!({ "url": request.gateway })))),
        ("POST", ["interactions", id, token, "callback"]) => {
            Some(interaction::respond(state, (id, token), body).map(|()| Answer::empty()))
        }
        ("POST", ["webhooks", APPLICATION, token]) => Some(interaction::follow_up(state, token, body)),
        ("GET" | "PATCH" | "DELETE", ["webhooks", APPLICATION, token, "messages", id]) => {
            Some(interaction::message(state, method, (token, id), body))
        }
        _ => None,
    };
    let answer = match by_token {
        Some(answer) => answer,
        None if !request.authorized || state.revoked => Err(Answer::unauthorized()),
        None => by_bot(state, request),
    };
    answer.unwrap_or_else(|refusal| refusal)
}

fn by_bot(state: &mut State, request: &Request<'_>) -> Result<Answer, Answer> {
    let Request { method, path, body, .. } = request;
    match (*method, *path) {
        ("GET", ["gateway", "bot"]) => Ok(Answer::ok(json!({
            "url": request.gateway, "shards": 1,
            "session_start_limit": { "total": 1000, "remaining": 999, "reset_after": 14_400_000, "max_concurrency": 1 },
        }))),
        ("GET", ["applications" | "oauth2", ..]) if path.ends_with(&["@me"]) => Ok(application(request.public_key)),
        ("GET", ["users", "@me"]) => Ok(Answer::ok(user(APPLICATION, "stationmaster", true))),
        ("GET", ["users", id]) => match name_of(id) {
            Some(name) => Ok(Answer::ok(user(id, name, false))),
            None => Err(Answer::refusal(404, 10013, "Unknown User")),
        },
        ("POST", ["users", "@me", "channels"]) => direct(state, body),
        ("GET", ["guilds", GUILD, "members"]) => members(state, request.query),
        (_, ["guilds", rest @ ..]) => guild(state, (method, rest)),
        (_, ["channels", id, rest @ ..]) => conversation(state, request, (id, rest)),
        (_, ["applications", APPLICATION, "commands"]) => commands(state, (method, ""), body),
        (_, ["applications", APPLICATION, "guilds", GUILD, "commands"]) => commands(state, (method, GUILD), body),
        _ => Err(Answer::refusal(404, 0, "404: Not Found")),
    }
}

fn application(public_key: &str) -> Answer {
    Answer::ok(json!({
        "id": APPLICATION, "name": "stationmaster", "icon": null, "description": "", "bot_public": false,
        "bot_require_code_grant": false, "verify_key": public_key, "flags": 0, "team": null, "summary": "",
        "owner": user("1300000000000000031", "owner", false), "interactions_endpoint_url": null,
    }))
}

fn direct(state: &mut State, body: &Value) -> Result<Answer, Answer> {
    let mistakes = check::mistakes(Kind::Direct, body);
    if !mistakes.is_empty() {
        return Err(Answer::invalid(&mistakes));
    }
    let who = body["recipient_id"].as_str().and_then(name_of);
    let who = who.ok_or_else(|| Answer::refusal(400, 50033, "Invalid Recipient(s)"))?;
    let id = state.direct(who);
    Ok(Answer::ok(world::channel(&id, &state.channels[&id])))
}

fn guild(state: &State, (method, path): (&str, &[&str])) -> Result<Answer, Answer> {
    if method != "GET" || path.first() != Some(&GUILD) {
        return Err(Answer::refusal(404, 10004, "Unknown Guild"));
    }
    let role = |id: &str, name: &str| {
        json!({ "id": id, "name": name, "color": 0, "hoist": false, "position": 1, "permissions": "0", "managed": false,
                "mentionable": false, "flags": 0, "icon": null, "unicode_emoji": null,
                "colors": { "primary_color": 0, "secondary_color": null, "tertiary_color": null } })
    };
    match &path[1..] {
        [] => Ok(Answer::ok(json!({ "id": GUILD, "name": "house", "roles": [role(GUILD, "@everyone")] }))),
        ["roles"] => Ok(Answer::ok(json!([role(GUILD, "@everyone"), role(ROLE, "deciders")]))),
        ["channels"] => {
            let here = state.channels.iter().filter(|(_, channel)| channel.kind == 0);
            Ok(Answer::ok(here.map(|(id, channel)| world::channel(id, channel)).collect()))
        }
        ["members", APPLICATION] => {
            let bot = user(APPLICATION, "stationmaster", true);
            Ok(Answer::ok(json!({ "user": bot, "nick": null, "deaf": false, "mute": false, "roles": [], "flags": 0,
                                  "joined_at": "2024-01-01T00:00:00+00:00" })))
        }
        ["members", id] => match name_of(id).filter(|who| !state.left.contains(*who)) {
            Some(who) => Ok(Answer::ok(world::member(state, who))),
            None => Err(Answer::refusal(404, 10007, "Unknown Member")),
        },
        _ => Err(Answer::refusal(404, 0, "404: Not Found")),
    }
}

/// The members of the server by their ids, a page of them, for those who have the intent for it.
fn members(state: &State, query: &str) -> Result<Answer, Answer> {
    if !state.lists_members {
        return Err(Answer::refusal(403, 50001, "Missing Access"));
    }
    let given = |name: &str| url::form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name);
    let limit = given("limit").map_or(Some(1), |(_, limit)| limit.parse::<usize>().ok());
    let Some(limit) = limit.filter(|limit| (1..=1000).contains(limit)) else {
        let wrong = "int value should be less than or equal to 1000 and at least 1.".to_owned();
        return Err(Answer::invalid(&[("/limit".into(), wrong)]));
    };
    let after = given("after").map_or(Ok(0), |(_, after)| after.parse::<u64>());
    let after = after.map_err(|_| Answer::invalid(&[("/after".into(), "Value is not snowflake.".into())]))?;
    let mut all: Vec<(u64, Value)> = world::PEOPLE
        .iter()
        .filter(|(who, _)| !state.left.contains(*who))
        .map(|(who, id)| (id.parse().expect("ids are numbers"), world::member(state, who)))
        .collect();
    let bot = json!({ "user": user(APPLICATION, "stationmaster", true), "nick": null, "deaf": false, "mute": false,
                      "roles": [], "flags": 0, "joined_at": "2024-01-01T00:00:00+00:00" });
    all.push((APPLICATION.parse().expect("ids are numbers"), bot));
    all.sort_by_key(|(id, _)| *id);
    let page = all.into_iter().filter(|(id, _)| *id > after).take(limit);
    Ok(Answer::ok(page.map(|(_, member)| member).collect()))
}

fn conversation(state: &mut State, request: &Request<'_>, (id, rest): (&str, &[&str])) -> Result<Answer, Answer> {
    let channel = state.channels.get(id).cloned().ok_or_else(Answer::unknown_channel)?;
    if channel.forbidden {
        return Err(match channel.kind {
            1 => Answer::refusal(403, 50007, "Cannot send messages to this user"),
            _ => Answer::refusal(403, 50001, "Missing Access"),
        });
    }
    match (request.method, rest) {
        ("GET", []) => Ok(Answer::ok(world::channel(id, &channel))),
        ("GET", ["messages"]) => Ok(Answer::ok(history(state, id, request.query))),
        ("POST", ["messages"]) => post(state, id, request.body),
        ("POST", ["messages", message, "threads"]) => thread(state, (id, message), request.body),
        ("POST", ["typing"]) => Ok(Answer::empty()),
        (method, ["messages", message]) => one(state, (method, id, message), request.body),
        _ => Err(Answer::refusal(404, 0, "404: Not Found")),
    }
}

/// The last messages of a conversation, newest first; ephemeral ones are not of it.
fn history(state: &State, channel: &str, query: &str) -> Value {
    let given = |name: &str| {
        let mut pairs = url::form_urlencoded::parse(query.as_bytes());
        pairs.find(|(key, _)| key == name).and_then(|(_, value)| value.parse::<u64>().ok())
    };
    let (limit, after, before) = (given("limit").unwrap_or(50), given("after"), given("before"));
    let number = |id: &str| id.parse::<u64>().expect("ids are numbers");
    let mut found: Vec<_> = state.messages.iter().filter(|m| m.channel == channel && !m.is_ephemeral()).collect();
    found.retain(|m| after.is_none_or(|after| number(&m.id) > after));
    found.retain(|m| before.is_none_or(|before| number(&m.id) < before));
    // Those nearest to `after`, else the newest; either way the newest comes first.
    let skip = if after.is_some() { 0 } else { found.len().saturating_sub(limit as usize) };
    found.iter().skip(skip).take(limit as usize).rev().map(|m| world::message(state, m)).collect()
}

fn post(state: &mut State, channel: &str, body: &Value) -> Result<Answer, Answer> {
    let mistakes = check::mistakes(Kind::Create, body);
    if !mistakes.is_empty() {
        return Err(Answer::invalid(&mistakes));
    }
    if check::is_empty(body) {
        return Err(Answer::refusal(400, 50006, "Cannot send an empty message"));
    }
    let nonce = body["nonce"].as_str();
    let same = |message: &&world::Message| message.channel == channel && message.nonce.as_deref() == nonce;
    let enforced = body["enforce_nonce"] == true && nonce.is_some();
    if let Some(known) = state.messages.iter().find(same).filter(|_| enforced) {
        return Ok(Answer::ok(world::message(state, known)));
    }
    let attachments = attach(state, &[], body)?;
    let message = state.write(channel, Author::Bot, body.clone());
    message.attachments = attachments;
    let id = message.id.clone();
    let written = state.messages.iter().find(|message| message.id == id).expect("just written");
    let object = world::message(state, written);
    super::gateway::announce(state, "MESSAGE_CREATE", &in_guild(&object));
    Ok(Answer::ok(object))
}

/// The attachments of a message after a call, if they may be there.
pub fn attach(state: &mut State, had: &[Value], body: &Value) -> Result<Vec<Value>, Answer> {
    if state.no_files && !state.files.is_empty() {
        return Err(Answer::refusal(403, 50013, "Missing Permissions"));
    }
    attachment::after(state, had, body).map_err(|wrong| Answer::invalid(&wrong))
}

/// A message as the gateway tells it.
pub fn in_guild(message: &Value) -> Value {
    let mut event = message.clone();
    event["guild_id"] = json!(GUILD);
    event
}

fn one(state: &mut State, (method, channel, id): (&str, &str, &str), body: &Value) -> Result<Answer, Answer> {
    let known = state.messages.iter().find(|m| m.id == id && m.channel == channel && !m.is_ephemeral());
    let known = known.ok_or_else(Answer::unknown_message)?;
    match method {
        "GET" => return Ok(Answer::ok(world::message(state, known))),
        _ if known.author != Author::Bot => {
            return Err(Answer::refusal(403, 50005, "Cannot edit a message authored by another user"));
        }
        "DELETE" => {
            state.messages.retain(|message| message.id != id);
            return Ok(Answer::empty());
        }
        _ => {}
    }
    interaction::edit(state, (id, Kind::Edit), body)?;
    one(state, ("GET", channel, id), body)
}

/// Opens the thread of a message; its id is the message's.
fn thread(state: &mut State, (parent, message): (&str, &str), body: &Value) -> Result<Answer, Answer> {
    let mistakes = check::mistakes(Kind::Thread, body);
    if !mistakes.is_empty() {
        return Err(Answer::invalid(&mistakes));
    }
    state.message(message).ok_or_else(Answer::unknown_message)?;
    if state.channels[parent].kind != 0 {
        return Err(Answer::refusal(400, 50024, "Cannot execute action on this channel type"));
    }
    if state.channels.contains_key(message) {
        return Err(Answer::refusal(400, 160_004, "A thread has already been created for this message"));
    }
    let name = body["name"].as_str().unwrap_or_default().to_owned();
    let channel = Channel { kind: 11, name, recipient: None, parent: Some(parent.into()), forbidden: false };
    state.channels.insert(message.into(), channel);
    Ok(Answer::new(201, world::channel(message, &state.channels[message])))
}

/// The commands of the whole application (`scope` empty) or of a server.
fn commands(state: &mut State, (method, scope): (&str, &str), body: &Value) -> Result<Answer, Answer> {
    if method == "PUT" {
        let mistakes = check::mistakes(Kind::Commands, body);
        if !mistakes.is_empty() {
            return Err(Answer::invalid(&mistakes));
        }
        let given = body.as_array().cloned().unwrap_or_default();
        let kept = given.into_iter().map(|command| kept(state, scope, command)).collect();
        state.commands.insert(scope.into(), kept);
        state.overwrites += 1;
    } else if method != "GET" {
        return Err(Answer::refusal(405, 0, "405: Method Not Allowed"));
    }
    Ok(Answer::ok(json!(state.commands.get(scope).cloned().unwrap_or_default())))
}

/// A command as Discord keeps it: with its id, and what was not said filled in.
fn kept(state: &mut State, scope: &str, mut command: Value) -> Value {
    let known = state.commands.get(scope).and_then(|all| all.iter().find(|known| known["name"] == command["name"]));
    let id = known.map(|known| known["id"].clone());
    command["id"] = id.unwrap_or_else(|| json!(state.new_id()));
    command["application_id"] = json!(APPLICATION);
    command["version"] = json!(state.new_id());
    let unsaid = [
        ("type", json!(1)),
        ("description", json!("")),
        ("nsfw", json!(false)),
        ("default_member_permissions", Value::Null),
        ("dm_permission", json!(true)),
        ("contexts", Value::Null),
        ("integration_types", json!([0])),
    ];
    for (key, value) in unsaid {
        if command.get(key).is_none() {
            command[key] = value;
        }
    }
    if !scope.is_empty() {
        command["guild_id"] = json!(scope);
    }
    forget_defaults(&mut command);
    command
}

/// Discord leaves out of options what is as it would be anyway: `required: false`, empty lists.
fn forget_defaults(value: &mut Value) {
    let Some(object) = value.as_object_mut() else { return };
    let is_default = |key: &str, value: &Value| match key {
        "required" | "autocomplete" => *value == json!(false),
        "integration_types" => false,
        _ => value.as_array().is_some_and(Vec::is_empty) || value.is_null() && key.ends_with("_localizations"),
    };
    object.retain(|key, value| !is_default(key, value));
    for option in object.get_mut("options").and_then(Value::as_array_mut).into_iter().flatten() {
        forget_defaults(option);
    }
}
