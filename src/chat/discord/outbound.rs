//! Cards as messages of channels, threads and direct conversations.
//!
//! A message's id is `CHANNEL:MESSAGE`, which is enough to find it again, whatever place it was posted to.

use std::collections::HashMap;
use std::sync::Mutex;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::limits;
use super::payload::Id;
use super::picture::{self, Content, Shown};
use super::rest::{Call, Failure, Rest};
use crate::chat::{Card, Post, Undelivered};
use crate::clock::Millis;
use crate::error::Result;

/// How many direct conversations are remembered.
const DIRECT: usize = 10_000;
/// How many messages of a channel are looked through for one that may have been posted already.
const RECENT: usize = 50;
/// How long a thread stays in the list of a channel when nobody writes in it, in minutes.
const THREAD_SHOWN: u32 = 1440;
/// How far the clocks may differ when a message is looked for, in milliseconds.
const SKEW: Millis = 120_000;
/// The first moment that an id of Discord can tell, in milliseconds: 2015-01-01.
const EPOCH: Millis = 1_420_070_400_000;

/// What is sent where.
pub struct Outbound {
    /// The direct conversations that were opened, by person.
    direct: Mutex<HashMap<String, Id>>,
    /// The pictures of messages.
    shown: Shown,
}

/// Where a card goes.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    /// A channel, or a thread that is one.
    Channel(Id),
    /// The direct conversation with a person.
    Person(Id),
    /// The thread of a message.
    Thread(Id, Id),
}

impl Place {
    fn read(place: &str) -> Result<Self> {
        let read = || match place.split_once('/') {
            None => match place.strip_prefix('@') {
                Some(person) => Id::read(person).map(Self::Person),
                None => Id::read(place).map(Self::Channel),
            },
            Some((channel, message)) => {
                let (channel, message) = message.split_once(':').unwrap_or((channel, message));
                Some(Self::Thread(Id::read(channel)?, Id::read(message)?))
            }
        };
        read().ok_or_else(|| Undelivered::Closed(format!("`{place}` is no conversation of Discord")).into())
    }
}

impl Outbound {
    /// Nothing is known yet.
    pub fn new() -> Self {
        Self { direct: Mutex::default(), shown: Shown::default() }
    }

    /// Posts a card; gives the message's id.
    pub async fn post(&self, rest: &Rest, post: Post<'_>, card: &Card) -> Result<String> {
        let place = match Place::read(post.place)? {
            Place::Person(person) => Place::Channel(self.direct(rest, &person).await.map_err(Failure::undelivered)?),
            place => place,
        };
        let put = |content: Content| async {
            match &place {
                Place::Channel(channel) | Place::Person(channel) => send(rest, channel, content, post).await,
                Place::Thread(channel, message) => {
                    self.send_below(rest, (channel, message), (content, &card.title), post).await
                }
            }
        };
        let (id, said) = picture::send(picture::contents(card).await, put).await.map_err(Failure::undelivered)?;
        self.shown.learn(&id, &said);
        Ok(id)
    }

    /// Replaces a message.
    pub async fn edit(&self, rest: &Rest, (place, message): (&str, &str), card: &Card) -> Result<()> {
        let (channel, message) = match message.split_once(':') {
            Some((channel, message)) => (Id::read(channel), Id::read(message)),
            None => (Id::read(place), Id::read(message)),
        };
        let (Some(channel), Some(message)) = (channel, message) else { return Err(Undelivered::Gone.into()) };
        let (path, id) = (format!("/channels/{channel}/messages/{message}"), format!("{channel}:{message}"));
        let kept = card.picture.as_ref().and_then(|picture| Some((picture, self.shown.attachment(&id, picture)?)));
        if let Some((picture, attachment)) = kept {
            let body = picture::message(card, picture, &attachment);
            match rest.call(Call::patch(path.as_str(), body)).await {
                // It is no longer there, and is attached anew.
                Err(failure) if failure.status() == 400 => {}
                sent => return sent.map(|_| ()).map_err(Failure::undelivered),
            }
        }
        let replace = |mut content: Content| {
            // What is not named is taken away, and what is not said at all would stay.
            if content.file.is_none() {
                content.body["attachments"] = json!([]);
            }
            rest.call(Call::patch(path.as_str(), content.body).file(content.file))
        };
        let said = picture::send(picture::contents(card).await, replace).await.map_err(Failure::undelivered)?;
        self.shown.learn(&id, &said);
        Ok(())
    }

