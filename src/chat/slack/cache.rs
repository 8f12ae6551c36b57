//! What Slack said lately, so that it need not be asked for every event.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::clock::Millis;

/// The most entries; with more, all is asked for anew.
const MOST: usize = 20_000;

/// Values by id, with the time at which they were true.
pub struct Cache<V>(Mutex<HashMap<String, (Millis, V)>>);

impl<V: Clone> Cache<V> {
    /// The value, if it was put no earlier than `since`.
    pub fn get(&self, id: &str, since: Millis) -> Option<V> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(id).filter(|(at, _)| *at >= since).map(|(_, value)| value.clone())
    }

    /// Keeps a value.
    pub fn put(&self, id: &str, value: V, now: Millis) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MOST {
            kept.clear();
        }
        kept.insert(id.to_owned(), (now, value));
    }

    /// Forgets a value.
    pub fn forget(&self, id: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }
}

impl<V> Default for Cache<V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}
