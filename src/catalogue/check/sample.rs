//! Trying every template and condition with sample values: what compiles may still fail when it is used.

use serde_json::{Map, Value, json};

use super::command::Check;
use super::finding::Remark;
use super::reference::{Site, Source};
use crate::catalogue::parameter::{Kind, Parameter};
use crate::message::{Escape, Template, value_at};

/// Text that stands for a value of which nothing is known.
const TEXT: &str = "sample";
/// What there is instead of an unknown helper.
const HELPERS: &str = "there are if, unless, each, with, eq, ne, gt, lt, and, or, not, len and code";

/// Tries the sites of a command, which read nothing that is not known.
pub(super) fn check(check: &mut Check<'_, '_>, sites: &[Site]) {
    let values = values(check, sites);
    for site in sites {
        match &site.source {
            Source::Template(template) => {
                if let Some(remark) = failure(template, &values) {
                    check.findings.add(&site.path, remark);
                }
            }
            Source::Condition(_) => check_condition(check, site, &values),
            Source::Amount(_) => check_amount(check, site, &values),
            Source::Answer => {}
        }
    }
}

/// A value for everything that the sites read.
fn values(check: &Check<'_, '_>, sites: &[Site]) -> Value {
    let parameters = check.command.param.iter().map(|parameter| (parameter.name.clone(), sample(parameter)));
    let mut values: Map<String, Value> = parameters.collect();
    values.insert("person".into(), json!({"id": TEXT, "name": TEXT, "teams": [TEXT], "roles": [TEXT]}));
    values.insert("place".into(), TEXT.into());
    for (name, fact) in facts() {
        values.entry(name).or_insert(fact);
    }
    let mut values = Value::Object(values);
    let mut read: Vec<String> = sites.iter().flat_map(read).collect();
    // Parts first: where both `steps.make` and `steps.make.id` are read, the step is no text.
    read.sort_by_key(|path| std::cmp::Reverse(path.len()));
    for path in read {
        insert(&mut values, &path);
    }
    values
}

/// A value for everything that the rules see.
fn facts() -> [(&'static str, Value); 5] {
    [
        ("team", TEXT.into()),
        ("teams", json!([TEXT])),
        ("capability", json!({"name": TEXT, "owner": TEXT, "maturity": "ga"})),
        ("now", json!({"hour": 10, "minute": 30, "weekday": "mon", "date": "2026-11-30", "open": true})),
        ("cost", json!(12.5)),
    ]
}

/// What a site reads, including what its runner provides.
fn read(site: &Site) -> Vec<String> {
    match &site.source {
        Source::Template(template) => template.variables(),
        Source::Condition(_) | Source::Amount(_) | Source::Answer => site.variables.clone(),
    }
}

/// Puts text at a dotted path where nothing is yet.
fn insert(values: &mut Value, path: &str) {
    let mut value = values;
    for key in path.split('.') {
        if value.is_null() {
            *value = json!({});
        }
        match value {
            Value::Object(map) => value = map.entry(key).or_insert(Value::Null),
            _ => return,
        }
    }
    if value.is_null() {
        *value = TEXT.into();
    }
}

/// A value that a parameter may have.
fn sample(parameter: &Parameter) -> Value {
    if let Some(default) = &parameter.default {
        return default.clone();
    }
    match parameter.kind {
        Kind::Integer => (parameter.min.unwrap_or(1.0).ceil() as i64).into(),
        Kind::Number => parameter.min.unwrap_or(1.5).into(),
        Kind::Boolean => true.into(),
        Kind::Choice => parameter.choices.first().map_or(TEXT, String::as_str).into(),
        Kind::Date => "2026-12-01".into(),
        Kind::Duration => "30m".into(),
        Kind::Url => "https://example.org/".into(),
        Kind::String | Kind::Text | Kind::Person | Kind::Team | Kind::Channel | Kind::Secret => TEXT.into(),
    }
}

/// Why a template fails, if it does.
fn failure(template: &Template, values: &Value) -> Option<Remark> {
    let error = template.render(values, Escape::Plain).err()?.to_string();
    let reason = error.strip_prefix(&format!("`{}`: ", template.source())).unwrap_or(&error);
    let name = reason.strip_prefix("there is no value `").and_then(|rest| rest.strip_suffix('`'));
    match name {
        // A list is wanted, and only the step knows whether it gives one.
        Some(name) if value_at(values, name).is_some() => None,
        Some(name) => Some(Remark::new(reason).part(name)),
        None if reason.starts_with("there is no helper") => Some(Remark::new(reason).hint(HELPERS)),
        None => Some(Remark::new(reason)),
    }
}

/// What CEL says of an operator that does not take such values, in plain words; anything else as it is.
fn plain(reason: &str) -> String {
    let parts: Vec<&str> = reason.split('\'').collect();
    match parts.as_slice() {
        ["found no matching overload for ", operator, " applied to ", kinds, ..] => {
            format!(
                "{} does not work with {}",
                operator.trim_matches('_'),
                kinds.trim_matches(['(', ')']).replace(", ", " and ")
            )
        }
        ["Undeclared reference to ", name, ..] => format!("there is no `{name}` in conditions"),
        _ => reason.to_owned(),
    }
}

fn check_amount(check: &mut Check<'_, '_>, site: &Site, values: &Value) {
    let Source::Amount(amount) = &site.source else { return };
    let reason = match amount.value(values) {
        Ok(Value::Number(_)) => return,
        Ok(other) => format!("it gives {other}, which is no number"),
        Err(error) => {
            let error = error.to_string();
            let reason = error.strip_prefix(&format!("the condition `{}`: ", amount.source())).unwrap_or(&error);
            plain(reason)
        }
    };
    let read: Vec<String> =
        site.variables.iter().filter_map(|name| Some(format!("{name} = {}", value_at(values, name)?))).collect();
    let example = if read.is_empty() { String::new() } else { format!(", for example with {}", read.join(", ")) };
    check.findings.add(&site.path, Remark::new(format!("this fails{example}: {reason}")));
}

fn check_condition(check: &mut Check<'_, '_>, site: &Site, values: &Value) {
    let Source::Condition(condition) = &site.source else { return };
    // The kinds of outputs are not known before a step has run.
    if site.variables.iter().any(|name| name.starts_with("steps")) {
        return;
    }
    let reason = |values: &Value| {
        let error = condition.holds(values).err()?.to_string();
        let reason = error.strip_prefix(&format!("the condition `{}`", condition.source())).unwrap_or(&error);
        Some(plain(reason.strip_prefix(": ").unwrap_or(&format!("it{reason}"))))
    };
    if let Some(reason) = reason(values) {
        let read: Vec<String> =
            site.variables.iter().filter_map(|name| Some(format!("{name} = {}", value_at(values, name)?))).collect();
        check
            .findings
            .add(&site.path, Remark::new(format!("this fails, for example with {}: {reason}", read.join(", "))));
        return;
    }
    for parameter in check.command.param.iter().filter(|parameter| parameter.optional) {
        let name = &parameter.name;
        if !site.variables.contains(name) {
            continue;
        }
        let mut without = values.clone();
        without[name] = Value::Null;
        if let Some(reason) = reason(&without) {
            let remark = Remark::new(format!("this fails when `{name}` is left out: {reason}"));
            check.findings.add(&site.path, remark.hint(format!("begin it with: {name} != null &&")));
        }
    }
}