    /// The channel of the direct conversation with a person.
    pub async fn direct(&self, rest: &Rest, person: &Id) -> Result<Id, Failure> {
        if let Some(known) = self.direct.lock().ok().and_then(|direct| direct.get(person.as_str()).cloned()) {
            return Ok(known);
        }
        let body = json!({"recipient_id": person.as_str()});
        let opened = rest.call(Call::post("/users/@me/channels", body)).await?;
        let channel = id_of(&opened)?;
        if let Ok(mut direct) = self.direct.lock() {
            if direct.len() >= DIRECT {
                direct.clear();
            }
            direct.insert(person.to_string(), channel.clone());
        }
        Ok(channel)
    }

    fn is_direct(&self, channel: &Id) -> bool {
        self.direct.lock().is_ok_and(|direct| direct.values().any(|known| known == channel))
    }

    /// Posts into the thread of a message, which is begun if there is none; where there can be none, as a reply to it.
    async fn send_below(
        &self,
        rest: &Rest,
        (channel, message): (&Id, &Id),
        (mut content, title): (Content, &str),
        post: Post<'_>,
    ) -> Result<(String, Value), Failure> {
        if !self.is_direct(channel) {
            // A message's thread has the message's id.
            match send(rest, message, content.clone(), post).await {
                Err(failure) if failure.code() == 10003 => {}
                sent => return sent,
            }
            if begin_thread(rest, (channel, message), title).await? {
                return send(rest, message, content, post).await;
            }
        }
        content.body["message_reference"] = json!({"message_id": message.as_str(), "fail_if_not_exists": false});
        send(rest, channel, content, post).await
    }
}

/// Begins the thread of a message; `false` where it cannot have one.
async fn begin_thread(rest: &Rest, (channel, message): (&Id, &Id), title: &str) -> Result<bool, Failure> {
    let name = limits::cut(title.split_whitespace().collect::<Vec<_>>().join(" ").as_str(), limits::THREAD_NAME);
    let name = if name.is_empty() { super::labels::EMPTY.to_owned() } else { name };
    let body = json!({"name": name, "auto_archive_duration": THREAD_SHOWN});
    match rest.call(Call::post(format!("/channels/{channel}/messages/{message}/threads"), body)).await {
        Ok(_) => Ok(true),
        // It has one already.
        Err(failure) if failure.code() == 160_004 => Ok(true),
        // Not in this kind of channel, too many of them, not allowed to, or the message is gone.
        Err(failure) if matches!(failure.status(), 400 | 403 | 404) => Ok(false),
        Err(failure) => Err(failure),
    }
}

/// Posts to a channel, once for each key as far as Discord and we can tell; gives the message's id, and what Discord says
/// of it.
async fn send(rest: &Rest, channel: &Id, content: Content, post: Post<'_>) -> Result<(String, Value), Failure> {
    let (nonce, Content { mut body, file }) = (nonce(post.key), content);
    if let Some(since) = post.tried_at
        && let Some(known) = posted_since(rest, channel, (&body, &nonce), since).await?
    {
        return Ok((format!("{channel}:{known}"), Value::Null));
    }
    body["nonce"] = nonce.into();
    body["enforce_nonce"] = true.into();
    let sent = rest.call(Call::post(format!("/channels/{channel}/messages"), body).file(file)).await?;
    Ok((format!("{channel}:{}", id_of(&sent)?), sent))
}

/// The message that an earlier try posted, if it did: Discord keeps nonces for a few minutes only.
async fn posted_since(
    rest: &Rest,
    channel: &Id,
    (body, nonce): (&Value, &str),
    since: Millis,
) -> Result<Option<Id>, Failure> {
    let call = Call::get(format!("/channels/{channel}/messages")).query(&format!("limit={RECENT}"));
    let recent = match rest.call(call).await {
        Ok(recent) => recent,
        // Without the right to read, the nonce is all there is.
        Err(failure) if failure.status() == 403 => return Ok(None),
        Err(failure) => return Err(failure),
    };
    let is_it = |message: &&Value| {
        message["nonce"] == nonce
            || (message["author"]["bot"] == true
                && told_at(message).is_some_and(|at| at + SKEW >= since)
                && has_same_subject(message, body))
    };
    Ok(recent.as_array().and_then(|recent| recent.iter().find(is_it)).and_then(|message| id_of(message).ok()))
}

