//! Deliveries over HTTP: proven by their signature before a byte of them is read.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use hmac::{Hmac, KeyInit, Mac};
use hyper::HeaderMap;
use percent_encoding::percent_decode;
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sha2::Sha256;

use super::Workspace;
use super::inbound::{Ear, Heard};
use super::payload::{Callback, Command, Interaction};
use super::taking::{Taken, ignore};
use crate::chat::{Answer, Delivery, Inbox};
use crate::clock::Millis;
use crate::config;
use crate::error::{Result, UserError};

/// How many seconds a delivery may be away from our time; Slack's own advice.
const AWAY: i64 = 300;
/// The secret of Slack's documentation.
const SAMPLE: &str = "8f742231b10e8888abcd99yyyzzz85a5";

/// The secrets by which Slack signs: the present one, and the one before its last rotation.
pub struct Secrets(Vec<SecretString>);

/// Why a delivery is not believed.
#[derive(Debug, PartialEq, Eq)]
enum Doubt {
    /// It is not signed as it should be.
    Signature,
    /// It is signed, but this many seconds away from our time.
    Time(i64),
}

impl Secrets {
    /// The secrets, if there are any. A blank one or the one of the documentation proves nothing.
    pub fn new(config: &config::Slack) -> Result<Option<Self>> {
        let secrets: Vec<SecretString> =
            config.signing_secret.iter().chain(&config.previous_signing_secret).cloned().collect();
        for secret in &secrets {
            let text = secret.expose_secret().trim();
            if text.is_empty() || text == SAMPLE {
                return Err(UserError::invalid(
                    "Slack's signing secret is blank, or the one of Slack's documentation.",
                )
                .hint("copy it from the app's page, Basic Information, App Credentials")
                .into());
            }
        }
        Ok((config.signing_secret.is_some()).then_some(Self(secrets)))
    }

    /// Whether a delivery is Slack's: exactly one signature and one time, over these very bytes.
    fn check(&self, Delivery { headers, body }: Delivery<'_>, now: Millis) -> Result<(), Doubt> {
        let time = one(headers, "x-slack-request-timestamp").ok_or(Doubt::Signature)?;
        let signature = one(headers, "x-slack-signature").and_then(|text| text.strip_prefix("v0="));
        let signature = signature.filter(|text| text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')));
        let signature = signature.and_then(|text| hex::decode(text).ok()).ok_or(Doubt::Signature)?;
        let is_number = (1..=12).contains(&time.len()) && time.bytes().all(|b| b.is_ascii_digit());
        let seconds: i64 = time.parse().ok().filter(|_| is_number).ok_or(Doubt::Signature)?;
        let is_signed = |secret: &SecretString| {
            let mac = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes());
            mac.is_ok_and(|mac| {
                let mac = mac.chain_update("v0:").chain_update(time).chain_update(":").chain_update(body);
                mac.verify_slice(&signature).is_ok()
            })
        };
        if !self.0.iter().any(is_signed) {
            return Err(Doubt::Signature);
        }
        match now / 1000 - seconds {
            away if away.abs() > AWAY => Err(Doubt::Time(away)),
            _ => Ok(()),
        }
    }
}

/// The value of a header that is there exactly once.
fn one<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut all = headers.get_all(name).iter();
    let first = all.next()?.to_str().ok()?;
    all.next().is_none().then_some(first)
}

/// What a delivery is, once it is believed.
#[derive(Debug)]
enum Parcel {
    Callback(Box<Callback>),
    Interaction(Box<Interaction>),
    Command(Box<Command>),
    /// Slack looks whether the door is there.
    Check,
    /// Of a shape that is not known.
    Unknown,
}

/// The delivery is not what it says it is: 400.
#[derive(Debug, PartialEq, Eq)]
struct Malformed;

fn parcel(headers: &HeaderMap, body: &[u8]) -> Result<Parcel, Malformed> {
    let kind = one(headers, "content-type").unwrap_or_default();
    match kind.split(';').next().unwrap_or_default().trim() {
        "application/json" => Ok(read(body)?.map_or(Parcel::Unknown, |callback| Parcel::Callback(Box::new(callback)))),
        "application/x-www-form-urlencoded" => {
            let fields = fields(body)?;
            if let Some(payload) = fields.get("payload") {
                let said = read(payload.as_bytes())?;
                return Ok(said.map_or(Parcel::Unknown, |said| Parcel::Interaction(Box::new(said))));
            }
            if fields.contains_key("ssl_check") && !fields.contains_key("command") {
                return Ok(Parcel::Check);
            }
            let command = serde_json::from_value(json!(fields)).ok();
            Ok(command.map_or(Parcel::Unknown, |command| Parcel::Command(Box::new(command))))
        }
        _ => Err(Malformed),
    }
}

