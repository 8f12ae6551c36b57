//! Discord's HTTP API: one call, its answer, and what the answer teaches.
//!
//! Requests are built by serenity and sent here, because its own `request` keeps neither headers nor body of a refusal.
//! Its rate limiter is off: it would sleep, where the outbox wants to know at once.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hyper::HeaderMap;
use serde_json::Value;
use serenity::builder::CreateAttachment;
use serenity::http::{LightMethod, Multipart, MultipartUpload, Request, Route};

use super::pacing::{Limit, Pacing};
use super::picture::File;
use crate::chat::Undelivered;
use crate::clock::Span;

/// How long a call may take.
const DEADLINE: Duration = Duration::from_secs(10);
/// How long a call with a file may take.
const UPLOAD: Duration = Duration::from_secs(20);
/// The longest answer that is read, in bytes.
const BODY: usize = 8 * 1024 * 1024;

/// One call.
pub struct Call {
    method: LightMethod,
    path: String,
    query: String,
    body: Option<Value>,
    /// A file that goes with the body.
    file: Option<Arc<File>>,
    /// Whether it is made with the rights of this bot, or with those of an interaction's token.
    own: bool,
    deadline: Duration,
}

impl Call {
    /// Reads what is at a path below `/api/v10`.
    pub fn get(path: impl Into<String>) -> Self {
        Self::new(LightMethod::Get, path.into(), None)
    }

    /// Makes something new.
    pub fn post(path: impl Into<String>, body: Value) -> Self {
        Self::new(LightMethod::Post, path.into(), Some(body))
    }

    /// Changes something.
    pub fn patch(path: impl Into<String>, body: Value) -> Self {
        Self::new(LightMethod::Patch, path.into(), Some(body))
    }

    /// Replaces something.
    pub fn put(path: impl Into<String>, body: Value) -> Self {
        Self::new(LightMethod::Put, path.into(), Some(body))
    }

    /// Removes something.
    pub fn delete(path: impl Into<String>) -> Self {
        Self::new(LightMethod::Delete, path.into(), None)
    }

    fn new(method: LightMethod, path: String, body: Option<Value>) -> Self {
        Self { method, path, query: String::new(), body, file: None, own: true, deadline: DEADLINE }
    }

    /// With a query.
    pub fn query(mut self, query: &str) -> Self {
        query.clone_into(&mut self.query);
        self
    }

    /// With a file, if there is one, for which there is more time.
    pub fn file(mut self, file: Option<Arc<File>>) -> Self {
        if file.is_some() {
            self.deadline = UPLOAD;
        }
        self.file = file;
        self
    }

    /// With the rights of an interaction's token, which its path holds: a refusal says nothing about this bot.
    pub fn by_token(mut self) -> Self {
        self.own = false;
        self
    }

    /// With less time.
    pub fn within(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// What shares a rate limit: the method and the path, of whose ids only the first counts.
    fn route(&self) -> String {
        let mut route = format!("{:?}", self.method);
        for (index, part) in self.path.split('/').filter(|part| !part.is_empty()).enumerate() {
            let is_id = index > 1 && part.bytes().all(|b| b.is_ascii_digit());
            route.push('/');
            route.push_str(if is_id { "*" } else { part });
        }
        route
    }
}

/// An answer, whatever it says.
pub struct Raw {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, as JSON where it is JSON.
    pub body: Value,
}

/// Why a call did not do what it was to do.
#[derive(Debug)]
pub enum Failure {
    /// Too fast.
    Limited(Limit),
    /// The token of this bot is not taken, for this reason.
    Refused(String),
    /// Another refusal.
    Status {
        /// The HTTP status.
        status: u16,
        /// Discord's code of what is the matter; 0 if it says none.
        code: u64,
        /// Discord's words for it.
        message: String,
    },
    /// No answer.
    Unreachable(String),
}

impl Failure {
    /// Discord's code of what is the matter; 0 if there is none.
    pub fn code(&self) -> u64 {
        if let Self::Status { code, .. } = self { *code } else { 0 }
    }

    /// The HTTP status; 0 if there is none.
    pub fn status(&self) -> u16 {
        if let Self::Status { status, .. } = self { *status } else { 0 }
    }

