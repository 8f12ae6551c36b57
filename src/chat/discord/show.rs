//! How an answer to an interaction is shown: as its first response within three seconds, or later by its token.

use serde_json::{Value, json};

use super::card::EPHEMERAL;
use super::rest::Call;

/// An answer. A command is answered by a message of its own; what came from a component stands beside a message already.
#[derive(Debug, Clone, PartialEq)]
pub enum Show {
    /// A message beside what is there.
    Beside(Value),
    /// A message in place of the one that the component stands on.
    Replace(Value),
    /// A modal; only as a first response, and not to a modal.
    Modal(Value),
    /// What is there goes away.
    Remove,
    /// What is there stays as it is; a message in the conversation says the rest.
    Keep,
}

/// A first response.
#[derive(Debug, Clone, PartialEq)]
pub struct First {
    /// The callback: `{type, data}`.
    pub body: Value,
    /// Whether the message of the response is to be removed as soon as Discord has it: a command must be answered, and
    /// where there is nothing to say the answer should not stay.
    pub remove: bool,
}

impl First {
    /// A response that stays.
    pub fn new(kind: u8, data: Value) -> Self {
        let body = if data.is_null() { json!({"type": kind}) } else { json!({"type": kind, "data": data}) };
        Self { body, remove: false }
    }

    /// "Wait": it is said by the platform that something comes later, or nothing is seen.
    pub fn wait(on_message: bool) -> Self {
        if on_message { Self::new(6, Value::Null) } else { Self::new(5, json!({"flags": EPHEMERAL})) }
    }
}

impl Show {
    /// As a first response.
    pub fn first(self, on_message: bool) -> First {
        match self {
            Self::Replace(body) if on_message => First::new(7, body),
            Self::Beside(body) | Self::Replace(body) => First::new(4, private(body)),
            Self::Modal(modal) => First::new(9, modal),
            Self::Keep if on_message => First::wait(true),
            Self::Remove | Self::Keep => First { remove: true, ..First::wait(on_message) },
        }
    }

    /// As a later call, to the interaction of this application and token that was told to wait; nothing if that was all.
    pub fn late(self, on_message: bool, (application, token): (&str, &str)) -> Option<Call> {
        let path = format!("/webhooks/{application}/{token}");
        let original = format!("{path}/messages/@original");
        let call = match self {
            Self::Beside(body) if on_message => Call::post(path, private(body)),
            Self::Beside(body) | Self::Replace(body) | Self::Modal(body) => Call::patch(original, public(body)),
            Self::Keep if on_message => return None,
            Self::Remove | Self::Keep => Call::delete(original),
        };
        Some(call.by_token())
    }
}

fn private(mut body: Value) -> Value {
    body["flags"] = json!(EPHEMERAL);
    body
}

/// Whether a message is private cannot be changed, so an edit does not say it.
fn public(mut body: Value) -> Value {
    if let Some(body) = body.as_object_mut() {
        body.remove("flags");
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(on_message: bool) -> Vec<(u64, bool)> {
        let shows =
            [Show::Beside(json!({})), Show::Replace(json!({})), Show::Modal(json!({})), Show::Remove, Show::Keep];
        let first = shows.map(|show| show.first(on_message));
        first.iter().map(|first| (first.body["type"].as_u64().expect("a type"), first.remove)).collect()
    }

    #[test]
    fn every_answer_has_a_first_response() {
        assert_eq!(kinds(false), [(4, false), (4, false), (9, false), (5, true), (5, true)]);
        assert_eq!(kinds(true), [(4, false), (7, false), (9, false), (6, true), (6, false)]);
        assert_eq!(Show::Beside(json!({})).first(true).body["data"]["flags"], EPHEMERAL);
        assert_eq!(First::wait(false).body["data"]["flags"], EPHEMERAL);
    }

    #[test]
    fn nothing_is_left_of_a_press_that_needs_no_answer() {
        assert!(Show::Keep.late(true, ("9", "t")).is_none());
        assert!(Show::Keep.late(false, ("9", "t")).is_some());
    }
}
