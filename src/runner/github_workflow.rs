//! The `github-workflow` runner: starts a workflow of GitHub Actions, finds its run and follows it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::inspection::Inspector;
use super::{Attempt, Inspection, Outcome, Tools};
use crate::clock::Span;
use crate::error::Result;
use crate::message::{Escape, Template};

/// `[command.step.github-workflow]`
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GithubWorkflow {
    /// `owner/name`.
    pub repository: Template,
    /// The workflow's file name: `deploy.yml`. It must be triggered by `workflow_dispatch`.
    pub workflow: Template,
    /// The branch or tag; `main` if not said.
    #[serde(default = "main_branch", rename = "ref")]
    pub reference: Template,
    /// The workflow's inputs; GitHub takes them as text.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub inputs: BTreeMap<String, Template>,
    /// An input that is given the step's key, so that the run is found again after a crash. The workflow must show it
    /// in its `run-name`: `run-name: Deploy ${{ inputs.key }}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_input: Option<String>,
    /// A token that may read and write actions: `{{secret.GITHUB_TOKEN}}`.
    pub token: Template,
    /// The address of the API; `https://api.github.com` if not said.
    #[serde(default = "public_api")]
    pub api_url: Template,
    /// The pause between two looks; 10s if not said, never below 1s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every: Option<Span>,
}

/// What later steps can use of a run.
const OUTPUTS: [&str; 3] = ["run_id", "url", "conclusion"];

fn main_branch() -> Template {
    Template::fixed("main")
}

fn public_api() -> Template {
    Template::fixed("https://api.github.com")
}

impl GithubWorkflow {
    /// Starts the workflow, or looks how far its run is.
    pub async fn run(&self, _tools: &Tools, _attempt: &Attempt) -> Result<Outcome> {
        anyhow::bail!("being built")
    }

    /// What became of an attempt that was interrupted: looks for the run that shows the step's key.
    pub async fn recover(&self, _tools: &Tools, _attempt: &Attempt) -> Result<Outcome> {
        anyhow::bail!("being built")
    }

    /// `run deploy.yml of acme/orders at main with environment=prod`
    pub fn plan(&self, values: &Value) -> Result<String> {
        let text = |template: &Template| template.render(values, Escape::Plain);
        let mut line =
            format!("run {} of {} at {}", text(&self.workflow)?, text(&self.repository)?, text(&self.reference)?);
        for (index, (name, template)) in self.inputs.iter().enumerate() {
            line.push_str(&format!("{} {name}={}", if index == 0 { " with" } else { "," }, text(template)?));
        }
        Ok(line)
    }

    /// What the check looks at.
    pub fn inspect(&self) -> Inspection {
        let mut inspector = Inspector::default();
        let templates = [
            ("repository", &self.repository),
            ("workflow", &self.workflow),
            ("ref", &self.reference),
            ("token", &self.token),
            ("api_url", &self.api_url),
        ];
        for (key, template) in templates {
            inspector.template(key, template);
        }
        inspector.templates("inputs", &self.inputs);
        if let Some(name) = self.key_input.as_ref().filter(|name| self.inputs.contains_key(*name)) {
            inspector.mistake(
                "key_input",
                format!("the input `{name}` is given twice"),
                Some("leave it out of `inputs`"),
            );
        }
        let fixed = self.repository.variables().is_empty();
        if fixed && self.repository.source().split('/').filter(|part| !part.is_empty()).count() != 2 {
            inspector.mistake("repository", "a repository is written `owner/name`", None);
        }
        inspector.outputs(&OUTPUTS.map(str::to_owned))
    }
}
