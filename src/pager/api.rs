//! One service's API: calls with its credentials, and what its statuses mean.

use std::time::Duration;

use serde_json::Value;

use super::{Fault, Kind, Provider};
use crate::clock::Clock;
use crate::mask::Mask;
use crate::runner::http::Method;
use crate::runner::web_client::Trouble;
use crate::runner::{JsonAnswer, JsonCall, WebClient};

/// How long a question may take: a card waits for its answer.
const QUESTION: Duration = Duration::from_secs(5);
/// How long telling may take; nobody waits for it.
const TELLING: Duration = Duration::from_secs(15);
/// What Opsgenie says, with 422, to what is no key at all.
const NO_KEY: &str = "Key format is not valid";

/// An API of a paging service. It holds secrets and so has no `Debug`.
#[derive(Clone)]
pub(super) struct Api {
    pub(super) provider: Provider,
    /// Where it is, without a slash at its end.
    pub(super) base: String,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) mask: Mask,
    pub(super) web: WebClient,
    pub(super) clock: Clock,
}

impl Api {
    /// What a question is answered with; 404 means that there is no such schedule.
    pub(super) async fn ask(&self, path: &str, schedule: &str) -> Result<Value, Fault> {
        let call = self.call((Method::Get, path), None, QUESTION);
        let answer = self.judge(self.web.call_json(call, self.clock.now()).await, schedule)?;
        answer.body.ok_or_else(|| self.fault(Kind::Unreadable))
    }

    /// Tells something. It may be told again: both services know an alert by its key.
    pub(super) async fn tell(&self, path: &str, body: Value) -> Result<(), Fault> {
        let call = self.call((Method::Post, path), Some(body), TELLING);
        self.judge(self.web.call_json(call, self.clock.now()).await, "").map(drop)
    }

    pub(super) fn fault(&self, kind: Kind) -> Fault {
        Fault { provider: self.provider, kind }
    }

    fn call(&self, (method, path): (Method, &str), body: Option<Value>, deadline: Duration) -> JsonCall {
        let (url, headers) = (format!("{}{path}", self.base), self.headers.clone());
        JsonCall { method, url, headers, body, deadline }
    }

    fn judge(&self, answer: Result<JsonAnswer, Trouble>, schedule: &str) -> Result<JsonAnswer, Fault> {
        let answer = match answer {
            Ok(answer) => answer,
            Err(Trouble::Refused(why)) => return Err(self.fault(Kind::Invalid(self.mask.text(&why)))),
            Err(Trouble::TooBig(_)) => return Err(self.fault(Kind::Unreadable)),
            Err(trouble) => {
                let why = self.mask.text(&trouble.to_string());
                return Err(self.fault(Kind::Away { why, wait: None }));
            }
        };
        let (status, wait) = (answer.status, answer.wait);
        Err(self.fault(match status {
            200..=299 => return Ok(answer),
            401..=403 => Kind::Refused { status },
            422 if answer.words.contains(NO_KEY) => Kind::Refused { status },
            404 if !schedule.is_empty() => Kind::NoSchedule(schedule.to_owned()),
            408 | 425 | 500.. => Kind::Away { why: status.to_string(), wait },
            429 => Kind::Busy { wait },
            _ => Kind::Invalid(self.mask.text(&reasons(&answer))),
        }))
    }
}

/// Everything that the service finds wrong, in its own words: both name each mistake beside their general message.
fn reasons(answer: &JsonAnswer) -> String {
    let errors = answer.body.as_ref().and_then(|body| {
        let errors = body.pointer("/errors").or_else(|| body.pointer("/error/errors"))?;
        let texts: Vec<&str> = match errors {
            Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
            Value::Object(fields) => fields.values().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        (!texts.is_empty()).then(|| texts.join("; ").chars().take(300).collect::<String>())
    });
    errors.map_or_else(|| answer.words.clone(), |errors| format!("{}: {errors}", answer.status))
}
