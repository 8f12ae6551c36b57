//! Live updates: what changes in a conversation, as server-sent events that a lost connection takes up again.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::Stream;
use serde::Deserialize;
use tokio::sync::broadcast::{Receiver, error::RecvError};
use tokio_util::sync::CancellationToken;

use super::refusal::Refusal;
use super::{Room, thread, view, visit};
use crate::error::Result;
use crate::store::conversation::{Conversations, Entry};

/// How often to look for what another process has changed.
const LOOK: Duration = Duration::from_secs(1);
/// How soon a browser comes back after the connection was lost.
const RETRY: Duration = Duration::from_millis(1500);

/// Where the browser is.
#[derive(Deserialize)]
pub struct Since {
    #[serde(default)]
    after: i64,
}

/// `GET /chat/live`: everything that changes after what the browser has.
pub async fn listen(
    State(room): State<Room>,
    Query(since): Query<Since>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Refusal> {
    let visitor = visit::required(&room.chat, &headers).await?;
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok());
    let listener = Listener {
        conversations: room.chat.conversations.clone(),
        place: visitor.id,
        after: last.unwrap_or(since.after),
        changes: room.chat.changes.subscribe(),
        closing: room.chat.closing.clone(),
        ready: VecDeque::new(),
    };
    let begin = futures::stream::iter([Ok(Event::default().retry(RETRY).comment("listening"))]);
    let stream = futures::stream::unfold(listener, |mut listener| async {
        let event = listener.next().await?;
        Some((Ok(event), listener))
    });
    Ok(Sse::new(futures::StreamExt::chain(begin, stream)).keep_alive(KeepAlive::default()))
}

/// One browser that listens.
struct Listener {
    conversations: Conversations,
    place: String,
    /// The last change that was told.
    after: i64,
    changes: Receiver<String>,
    closing: CancellationToken,
    ready: VecDeque<Entry>,
}

impl Listener {
    /// Waits for the next change; `None` once the server stops, or cannot read: the browser comes back by itself.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(entry) = self.ready.pop_front() {
                self.after = entry.seq;
                // What changed in a thread is told with all of it, and once.
                let head = |entry: &Entry| entry.thread.clone().unwrap_or_else(|| entry.id.clone());
                if self.ready.iter().any(|later| head(later) == head(&entry)) {
                    continue;
                }
                let seq = entry.seq;
                let Some(thread) = thread::around(&self.conversations, &self.place, entry).await.ok()? else {
                    continue;
                };
                let html = view::entry(&thread).ok()?;
                return Some(Event::default().id(seq.to_string()).data(html));
            }
            self.ready = self.conversations.since(&self.place, self.after).await.ok()?.into();
            if self.ready.is_empty() && !self.wait().await {
                return None;
            }
        }
    }

    /// Waits until there may be something new; `false` once the server stops.
    async fn wait(&mut self) -> bool {
        let changed = async {
            loop {
                match self.changes.recv().await {
                    Ok(place) if place != self.place => {}
                    Ok(_) | Err(RecvError::Lagged(_)) => return true,
                    Err(RecvError::Closed) => return false,
                }
            }
        };
        tokio::select! {
            open = changed => open,
            () = tokio::time::sleep(LOOK) => true,
            () = self.closing.cancelled() => false,
        }
    }
}
