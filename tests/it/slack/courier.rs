//! How Slack brings what people did to the app: over a socket or by signed HTTP, with a time limit and retries.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::payload::{Delivery, Kind};
use super::server::Server;
use super::socket::Lost;
use super::workspace::SIGNING_SECRET;

/// How long the app has to acknowledge.
const ACK: Duration = Duration::from_secs(3);
/// How often an event is brought again.
const RETRIES: usize = 3;

/// The ways to the app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Socket,
    Http,
}

/// One delivery that was made.
#[derive(Debug, Clone)]
pub struct Receipt {
    /// The HTTP status, 200 for an acknowledgement on a socket; nothing if there was none in time.
    pub status: Option<u16>,
    pub took: Duration,
}

/// Brings deliveries to the app.
pub struct Courier {
    server: Arc<Server>,
    way: Way,
    address: Mutex<String>,
    web: reqwest::Client,
    turn: AtomicUsize,
    receipts: Mutex<Vec<Receipt>>,
}

/// A delivery over HTTP as it goes out.
#[derive(Clone)]
pub struct Parcel {
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

impl Courier {
    pub fn new(server: Arc<Server>, way: Way) -> Self {
        let web = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(30)).build().expect("a client");
        Self { server, way, address: Mutex::default(), web, turn: AtomicUsize::new(0), receipts: Mutex::default() }
    }

    /// The app is at this address now.
    pub fn connect(&self, address: &str) {
        *self.address.lock().expect("lock") = address.to_owned();
    }

    /// The deliveries so far.
    pub fn receipts(&self) -> Vec<Receipt> {
        self.receipts.lock().expect("lock").clone()
    }

    /// Brings something to the app by its way; gives what the acknowledgement carried, or what Slack makes of there
    /// being none.
    pub async fn deliver(&self, delivery: &Delivery) -> Result<Value, String> {
        self.deliver_by(self.way, delivery).await
    }

    /// The same by another way.
    pub async fn deliver_by(&self, way: Way, delivery: &Delivery) -> Result<Value, String> {
        let tries = if delivery.kind == Kind::Event { RETRIES + 1 } else { 1 };
        let mut why = String::new();
        for attempt in 0..tries {
            let answer = match way {
                Way::Socket => self.over_socket(delivery, attempt).await,
                Way::Http => self.over_http(delivery, (attempt, &why)).await,
            };
            self.server.touch();
            match answer {
                Ok(ack) => {
                    self.look_at(delivery, &ack);
                    return Ok(ack);
                }
                Err(error) => why = error,
            }
        }
        let kind = delivery.kind;
        self.server.workspace().breach(format!("{kind:?} was not acknowledged: {why}"));
        Err(why)
    }

    /// Notes an answer where none is taken.
    fn look_at(&self, delivery: &Delivery, ack: &Value) {
        let is_empty = ack.is_null() || *ack == json!({}) || *ack == "";
        if !delivery.answered && !is_empty {
            self.server.workspace().breach(format!("nobody reads this answer to {:?}: {ack}", delivery.kind));
        }
    }

    fn note(&self, status: Option<u16>, began: Instant) {
        self.receipts.lock().expect("lock").push(Receipt { status, took: began.elapsed() });
    }

    async fn over_socket(&self, delivery: &Delivery, attempt: usize) -> Result<Value, String> {
        // What is under way on a socket that ends comes again on another.
        for again in 0..=RETRIES {
            self.wait_for_socket().await;
            let turn = self.turn.fetch_add(1, Ordering::SeqCst);
            let (began, envelope) = (Instant::now(), envelope(delivery, attempt + again));
            let answer = self.server.sockets.send(turn, &envelope).await;
            self.note(answer.is_ok().then_some(200), began);
            match answer {
                Ok(ack) => return Ok(ack),
                Err(Lost::Closed) => {}
                Err(lost) => return Err(format!("{lost:?}")),
            }
        }
        Err("every socket ended".into())
    }

    /// Waits, but not for ever, for an app that is just starting or just connecting again.
    async fn wait_for_socket(&self) {
        let mut changes = self.server.changes();
        let connected = async { while self.server.sockets.count() == 0 && changes.changed().await.is_ok() {} };
        let _ = tokio::time::timeout(Duration::from_secs(10), connected).await;
    }