    /// What the outbox makes of it.
    pub fn undelivered(self) -> anyhow::Error {
        match self {
            Self::Limited(limit) => {
                let wait = Span::from_millis(i64::try_from(limit.wait.as_millis()).unwrap_or(i64::MAX));
                Undelivered::Limited { wait, everywhere: limit.everywhere }.into()
            }
            Self::Refused(why) => Undelivered::Refused(why).into(),
            // Unknown message; somebody else's message; edited too often for its age.
            Self::Status { code: 10008 | 50005 | 30046, .. } => Undelivered::Gone.into(),
            // Unknown channel or recipient; a thread that is archived or locked; what else is missing or forbidden cannot
            // be written to either.
            Self::Status { code: 10003 | 50033 | 50083 | 160_005, message, .. }
            | Self::Status { status: 403 | 404, message, .. } => Undelivered::Closed(message).into(),
            other => other.into(),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Limited(limit) => write!(f, "Discord wants {:?} of silence", limit.wait),
            Self::Refused(why) => write!(f, "Discord refuses this bot: {why}"),
            Self::Status { status, code, message } => write!(f, "Discord answered {status} ({code}): {message}"),
            Self::Unreachable(why) => write!(f, "Discord cannot be reached: {why}"),
        }
    }
}

impl std::error::Error for Failure {}

type Exchange = Pin<Box<dyn Future<Output = serenity::Result<Raw>> + Send>>;

/// Discord's HTTP API, with the token of this bot.
pub struct Rest {
    exchange: Box<dyn Fn(Call) -> Exchange + Send + Sync>,
    pacing: Pacing,
    refused: Mutex<Option<String>>,
}

impl Rest {
    /// The API at an address; Discord's own if none is given.
    pub fn new(token: &str, base: Option<&str>) -> Self {
        let exchange = exchange(format!("Bot {token}"), base.map(str::to_owned));
        Self { exchange, pacing: Pacing::default(), refused: Mutex::default() }
    }

    /// Why the token is not taken any more, if it is not. Nothing is sent then: it would not help, and looks like an
    /// attack.
    pub fn refused(&self) -> Option<String> {
        self.refused.lock().ok().and_then(|refused| refused.clone())
    }

    /// Makes a call; gives the body of its answer. Fails without a call where its answer is known.
    pub async fn call(&self, call: Call) -> Result<Value, Failure> {
        self.exchange(call).await.map(|raw| raw.body)
    }

    /// The same, with the headers of the answer.
    pub async fn exchange(&self, call: Call) -> Result<Raw, Failure> {
        let (own, route) = (call.own, call.route());
        if own {
            if let Some(why) = self.refused() {
                return Err(Failure::Refused(why));
            }
            self.pacing.check(&route, Instant::now()).map_err(Failure::Limited)?;
        }
        let raw = (self.exchange)(call).await.map_err(|error| Failure::Unreachable(reason(&error)))?;
        if own {
            self.pacing.learn(&route, &raw.headers, Instant::now());
        }
        self.judge(raw, own.then_some(route.as_str()))
    }

