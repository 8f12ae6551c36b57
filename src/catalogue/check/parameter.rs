//! The check of one parameter.

use super::Known;
use super::finding::{Findings, Remark};
use crate::catalogue::parameter::{Kind, Parameter};

/// Names that templates and conditions use for other things, or as words of their own.
const TAKEN: [&str; 12] =
    ["steps", "env", "secret", "person", "place", "request", "this", "else", "true", "false", "null", "in"];

/// What is wrong with the parameter at `at`.
pub(super) fn check(findings: &mut Findings<'_>, at: &str, parameter: &Parameter, known: &Known) {
    check_name(findings, at, &parameter.name);
    check_choices(findings, at, parameter);
    check_bounds(findings, at, parameter);
    check_default(findings, at, parameter, known);
}

fn check_name(findings: &mut Findings<'_>, at: &str, name: &str) {
    let path = format!("{at}.name");
    let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    // 32 is the most that Discord takes.
    if !(1..=32).contains(&name.len())
        || !name.starts_with(|c: char| c.is_ascii_lowercase())
        || !name.chars().all(is_part)
    {
        let remark = Remark::new(format!("`{name}` cannot be the name of a parameter"));
        findings.add(&path, remark.hint("write it in small letters, digits and _, a letter first: disk_size"));
    } else if TAKEN.contains(&name) {
        let remark = Remark::new(format!("in templates and conditions `{name}` stands for something else"));
        findings.add(&path, remark.hint("give the parameter another name"));
    }
}

fn check_choices(findings: &mut Findings<'_>, at: &str, parameter: &Parameter) {
    let keys = [("choices", !parameter.choices.is_empty()), ("choices_from", parameter.choices_from.is_some())];
    let given: Vec<&str> = keys.iter().filter(|(_, given)| *given).map(|(key, _)| *key).collect();
    match (parameter.kind, given.as_slice()) {
        (Kind::Choice, []) => {
            let remark = Remark::new("a choice needs `choices` or `choices_from`");
            findings.add(&format!("{at}.type"), remark.hint("choices = [\"small\", \"large\"]"));
        }
        (Kind::Choice, [_, _]) => {
            let remark = Remark::new("the choices are given twice, by `choices` and by `choices_from`");
            findings.add(&format!("{at}.choices_from"), remark.hint("keep one of them"));
        }
        (Kind::Choice, [_]) | (_, []) => {}
        (_, [key, ..]) => {
            let remark = Remark::new(format!("only a parameter of type `choice` has `{key}`"));
            findings.add(&format!("{at}.{key}"), remark.hint("type = \"choice\""));
        }
    }
    for (index, choice) in parameter.choices.iter().enumerate() {
        let path = format!("{at}.choices[{index}]");
        findings.refuse_blank(&path, choice);
        if parameter.choices[..index].contains(choice) {
            findings.add(&path, format!("the choice `{choice}` is there twice"));
        } else if parameter.kind == Kind::Choice && parameter.pattern.as_ref().is_some_and(|p| !p.matches(choice)) {
            findings.add(&path, format!("the choice `{choice}` does not match the pattern"));
        }
    }
}

fn check_bounds(findings: &mut Findings<'_>, at: &str, parameter: &Parameter) {
    let is_number = matches!(parameter.kind, Kind::Integer | Kind::Number);
    let has_length = matches!(parameter.kind, Kind::String | Kind::Text | Kind::Url | Kind::Secret);
    for (key, bound) in [("min", parameter.min), ("max", parameter.max)] {
        let path = format!("{at}.{key}");
        match bound {
            Some(_) if !is_number && !has_length => {
                findings.add(&path, Remark::new(format!("`{key}` is for numbers and for the length of text")));
            }
            Some(bound) if has_length && (bound < 0.0 || bound.fract() != 0.0) => {
                findings.add(&path, format!("`{key}` counts characters here, and {bound} is no such count"));
            }
            Some(bound) if bound.is_nan() => findings.add(&path, format!("`{key}` is not a number")),
            _ => {}
        }
    }
    if let (Some(min), Some(max)) = (parameter.min, parameter.max)
        && min > max
    {
        let remark = Remark::new(format!("nothing is at least {min} and at most {max}"));
        findings.add(&format!("{at}.min"), remark.hint("swap `min` and `max`"));
    }
    if parameter.pattern.is_some() && matches!(parameter.kind, Kind::Integer | Kind::Number | Kind::Boolean) {
        let remark = Remark::new("`pattern` is for text");
        let hint = if is_number { "use `min` and `max`" } else { "leave it out" };
        findings.add(&format!("{at}.pattern"), remark.hint(hint));
    }
}

fn check_default(findings: &mut Findings<'_>, at: &str, parameter: &Parameter, known: &Known) {
    let Some(default) = &parameter.default else { return };
    let path = format!("{at}.default");
    if parameter.kind == Kind::Secret {
        let remark = Remark::new("a secret cannot have a default: everybody who reads this file would know it");
        findings.add(&path, remark.hint("take it from the configuration: {{secret.NAME}}"));
        return;
    }
    if parameter.optional {
        let remark = Remark::new("what has a default is never left out, so `optional` says nothing");
        findings.add(&format!("{at}.optional"), remark.hint("keep `default` or `optional`"));
    }
    if parameter.kind == Kind::Choice && parameter.choices.is_empty() && parameter.choices_from.is_none() {
        return;
    }
    let names = match parameter.kind {
        Kind::Choice if parameter.choices_from.is_none() => Some(&parameter.choices),
        Kind::Team if !known.teams.is_empty() => Some(&known.teams),
        _ => None,
    };
    if let Err(message) = parameter.read(default, names.map(Vec::as_slice)) {
        findings.add(&path, format!("the default is refused: {}", message.trim_end_matches('.')));
    }
}
