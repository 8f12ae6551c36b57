//! Conditions in CEL, compiled when a file is loaded; the only file that names the crate.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::{anyhow, bail};
use cel::common::ast::{EntryExpr, Expr, IdedEntryExpr, IdedExpr};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use crate::error::Result;

/// The longest condition that is accepted, in bytes; CEL has no cost limit of its own.
const LONGEST: usize = 2000;
/// How deep brackets may nest in a condition.
const DEEPEST: usize = 30;
/// How deep a condition may nest altogether: each level takes about 40 kB of the stack when it is evaluated by a debug
/// build. Chains of `&&` and `||` do not nest, since the compiler balances them.
const DEEPEST_TREE: usize = 24;

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
            context.add_variable(name.clone(), Plain(value)).map_err(|e| anyhow!("variable {name}: {e}"))?;
        }
        let value = self.program.execute(&context).map_err(|e| anyhow!("the condition `{}`: {e}", self.source))?;
        value.json().map_err(|e| anyhow!("the condition `{}` gives no plain value: {e}", self.source))
    }

    /// The dotted paths of the values that it reads, such as `steps.provision.state`, sorted.
    pub fn variables(&self) -> Vec<String> {
        let mut found = BTreeSet::new();
        read(self.program.expression(), &mut Vec::new(), &mut found);
        found.into_iter().collect()
    }

    /// What was written.
    pub fn source(&self) -> &str {
        &self.source
    }
}

/// A JSON value whose whole numbers are those of CEL that are written without a mark: signed and unsigned ones cannot be
/// added or multiplied with each other.
struct Plain<'v>(&'v Value);

impl Serialize for Plain<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Number(number) => match number.as_i64() {
                Some(whole) => serializer.serialize_i64(whole),
                None => number.serialize(serializer),
            },
            Value::Array(items) => serializer.collect_seq(items.iter().map(Plain)),
            Value::Object(map) => serializer.collect_map(map.iter().map(|(key, value)| (key, Plain(value)))),
            other => other.serialize(serializer),
        }
    }
}

impl TryFrom<String> for Expression {
    type Error = String;

    fn try_from(source: String) -> Result<Self, String> {
        if source.len() > LONGEST {
            return Err(format!("a condition may have {LONGEST} characters at most"));
        }
        let mut open = 0usize;
        for c in source.chars() {
            match c {
                '(' | '[' | '{' => open += 1,
                ')' | ']' | '}' => open = open.saturating_sub(1),
                _ => {}
            }
            if open > DEEPEST {
                return Err(format!("a condition may nest {DEEPEST} brackets at most"));
            }
        }
        match cel::Program::compile(&source) {
            Ok(program) if depth(program.expression()) > DEEPEST_TREE => {
                Err(format!("a condition may nest {DEEPEST_TREE} operators at most"))
            }
            Ok(program) => Ok(Self { source, program: Arc::new(program) }),
            Err(e) => {
                let first = e.to_string().lines().next().unwrap_or_default().to_owned();
                let reason = first.rsplit_once("Syntax error: ").map_or(first.as_str(), |(_, reason)| reason);
                let hint = advice(&source).map(|hint| format!("; {hint}")).unwrap_or_default();
                Err(format!("`{source}` is not a CEL condition: {reason}{hint}"))
            }
        }
    }
}

/// What to write instead of what other languages have.
fn advice(source: &str) -> Option<&'static str> {
    let padded = format!(" {} ", source.to_lowercase());
    let has = |word: &str| padded.contains(&format!(" {word} "));
    if has("=") {
        Some("== compares")
    } else if has("and") || has("or") || has("not") {
        Some("write && for and, || for or, ! for not")
    } else if has("is") {
        Some("write == for is")
    } else {
        None
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

/// Gathers the paths that `expression` reads; `bound` are the names that it gives itself, as in `list.all(x, x > 1)`.
fn read<'e>(expression: &'e IdedExpr, bound: &mut Vec<&'e str>, found: &mut BTreeSet<String>) {
    match &expression.expr {
        Expr::Ident(_) | Expr::Select(_) => match path_of(expression) {
            Some(path) => {
                let root = path.split('.').next().unwrap_or_default();
                // What the crate makes of `all` and `map` has names of its own, which begin with `@`.
                if !root.starts_with('@') && !bound.contains(&root) {
                    found.insert(path);
                }
            }
            None => {
                if let Expr::Select(select) = &expression.expr {
                    read(&select.operand, bound, found);
                }
            }
        },
        Expr::Call(call) => {
            call.target.iter().map(|target| &**target).chain(&call.args).for_each(|part| read(part, bound, found));
        }
        Expr::List(list) => list.elements.iter().for_each(|element| read(element, bound, found)),
        Expr::Map(map) => entries(&map.entries).for_each(|part| read(part, bound, found)),
        Expr::Struct(object) => entries(&object.entries).for_each(|part| read(part, bound, found)),
        Expr::Comprehension(each) => {
            read(&each.iter_range, bound, found);
            read(&each.accu_init, bound, found);
            let outside = bound.len();
            bound.extend([each.iter_var.as_str(), each.accu_var.as_str()]);
            bound.extend(each.iter_var2.as_deref());
            [&each.loop_cond, &each.loop_step, &each.result].into_iter().for_each(|part| read(part, bound, found));
            bound.truncate(outside);
        }
        Expr::Literal(_) | Expr::Unspecified => {}
    }
}