/// JSON of a known shape; nothing where it is JSON of another shape.
fn read<T: DeserializeOwned>(json: &[u8]) -> Result<Option<T>, Malformed> {
    match serde_json::from_slice(json) {
        Ok(read) => Ok(Some(read)),
        Err(error) if error.is_data() && !error.to_string().contains("duplicate field") => {
            serde_json::from_slice::<Value>(json).map(|_| None).map_err(|_| Malformed)
        }
        Err(_) => Err(Malformed),
    }
}

/// The fields of a form, each of which may be there once.
fn fields(body: &[u8]) -> Result<BTreeMap<String, String>, Malformed> {
    let mut fields = BTreeMap::new();
    for pair in body.split(|b| *b == b'&').filter(|pair| !pair.is_empty()) {
        let (name, value) = match pair.iter().position(|b| *b == b'=') {
            Some(at) => (&pair[..at], &pair[at + 1..]),
            None => (pair, &pair[pair.len()..]),
        };
        let decode = |part: &[u8]| {
            let spaced: Vec<u8> = part.iter().map(|b| if *b == b'+' { b' ' } else { *b }).collect();
            percent_decode(&spaced).decode_utf8().map(|text| text.into_owned()).map_err(|_| Malformed)
        };
        if fields.insert(decode(name)?, decode(value)?).is_some() {
            return Err(Malformed);
        }
    }
    Ok(fields)
}

impl Workspace {
    /// Answers one delivery.
    pub async fn receive(self: &Arc<Self>, inbox: &Arc<dyn Inbox>, delivery: Delivery<'_>) -> Answer {
        let Some(secrets) = &self.secrets else { return Answer::refusal(404) };
        if let Err(doubt) = secrets.check(delivery, self.clock.now()) {
            self.doubt(doubt);
            return Answer::refusal(401);
        }
        self.vitals.skew.store(0, Ordering::Relaxed);
        let parcel = match parcel(delivery.headers, delivery.body) {
            Ok(parcel) => parcel,
            Err(Malformed) => {
                ignore("malformed");
                return Answer::refusal(400);
            }
        };
        if let Some(answer) = formality(&parcel) {
            return answer;
        }
        // Without knowing who we are, nothing can be told from what is meant for others.
        let Some(identity) = self.identity().await else {
            ignore("not_ready");
            return Answer::refusal(503);
        };
        let ear = Ear { identity: &identity, at: self.clock.now() };
        let heard = match parcel {
            Parcel::Callback(callback) => ear.callback(*callback),
            Parcel::Interaction(said) => ear.interaction(*said),
            Parcel::Command(command) => ear.command(*command),
            Parcel::Check | Parcel::Unknown => Heard::Ignored("malformed"),
        };
        match self.take(inbox, heard).await {
            Taken::Ack(body) => Answer::ok(body),
            Taken::Foreign => Answer::refusal(403),
        }
    }

    /// A wrong clock is said once, not at every delivery that fails for it.
    fn doubt(&self, doubt: Doubt) {
        match doubt {
            Doubt::Signature => ignore("signature"),
            Doubt::Time(away) => {
                ignore("time");
                if self.vitals.skew.swap(away, Ordering::Relaxed) == 0 {
                    tracing::warn!("clock differs by {away} s from a delivery that Slack signed; nothing is taken so");
                }
            }
        }
    }
}

