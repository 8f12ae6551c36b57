//! The `http` runner: calls any API, and polls it until the work behind it is done.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::inspection::Inspector;
use super::json_path::JsonPath;
use super::{Attempt, Inspection, Outcome, Tools};
use crate::clock::Span;
use crate::error::Result;
use crate::expression::Expression;
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
    /// What later steps can use: names, and where they are found in the answer. The first answer that has an output
    /// decides it, polls included. An output named `link` or `url` that is a web address is shown as the step's link.
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

/// `poll = { … }`: looks again and again until the work is done. Conditions see the answer as `body` and `status`.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Poll {
    /// The method; GET if not said.
    #[serde(default)]
    pub method: Method,
    /// Where to look; the step's own outputs are `{{steps.NAME.OUTPUT}}`.
    pub url: Template,
    /// When the work is done: `body.state == 'ready'`.
    pub until: Expression,
    /// When it has failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fail: Option<Expression>,
    /// The pause between two looks; 5s if not said, never below 200ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every: Option<Span>,
    /// How far the work is, 0 to 100: `body.percent`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<Expression>,
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
    pub async fn run(&self, _tools: &Tools, _attempt: &Attempt) -> Result<Outcome> {
        anyhow::bail!("being built")
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
        inspector.request(self.method, &self.url, &self.headers, self.body.as_ref());
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
