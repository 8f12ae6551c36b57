//! The `callback` runner: starts work elsewhere, which calls back when it is done.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::exchange::{Exchange, hmac, link_of, with_own, words_of};
use super::http::{Method, Sign};
use super::inspection::Inspector;
use super::json_path::{JsonPath, collect};
use super::poll::report;
use super::{Attempt, Inspection, Outcome, Status, Tools};
use crate::error::Result;
use crate::expression::Expression;
use crate::message::{Data, Escape, Template};

/// `[command.step.callback]`: `{{callback.url}}` is where the other side calls back, with `{{callback.token}}` as its
/// proof, either `Authorization: Bearer TOKEN` or the header `X-Signature-256: sha256=HEX`, an HMAC-SHA256 of the
/// body's bytes with the token as key.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Callback {
    /// The method of the start; POST if not said.
    #[serde(default = "post")]
    pub method: Method,
    /// The address of the start; see the `http` runner.
    pub url: Template,
    /// Further headers of the start. `Idempotency-Key` is always sent.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, Template>,
    /// What the start sends, as JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Data>,
    /// The statuses that mean that the work has begun; 200 to 299 if not said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expect: Vec<u16>,
    /// What later steps can use, found in the start's answer or, where that lacks it, in the call back.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub outputs: BTreeMap<String, JsonPath>,
    /// Proves to the other side who is calling.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sign: Option<Sign>,
    /// When a call back (`body`) says that the work is done; `body.status == 'succeeded'` if not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Expression>,
    /// When a call back says that the work has failed; `body.status == 'failed'` if not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fail: Option<Expression>,
    /// How far the work is, 0 to 100, in a call back that says neither; `body.progress` if not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<Expression>,
}

/// What is remembered until the call back comes.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
struct Begun {
    outputs: Map<String, Value>,
    percent: Option<u8>,
    /// Whether the answer to the start was lost, so that only the call back can tell.
    lost: bool,
    /// The body of the call back.
    #[serde(skip_serializing_if = "Option::is_none")]
    called: Option<Value>,
}

impl Begun {
    fn wait(&self, attempt: &Attempt) -> Outcome {
        let outcome = Outcome::waiting("waiting for the call back", json!(self), attempt.deadline);
        outcome.link(link_of(&self.outputs)).outputs(self.outputs.clone())
    }

    fn fail(self, why: &str) -> Outcome {
        Outcome::failed(why).link(link_of(&self.outputs)).outputs(self.outputs)
    }
}

/// The token of the call back of one step of one request; the other side proves with it that it may call.
pub fn sign(key: &SecretString, request: &str, step: &str) -> String {
    // The parts end with a byte that neither can contain, so that no two pairs look the same.
    hmac(key, &[b"callback\0", request.as_bytes(), b"\0", step.as_bytes(), b"\0"])
}

/// Whether `proof` is the token itself, or `sha256=HEX`, the HMAC-SHA256 of the body's bytes with the token as key.
/// The time that it takes says nothing about how much of it is right.
pub fn verify(token: &str, body: &[u8], proof: &str) -> bool {
    let proof = proof.trim();
    match proof.strip_prefix("sha256=") {
        Some(signature) => equal(signature, &hmac(&SecretString::from(token), &[body])),
        None => equal(proof.strip_prefix("Bearer ").unwrap_or(proof).trim(), token),
    }
}

/// Compares the hashes under a key that nobody knows, so that the comparison may stop where it likes.
fn equal(given: &str, right: &str) -> bool {
    let key = SecretString::from(uuid::Uuid::new_v4().to_string());
    hmac(&key, &[given.as_bytes()]) == hmac(&key, &[right.as_bytes()])
}

/// Where the other side calls back.
fn address(tools: &Tools, attempt: &Attempt) -> String {
    let base = tools.public_url.trim_end_matches('/');
    let step = utf8_percent_encode(&attempt.step, NON_ALPHANUMERIC);
    format!("{base}/hooks/callback/{}/{step}", attempt.request)
}

fn post() -> Method {
    Method::Post
}

impl Callback {
    /// The start; or, with a checkpoint, the end if a call back has come: the engine puts its body there as `called`,
    /// also where it came before the start's answer was recorded.
    pub async fn run(&self, tools: &Tools, attempt: &Attempt) -> Result<Outcome> {
        if attempt.checkpoint.is_null() {
            return self.start(tools, attempt).await;
        }
        let begun: Begun = serde_json::from_value(attempt.checkpoint.clone())?;
        if let Some(body) = &begun.called {
            return Ok(self.outcome(attempt, body));
        }
        if tools.clock.now() < attempt.deadline {
            return Ok(begun.wait(attempt));
        }
        Ok(if begun.lost {
            Outcome::unknown("the answer to the start was lost, and no call back has come")
        } else {
            begun.fail("it was begun, but no call back has come in time")
        })
    }

