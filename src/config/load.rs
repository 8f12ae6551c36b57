//! Reading the file and the environment, and saying everything that is wrong with them at once.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;
use serde::Deserialize;

use super::Config;
use super::rule::{self, Breach};
use super::setting::{Misfit, Setting};
use crate::document::{Document, Problem};
use crate::error::{Result, UserError};
use crate::spelling::nearest;

/// The file that is read if none is named.
const FILE: &str = "stationmaster.toml";
/// What the variables begin with.
const PREFIX: &str = "STATIONMASTER_";
/// Variables with the prefix that are no settings: the path of the file, and what tests and measurements are told.
const OTHERS: [&str; 3] = ["STATIONMASTER_CONFIG", "STATIONMASTER_TEST_", "STATIONMASTER_BENCH_"];

impl Config {
    /// Reads `path`, or `stationmaster.toml` in the working directory if it is there, and lays the `STATIONMASTER_…`
    /// variables of `env` over it: `STATIONMASTER_WEB__LISTEN` is `web.listen`. The error lists every mistake of both.
    pub fn load(path: Option<&Path>, env: impl Iterator<Item = (String, String)>) -> Result<Self> {
        let env: BTreeMap<String, String> = env.collect();
        let mut mistakes = Vec::new();
        let file = read_file(path, &mut mistakes);
        let variables = read_variables(&env, &mut mistakes);
        let mut settings = Setting::of_file(file.as_ref().and_then(|file| file.read().0).unwrap_or_default());
        for variable in &variables {
            settings.set(&variable.path, variable.text.clone());
        }
        // A mistake of the file or of a variable is in the list already, with its place.
        let Ok(mut config) = Self::deserialize(settings) else { return Err(refusal(&mistakes)) };
        for breach in rule::breaches(&config) {
            mistakes.push(place(&breach, &variables, file.as_ref()));
        }
        if !mistakes.is_empty() {
            return Err(refusal(&mistakes));
        }
        config.templates.present = env.into_iter().filter(|(name, _)| config.templates.env.contains(name)).collect();
        Ok(config)
    }
}

/// A variable that is a setting.
struct Variable {
    name: String,
    path: Vec<String>,
    text: String,
}

/// The file, unless there is none or it has mistakes.
fn read_file(path: Option<&Path>, mistakes: &mut Vec<String>) -> Option<Document> {
    let path = path.unwrap_or(Path::new(FILE));
    if path == Path::new(FILE) && !path.exists() {
        return None;
    }
    match Document::open(path) {
        Ok(document) => {
            let (_, problems) = document.read::<Config>();
            mistakes.extend(problems.iter().cloned().map(shown));
            problems.is_empty().then_some(document)
        }
        Err(problem) => {
            mistakes.push(problem.to_string());
            None
        }
    }
}

/// A problem of the file. A line that may have a secret in it is not shown, whatever else is wrong with it.
fn shown(problem: Problem) -> String {
    static SECRET: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(
            r#"\b(url|secret|token|key|bot_token|app_token|routing_key|(previous_)?signing_secret)\b["'\]\s]*[.=]"#,
        )
        .expect("a pattern")
    });
    if SECRET.is_match(problem.line_text()) { problem.conceal().to_string() } else { problem.to_string() }
}

/// The variables that are settings and fit.
fn read_variables(env: &BTreeMap<String, String>, mistakes: &mut Vec<String>) -> Vec<Variable> {
    let is_setting = |name: &str| name.starts_with(PREFIX) && !OTHERS.iter().any(|other| name.starts_with(other));
    let mut variables: Vec<Variable> = Vec::new();
    for (name, text) in env.iter().filter(|(name, _)| is_setting(name)) {
        let read = read_variable(name, text).and_then(|variable| {
            match variables.iter().find(|earlier| earlier.path == variable.path) {
                Some(earlier) => {
                    Err(format!("{} and {name} say the same setting\nhint: keep one of them", earlier.name))
                }
                None => Ok(variable),
            }
        });
        match read {
            Ok(variable) => variables.push(variable),
            Err(mistake) => mistakes.push(mistake),
        }
    }
    variables
}

