//! A call of an API in JSON, for rooms that know themselves what its answers mean.

use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::exchange::{LONGEST_WAIT, answer_words, header, retry_after};
use super::http::Method;
use super::web_client::{Call, Trouble, WebClient};
use crate::clock::{Millis, Span};

/// The number of seconds until more may be asked, as PagerDuty and others say it beside or instead of `Retry-After`.
const RESET: &str = "ratelimit-reset";

/// One call, made once: whether repeating it is harmless is for whoever makes it to know.
#[derive(Debug, Clone)]
pub struct JsonCall {
    /// The method.
    pub method: Method,
    /// Where to.
    pub url: String,
    /// Headers besides `Content-Type`; `Accept` is for JSON if it is not among them.
    pub headers: Vec<(&'static str, String)>,
    /// What is sent.
    pub body: Option<Value>,
    /// How long it may take altogether.
    pub deadline: Duration,
}

/// What came back, whatever its status.
#[derive(Debug, Clone)]
pub struct JsonAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The body; `None` if it is not JSON.
    pub body: Option<Value>,
    /// The status and the other side's own words: `404 Not Found: no such schedule`.
    pub words: String,
    /// How long it asks to be left alone, at most five minutes.
    pub wait: Option<Span>,
}

impl WebClient {
    /// Makes the call; `now` is when, by which a date in its answer is understood.
    pub async fn call_json(&self, call: JsonCall, now: Millis) -> Result<JsonAnswer, Trouble> {
        let mut headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("application/json"))]);
        if call.body.is_some() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        for (name, value) in &call.headers {
            let value = header(name, value).map_err(|error| Trouble::Refused(error.to_string()))?;
            headers.insert(HeaderName::from_static(name), value);
        }
        let body = call.body.map(|body| body.to_string().into_bytes());
        let (method, deadline) = (call.method.into(), call.deadline);
        let answer =
            self.send(Call { method, url: call.url, headers, body, deadline }, &CancellationToken::new()).await?;
        let wait = retry_after(&answer.headers, now).or_else(|| reset(&answer.headers));
        let (status, body, words) = (answer.status.as_u16(), answer.json(), answer_words(&answer));
        Ok(JsonAnswer { status, body, words, wait })
    }
}

/// What [`RESET`] says, with the same ceiling as `Retry-After`.
fn reset(headers: &HeaderMap) -> Option<Span> {
    let seconds: i64 = headers.get(RESET)?.to_str().ok()?.trim().parse().ok()?;
    (seconds > 0).then(|| Span::from_secs(seconds.min(LONGEST_WAIT.millis() / 1000)))
}
