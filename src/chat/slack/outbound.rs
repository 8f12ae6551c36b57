//! Cards into conversations: posted, found again, edited in place.

use serde_json::{Value, json};

use super::Workspace;
use super::blocks;
use super::fault::Fault;
use crate::chat::{Card, Post};
use crate::clock::{Millis, Span};
use crate::error::Result;

/// What our messages are called in their metadata.
const KIND: &str = "stationmaster_message";
/// How far clocks may differ when a lost message is looked for.
const SLACK_CLOCK: Span = Span::from_secs(300);
/// How many pages of a conversation are looked through.
const PAGES: usize = 5;

/// A conversation and, in it, a thread.
struct Target {
    channel: String,
    thread: Option<String>,
}

/// A message's id: its conversation and its time there, since Slack's own is unique in its conversation only.
pub fn message_id(channel: &str, ts: &str) -> String {
    format!("{channel}:{ts}")
}

/// A card as the content of a message.
pub fn content(card: &Card) -> Value {
    json!({"text": blocks::escape(&blocks::text(card)), "blocks": blocks::blocks(card)})
}

/// The same with its picture, which is in a file.
pub fn pictured(card: &Card, file: &str) -> Value {
    json!({"text": blocks::escape(&blocks::text(card)), "blocks": blocks::pictured(card, file)})
}

/// The same in a shape that no limit of blocks can be about.
fn plain_content(card: &Card) -> Value {
    let text = blocks::text(card);
    json!({"text": blocks::escape(&text), "blocks": blocks::section(&text).into_iter().collect::<Vec<_>>()})
}

impl Workspace {
    /// Posts a card; the id of the message.
    pub async fn post(&self, post: Post<'_>, card: &Card) -> Result<String> {
        let target = self.target(post.place).await?;
        if let Some(since) = post.tried_at
            && let Some(ts) = self.find(&target, post.key, since).await?
        {
            self.edit(&target.channel, &message_id(&target.channel, &ts), card).await?;
            return Ok(message_id(&target.channel, &ts));
        }
        let mut frame = json!({
            "channel": target.channel,
            "metadata": {"event_type": KIND, "event_payload": {"key": post.key}},
            "mrkdwn": false,
            "parse": "none",
            "link_names": false,
            "unfurl_links": false,
            "unfurl_media": false,
        });
        if let Some(thread) = &target.thread {
            frame["thread_ts"] = thread.as_str().into();
        }
        let answer = self.send("chat.postMessage", &frame, card).await.map_err(|fault| fault.undelivered(false))?;
        match (answer["channel"].as_str(), answer["ts"].as_str()) {
            (channel, Some(ts)) => Ok(message_id(channel.unwrap_or(&target.channel), ts)),
            _ => anyhow::bail!("Slack posted a message and did not say which"),
        }
    }

    /// Replaces a message.
    pub async fn edit(&self, place: &str, message: &str, card: &Card) -> Result<()> {
        let (channel, ts) = message.split_once(':').unwrap_or((place, message));
        // What is not said here is taken from a client that makes links and mentions of plain text.
        let frame = json!({"channel": channel, "ts": ts, "parse": "none", "link_names": false});
        self.send("chat.update", &frame, card).await.map_err(|fault| fault.undelivered(true))?;
        Ok(())
    }

    /// Sends a card with a method that takes messages: with its picture if that can be shown; as plain text, if Slack does
    /// not take its blocks.
    pub async fn send(&self, method: &str, frame: &Value, card: &Card) -> Result<Value, Fault> {
        if let Some(picture) = &card.picture
            && let Some(sent) = self.send_pictured(method, frame, (card, picture)).await
            && !sent.as_ref().is_err_and(Fault::is_about_blocks)
        {
            return sent;
        }
        match self.api.call(method, &merged(frame, content(card))).await {
            Err(fault) if fault.is_about_blocks() => {
                tracing::error!(method, error = %fault, "Slack does not take a card; it is sent as plain text");
                self.api.call(method, &merged(frame, plain_content(card))).await
            }
            other => other,
        }
    }

