//! Things of Discord's as its API and gateway show them.

use serde_json::{Value, json};

use super::world::{APPLICATION, Author, Channel, GUILD, Message, State, WEBHOOK, id_of};

/// A user object.
pub fn user(id: &str, name: &str, bot: bool) -> Value {
    json!({ "id": id, "username": name, "discriminator": "0", "global_name": name, "avatar": null, "bot": bot,
            "public_flags": 0 })
}

/// The author of a message as an object.
pub fn author(author: &Author) -> Value {
    match author {
        Author::Bot => user(APPLICATION, "stationmaster", true),
        Author::Person(who) => user(id_of(who), who, false),
        Author::OtherBot => user("1300000000000000021", "another bot", true),
        Author::Webhook => user(WEBHOOK, "a webhook", true),
    }
}

/// A member object.
pub fn member(state: &State, who: &str) -> Value {
    json!({ "user": user(id_of(who), who, false), "nick": null, "avatar": null, "deaf": false, "mute": false,
            "roles": state.roles.get(who).cloned().unwrap_or_default(), "joined_at": "2024-01-01T00:00:00+00:00",
            "premium_since": null, "flags": 0, "pending": false, "communication_disabled_until": null,
            "permissions": "2248473465835073" })
}

/// A channel object.
pub fn channel(id: &str, channel: &Channel) -> Value {
    let mut value =
        json!({ "id": id, "type": channel.kind, "name": channel.name, "last_message_id": null, "flags": 0 });
    if let Some(who) = channel.recipient {
        value["recipients"] = json!([user(id_of(who), who, false)]);
    } else {
        let more = json!({ "guild_id": GUILD, "position": 0, "permission_overwrites": [], "nsfw": false,
                           "parent_id": channel.parent, "rate_limit_per_user": 0, "topic": null,
                           "permissions": "2248473465835073" });
        value.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    }
    if channel.kind == 11 {
        value["thread_metadata"] = json!({ "archived": false, "auto_archive_duration": 1440, "locked": false,
                                           "archive_timestamp": "2026-11-01T00:00:00+00:00" });
        value["owner_id"] = json!(APPLICATION);
        (value["message_count"], value["member_count"]) = (json!(0), json!(1));
    }
    value
}

/// A message object.
pub fn message(state: &State, message: &Message) -> Value {
    let mut value = json!({
        "id": message.id, "channel_id": message.channel, "author": author(&message.author), "content": "",
        "timestamp": "2026-11-26T10:00:00.000000+00:00", "edited_timestamp": null, "tts": false,
        "mention_everyone": false, "mentions": [], "mention_roles": [], "attachments": message.attachments, "embeds": [],
        "components": [], "pinned": false, "type": 0, "flags": 0, "nonce": message.nonce,
    });
    for key in ["content", "embeds", "components", "flags", "mentions"] {
        match message.body.get(key) {
            None | Some(Value::Null) => {}
            Some(given) => value[key] = given.clone(),
        }
    }
    for embed in value["embeds"].as_array_mut().into_iter().flatten() {
        embed["type"] = json!("rich");
    }
    if message.edits > 0 {
        value["edited_timestamp"] = json!("2026-11-26T10:00:01.000000+00:00");
    }
    if message.author == Author::Webhook {
        value["webhook_id"] = json!(WEBHOOK);
    }
    if let Some(thread) = state.channels.get(&message.id) {
        value["thread"] = channel(&message.id, thread);
    }
    value
}
