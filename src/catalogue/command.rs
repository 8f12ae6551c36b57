//! A command: a slash-command of a capability, as its file declares it.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::capability::Capability;
use super::parameter::{Kind, Parameter};
pub use super::policy::{ApprovalPolicy, BreakGlass, Cost, Standing};
use crate::clock::{Rate, Span};
use crate::error::Result;
use crate::expression::Expression;
use crate::message::Template;
use crate::runner::{Callback, GithubWorkflow, Http, Process, Runner, Scaffold};

/// A command with the capability it belongs to. Invariant: it passed the check.
#[derive(Debug, Clone)]
pub struct Command {
    /// What it belongs to.
    pub capability: Arc<Capability>,
    /// What its file says.
    pub file: CommandFile,
}

/// `[[command]]`
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CommandFile {
    /// One to three words; the first is the slash-command.
    pub name: String,
    /// What it does, in one line.
    pub summary: String,
    /// When to ask "are you sure?" first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirm: Option<Expression>,
    /// How long a request may take altogether, waiting included; 24h if not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Span>,
    /// Its inputs, in positional order.
    #[serde(default)]
    pub param: Vec<Parameter>,
    /// Who may; everybody if not said.
    #[serde(default)]
    pub allow: Allow,
    /// What one use of it costs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<Cost>,
    /// When a human decides first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval: Option<ApprovalPolicy>,
    /// How much of it.
    #[serde(default)]
    pub limits: Limits,
    /// The work, in order.
    #[serde(default)]
    pub step: Vec<Step>,
    /// What the requester reads at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply: Option<ReplyText>,
    /// What `stationmaster check` tries.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub test: Vec<CommandTest>,
}

impl CommandFile {
    /// Whether the person must say first that they are sure; `values` are those of [`Expression::holds`].
    pub fn needs_confirmation(&self, values: &Value) -> Result<bool> {
        self.confirm.as_ref().map_or(Ok(false), |confirm| confirm.holds(values))
    }

    /// Whether it takes a secret, which is forgotten when a request ends.
    pub fn has_secrets(&self) -> bool {
        self.param.iter().any(|param| param.kind == Kind::Secret)
    }

    /// A use of it as one would type it; what is left at its default is left out.
    pub fn said(&self, input: &Map<String, Value>) -> String {
        let mut line = format!("/{}", self.name);
        for param in &self.param {
            let text = match input.get(&param.name) {
                None | Some(Value::Null) => continue,
                Some(Value::String(text)) => text.clone(),
                Some(other) => other.to_string(),
            };
            if param.default.as_ref().is_some_and(|default| default == &input[&param.name]) {
                continue;
            }
            let plain = !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || "\"'“”‘’«»„\\".contains(c));
            let text = if plain { text } else { format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")) };
            line.push_str(&format!(" {}={text}", param.name));
        }
        line
    }
}

/// `[command.allow]`: who may use it. All that is named is allowed; `except` takes away again.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Allow {
    /// Teams; `*` is everybody.
    pub teams: Vec<String>,
    /// Roles.
    pub roles: Vec<String>,
    /// Persons.
    pub people: Vec<String>,
    /// Conversations in which it may be used; any if empty.
    pub channels: Vec<String>,
    /// Teams, roles or persons who may not.
    pub except: Vec<String>,
    /// Whether guests of a platform, and people of other organisations there, may use it too; no if not said.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub guests: bool,
}

/// `[command.limits]`
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// How often one person may use it: `5/h`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_person: Option<Rate>,
    /// How many of its requests run at the same time; the others wait in the queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrent: Option<u32>,
    /// Two live requests with the same key are one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<Template>,
}

/// `[[command.step]]`, and `[command.step.undo]`, which has no name and no condition of its own.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Step {
    /// Its name; its outputs are `{{steps.NAME.OUTPUT}}`.
    pub name: String,
    /// When it runs; always if not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when: Option<Expression>,
    /// How long it may take; 10m if not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Span>,
    /// What happens when it fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
    /// Calls an API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http: Option<Http>,
    /// Calls an API and waits for its signed call back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub callback: Option<Callback>,
    /// Runs a local program.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub process: Option<Process>,
    /// Makes a git repository from a template directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scaffold: Option<Scaffold>,
    /// Starts a GitHub Actions workflow and follows it.
    #[serde(rename = "github-workflow", skip_serializing_if = "Option::is_none")]
    pub github_workflow: Option<GithubWorkflow>,
    /// How to take it back when a later step fails or the request is cancelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undo: Option<Box<Step>>,
}

impl Step {
    /// The runners, by their names in capability files.
    pub const RUNNERS: [&str; 5] = ["http", "callback", "process", "scaffold", "github-workflow"];

    /// The runners that the step names; the check wants exactly one.
    pub fn runners(&self) -> Vec<Runner> {
        [
            self.http.clone().map(Runner::Http),
            self.callback.clone().map(Runner::Callback),
            self.process.clone().map(Runner::Process),
            self.scaffold.clone().map(Runner::Scaffold),
            self.github_workflow.clone().map(Runner::GithubWorkflow),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// `retry = { attempts = 5, on = "safe" }`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Retry {
    /// How often it is tried altogether.
    pub attempts: u32,
    /// Whether repeating can do harm.
    #[serde(default)]
    pub on: Repeat,
    /// The pause before the second attempt, doubled before each further one; 2s if not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pause: Option<Span>,
}

/// Whether a step may be repeated when nobody knows how far it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Repeat {
    /// Repeating does no harm: an idempotency key is sent, or the work finds what is done already.
    Safe,
    /// It is repeated only after a failure that is known to have done nothing, and never after a lost answer.
    #[default]
    Never,
}

/// `[command.reply]`
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplyText {
    /// Markdown.
    pub text: Template,
}

/// `[[command.test]]`: run by `stationmaster check`, with no network.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CommandTest {
    /// What is typed.
    pub say: String,
    /// The team or role of who types; somebody of no team if not said.
    #[serde(skip_serializing_if = "Option::is_none", rename = "as")]
    pub as_member: Option<String>,
    /// The parameter that must be refused, or `allow` where the person must be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Whether a human must decide.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval: Option<bool>,
    /// Who must decide, as `approval.by` says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approver: Option<String>,
    /// Whether "are you sure?" must be asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirm: Option<bool>,
    /// The names of the steps that must be planned, in order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<Vec<String>>,
    /// The typed values that must result; others are not looked at.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub input: BTreeMap<String, Value>,
}
