//! What is kept nowhere: presses and forms of pulse surveys. What comes of them is told on the open page alone.
//!
//! Invariant: no entry tells what was filled in, nor that or when something was sent: a sealed form stays as it was opened,
//! and after a day it is put away.

use std::collections::BTreeMap;

use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::Value;

use super::acts::with_answers;
use super::content::Content;
use super::refusal::Refusal;
use super::{Room, page, reply_id, view};
use crate::chat::{Card, Event, Form, Reply, Tone};
use crate::error::Result;
use crate::store::conversation::{Entry, Visitor};

/// A button was pressed. A form that it opens stands in the conversation; anything else passes by.
pub async fn press(room: &Room, visitor: &Visitor, headers: &HeaderMap, event: Event) -> Result<Response, Refusal> {
    let said = reply_id(&event);
    let shown = match room.inbox.ask(event).await {
        Reply::Form(form) => {
            let entry = room.chat.append(&visitor.id, &said, &Content::form(form)).await?;
            view::entry(&entry.into())?
        }
        Reply::Card(card) => passing(room, visitor, said, &card).await?,
        Reply::Nothing | Reply::Choices(_) => String::new(),
    };
    page::answer_passing(room, visitor, headers, shown).await
}

/// A form was sent. With mistakes it is shown again as it was filled in, on this page only.
pub async fn sent(
    (room, visitor): (&Room, &Visitor),
    headers: &HeaderMap,
    (entry, form, values): (Entry, Form, BTreeMap<String, Value>),
    reply: Reply,
) -> Result<Response, Refusal> {
    let taken = || Content::Sent { title: form.title.clone(), facts: Vec::new() };
    let (content, card) = match reply {
        Reply::Form(again) => (Content::Form { form: with_answers(again, &values) }, None),
        Reply::Card(card) if card.tone == Tone::Bad => {
            (Content::Form { form: with_answers(form, &values) }, Some(card))
        }
        Reply::Card(card) => (taken(), Some(card)),
        Reply::Nothing | Reply::Choices(_) => (taken(), None),
    };
    let mut shown = view::passing(&entry, &content)?;
    if let Some(card) = card {
        shown.push_str(&passing(room, visitor, format!("{}-passing", entry.id), &card).await?);
    }
    page::answer_passing(room, visitor, headers, shown).await
}

/// A form was put away, or taken up again: what was filled in is in the browser alone, and so is that it is open again.
pub async fn fold(
    (room, visitor): (&Room, &Visitor),
    headers: &HeaderMap,
    (entry, form): (Entry, Form),
    is_opened: bool,
) -> Result<Response, Refusal> {
    let (entry, content) = if is_opened {
        (entry, Content::form(form))
    } else {
        let content = Content::aside(form);
        (room.chat.replace(&visitor.id, &entry.id, &content).await?.unwrap_or(entry), content)
    };
    page::answer_passing(room, visitor, headers, view::passing(&entry, &content)?).await
}

/// A card at the end of the conversation, as long as the page is open.
async fn passing(room: &Room, visitor: &Visitor, id: String, card: &Card) -> Result<String> {
    let born = room.chat.conversations.count(&visitor.id).await? + 1;
    let content = Content::Card { card: card.clone() };
    let at = crate::clock::Clock::system().now();
    view::passing(&Entry { id, thread: None, born, seq: born, content: String::new(), at }, &content)
}
