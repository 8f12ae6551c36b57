//! The `http` runner: calls any API, and polls it until the work behind it is done.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::exchange::{Exchange, link_of};
use super::inspection::Inspector;
use super::json_path::{JsonPath, collect};
use super::poll::Poll;
use super::web_client::Answer;
use super::{Attempt, Inspection, Outcome, Tools};
use crate::error::Result;
use crate::message::{Data, Escape, Template};

/// `[command.step.http]`
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// The method; GET if not said.
    #[serde(default)]
    pub method: Method,
    /// The address. Values are percent-encoded, but for an `{{env.X}}` or `{{steps.X.Y}}` at its very beginning, which
    /// is taken as it is.
    pub url: Template,
    /// Further headers. `Idempotency-Key` is always sent.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, Template>,
    /// What is sent, as JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Data>,
    /// The statuses that mean success; 200 to 299 if not said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expect: Vec<u16>,
    /// What later steps can use: names, and where they are found in the answer or, where that lacks them, in the answer
    /// to the last poll. An output named `link` or `url` that is a web address is shown as the step's link.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub outputs: BTreeMap<String, JsonPath>,
    /// Proves to the other side who is calling.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sign: Option<Sign>,
    /// How to find out when the work is done; it is done with the answer if not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub poll: Option<Poll>,
}

/// A method of HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// Reads.
    #[default]
    Get,
    /// Reads without an answer's body.
    Head,
    /// Creates or starts; repeating it may do it twice.
    Post,
    /// Replaces; may be repeated.
    Put,
    /// Changes; repeating it may change twice.
    Patch,
    /// Removes; may be repeated.
    Delete,
}

/// `sign = { secret = "{{secret.X}}", header = "X-Signature" }`: an HMAC-SHA256 over the body's bytes, sent as
/// `sha256=` and lower-case hex digits.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sign {
    /// The key that both sides know.
    pub secret: Template,
    /// The header that carries it; `X-Signature-256` if not said.
    #[serde(default = "signature_header")]
    pub header: String,
}

fn signature_header() -> String {
    "X-Signature-256".into()
}

impl Method {
    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    /// Whether doing it twice is as good as once (RFC 9110, section 9.2.2).
    pub fn is_idempotent(self) -> bool {
        !matches!(self, Self::Post | Self::Patch)
    }
}

impl Http {
    /// One attempt, or one look at the work under way.
    pub async fn run(&self, tools: &Tools, attempt: &Attempt) -> Result<Outcome> {
        if let Some(poll) = self.poll.as_ref().filter(|_| !attempt.checkpoint.is_null()) {
            return poll.look(self, tools, attempt).await;
        }
        let url = self.url.render(&attempt.values, Escape::Url)?;
        let start = Exchange { key: Some(&attempt.key), body: self.body.as_ref(), ..self.looking(self.method, url) };
        let answer = match start.make(tools, attempt, &attempt.values).await? {
            ControlFlow::Continue(answer) => answer,
            ControlFlow::Break(outcome) => return Ok(outcome),
        };
        let Some(poll) = &self.poll else {
            return Ok(self.finish(attempt, &answer, Map::new()));
        };
        let mut outputs = Map::new();
        collect(&self.outputs, &answer.json().unwrap_or_default(), &mut outputs);
        Ok(poll.begin(tools, attempt, outputs))
    }

    /// A call with the same headers and signature, but without body and key: an answer that is kept by its key would be
    /// the same at every look.
    pub(super) fn looking(&self, method: Method, url: String) -> Exchange<'_> {
        let (headers, expect, sign) = (&self.headers, self.expect.as_slice(), self.sign.as_ref());
        Exchange { method, url, key: None, headers, body: None, expect, sign }
    }

    /// The end of the step with its last answer, if that has all that is wanted of it.
    pub(super) fn finish(&self, attempt: &Attempt, answer: &Answer, mut outputs: Map<String, Value>) -> Outcome {
        let body = answer.json();
        collect(&self.outputs, body.as_ref().unwrap_or(&Value::Null), &mut outputs);
        let link = link_of(&outputs);
        let missing = self.outputs.iter().find(|(name, _)| !outputs.contains_key(*name));
        if let Some((name, path)) = missing {
            let lack = match body {
                Some(_) => format!("has no `{}`", path.source()),
                None => "is not JSON".to_owned(),
            };
            let why =
                format!("it may have been done, but the answer ({}) {lack} for the output `{name}`", answer.status);
            return Outcome::failed(attempt.mask.text(&why)).link(link).outputs(outputs);
        }
        Outcome::done(answer.status.to_string(), outputs).link(link)
    }

    /// Whether doing it twice is as good as once.
    pub fn is_repeatable(&self) -> bool {
        self.method.is_idempotent()
    }

    /// `POST https://…/databases {"name":"orders"}`
    pub fn plan(&self, values: &Value) -> Result<String> {
        let mut line = format!("{} {}", self.method.name(), self.url.render(values, Escape::Url)?);
        if let Some(body) = &self.body {
            line.push_str(&format!(" {}", body.render(values)?));
        }
        Ok(line)
    }

    /// What the check looks at.
    pub fn inspect(&self) -> Inspection {
        let mut inspector = Inspector::default();
        inspector.template("url", &self.url);
        inspector.request(self.method, &self.headers, self.body.as_ref());
        inspector.expect(&self.expect);
        inspector.sign(self.sign.as_ref());
        if let Some(poll) = &self.poll {
            inspector.template("poll.url", &poll.url);
            let conditions = [("poll.until", Some(&poll.until)), ("poll.fail", poll.fail.as_ref())];
            for (key, condition) in conditions.into_iter().chain([("poll.progress", poll.progress.as_ref())]) {
                inspector.condition(key, condition);
            }
        }
        inspector.outputs(self.outputs.keys())
    }
}
