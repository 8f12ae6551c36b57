//! What goes wrong on demand: refusals, limits, cut connections and slowness at chosen calls.

use std::time::Duration;

use serde_json::{Value, json};

use super::answer::Answer;

/// Something that goes wrong at calls whose `METHOD /path` begins so, so many times.
pub struct Fault {
    pub at: String,
    pub times: usize,
    pub harm: Harm,
}

/// What goes wrong.
#[derive(Debug, Clone)]
pub enum Harm {
    /// This status with Discord's words, and nothing is done.
    Refuse(u16, u32, &'static str),
    /// 429: what the header says, if there is one, and what the body says, in seconds.
    Limit { header: Option<&'static str>, body: f64 },
    /// The connection is closed without an answer, and nothing is done.
    Cut,
    /// It is done, and the answer is lost.
    Lose,
    /// It is done this much later.
    Delay(Duration),
}

impl Harm {
    /// The answer in place of the true one, if it takes its place.
    pub fn answer(&self) -> Option<Answer> {
        match self {
            Self::Refuse(status, code, message) => Some(Answer::refusal(*status, *code, message)),
            Self::Limit { header, body } => {
                let text = json!({ "message": "You are being rate limited.", "retry_after": body, "global": false });
                Some(Answer { headers: limit_headers(*header), ..Answer::new(429, text) })
            }
            Self::Cut | Self::Lose | Self::Delay(_) => None,
        }
    }
}

fn limit_headers(header: Option<&str>) -> Vec<(&'static str, String)> {
    let mut headers = vec![("x-ratelimit-scope", "shared".to_owned())];
    headers.extend(header.map(|header| ("retry-after", header.to_owned())));
    headers
}

/// The first fault that waits for this call; it happens once less from now on.
pub fn take(faults: &mut Vec<Fault>, call: &str) -> Option<Harm> {
    let at = faults.iter().position(|fault| call.starts_with(&fault.at))?;
    let harm = faults[at].harm.clone();
    faults[at].times -= 1;
    if faults[at].times == 0 {
        faults.remove(at);
    }
    Some(harm)
}

/// The body of a refusal for its content: `path` leads to what is wrong.
pub fn invalid_form(mistakes: &[(String, String)]) -> Value {
    let mut errors = json!({});
    for (path, message) in mistakes {
        let mut at = &mut errors;
        for key in path.split('/').filter(|key| !key.is_empty()) {
            at = at.as_object_mut().expect("an object").entry(key).or_insert_with(|| json!({}));
        }
        at["_errors"] = json!([{ "code": "BASE_TYPE_BAD", "message": message }]);
    }
    json!({ "message": "Invalid Form Body", "code": 50035, "errors": errors })
}