fn read_variable(name: &str, text: &str) -> Result<Variable, String> {
    let mut path = path_of(name);
    let mut text = text.to_owned();
    if let Some(secret) = name.strip_suffix("_FILE") {
        path = path_of(secret);
        if !is_secret(&path) {
            return Err(format!("{name}: only secrets are read from files\nhint: set {secret} itself"));
        }
        let content =
            std::fs::read_to_string(&text).map_err(|error| format!("{name}: {text} cannot be read: {error}"))?;
        text = content.trim_end_matches(['\r', '\n']).to_owned();
    }
    let mut alone = Setting::Table(BTreeMap::new());
    alone.set(&path, text.clone());
    match Config::deserialize(alone) {
        Ok(_) => Ok(Variable { name: name.to_owned(), path, text }),
        Err(misfit) => Err(explain(name, &path, &misfit)),
    }
}

/// `STATIONMASTER_WEB__LISTEN` as `["web", "listen"]`.
fn path_of(name: &str) -> Vec<String> {
    name.trim_start_matches(PREFIX).split("__").map(str::to_ascii_lowercase).collect()
}

fn is_secret(path: &[String]) -> bool {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    matches!(
        path[..],
        ["database", "url"]
            | ["templates", "secret", _]
            | ["slack", "bot_token" | "app_token" | "signing_secret" | "previous_signing_secret"]
            | ["discord", "bot_token"]
            | ["pagerduty", "token"]
            | ["opsgenie", "key"]
            | ["team", _, "oncall", "pagerduty", "routing_key"]
            | ["team", _, "oncall", "opsgenie", "key"]
    )
}

/// A misfit, as the operator reads it. The text itself is not shown: it may be a secret in the wrong place.
fn explain(name: &str, path: &[String], misfit: &Misfit) -> String {
    let Misfit::UnknownKey { key, known } = misfit else {
        let said = misfit.to_string();
        return match said.split_once("; ") {
            Some((message, hint)) => format!("{name}: {message}\nhint: {hint}"),
            None => format!("{name}: {said}"),
        };
    };
    let corrected = path.iter().position(|part| part == key).and_then(|at| {
        let mut right = path.to_vec();
        right[at] = nearest(key, known.iter().copied())?.to_owned();
        Some(name_of(&right))
    });
    let hint = match with_two_underscores(path).or(corrected) {
        Some(right) => format!("did you mean {right}?"),
        None => format!("there are {}", known.join(", ")),
    };
    format!("{name}: {misfit}\nhint: {hint}")
}

/// The variable that is meant by `STATIONMASTER_DATABASE_URL`, if one more underscore makes it one.
fn with_two_underscores(path: &[String]) -> Option<String> {
    let whole = path.join("__");
    let splits = whole.match_indices('_').map(|(at, _)| format!("{}__{}", &whole[..at], &whole[at + 1..]));
    splits.map(|name| path_of(&name)).find(|path| is_known(path)).map(|path| name_of(&path))
}

/// Whether there is such a setting, whatever it takes.
fn is_known(path: &[String]) -> bool {
    let mut alone = Setting::Table(BTreeMap::new());
    alone.set(path, String::new());
    !matches!(Config::deserialize(alone), Err(Misfit::UnknownKey { .. } | Misfit::Table))
}

fn name_of(path: &[String]) -> String {
    format!("{PREFIX}{}", path.join("__").to_ascii_uppercase())
}

/// A breach of a rule, at the variable or the line of the file that set the value.
fn place(breach: &Breach, variables: &[Variable], file: Option<&Document>) -> String {
    let variable = variables.iter().find(|variable| variable.path.join(".") == breach.path);
    let place = match (variable, file) {
        (None, Some(file)) if !breach.hidden => {
            return shown(file.problem(&breach.path, &breach.message).hint(&breach.hint));
        }
        (Some(variable), _) => &variable.name,
        (None, _) => &breach.path,
    };
    format!("{place}: {}\nhint: {}", breach.message, breach.hint)
}

fn refusal(mistakes: &[String]) -> anyhow::Error {
    let count = if mistakes.len() == 1 { "a mistake".to_owned() } else { format!("{} mistakes", mistakes.len()) };
    UserError::invalid(format!("The configuration has {count}.\n\n{}", mistakes.join("\n\n"))).into()
}