/// When a message was posted, as its id tells.
fn told_at(message: &Value) -> Option<Millis> {
    let id: i64 = message["id"].as_str()?.parse().ok()?;
    Some((id >> 22) + EPOCH)
}

/// Whether two messages are the same card at different times: they share what a button is about, or have the same title
/// and footnote.
fn has_same_subject(one: &Value, other: &Value) -> bool {
    let (subjects, others) = (subjects(one), subjects(other));
    if !others.is_empty() {
        return others.iter().any(|subject| subjects.contains(subject));
    }
    let (one, other) = (&one["embeds"][0], &other["embeds"][0]);
    !other["title"].is_null() && one["title"] == other["title"] && one["footer"]["text"] == other["footer"]["text"]
}

/// What the buttons of a message are about: `req_1` for `cancel:req_1`.
fn subjects(message: &Value) -> Vec<&str> {
    let rows = message["components"].as_array().into_iter().flatten();
    let buttons = rows.flat_map(|row| row["components"].as_array().into_iter().flatten());
    let objects = buttons.filter_map(|button| button["custom_id"].as_str()?.split_once(':'));
    objects.filter(|(verb, object)| !verb.starts_with('~') && object.contains('_')).map(|(_, object)| object).collect()
}

/// What keeps Discord from posting one key twice within a few minutes.
pub fn nonce(key: &str) -> String {
    let mut text = hex::encode(Sha256::digest(key.as_bytes()));
    text.truncate(limits::NONCE);
    text
}

fn id_of(answer: &Value) -> Result<Id, Failure> {
    let id = answer["id"].as_str().and_then(Id::read);
    id.ok_or_else(|| Failure::Unreachable("its answer names no id".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::discord::card;
    use crate::chat::{Action, Button, Style, Token};

    #[test]
    fn places() {
        let id = |text: &str| Id::read(text).expect("an id");
        let read = |place: &str| Place::read(place).map_err(|error| error.to_string());
        assert_eq!(read("5"), Ok(Place::Channel(id("5"))));
        assert_eq!(read("@42"), Ok(Place::Person(id("42"))));
        assert_eq!(read("5/8"), Ok(Place::Thread(id("5"), id("8"))));
        assert_eq!(read("@42/6:8"), Ok(Place::Thread(id("6"), id("8"))));
        let wrong = "the conversation cannot be written to: `platform` is no conversation of Discord";
        assert_eq!(read("platform"), Err(wrong.to_owned()));
        assert!(read("5/../6").is_err() && read("@").is_err() && read("").is_err());
    }

    #[test]
    fn a_nonce_is_short_and_the_same_for_the_same_key() {
        assert_eq!(nonce("msg_1").len(), limits::NONCE);
        assert_eq!(nonce("msg_1"), nonce("msg_1"));
        assert_ne!(nonce("msg_1"), nonce("msg_2"));
    }

    fn message(title: &str, token: Option<&str>) -> Value {
        let button = |token: &str| Button {
            label: "Cancel".into(),
            action: Action::Press(Token::received(token)),
            style: Style::Plain,
        };
        card::message(&Card {
            title: title.into(),
            buttons: token.map(button).into_iter().collect(),
            ..Card::default()
        })
    }

    #[test]
    fn the_same_card_is_known_again_when_it_has_changed() {
        let posted = message("Queued", Some("cancel:req_1"));
        assert!(has_same_subject(&posted, &message("Running", Some("retry:req_1"))));
        assert!(!has_same_subject(&posted, &message("Queued", Some("cancel:req_2"))));
        assert!(has_same_subject(&message("Done", None), &message("Done", None)));
        assert!(!has_same_subject(&message("Done", None), &message("Other", None)));
        assert_eq!(told_at(&json!({"id": "175928847299117063"})), Some(1_462_015_105_796));
    }
}
