//! What `POST /api/requests` is sent.

use std::collections::BTreeMap;

use axum::http::{HeaderMap, header};
use serde_json::{Map, Value};

use crate::catalogue::resolve::Asked;
use crate::error::UserError;
use crate::spelling::nearest;
use crate::web::json;
use crate::web::refusal::Refusal;

/// The longest idempotency key, in bytes; it is part of an indexed column.
const LONGEST_KEY: usize = 200;

/// The keys of the body.
const KEYS: [&str; 5] = ["command", "input", "idempotency_key", "confirm", "dry_run"];

/// A request, asked for by a program.
pub(super) struct Order {
    /// The command's full name.
    pub command: String,
    /// Values by parameter name.
    pub input: BTreeMap<String, Value>,
    /// The caller's own name for this request: sent again, it is the same request.
    pub idempotency_key: String,
    /// Whether the caller says that they are sure.
    pub confirm: bool,
    /// Whether only the plan is wanted.
    pub dry_run: bool,
}

impl Order {
    /// Reads a body. What is no JSON is malformed; everything that is wrong with its fields is said at once.
    pub fn read(headers: &HeaderMap, body: &[u8]) -> Result<Self, Refusal> {
        if !is_json(headers) {
            return Err(Refusal::malformed(
                "The body is not said to be JSON.",
                "send `Content-Type: application/json`",
            ));
        }
        let object = match json::read(body) {
            Ok(Value::Object(object)) => object,
            Ok(_) => return Err(Refusal::malformed("The body is JSON, but not an object.", "send {\"command\": …}")),
            Err(mistake) => {
                let message = format!("The body is not JSON that can be taken: {mistake}.");
                return Err(Refusal::malformed(message, "send one JSON object, in UTF-8, each key once"));
            }
        };
        let mut reading = Reading { object, error: UserError::invalid("The body is not as it must be.") };
        let order = reading.order();
        if reading.error.fields.is_empty() { Ok(order) } else { Err(reading.error.into()) }
    }

    /// What is asked for, for the catalogue.
    pub fn asked(&self) -> Asked {
        Asked::Named { command: self.command.clone(), input: self.input.clone(), dry_run: self.dry_run }
    }
}

/// A body whose keys are taken out one by one; what is wrong is gathered.
struct Reading {
    object: Map<String, Value>,
    error: UserError,
}

impl Reading {
    fn order(&mut self) -> Order {
        let command = self.text("command");
        let input = match self.object.remove("input") {
            None => BTreeMap::new(),
            Some(Value::Object(input)) => input.into_iter().collect(),
            Some(_) => {
                self.complain("input", "this takes an object with the command's parameters");
                BTreeMap::new()
            }
        };
        let (confirm, dry_run) = (self.truth("confirm"), self.truth("dry_run"));
        let idempotency_key = match self.object.get("idempotency_key") {
            None if dry_run => String::new(),
            _ => self.text("idempotency_key"),
        };
        if idempotency_key.len() > LONGEST_KEY || idempotency_key.chars().any(char::is_control) {
            self.complain(
                "idempotency_key",
                &format!("this takes at most {LONGEST_KEY} bytes, without control characters"),
            );
        }
        self.refuse_others();
        Order { command, input, idempotency_key, confirm, dry_run }
    }

    fn text(&mut self, key: &str) -> String {
        match self.object.remove(key) {
            Some(Value::String(text)) if !text.trim().is_empty() => text,
            _ => {
                self.complain(key, "this is needed, as text");
                String::new()
            }
        }
    }

    fn truth(&mut self, key: &str) -> bool {
        match self.object.remove(key) {
            None => false,
            Some(Value::Bool(truth)) => truth,
            Some(_) => {
                self.complain(key, "this takes true or false");
                false
            }
        }
    }

    fn refuse_others(&mut self) {
        for key in std::mem::take(&mut self.object).into_iter().map(|(key, _)| key) {
            let meant = nearest(&key, KEYS).map(|meant| format!("; did you mean {meant}?")).unwrap_or_default();
            self.complain(&key, &format!("there is no such key{meant}"));
        }
    }

    fn complain(&mut self, field: &str, message: &str) {
        let error = std::mem::replace(&mut self.error, UserError::invalid(""));
        self.error = error.field(field, message);
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
}