/// What Slack asks of any door.
fn formality(parcel: &Parcel) -> Option<Answer> {
    match parcel {
        Parcel::Check => Some(Answer::ok(Value::Null)),
        Parcel::Callback(callback) if callback.kind == "url_verification" => Some(match &callback.challenge {
            Some(challenge) => Answer::ok(json!({"challenge": challenge})),
            None => Answer::refusal(400),
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::{HeaderName, HeaderValue};

    const NOW: Millis = 1_700_000_000_000;

    fn secrets(all: &[&str]) -> Secrets {
        Secrets(all.iter().map(|secret| SecretString::from(*secret)).collect())
    }

    fn signed(secret: &str, time: &str, body: &[u8]) -> String {
        let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any key");
        let mac = mac.chain_update("v0:").chain_update(time).chain_update(":").chain_update(body);
        format!("v0={}", hex::encode(mac.finalize().into_bytes()))
    }

    fn headers(all: &[(&str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in all {
            let name: HeaderName = name.parse().expect("a name");
            map.append(name, HeaderValue::from_str(value).expect("a value"));
        }
        map
    }

    fn check(all: &[(&str, &str)], body: &[u8]) -> Result<(), Doubt> {
        let headers = headers(all);
        secrets(&["new", "old"]).check(Delivery { headers: &headers, body }, NOW)
    }

    #[test]
    fn a1_only_what_slack_signed_is_believed() {
        let (body, time) = (&b"{\"a\":1}"[..], "1700000000");
        let right = signed("new", time, body);
        let with =
            |signature: &str| check(&[("x-slack-signature", signature), ("x-slack-request-timestamp", time)], body);
        assert_eq!(with(&right), Ok(()));
        assert_eq!(with(&signed("old", time, body)), Ok(()), "before the last rotation");
        let cut = &right[..11];
        let empty = signed("", time, body);
        for wrong in ["", "v0=", cut, &right.to_uppercase(), &right[3..], &signed("x", time, body), &empty] {
            assert_eq!(with(wrong), Err(Doubt::Signature), "{wrong}");
        }
        let upper = format!("v0={}", right[3..].to_uppercase());
        assert_eq!(with(&upper), Err(Doubt::Signature));
        let head = [("x-slack-signature", right.as_str()), ("x-slack-request-timestamp", time)];
        assert_eq!(check(&head, b"{\"a\":2}"), Err(Doubt::Signature), "other bytes");
        assert_eq!(check(&head[..1], body), Err(Doubt::Signature));
        assert_eq!(check(&head[1..], body), Err(Doubt::Signature));
        assert_eq!(check(&[head[0], head[0], head[1]], body), Err(Doubt::Signature), "f2: two signatures");
        assert_eq!(check(&[head[0], head[1], head[1]], body), Err(Doubt::Signature), "f2: two times");
    }

    #[test]
    fn a2_old_and_odd_times_are_not_believed() {
        let with = |time: &str| {
            let signature = signed("new", time, b"x");
            check(&[("x-slack-signature", &signature), ("x-slack-request-timestamp", time)], b"x")
        };
        for (time, expected) in [
            ("1699999700", Ok(())),
            ("1700000300", Ok(())),
            ("1699999640", Err(Doubt::Time(360))),
            ("1700000360", Err(Doubt::Time(-360))),
            ("-1700000000", Err(Doubt::Signature)),
            ("+1700000000", Err(Doubt::Signature)),
            ("1700000000.0", Err(Doubt::Signature)),
            ("NaN", Err(Doubt::Signature)),
            ("1e999", Err(Doubt::Signature)),
            ("", Err(Doubt::Signature)),
            ("99999999999999999999", Err(Doubt::Signature)),
        ] {
            assert_eq!(with(time), expected, "{time}");
        }
    }

    #[test]
    fn f1_secrets_that_prove_nothing_are_refused() {
        let config = |secret: &str| config::Slack { signing_secret: Some(secret.into()), ..config::Slack::default() };
        assert!(Secrets::new(&config("4f3c2b1a")).expect("a secret").is_some());
        assert!(Secrets::new(&config::Slack::default()).expect("none").is_none());
        for nothing in ["", "  ", SAMPLE] {
            assert!(Secrets::new(&config(nothing)).is_err(), "{nothing:?}");
        }
        let previous = config::Slack { previous_signing_secret: Some(" ".into()), ..config("4f3c2b1a") };
        assert!(Secrets::new(&previous).is_err());
    }

    #[test]
    fn a8_f3_f4_what_is_no_delivery() {
        let json = headers(&[("content-type", "application/json")]);
        let form = headers(&[("content-type", "application/x-www-form-urlencoded; charset=utf-8")]);
        let deep = "[".repeat(10_000);
        let told = [
            (&json, &b"{"[..]),
            (&json, deep.as_bytes()),
            (&json, b"\xff\xfe"),
            (&json, br#"{"type":"\ud800"}"#),
            (&json, br#"{"type":"event_callback","type":"x"}"#),
            (&form, b"command=/db&command=/rm"),
            (&form, b"user_id=U1&command=/db&user_id=U2"),
            (&form, b"command=%ff"),
            (&form, b"payload=%7B"),
        ];
        for (headers, body) in told {
            assert!(parcel(headers, body).is_err(), "{}", String::from_utf8_lossy(body));
        }
        assert!(parcel(&HeaderMap::new(), b"{}").is_err());
        for odd in ["null", "[]", "7", "\"x\"", "{}", r#"{"__proto__":{}}"#, r#"{"type":7}"#] {
            assert!(matches!(parcel(&json, odd.as_bytes()), Ok(Parcel::Unknown)), "{odd}");
        }
        assert!(matches!(parcel(&form, b"ssl_check=1&token=x"), Ok(Parcel::Check)));
        assert!(matches!(parcel(&form, b"a=b"), Ok(Parcel::Unknown)));
        let Ok(Parcel::Command(command)) = parcel(
            &form,
            b"command=%2Fdb&text=create+a%26b%20%C3%A9&user_id=U1&user_name=ada&channel_id=C1&trigger_id=1.2&team_id=T1",
        ) else {
            panic!("a command")
        };
        assert_eq!((command.command.as_str(), command.text.as_str()), ("/db", "create a&b é"));
    }

    #[test]
    fn a5_the_formalities() {
        let json = headers(&[("content-type", "application/json")]);
        let parcel = parcel(&json, br#"{"type":"url_verification","challenge":"abc","token":"x"}"#).expect("a parcel");
        assert_eq!(formality(&parcel), Some(Answer::ok(json!({"challenge": "abc"}))));
        assert_eq!(formality(&Parcel::Check), Some(Answer::ok(Value::Null)));
        assert_eq!(formality(&Parcel::Unknown), None);
    }
}
