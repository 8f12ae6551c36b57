//! How an interaction reaches the application: over the gateway, or signed over HTTP.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ed25519_dalek::{Signer, SigningKey};
use serde_json::{Value, json};

use super::gateway;
use super::interaction::{self, Act, IN_TIME, PING};
use super::world::{APPLICATION, Notice, State};
use super::{Discord, Transport};
use crate::wire::PATIENCE;

/// What Discord's app says of an interaction that nobody answered.
pub const SILENCE: &str = "The application did not respond";

/// What is wrong with a signature on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seal {
    Right,
    /// Of another key.
    OtherKey,
    /// Over another timestamp.
    OtherTime,
    /// Right, but made so many seconds ago; negative: ahead.
    Aged(i64),
    /// Cut to so many bytes, or filled up with zeros.
    Length(usize),
    /// Right, in upper-case hexadecimal digits.
    Raised,
    /// No signature at all.
    None,
}

/// The key pair of the application in these tests.
pub fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

/// The public key in hexadecimal digits.
pub fn public_key() -> String {
    hex::encode(key().verifying_key().as_bytes())
}

/// The headers of a delivery.
pub fn seal(body: &[u8], seal: Seal) -> Vec<(&'static str, String)> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs() as i64;
    let time = if let Seal::Aged(age) = seal { now - age } else { now }.to_string();
    let signed = if seal == Seal::OtherTime { (now - 1).to_string() } else { time.clone() };
    let key = if seal == Seal::OtherKey { SigningKey::from_bytes(&[8; 32]) } else { key() };
    let mut signature = key.sign(&[signed.as_bytes(), body].concat()).to_bytes().to_vec();
    if let Seal::Length(length) = seal {
        signature.resize(length, 0);
    }
    let mut text = hex::encode(signature);
    if seal == Seal::Raised {
        text = text.to_uppercase();
    }
    let mut headers = vec![("x-signature-timestamp", time), ("content-type", "application/json".into())];
    if seal != Seal::None {
        headers.push(("x-signature-ed25519", text));
    }
    headers
}

impl Discord {
    /// Does what somebody does, and gives the application its time to answer; the interaction's id.
    pub async fn act(&self, act: Act) -> String {
        let who = act.who;
        let id = match self.transport {
            Transport::Gateway => self.act_by_gateway(act).await,
            Transport::Http => self.act_by_http(act).await,
        };
        let answered = |state: &mut State| state.interactions[&id].answered;
        if self.world.until(IN_TIME, answered).await.is_none() {
            let notice = Notice { who: who.to_owned(), text: SILENCE.into(), read: false };
            self.world.with(|state| state.notices.push(notice));
        }
        id
    }

    /// Waits until somebody listens: a person tries again where nobody does.
    pub async fn until_connected(&self) {
        let connected = |state: &mut State| state.sessions.values().any(gateway::Session::is_connected).then_some(());
        self.world.until(PATIENCE, connected).await.expect("nobody is connected to the gateway");
    }

    async fn act_by_gateway(&self, act: Act) -> String {
        self.until_connected().await;
        self.world.with(|state| {
            let event = act.begin(state);
            gateway::announce(state, "INTERACTION_CREATE", &event);
            id_in(&event)
        })
    }

    async fn act_by_http(&self, act: Act) -> String {
        let event = self.world.with(|state| act.begin(state));
        let (id, token) = (id_in(&event), event["token"].as_str().expect("a token").to_owned());
        let seal = Seal::Aged(self.world.look(|state| -state.ahead));
        let (status, answer) = self.deliver(event.to_string().as_bytes(), seal).await;
        if (200..300).contains(&status) && status != 202 {
            self.world.with(|state| {
                if let Err(refusal) = interaction::respond(state, (&id, &token), &answer) {
                    state.refused.push(format!("the answer to a delivery: {}\n{answer}", refusal.body));
                }
            });
        }
        id
    }

    /// Delivers bytes to the application's own route; status and body of its answer.
    pub async fn deliver(&self, body: &[u8], how: Seal) -> (u16, Value) {
        self.deliver_to(&self.address(), body, seal(body, how)).await
    }

    /// Delivers bytes with any headers. A delivery that is not answered in time has the status 0.
    pub async fn deliver_to(&self, address: &str, body: &[u8], headers: Vec<(&'static str, String)>) -> (u16, Value) {
        let mut request = self.web.post(format!("{address}/discord/interactions")).body(body.to_vec());
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let answer = async {
            let answer = request.send().await.ok()?;
            let status = answer.status().as_u16();
            Some((status, answer.json().await.unwrap_or(Value::Null)))
        };
        tokio::time::timeout(IN_TIME + Duration::from_millis(200), answer)
            .await
            .ok()
            .flatten()
            .unwrap_or((0, Value::Null))
    }

    /// What Discord does when an address for interactions is entered: it is taken only if it answers a PING, and refuses
    /// one with a wrong signature.
    pub async fn register_address(&self) {
        let ping = json!({ "id": "1", "application_id": APPLICATION, "type": PING, "token": "t", "version": 1 });
        let ping = ping.to_string();
        let right = Seal::Aged(self.world.look(|state| -state.ahead));
        let right = self.deliver(ping.as_bytes(), right).await;
        assert_eq!(right, (200, json!({ "type": 1 })), "a PING is answered with a PONG");
        let wrong = self.deliver(ping.as_bytes(), Seal::OtherKey).await;
        assert_eq!(wrong.0, 401, "a PING that is not Discord's is refused");
    }
}

fn id_in(event: &Value) -> String {
    event["id"].as_str().expect("an id").to_owned()
}
