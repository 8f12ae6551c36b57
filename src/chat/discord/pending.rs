//! Interactions whose first response waits a moment for the desk, so that most answers need no "thinking …".

use std::collections::HashMap;
use std::sync::Mutex;

use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use crate::chat::Reply;

/// Who waits, by the event's id. Invariant: under the lock, either the entry is there or its answer was given.
#[derive(Default)]
pub struct Pending(Mutex<HashMap<String, oneshot::Sender<Reply>>>);

/// One that waits; it is forgotten when this is dropped.
pub struct Waiting<'a> {
    pending: &'a Pending,
    id: String,
    receiver: oneshot::Receiver<Reply>,
}

impl Pending {
    /// Begins to wait for the answer to an event.
    pub fn wait_for(&self, id: &str) -> Waiting<'_> {
        let (sender, receiver) = oneshot::channel();
        if let Ok(mut waiting) = self.0.lock() {
            waiting.insert(id.to_owned(), sender);
        }
        Waiting { pending: self, id: id.to_owned(), receiver }
    }

    /// Gives the answer to who waits for it; `false` if nobody does, or not any more.
    pub fn give(&self, id: &str, reply: &Reply) -> bool {
        let Ok(mut waiting) = self.0.lock() else { return false };
        waiting.remove(id).is_some_and(|sender| sender.send(reply.clone()).is_ok())
    }

    fn forget(&self, id: &str) {
        if let Ok(mut waiting) = self.0.lock() {
            waiting.remove(id);
        }
    }
}

impl Waiting<'_> {
    /// The answer, if it comes by then; afterwards it has to find another way.
    pub async fn until(mut self, deadline: Instant) -> Option<Reply> {
        if let Ok(Ok(reply)) = timeout_at(deadline, &mut self.receiver).await {
            return Some(reply);
        }
        self.pending.forget(&self.id);
        // It may have been given in the moment between.
        self.receiver.try_recv().ok()
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.pending.forget(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_answer_goes_to_who_waits_and_to_nobody_else() {
        let pending = Pending::default();
        assert!(!pending.give("1", &Reply::Nothing));
        let waiting = pending.wait_for("1");
        assert!(pending.give("1", &Reply::Nothing));
        assert!(!pending.give("1", &Reply::Nothing));
        // The deadline is over, and still what was given is taken.
        assert_eq!(waiting.until(Instant::now()).await, Some(Reply::Nothing));
        let late = pending.wait_for("2");
        assert_eq!(late.until(Instant::now()).await, None);
        assert!(!pending.give("2", &Reply::Nothing));
        drop(pending.wait_for("3"));
        assert!(!pending.give("3", &Reply::Nothing));
    }
}