    /// Whether the answer is one that was hoped for. `route` is that of a call with this bot's own rights.
    fn judge(&self, raw: Raw, route: Option<&str>) -> Result<Raw, Failure> {
        if (200..300).contains(&raw.status) {
            return Ok(raw);
        }
        let code = raw.body["code"].as_u64().unwrap_or(0);
        let message = raw.body["message"].as_str().map_or_else(|| format!("status {}", raw.status), str::to_owned);
        if raw.status == 429 && code != 30046 {
            let limit = Limit::read(&raw.headers, &raw.body);
            if let Some(route) = route {
                self.pacing.close(route, limit, Instant::now());
            }
            return Err(Failure::Limited(limit));
        }
        // A 403 that names what is forbidden is about one conversation; one that does not is about this bot.
        let is_about_us = raw.status == 401 || (raw.status == 403 && matches!(code, 0 | 20001 | 40001 | 40002));
        if route.is_some() && is_about_us {
            tracing::error!(status = raw.status, message, "Discord refuses this bot; nothing more is sent");
            if let Ok(mut refused) = self.refused.lock() {
                *refused = Some(message.clone());
            }
            return Err(Failure::Refused(message));
        }
        Err(Failure::Status { status: raw.status, code, message: explained(&message, &raw.body["errors"]) })
    }
}

/// The message with what Discord says about single parts of a body, which is for the log.
fn explained(message: &str, errors: &Value) -> String {
    if errors.is_null() { message.to_owned() } else { super::limits::cut(&format!("{message} {errors}"), 600) }
}

/// An error's causes, in one line, without the address, whose path may hold an interaction's token.
fn reason(error: &serenity::Error) -> String {
    let mut causes = Vec::new();
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(error);
    while let Some(inner) = cause {
        cause = inner.source();
        causes.push(inner.to_string());
    }
    // The outermost cause names the address; the innermost says what happened.
    causes.pop().filter(|last| !last.contains("://")).unwrap_or_else(|| "no answer".to_owned())
}

/// The way to the API. The client's type belongs to a crate that has its own room here; serenity's requests take it.
fn exchange(token: String, base: Option<String>) -> Box<dyn Fn(Call) -> Exchange + Send + Sync> {
    let client = Default::default();
    Box::new(move |call| {
        let request = Request::new(Route::Gateway, call.method).multipart(multipart(&call));
        let body = call.body.as_ref().map(|body| body.to_string().into_bytes());
        let request = request.body(body).build(&client, &token, base.as_deref());
        let client = client.clone();
        Box::pin(async move {
            let mut request = request?.timeout(call.deadline).build()?;
            let root = request.url().path().trim_end_matches("/gateway").to_owned();
            request.url_mut().set_path(&format!("{root}{}", call.path));
            request.url_mut().set_query(Some(call.query.as_str()).filter(|query| !query.is_empty()));
            let mut response = client.execute(request).await?;
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            let mut body = Vec::new();
            while let Some(chunk) = response.chunk().await? {
                body.extend_from_slice(&chunk);
                if body.len() > BODY {
                    body.clear();
                    break;
                }
            }
            Ok(Raw { status, headers, body: serde_json::from_slice(&body).unwrap_or_default() })
        })
    })
}

/// The body as a part beside its file; nothing where there is no file.
fn multipart(call: &Call) -> Option<Multipart> {
    let file = call.file.as_ref()?;
    let attachment = CreateAttachment::bytes(file.png.clone(), file.name.clone());
    Some(Multipart {
        upload: MultipartUpload::Attachments(vec![attachment]),
        fields: Vec::new(),
        payload_json: call.body.as_ref().map(Value::to_string),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn judged(status: u16, body: Value, route: Option<&str>) -> (Rest, Result<Raw, Failure>) {
        let rest = Rest::new("t", Some("http://127.0.0.1:1"));
        let judged = rest.judge(Raw { status, headers: HeaderMap::new(), body }, route);
        (rest, judged)
    }

    fn told(status: u16, code: u64) -> String {
        let (_, judged) = judged(status, json!({"code": code, "message": "why"}), Some("POST"));
        let failure = judged.err().expect("a failure");
        failure.undelivered().to_string()
    }

    #[test]
    fn what_becomes_of_refusals() {
        assert_eq!(told(401, 0), "the platform refuses: why");
        assert_eq!(told(403, 0), "the platform refuses: why");
        for code in [50001, 50013, 50007] {
            assert_eq!(told(403, code), "the conversation cannot be written to: why");
        }
        assert_eq!(told(404, 10003), "the conversation cannot be written to: why");
        assert_eq!(told(400, 50083), "the conversation cannot be written to: why");
        assert_eq!(told(404, 10008), "the message cannot be edited any more");
        assert_eq!(told(429, 30046), "the message cannot be edited any more");
        assert_eq!(told(500, 0), "Discord answered 500 (0): why");
    }

    #[test]
    fn a_refusal_of_an_interactions_token_says_nothing_about_the_bot() {
        let (rest, _) = judged(401, json!({"code": 50027, "message": "Invalid Webhook Token"}), None);
        assert_eq!(rest.refused(), None);
        let (rest, _) = judged(401, json!({"message": "401: Unauthorized"}), Some("GET"));
        assert_eq!(rest.refused().as_deref(), Some("401: Unauthorized"));
    }

    #[tokio::test]
    async fn nothing_is_sent_after_a_refusal() {
        let (rest, _) = judged(401, json!({"message": "401: Unauthorized"}), Some("GET"));
        assert!(matches!(rest.call(Call::get("/users/@me")).await, Err(Failure::Refused(_))));
        // With an interaction's token it would be tried, and nothing listens there.
        assert!(matches!(rest.call(Call::get("/x").by_token()).await, Err(Failure::Unreachable(_))));
    }

    #[test]
    fn routes_differ_by_their_first_id_only() {
        let route = |path: &str| Call::get(path).route();
        assert_eq!(route("/channels/1/messages/2"), route("/channels/1/messages/3"));
        assert_ne!(route("/channels/1/messages"), route("/channels/2/messages"));
    }
}