/// How deep an expression nests.
fn depth(expression: &IdedExpr) -> usize {
    let deepest = |parts: &mut dyn Iterator<Item = &IdedExpr>| 1 + parts.map(depth).max().unwrap_or(0);
    match &expression.expr {
        Expr::Select(select) => 1 + depth(&select.operand),
        Expr::Call(call) => deepest(&mut call.target.iter().map(|target| &**target).chain(&call.args)),
        Expr::List(list) => deepest(&mut list.elements.iter()),
        Expr::Map(map) => deepest(&mut entries(&map.entries)),
        Expr::Struct(object) => deepest(&mut entries(&object.entries)),
        Expr::Comprehension(each) => deepest(
            &mut [&each.iter_range, &each.accu_init, &each.loop_cond, &each.loop_step, &each.result].into_iter(),
        ),
        Expr::Ident(_) | Expr::Literal(_) | Expr::Unspecified => 1,
    }
}

/// `a.b.c`, if the expression is nothing but that.
fn path_of(expression: &IdedExpr) -> Option<String> {
    match &expression.expr {
        Expr::Ident(name) => Some(name.clone()),
        Expr::Select(select) => Some(format!("{}.{}", path_of(&select.operand)?, select.field)),
        _ => None,
    }
}

/// The keys and values of a map or an object.
fn entries(entries: &[IdedEntryExpr]) -> impl Iterator<Item = &IdedExpr> {
    entries.iter().flat_map(|entry| {
        match &entry.expr {
            EntryExpr::StructField(field) => [Some(&field.value), None],
            EntryExpr::MapEntry(entry) => [Some(&entry.key), Some(&entry.value)],
        }
        .into_iter()
        .flatten()
    })
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
        assert_eq!(expression("size * 12 + body.percent").value(&values).expect("value"), json!(76));
        assert!(expression("size > 2.5 && size < 4").holds(&values).expect("holds"));
        assert!(expression("missing == 1").holds(&values).is_err());
        assert!(expression("size").holds(&values).is_err());
    }

    #[test]
    fn variables_are_paths() {
        for (source, read) in [
            ("environment == 'a' && size > 1", vec!["environment", "size"]),
            ("steps.make.id != '' && has(steps.make.url)", vec!["steps.make.id", "steps.make.url"]),
            ("person.roles.exists(role, role == wanted)", vec!["person.roles", "wanted"]),
            ("[1, x].map(n, n * y).size() > {'a': z}['a']", vec!["x", "y", "z"]),
            ("steps['make'].id == 'steps.other'", vec!["steps"]),
        ] {
            assert_eq!(expression(source).variables(), read, "{source}");
        }
    }

    #[test]
    fn deep_conditions_are_refused_and_long_ones_work() {
        let values = json!({"x": "b", "a": 1});
        assert!(expression(&vec!["x == 'b'"; 150].join(" && ")).holds(&values).expect("holds"));
        assert!(expression(&(vec!["a"; 20].join("+") + " == 20")).holds(&values).expect("holds"));
        let nested =
            ["a+", "a<", "a?a:", "a.", "!a==", "a in ", "-a-"].map(|part| part.repeat(1990 / part.len()) + "a");
        for source in nested.into_iter().chain(["a".to_owned() + &"[0]".repeat(600)]) {
            let error = Expression::try_from(source.clone()).expect_err(&source);
            assert!(error.contains("may nest") || error.contains("not a CEL condition"), "{error}");
        }
    }

    #[test]
    fn refuses_what_is_no_condition() {
        for wrong in ["a ==", "", "a = b", &"(".repeat(40), &"a".repeat(3000)] {
            assert!(Expression::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
    }
}
