//! The `callback` runner: starts work elsewhere, which calls back when it is done.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::http::{Method, Sign};
use super::inspection::Inspector;
use super::json_path::JsonPath;
use super::{Attempt, Inspection, Outcome, Tools};
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

fn post() -> Method {
    Method::Post
}

impl Callback {
    /// The start, or the end when a call back has come.
    pub async fn run(&self, _tools: &Tools, _attempt: &Attempt) -> Result<Outcome> {
        anyhow::bail!("being built")
    }

    /// `POST https://…/builds, then wait for its call back`
    pub fn plan(&self, values: &Value) -> Result<String> {
        let url = self.url.render(values, Escape::Url)?;
        Ok(format!("{} {url}, then wait for its call back", self.method.name()))
    }

    /// What the check looks at.
    pub fn inspect(&self) -> Inspection {
        let mut inspector = Inspector::default();
        inspector.request(self.method, &self.url, &self.headers, self.body.as_ref());
        inspector.expect(&self.expect);
        inspector.sign(self.sign.as_ref());
        inspector.condition("until", self.until.as_ref());
        inspector.condition("fail", self.fail.as_ref());
        inspector.condition("progress", self.progress.as_ref());
        inspector.without("callback").outputs(self.outputs.keys())
    }
}
