//! The `process` runner: a local program, never through a shell.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::inspection::Inspector;
use super::size::Size;
use super::{Attempt, Inspection, Outcome, Tools};
use crate::error::Result;
use crate::message::{Data, Escape, Template};

/// `[command.step.process]`
///
/// The program reads JSON on its standard input and may write JSON lines on its standard output:
/// `{"progress": 40, "label": "…"}`, `{"output": {"key": "value"}}`, `{"link": "https://…"}`, `{"log": "…"}` and
/// `{"error": "words for people"}`. Every other line, and all of its standard error, is its log.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Process {
    /// A file relative to the folder of the capability files (`bin/deploy`), an absolute one, a name that is looked up
    /// in the PATH, or `stationmaster` for this very program.
    pub program: String,
    /// Its arguments, each of which reaches the program as one, whatever is in it. Write `--` before values where the
    /// program takes options: a value may begin with `-`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<Template>,
    /// Its environment, beyond PATH, HOME and LANG; it sees nothing else of ours.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, Template>,
    /// Where it runs, relative to the data folder; made if it is not there. The data folder itself if not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub directory: Option<Template>,
    /// What it reads; the parameters and `steps` if not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<Data>,
    /// How much it may take.
    #[serde(default)]
    pub limits: ProcessLimits,
}

/// `limits = { output = "1MiB", memory = "512MiB" }`; the time is the step's `timeout`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ProcessLimits {
    /// How much of its output is read for lines that mean something; what comes after is counted and let go.
    pub output: Size,
    /// The address space of the program and of each program that it starts; as much as it wants if not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<Size>,
}

impl Default for ProcessLimits {
    fn default() -> Self {
        Self { output: Size::mebibytes(1), memory: None }
    }
}

impl Process {
    /// One attempt: from the program's start to its end.
    pub async fn run(&self, _tools: &Tools, _attempt: &Attempt) -> Result<Outcome> {
        anyhow::bail!("being built")
    }

    /// `run bin/deploy "orders" "prod"`
    pub fn plan(&self, values: &Value) -> Result<String> {
        let mut line = format!("run {}", self.program);
        for template in &self.args {
            line.push_str(&format!(" {:?}", template.render(values, Escape::Plain)?));
        }
        Ok(line)
    }

    /// What the check looks at.
    pub fn inspect(&self, _tools: &Tools) -> Inspection {
        let mut inspector = Inspector::default();
        for (index, template) in self.args.iter().enumerate() {
            inspector.template(format!("args.{index}"), template);
        }
        inspector.templates("env", &self.env);
        if let Some(directory) = &self.directory {
            inspector.template("directory", directory);
        }
        if let Some(input) = &self.input {
            inspector.data("input", input);
        }
        inspector.any_outputs()
    }
}