    /// The direct conversation with a person.
    pub async fn direct(&self, person: &str) -> Result<String, Fault> {
        if let Some(known) = self.directs.get(person, 0) {
            return Ok(known);
        }
        let answer = self.api.call("conversations.open", &json!({"users": person})).await?;
        let Some(channel) = answer["channel"]["id"].as_str() else {
            return Err(Fault::Lost("conversations.open did not say which conversation".into()));
        };
        self.directs.put(person, channel.to_owned(), self.clock.now());
        Ok(channel.to_owned())
    }

    /// Where `C1`, `C1/THREAD` or `@U1` is.
    async fn target(&self, place: &str) -> Result<Target> {
        let (base, thread) = match place.split_once('/') {
            Some((base, thread)) => (base, Some(thread.rsplit(':').next().unwrap_or(thread).to_owned())),
            None => (place, None),
        };
        let channel = match base.strip_prefix('@') {
            Some(person) => self.direct(person).await.map_err(|fault| fault.undelivered(true))?,
            None => base.to_owned(),
        };
        Ok(Target { channel, thread })
    }

    /// The message of this key, if an earlier try has posted it and its answer was lost. Where nothing can be looked
    /// at, twice is better than never.
    async fn find(&self, target: &Target, key: &str, since: Millis) -> Result<Option<String>> {
        let oldest = format!("{}.000000", (since - SLACK_CLOCK.millis()).max(0) / 1000);
        let mut cursor = String::new();
        for _ in 0..PAGES {
            let mut params = vec![("channel", target.channel.as_str()), ("oldest", oldest.as_str()), ("limit", "100")];
            params.push(("include_all_metadata", "true"));
            params.extend(target.thread.as_deref().map(|thread| ("ts", thread)));
            params.extend((!cursor.is_empty()).then_some(("cursor", cursor.as_str())));
            let method = if target.thread.is_some() { "conversations.replies" } else { "conversations.history" };
            let page = match self.api.read(method, &params).await {
                Ok(page) => page,
                Err(fault @ (Fault::Limited(_) | Fault::Lost(_))) => return Err(fault.undelivered(false)),
                Err(fault) => {
                    tracing::warn!(error = %fault, "a conversation cannot be looked through for a lost message");
                    return Ok(None);
                }
            };
            if let Some(ts) = found(&page, key) {
                return Ok(Some(ts));
            }
            cursor = page["response_metadata"]["next_cursor"].as_str().unwrap_or_default().to_owned();
            if cursor.is_empty() {
                break;
            }
        }
        Ok(None)
    }
}

fn found(page: &Value, key: &str) -> Option<String> {
    let is_ours = |message: &&Value| {
        message["metadata"]["event_type"] == KIND && message["metadata"]["event_payload"]["key"] == key
    };
    page["messages"].as_array()?.iter().find(is_ours)?["ts"].as_str().map(str::to_owned)
}

/// Two objects as one.
pub fn merged(frame: &Value, content: Value) -> Value {
    let mut body = frame.clone();
    if let (Value::Object(body), Value::Object(content)) = (&mut body, content) {
        body.extend(content);
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_message_is_known_by_its_key() {
        let message = |key: &str, kind: &str| json!({"ts": format!("1.{key}"), "metadata": {"event_type": kind, "event_payload": {"key": key}}});
        let page = json!({"messages": [message("a", KIND), message("b", "other"), {"ts": "9", "text": "b"}]});
        assert_eq!(found(&page, "a").as_deref(), Some("1.a"));
        assert_eq!((found(&page, "b"), found(&json!({}), "a")), (None, None));
    }

    #[test]
    fn c1_a_message_says_nothing_to_a_channel() {
        let card = Card { title: "<!channel> & <@U1>".into(), body: "\\<!here>".into(), ..Card::default() };
        for content in [content(&card), plain_content(&card)] {
            assert_eq!(content["text"], "&lt;!channel&gt; &amp; &lt;@U1&gt;\n&lt;!here&gt;");
            assert!(!content.to_string().contains("mrkdwn"), "{content}");
        }
    }
}
