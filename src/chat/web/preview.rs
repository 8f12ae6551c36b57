//! A card as Slack and Discord would show it: drawn from the very JSON that their adapters send.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::{Html, IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::assets::{ADDRESSES, Addresses};
use super::content::Content;
use super::page::{event, is_fragment};
use super::refusal::Refusal;
use super::{Room, picture, visit};
use crate::chat::{Card, Intent, Reply, discord, slack};
use crate::error::Result;
use crate::store::conversation::Visitor;

mod block_kit;
mod embed;
mod markup;

/// What a card is shown as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dress {
    /// A message in Slack.
    Slack,
    /// A message in Discord.
    Discord,
}

/// Which card, and as what.
#[derive(Deserialize)]
pub struct Which {
    /// The entry's id; empty for the home.
    entry: String,
    dress: Dress,
}

/// `GET /chat/preview`: a card in the dress of another platform.
pub async fn show(
    State(room): State<Room>,
    Query(which): Query<Which>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let visitor = visit::required(&room.chat, &headers).await?;
    let card = find(&room, &visitor, &which.entry).await?.ok_or_else(Refusal::missing)?;
    let preview = preview(&card, &which)?;
    if is_fragment(&headers) {
        return Ok(Html(preview).into_response());
    }
    let page = Alone { assets: &ADDRESSES, preview, back: format!("/#e-{}", which.entry) };
    Ok(Html(page.render().map_err(anyhow::Error::from)?).into_response())
}

/// The card of an entry of this visitor, or of their home.
pub async fn find(room: &Room, visitor: &Visitor, entry: &str) -> Result<Option<Card>> {
    if entry.is_empty() {
        return Ok(match room.inbox.ask(event(visitor, Uuid::new_v4(), None, Intent::OpenHome)).await {
            Reply::Card(card) => Some(card),
            _ => None,
        });
    }
    let entry = room.chat.conversations.entry(&visitor.id, entry).await?;
    Ok(entry.and_then(|entry| match serde_json::from_str(&entry.content) {
        Ok(Content::Card { card }) => Some(card),
        _ => None,
    }))
}

/// The HTML of a card in another platform's dress, with the JSON that it was drawn from.
fn preview(card: &Card, which: &Which) -> Result<String> {
    let picture = card.picture.as_ref().map(|picture| picture::address(&which.entry, &picture.chart));
    let (dress, source) = (which.dress, picture.as_deref().unwrap_or_default());
    let (body, drawn, notification) = match dress {
        Dress::Slack => {
            let content = slack::preview(card);
            let drawn = block_kit::draw(&content, source);
            // What Slack's builder takes: it knows blocks only.
            let text = content["text"].as_str().map(block_kit::unescape);
            (json!({"blocks": content["blocks"]}), drawn, text)
        }
        Dress::Discord => {
            let message = discord::preview(card);
            let drawn = embed::draw(&message, source);
            (message, drawn, None)
        }
    };
    let left_out = card.buttons.len().saturating_sub(count_buttons(&body));
    let (is_cut, json) = (is_cut(card, &body), serde_json::to_string_pretty(&body)?);
    let (notification, has_picture) = (notification.unwrap_or_default(), picture.is_some());
    Ok(Preview { dress, drawn, notification, left_out, is_cut, has_picture, json }.render()?)
}

/// How many buttons a message has.
fn count_buttons(value: &Value) -> usize {
    match value {
        Value::Array(all) => all.iter().map(count_buttons).sum(),
        Value::Object(object) => {
            let is_button = matches!(object.get("type"), Some(kind) if kind == "button" || kind == 2);
            usize::from(is_button) + object.values().map(count_buttons).sum::<usize>()
        }
        _ => 0,
    }
}

/// Whether a text of the message ends in an ellipsis that the card's own does not have.
fn is_cut(card: &Card, value: &Value) -> bool {
    match value {
        Value::Array(all) => all.iter().any(|one| is_cut(card, one)),
        Value::Object(object) => object.values().any(|one| is_cut(card, one)),
        Value::String(text) => text.ends_with('…') && text != "…" && !has_ellipsis(card, text),
        _ => false,
    }
}

fn has_ellipsis(card: &Card, text: &str) -> bool {
    let letters: Vec<char> = text.chars().rev().take(12).collect();
    let end: String = letters.into_iter().rev().collect();
    let facts = card.facts.iter().flat_map(|(label, value)| [label, value]);
    let labels = card.buttons.iter().map(|button| &button.label);
    let mut texts = [&card.title, &card.body].into_iter().chain(facts).chain(labels).chain(&card.footnote);
    texts.any(|own| own.contains(&end))
}

#[derive(Template)]
#[template(path = "preview.html")]
struct Preview {
    dress: Dress,
    /// The HTML of the message.
    drawn: String,
    /// What a notification says, where that is not the message itself.
    notification: String,
    /// How many buttons are not shown.
    left_out: usize,
    /// Whether a text was too long.
    is_cut: bool,
    /// Whether there is a picture, which Slack's builder cannot show.
    has_picture: bool,
    json: String,
}

#[derive(Template)]
#[template(path = "alone.html")]
struct Alone {
    assets: &'static Addresses,
    preview: String,
    back: String,
}
