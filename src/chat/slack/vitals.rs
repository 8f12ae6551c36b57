//! Whether Slack can be used now, and why not.

use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::chat::Health;

/// What readiness is made of.
#[derive(Debug, Default)]
pub struct Vitals {
    /// How many sockets are open.
    pub sockets: AtomicUsize,
    /// By how many seconds the clocks differ, if Slack's deliveries are refused for it.
    pub skew: AtomicI64,
    /// Why it is not connected, as far as is known.
    trouble: Mutex<Option<String>>,
    /// Why Slack refuses the app token.
    refusal: Mutex<Option<String>>,
}

impl Vitals {
    /// What is amiss at the moment; it is tried again.
    pub fn set_trouble(&self, trouble: Option<String>) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }

    /// Why nothing can be heard until somebody does something.
    pub fn set_refusal(&self, refusal: Option<String>) {
        *self.refusal.lock().unwrap_or_else(PoisonError::into_inner) = refusal;
    }

    /// The whole, given why the bot token is refused, whether it is known who we are, and whether sockets are needed.
    pub fn health(&self, refused: Option<String>, is_known: bool, needs_sockets: bool) -> Health {
        let refusal = self.refusal.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(reason) = refused.or(refusal) {
            return Health::Stopped(format!("Slack refuses the token: {reason}"));
        }
        let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let skew = self.skew.load(Ordering::Relaxed);
        if !is_known || (needs_sockets && self.sockets.load(Ordering::Relaxed) == 0) {
            return Health::Waiting(trouble.unwrap_or_else(|| "it is being connected".into()));
        }
        if skew != 0 {
            return Health::Waiting(format!("the clock differs from Slack's by {} s", skew.abs()));
        }
        Health::Ready
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_ready_when_nothing_is_amiss() {
        let vitals = Vitals::default();
        assert_eq!(vitals.health(None, true, false), Health::Ready);
        assert_eq!(vitals.health(None, true, true), Health::Waiting("it is being connected".into()));
        vitals.sockets.store(1, Ordering::Relaxed);
        assert_eq!(vitals.health(None, true, true), Health::Ready);
        vitals.skew.store(-600, Ordering::Relaxed);
        assert_eq!(vitals.health(None, true, true), Health::Waiting("the clock differs from Slack's by 600 s".into()));
        vitals.set_trouble(Some("no answer".into()));
        assert_eq!(vitals.health(None, false, true), Health::Waiting("no answer".into()));
        vitals.set_refusal(Some("invalid_auth".into()));
        let stopped = Health::Stopped("Slack refuses the token: invalid_auth".into());
        assert_eq!(vitals.health(None, true, true), stopped);
    }
}
