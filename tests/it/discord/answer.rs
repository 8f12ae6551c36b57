//! An answer of Discord's API.

use serde_json::{Value, json};

use super::fault::invalid_form;

/// Status, headers and body of an answer.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Value,
}

impl Answer {
    pub fn new(status: u16, body: Value) -> Self {
        Self { status, headers: Vec::new(), body }
    }

    pub fn ok(body: Value) -> Self {
        Self::new(200, body)
    }

    pub fn empty() -> Self {
        Self::new(204, Value::Null)
    }

    /// Discord's code and words for what it does not do.
    pub fn refusal(status: u16, code: u32, message: &str) -> Self {
        Self::new(status, json!({ "message": message, "code": code }))
    }

    /// The refusal of a body for its content.
    pub fn invalid(mistakes: &[(String, String)]) -> Self {
        Self::new(400, invalid_form(mistakes))
    }

    pub fn unauthorized() -> Self {
        Self::refusal(401, 0, "401: Unauthorized")
    }

    pub fn unknown_channel() -> Self {
        Self::refusal(404, 10003, "Unknown Channel")
    }

    pub fn unknown_message() -> Self {
        Self::refusal(404, 10008, "Unknown Message")
    }
}
