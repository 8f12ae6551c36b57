//! The page itself.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde::Deserialize;
use uuid::Uuid;

use super::assets::{ADDRESSES, Addresses};
use super::refusal::Refusal;
use super::{Room, guard, thread, view, visit};
use crate::chat::{Event, Inbox, Intent, PlatformName, Reply, Sender};
use crate::clock::Clock;
use crate::error::Result;
use crate::store::conversation::Visitor;

/// What the script sends to be given a piece of the page instead of a whole one.
pub const FRAGMENT: &str = "text/x-fragment";

#[derive(Template)]
#[template(path = "page.html")]
struct Page {
    assets: &'static Addresses,
    visitor: Visitor,
    /// As whom else one may speak here.
    others: Vec<String>,
    /// The first letter of the visitor's name.
    initial: String,
    delivery: Uuid,
    /// What the page shows already: the live connection tells what came after.
    after: i64,
    history: History,
}

/// A page of the conversation.
#[derive(Template)]
#[template(path = "history.html")]
struct History {
    /// Where the page before this one ends, if there is one.
    before: Option<i64>,
    /// The home, where the conversation begins.
    home: String,
    entries: Vec<String>,
}

#[derive(Template)]
#[template(path = "door.html")]
struct Door {
    assets: &'static Addresses,
}

/// Which page of the conversation.
#[derive(Deserialize)]
pub struct Which {
    before: Option<i64>,
}

/// `GET /`: the page; a browser that comes for the first time is given its cookie.
pub async fn show(
    State(room): State<Room>,
    Query(which): Query<Which>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    if guard::site(&headers) == Some("cross-site") {
        // Followed from another site, the cookie does not come along. The page asks again by itself, and then it does.
        return Ok(Html(Door { assets: &ADDRESSES }.render().map_err(anyhow::Error::from)?).into_response());
    }
    match visit::known(&room.chat, &headers).await? {
        Some(visitor) if is_fragment(&headers) => {
            let history = history(&room, &visitor, which.before).await?;
            Ok(Html(history.render().map_err(anyhow::Error::from)?).into_response())
        }
        Some(visitor) => Ok(Html(page(&room, visitor, which.before, None).await?).into_response()),
        None => {
            let (visitor, cookie) = visit::welcome(&room.chat.conversations).await?;
            Ok(([(header::SET_COOKIE, cookie)], Html(page(&room, visitor, None, None).await?)).into_response())
        }
    }
}

/// Pieces of the page for the script; without a script, the way back to the page.
pub fn answer(headers: &HeaderMap, pieces: String) -> Response {
    if is_fragment(headers) {
        return Html(pieces).into_response();
    }
    (StatusCode::SEE_OTHER, [(header::LOCATION, HeaderValue::from_static("/"))]).into_response()
}

/// Pieces that stand in no conversation; without a script, at the end of the page that shows it.
pub async fn answer_passing(
    room: &Room,
    visitor: &Visitor,
    headers: &HeaderMap,
    pieces: String,
) -> Result<Response, Refusal> {
    if is_fragment(headers) {
        return Ok(Html(pieces).into_response());
    }
    Ok(Html(page(room, visitor.clone(), None, Some(pieces)).await?).into_response())
}

/// Whether the script asks, which wants a piece of the page only.
pub fn is_fragment(headers: &HeaderMap) -> bool {
    headers.get(header::ACCEPT).is_some_and(|accept| accept == FRAGMENT)
}

/// The whole page; `passing` stands at the end of the conversation, and in it nowhere.
async fn page(room: &Room, visitor: Visitor, before: Option<i64>, passing: Option<String>) -> Result<String> {
    // Counted before reading: what changes in between is told twice rather than never.
    let after = room.chat.conversations.count(&visitor.id).await?;
    let mut history = history(room, &visitor, before).await?;
    history.entries.extend(passing);
    let initial = visitor.name.chars().take(1).flat_map(char::to_uppercase).collect();
    let others = room.chat.personas.iter().filter(|name| visitor.persona.as_ref() != Some(name)).cloned().collect();
    Ok(Page { assets: &ADDRESSES, visitor, others, initial, delivery: Uuid::new_v4(), after, history }.render()?)
}

async fn history(room: &Room, visitor: &Visitor, before: Option<i64>) -> Result<History> {
    let (entries, more) = room.chat.conversations.before(&visitor.id, before.unwrap_or(i64::MAX)).await?;
    let earlier = entries.first().filter(|_| more).map(|entry| entry.born);
    let home = if earlier.is_none() { home(room.inbox.as_ref(), visitor).await? } else { String::new() };
    let threads = thread::gather(&room.chat.conversations, &visitor.id, entries).await?;
    let entries = threads.iter().map(view::entry).collect::<Result<_>>()?;
    Ok(History { before: earlier, home, entries })
}

/// What stands where a conversation begins.
async fn home(inbox: &dyn Inbox, visitor: &Visitor) -> Result<String> {
    match inbox.ask(event(visitor, Uuid::new_v4(), None, Intent::OpenHome)).await {
        Reply::Card(card) => view::home(&card),
        _ => Ok(String::new()),
    }
}

/// What a visitor did, as everybody beyond the adapter knows it.
pub fn event(visitor: &Visitor, delivery: Uuid, reply_to: Option<String>, intent: Intent) -> Event {
    Event {
        id: delivery.to_string(),
        platform: PlatformName::Web,
        person: Sender { id: visitor.id.clone(), name: visitor.name.clone() },
        place: visitor.id.clone(),
        thread: None,
        reply_to,
        answer_to: serde_json::Value::Null,
        at: Clock::system().now(),
        intent,
    }
}
