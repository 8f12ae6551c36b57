//! An entry of a conversation with its details, which are folded under it.

use crate::error::Result;
use crate::store::conversation::{Conversations, Entry};

/// An entry with its details.
pub struct Thread {
    /// The entry of the conversation itself.
    pub head: Entry,
    /// Its details, oldest first.
    pub details: Vec<Entry>,
}

impl Thread {
    /// The newest change of anything in it.
    pub fn seq(&self) -> i64 {
        self.details.iter().map(|detail| detail.seq).fold(self.head.seq, i64::max)
    }
}

impl From<Entry> for Thread {
    fn from(head: Entry) -> Self {
        Self { head, details: Vec::new() }
    }
}

/// The conversation of a place, and the entry in whose thread it is: `VISITOR`, `VISITOR/ENTRY`, `@VISITOR`. The direct
/// conversation with somebody is the only one here.
pub fn spot(place: &str) -> (&str, Option<&str>) {
    let place = place.strip_prefix('@').unwrap_or(place);
    place.split_once('/').map_or((place, None), |(place, head)| (place, Some(head)))
}

/// These entries with their details.
pub async fn gather(conversations: &Conversations, place: &str, heads: Vec<Entry>) -> Result<Vec<Thread>> {
    let ids: Vec<String> = heads.iter().map(|head| head.id.clone()).collect();
    let mut threads: Vec<Thread> = heads.into_iter().map(Thread::from).collect();
    for detail in conversations.details(place, &ids).await? {
        if let Some(thread) = threads.iter_mut().find(|thread| detail.thread.as_ref() == Some(&thread.head.id)) {
            thread.details.push(detail);
        }
    }
    Ok(threads)
}

/// The thread that an entry is in, or that is its own.
pub async fn around(conversations: &Conversations, place: &str, entry: Entry) -> Result<Option<Thread>> {
    let head = match &entry.thread {
        Some(head) => conversations.entry(place, head).await?,
        None => Some(entry),
    };
    Ok(gather(conversations, place, head.into_iter().collect()).await?.pop())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_conversations_threads_and_persons() {
        assert_eq!(spot("v1"), ("v1", None));
        assert_eq!(spot("@v1"), ("v1", None));
        assert_eq!(spot("v1/msg_1"), ("v1", Some("msg_1")));
    }
}