    /// After an interrupted start: the call back will tell, if there is one.
    pub async fn recover(&self, tools: &Tools, attempt: &Attempt) -> Result<Outcome> {
        let checkpoint = match &attempt.checkpoint {
            Value::Null => json!(Begun { lost: true, ..Begun::default() }),
            known => known.clone(),
        };
        self.run(tools, &Attempt { checkpoint, ..attempt.clone() }).await
    }

    /// What a call back's body says: done, failed, or still under way.
    pub fn outcome(&self, attempt: &Attempt, body: &Value) -> Outcome {
        let mut begun: Begun = serde_json::from_value(attempt.checkpoint.clone()).unwrap_or_default();
        begun.called = None;
        collect(&self.outputs, body, &mut begun.outputs);
        let values = with_own(attempt, &begun.outputs, &[("body", body.clone())]);
        let says = |condition: Option<&Expression>, usual: &str| match condition {
            Some(condition) => condition.holds(&values).unwrap_or(false),
            None => body.get("status").and_then(Value::as_str) == Some(usual),
        };
        if says(self.fail.as_ref(), "failed") {
            let words = words_of(body).unwrap_or_else(|| "the call back says that it failed".into());
            return begun.fail(&attempt.mask.text(&words));
        }
        if !says(self.until.as_ref(), "succeeded") {
            let progress = match &self.progress {
                Some(progress) => progress.value(&values).ok(),
                None => body.get("progress").cloned(),
            };
            report(attempt, progress, &mut begun.percent);
            return begun.wait(attempt);
        }
        match self.outputs.iter().find(|(name, _)| !begun.outputs.contains_key(*name)) {
            Some((name, path)) => {
                let why = format!("it is done, but its call back has no `{}` for the output `{name}`", path.source());
                begun.fail(&why)
            }
            None => {
                let link = link_of(&begun.outputs);
                Outcome::done("the call back says that it is done", begun.outputs).link(link)
            }
        }
    }

    async fn start(&self, tools: &Tools, attempt: &Attempt) -> Result<Outcome> {
        let token = sign(&tools.callback_key, &attempt.request, &attempt.step);
        let attempt = &Attempt { mask: attempt.mask.with(token.clone()), ..attempt.clone() };
        let place = json!({"url": address(tools, attempt), "token": token});
        let values = with_own(attempt, &Map::new(), &[("callback", place)]);
        let exchange = Exchange {
            method: self.method,
            url: self.url.render(&values, Escape::Url)?,
            key: Some(&attempt.key),
            headers: &self.headers,
            body: self.body.as_ref(),
            expect: &self.expect,
            sign: self.sign.as_ref(),
        };
        let mut begun = Begun::default();
        match exchange.make(tools, attempt, &values).await? {
            ControlFlow::Continue(answer) => {
                collect(&self.outputs, &answer.json().unwrap_or_default(), &mut begun.outputs);
            }
            ControlFlow::Break(outcome) if outcome.status == Status::Unknown => begun.lost = true,
            ControlFlow::Break(outcome) => return Ok(outcome),
        }
        Ok(begun.wait(attempt))
    }

    /// `POST https://…/builds, then wait for its call back`
    pub fn plan(&self, values: &Value) -> Result<String> {
        let url = self.url.render(values, Escape::Url)?;
        Ok(format!("{} {url}, then wait for its call back", self.method.name()))
    }

    /// What the check looks at.
    pub fn inspect(&self) -> Inspection {
        let mut inspector = Inspector::default();
        inspector.template("url", &self.url);
        inspector.request(self.method, &self.headers, self.body.as_ref());
        inspector.expect(&self.expect);
        inspector.sign(self.sign.as_ref());
        inspector.condition("until", self.until.as_ref());
        inspector.condition("fail", self.fail.as_ref());
        inspector.condition("progress", self.progress.as_ref());
        inspector.without("callback").outputs(self.outputs.keys())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d5_only_the_right_proof_is_taken() {
        let key = SecretString::from("a key that nobody knows");
        let token = sign(&key, "req_1", "build");
        assert_eq!(token.len(), 64);
        let signature = format!("sha256={}", hmac(&SecretString::from(token.clone()), &[b"{}"]));
        for right in [token.clone(), format!("Bearer {token}"), signature.clone()] {
            assert!(verify(&token, b"{}", &right), "{right}");
        }
        assert!(!verify(&token, b"{ }", &signature), "other bytes");
        assert!(!verify(&token, b"{}", &signature[..15]), "cut to eight digits");
        for wrong in ["", "Bearer ", "sha256=", &token[..63], &token.to_uppercase(), &format!("{token}0")] {
            assert!(!verify(&token, b"{}", wrong), "{wrong}");
        }
        for other in [sign(&key, "req_1", "buil"), sign(&key, "req_2", "build"), sign(&key, "req_1build", "")] {
            assert!(!verify(&token, b"{}", &other));
        }
        assert_ne!(sign(&SecretString::from("another"), "req_1", "build"), token);
    }
}
