//! Interactions whose first response waits a moment for the desk, so that most answers need no "thinking …".

use std::collections::HashMap;
use std::sync::Mutex;

use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use crate::chat::Reply;

/// Who waits, by the event's id. Invariant: under the lock, either the entry is there or its answer was given.
#[derive(Default)]
pub struct Pending(Mutex<HashMap<String, oneshot::Sender<Given>>>);

/// An answer on its way to who waits for it.
pub struct Given {
    /// The answer.
    pub reply: Reply,
    /// To be signed once Discord has taken all of it; thrown away, the answer has to find another way.
    pub receipt: Receipt,
}

/// Tells who gave an answer that it has arrived.
pub struct Receipt(oneshot::Sender<()>);

impl Receipt {
    /// It has arrived.
    pub fn sign(self) {
        // Whoever gave it may have ended meanwhile, and then it is answered once more.
        let _ = self.0.send(());
    }
}

/// One that waits; it is forgotten when this is dropped.
pub struct Waiting<'a> {
    pending: &'a Pending,
    id: String,
    receiver: oneshot::Receiver<Given>,
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

    /// Gives the answer to who waits for it, and waits until Discord has it; `false` if nobody waits, or not any more, or
    /// if it did not arrive.
    pub async fn give(&self, id: &str, reply: &Reply) -> bool {
        let (receipt, signed) = oneshot::channel();
        let given = Given { reply: reply.clone(), receipt: Receipt(receipt) };
        match self.take(id) {
            Some(waiting) => waiting.send(given).is_ok() && signed.await.is_ok(),
            None => false,
        }
    }

    /// Lets who waits go on without an answer: it finds another way.
    pub fn release(&self, id: &str) {
        self.take(id);
    }

    fn take(&self, id: &str) -> Option<oneshot::Sender<Given>> {
        self.0.lock().ok()?.remove(id)
    }
}

impl Waiting<'_> {
    /// The answer, if it comes by then; afterwards it has to find another way.
    pub async fn until(mut self, deadline: Instant) -> Option<Given> {
        if let Ok(Ok(given)) = timeout_at(deadline, &mut self.receiver).await {
            return Some(given);
        }
        self.pending.take(&self.id);
        // It may have been given in the moment between.
        self.receiver.try_recv().ok()
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.pending.take(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_answer_goes_to_who_waits_and_to_nobody_else() {
        let pending = Pending::default();
        assert!(!pending.give("1", &Reply::Nothing).await);
        let waiting = pending.wait_for("1");
        let mut giving = std::pin::pin!(pending.give("1", &Reply::Nothing));
        assert!(futures::poll!(&mut giving).is_pending(), "it has not arrived yet");
        assert!(!pending.give("1", &Reply::Nothing).await);
        // The deadline is over, and still what was given is taken.
        let given = waiting.until(Instant::now()).await.expect("given");
        assert_eq!(given.reply, Reply::Nothing);
        given.receipt.sign();
        assert!(giving.await);

        let late = pending.wait_for("2");
        assert!(late.until(Instant::now()).await.is_none());
        assert!(!pending.give("2", &Reply::Nothing).await);
        drop(pending.wait_for("3"));
        assert!(!pending.give("3", &Reply::Nothing).await);

        let released = pending.wait_for("5");
        pending.release("5");
        assert!(released.until(Instant::now() + std::time::Duration::from_secs(60)).await.is_none(), "at once");

        let lost = pending.wait_for("4");
        let mut giving = std::pin::pin!(pending.give("4", &Reply::Nothing));
        assert!(futures::poll!(&mut giving).is_pending());
        drop(lost.until(Instant::now()).await);
        assert!(!giving.await, "Discord did not take it");
    }
}
