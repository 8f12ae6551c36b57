//! The `scaffold` runner: a new git repository from a template directory, or, to undo that, none.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::inspection::Inspector;
use super::{Attempt, Inspection, Outcome, Tools};
use crate::error::Result;
use crate::message::{Escape, Template};

/// `[command.step.scaffold]`: either `template` and `into`, or, for `[command.step.undo.scaffold]`, `remove` alone.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Scaffold {
    /// The template directory, relative to the folder of the capability files. File names and texts are templates;
    /// binary files are copied as they are; what is executable stays so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// The new repository, relative to the data folder: `repositories/{{name}}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub into: Option<Template>,
    /// The message of the first commit; `Begin NAME` if not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<Template>,
    /// The repository to remove, if it was made by this very request; any other is left alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remove: Option<Template>,
}

/// What later steps can use of a new repository.
const OUTPUTS: [&str; 3] = ["path", "commit", "url"];

impl Scaffold {
    /// Makes the repository, or finds that this request has made it already; or removes it.
    pub async fn run(&self, _tools: &Tools, _attempt: &Attempt) -> Result<Outcome> {
        anyhow::bail!("being built")
    }

    /// What became of an attempt that was interrupted.
    pub async fn recover(&self, _tools: &Tools, _attempt: &Attempt) -> Result<Outcome> {
        anyhow::bail!("being built")
    }

    /// `make the git repository repositories/orders from templates/service`
    pub fn plan(&self, values: &Value) -> Result<String> {
        if let Some(remove) = &self.remove {
            return Ok(format!("remove the git repository {}", remove.render(values, Escape::Plain)?));
        }
        let (template, into) = self.making()?;
        Ok(format!("make the git repository {} from {template}", into.render(values, Escape::Plain)?))
    }

    /// What the check looks at.
    pub fn inspect(&self, _tools: &Tools) -> Inspection {
        let mut inspector = Inspector::default();
        let templates = [("into", &self.into), ("commit", &self.commit), ("remove", &self.remove)];
        for (key, template) in templates {
            if let Some(template) = template {
                inspector.template(key, template);
            }
        }
        let makes = self.template.is_some() || self.into.is_some() || self.commit.is_some();
        if self.remove.is_some() && makes {
            let hint = "put `remove` into [command.step.undo.scaffold]";
            inspector.mistake("remove", "a scaffold either makes a repository or removes one", Some(hint));
        } else if self.remove.is_none() && self.making().is_err() {
            inspector.mistake("", "a scaffold needs `template` and `into`, or `remove`", None);
        }
        let outputs = if self.remove.is_some() { &OUTPUTS[..0] } else { &OUTPUTS[..] };
        inspector.outputs(&outputs.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
    }

    /// From where to where, for a scaffold that makes something.
    fn making(&self) -> Result<(&str, &Template)> {
        match (&self.template, &self.into) {
            (Some(template), Some(into)) => Ok((template, into)),
            _ => anyhow::bail!("a scaffold needs `template` and `into`, or `remove`"),
        }
    }
}
