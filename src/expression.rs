//! Conditions in CEL, compiled when a file is loaded; the only file that names the crate.

use std::borrow::Cow;
use std::sync::Arc;

use anyhow::{anyhow, bail};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::Result;

/// The longest condition that is accepted, in bytes; CEL has no cost limit of its own.
const LONGEST: usize = 2000;
/// How deep brackets may nest in a condition.
const DEEPEST: usize = 30;

/// A CEL expression over named values. Invariant: its source has been compiled.
#[derive(Clone, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Expression {
    source: String,
    program: Arc<cel::Program>,
}

impl Expression {
    /// Whether it holds for `values`, a JSON object of variables; an error if it does not give true or false.
    pub fn holds(&self, values: &Value) -> Result<bool> {
        match self.value(values)? {
            Value::Bool(holds) => Ok(holds),
            other => bail!("the condition `{}` gives {other}, neither true nor false", self.source),
        }
    }

    /// What it gives for `values`, a JSON object of variables.
    pub fn value(&self, values: &Value) -> Result<Value> {
        let mut context = cel::Context::default();
        for (name, value) in values.as_object().into_iter().flatten() {
            context.add_variable(name.clone(), value).map_err(|e| anyhow!("variable {name}: {e}"))?;
        }
        let value = self.program.execute(&context).map_err(|e| anyhow!("the condition `{}`: {e}", self.source))?;
        value.json().map_err(|e| anyhow!("the condition `{}` gives no plain value: {e}", self.source))
    }

    /// The names of the variables that it reads, sorted.
    pub fn variables(&self) -> Vec<String> {
        let mut names: Vec<String> = self.program.references().variables().into_iter().map(str::to_owned).collect();
        names.sort();
        names
    }

    /// What was written.
    pub fn source(&self) -> &str {
        &self.source
    }
}

impl TryFrom<String> for Expression {
    type Error = String;

    fn try_from(source: String) -> Result<Self, String> {
        if source.len() > LONGEST {
            return Err(format!("a condition may have {LONGEST} characters at most"));
        }
        let mut depth = 0usize;
        for c in source.chars() {
            match c {
                '(' | '[' | '{' => depth += 1,
                ')' | ']' | '}' => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth > DEEPEST {
                return Err(format!("a condition may nest {DEEPEST} brackets at most"));
            }
        }
        match cel::Program::compile(&source) {
            Ok(program) => Ok(Self { source, program: Arc::new(program) }),
            Err(e) => {
                let first = e.to_string().lines().next().unwrap_or_default().trim_start_matches("ERROR: ").to_owned();
                Err(format!("`{source}` is not a CEL condition: {first}"))
            }
        }
    }
}

impl From<Expression> for String {
    fn from(expression: Expression) -> Self {
        expression.source
    }
}

impl std::fmt::Debug for Expression {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Expression({})", self.source)
    }
}

impl schemars::JsonSchema for Expression {
    fn schema_name() -> Cow<'static, str> {
        "Condition".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "description": "A CEL expression", "examples": ["environment == 'prod'"]})
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn expression(source: &str) -> Expression {
        Expression::try_from(source.to_owned()).expect("compiles")
    }

    #[test]
    fn holds_over_json() {
        let values = json!({"environment": "prod", "size": 3, "body": {"state": "ready", "percent": 40}});
        assert!(expression("environment == 'prod' && size == 3").holds(&values).expect("holds"));
        assert!(expression("body.state == 'ready'").holds(&values).expect("holds"));
        assert_eq!(expression("body.percent").value(&values).expect("value"), json!(40));
        assert!(expression("missing == 1").holds(&values).is_err());
        assert!(expression("size").holds(&values).is_err());
        assert_eq!(expression("environment == 'a' && size > 1").variables(), ["environment", "size"]);
    }

    #[test]
    fn refuses_what_is_no_condition() {
        for wrong in ["a ==", "", "a = b", &"(".repeat(40), &"a".repeat(3000)] {
            assert!(Expression::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
    }
}
