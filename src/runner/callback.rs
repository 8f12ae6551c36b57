//! The `callback` runner.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Attempt, Inspection, Outcome, Tools};
use crate::error::Result;

/// The runner's keys.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Callback {}

impl Callback {
    /// One attempt.
    pub async fn run(&self, _tools: &Tools, _attempt: &Attempt) -> Result<Outcome> {
        anyhow::bail!("being built")
    }

    /// One line for the plan.
    pub fn plan(&self, _values: &Value) -> Result<String> {
        anyhow::bail!("being built")
    }

    /// What the check looks at.
    pub fn inspect(&self) -> Inspection {
        Inspection::default()
    }
}