    async fn over_http(&self, delivery: &Delivery, (attempt, why): (usize, &str)) -> Result<Value, String> {
        let now = self.server.workspace().now() / 1000;
        let mut parcel = Parcel::signed(delivery, now);
        if attempt > 0 {
            let reason = if why.contains("Late") { "http_timeout" } else { "http_error" };
            parcel.headers.push(("X-Slack-Retry-Num", attempt.to_string()));
            parcel.headers.push(("X-Slack-Retry-Reason", reason.into()));
        }
        let began = Instant::now();
        let answer = tokio::time::timeout(ACK, self.post(&parcel)).await;
        let status = answer.as_ref().ok().map(|(status, _)| *status);
        self.note(status, began);
        match answer {
            Err(_) => Err("Late".into()),
            Ok((200, body)) => Ok(serde_json::from_str(&body).unwrap_or_else(|_| body.into())),
            Ok((status, _)) => Err(format!("HTTP status {status}")),
        }
    }

    /// Posts something to the app's address; gives the status and the body, or 0 if there was no answer.
    pub async fn post(&self, parcel: &Parcel) -> (u16, String) {
        let url = format!("{}/slack/events", self.address.lock().expect("lock"));
        let mut request = self.web.post(url).body(parcel.body.clone());
        for (name, value) in &parcel.headers {
            request = request.header(*name, value);
        }
        match request.send().await {
            Ok(answer) => (answer.status().as_u16(), answer.text().await.unwrap_or_default()),
            Err(_) => (0, String::new()),
        }
    }
}

fn envelope(delivery: &Delivery, attempt: usize) -> Value {
    let kind = match delivery.kind {
        Kind::Command => "slash_commands",
        Kind::Interactive => "interactive",
        Kind::Event => "events_api",
    };
    let mut envelope = json!({
        "envelope_id": uuid::Uuid::new_v4().to_string(),
        "payload": delivery.payload,
        "type": kind,
        "accepts_response_payload": delivery.answered,
    });
    if delivery.kind == Kind::Event || attempt > 0 {
        envelope["retry_attempt"] = attempt.into();
        envelope["retry_reason"] = if attempt > 0 { "timeout" } else { "" }.into();
    }
    envelope
}

impl Parcel {
    /// A delivery as it goes out at a time, in seconds since 1970.
    pub fn signed(delivery: &Delivery, at: i64) -> Self {
        let payload = &delivery.payload;
        let (kind, body) = match delivery.kind {
            Kind::Event => ("application/json", payload.to_string()),
            Kind::Interactive => ("application/x-www-form-urlencoded", form([("payload", payload.to_string())])),
            Kind::Command => {
                let fields = payload.as_object().expect("an object").iter();
                let fields = fields.map(|(key, value)| (key.as_str(), value.as_str().unwrap_or_default().to_owned()));
                ("application/x-www-form-urlencoded", form(fields))
            }
        };
        Self::of(kind, body.into_bytes(), at)
    }

    /// Any body, signed at a time.
    pub fn of(content_type: &str, body: Vec<u8>, at: i64) -> Self {
        let parcel = Self { headers: vec![("Content-Type", content_type.into())], body };
        parcel.sign(SIGNING_SECRET, &at.to_string())
    }

    /// The same with the signature by a secret for a time stamp, in place of any other.
    pub fn sign(mut self, secret: &str, at: &str) -> Self {
        self.headers.retain(|(name, _)| !name.starts_with("X-Slack-"));
        self.headers.push(("X-Slack-Request-Timestamp", at.to_owned()));
        self.headers.push(("X-Slack-Signature", signature(secret, at, &self.body)));
        self
    }
}

/// `v0=…` over version, time stamp and body.
pub fn signature(secret: &str, at: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any length will do");
    mac.update(format!("v0:{at}:").as_bytes());
    mac.update(body);
    format!("v0={}", hex::encode(mac.finalize().into_bytes()))
}

fn form<'a>(fields: impl IntoIterator<Item = (&'a str, String)>) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}
