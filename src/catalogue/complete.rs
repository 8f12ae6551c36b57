//! Completion: what can come next while a line or a field is being typed. Only what the asker may use is proposed.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::Catalogue;
use super::choices::Lookup;
use super::command::Command;
use super::form::choice;
use super::given::{self, Given};
use super::line::{self, Role, Word};
use super::names::{may, mentions, spoken};
use super::parameter::{Kind, Parameter};
use super::resolve::Asker;
use crate::chat::Choice;
use crate::spelling;

/// The most proposals for a line.
const MOST: usize = 8;
/// The most proposals for a field, as Discord shows them.
const MOST_OF_FIELD: usize = 25;

impl Catalogue {
    /// What can come next in a line: commands, then the names of parameters, then values. Each proposal's value is the
    /// whole new line.
    pub async fn complete(&self, typed: &str, asker: &Asker, lookup: &dyn Lookup) -> Vec<Choice> {
        let Ok(mut words) = line::split(typed) else { return Vec::new() };
        let mut found = self.names(typed, &words, asker);
        // What is being typed is the last word, or a new one behind a space.
        let partial = words.pop_if(|_| !typed.ends_with(char::is_whitespace));
        if let Some((command, used)) = self.longest(&words).filter(|(command, _)| may(command, asker)) {
            let at = partial.as_ref().map_or(typed.len(), |word| word.at);
            let begun = Begun { command, words: &words[used..], lookup };
            let next = begun.complete(partial.as_ref()).await;
            let lines =
                next.into_iter().map(|next| Choice { value: format!("{}{}", &typed[..at], next.value), ..next });
            found.extend(lines);
        } else if found.is_empty() {
            words.extend(partial);
            found = self.guesses(&words, asker);
        }
        found.truncate(MOST);
        found
    }

    /// The values that fit what is typed in a form's field, given the form's other `values`.
    pub async fn suggest_field(
        &self,
        (command, parameter): (&str, &str),
        (typed, values): (&str, &BTreeMap<String, Value>),
        asker: &Asker,
        lookup: &dyn Lookup,
    ) -> Vec<Choice> {
        let Some(command) = self.commands.get(command).filter(|command| may(command, asker)) else { return Vec::new() };
        let Some(parameter) = given::find(command, parameter) else { return Vec::new() };
        let given = Given { values: values.clone(), ..Given::default() };
        let mut known = values_of(command, parameter, &given, lookup).await;
        sift(&mut known, typed);
        known.truncate(MOST_OF_FIELD);
        known.iter().map(|value| choice(value)).collect()
    }

    /// The commands whose names begin with what is typed, then those with words that do.
    fn names(&self, typed: &str, words: &[Word], asker: &Asker) -> Vec<Choice> {
        let begin = words.get(mentions(words)).map_or(typed.len(), |word| word.at);
        let spoken: Vec<&str> = typed[begin..].trim_start_matches('/').split_whitespace().collect();
        let mut prefix = spoken.join(" ").to_lowercase();
        if !spoken.is_empty() && typed.ends_with(char::is_whitespace) {
            prefix.push(' ');
        }
        let begin = self.beginning_with(&prefix).filter(|command| may(command, asker)).take(MOST);
        let mut found: Vec<Choice> = begin.map(|command| proposal(command)).collect();
        let has_words = |command: &Command| {
            prefix.split(' ').all(|part| command.file.name.split(' ').any(|word| word.starts_with(part)))
        };
        if found.len() < MOST && !prefix.ends_with(' ') {
            let others = self
                .commands
                .values()
                .filter(|command| !command.file.name.starts_with(&prefix) && has_words(command) && may(command, asker));
            found.extend(others.take(MOST - found.len()).map(|command| proposal(command)));
        }
        found
    }

    /// The commands that were most likely meant.
    fn guesses(&self, words: &[Word], asker: &Asker) -> Vec<Choice> {
        let Some(near) = self.nearest(&spoken(words), asker) else { return Vec::new() };
        let meant = self.beginning_with(&near).filter(|command| may(command, asker));
        meant.take(MOST).map(|command| proposal(command)).collect()
    }
}

/// A command whose input is being typed.
struct Begun<'a> {
    command: &'a Command,
    /// The finished words behind its name.
    words: &'a [Word],
    lookup: &'a dyn Lookup,
}

impl Begun<'_> {
    /// What can stand in place of the unfinished word.
    async fn complete(&self, partial: Option<&Word>) -> Vec<Choice> {
        let text = partial.map_or("", |word| word.text.as_str());
        if let Some((option, before)) = self.words.split_last()
            && let Role::Flag(name) = option.role()
            && let Some(parameter) = given::find(self.command, name).filter(|parameter| parameter.kind != Kind::Boolean)
        {
            return self.values(parameter, &Given::typed(self.command, before), ("", text)).await;
        }
        let given = Given::typed(self.command, self.words);
        if let Some(Role::Pair(name, value)) = partial.map(Word::role) {
            let Some(parameter) = given::find(self.command, name) else { return Vec::new() };
            let head = &text[..text.len() - value.len()];
            return self.values(parameter, &given, (head, value)).await;
        }
        let missing =
            || self.command.file.param.iter().filter(|p| p.kind != Kind::Secret && !given.values.contains_key(&p.name));
        let mut found: Vec<Choice> = missing().filter_map(|parameter| option(parameter, text)).collect();
        if let Some(next) = missing().next().filter(|_| !text.starts_with("--")) {
            found.extend(self.values(next, &given, ("", text)).await);
        }
        found
    }

    /// The values of a parameter that fit what is typed, behind a head such as `name=`.
    async fn values(&self, parameter: &Parameter, given: &Given, (head, typed): (&str, &str)) -> Vec<Choice> {
        let mut known = values_of(self.command, parameter, given, self.lookup).await;
        sift(&mut known, typed);
        known.truncate(MOST);
        let line = |value: &String| Choice { value: format!("{head}{} ", line::quote(value)), ..choice(value) };
        known.iter().map(line).collect()
    }
}

/// A command as a proposal.
fn proposal(command: &Command) -> Choice {
    let label = format!("/{}", command.file.name);
    let space = if command.file.param.is_empty() { "" } else { " " };
    Choice { value: format!("{label}{space}"), label, hint: command.file.summary.clone() }
}

/// The name of a parameter as a proposal, in the manner in which it is being typed.
fn option(parameter: &Parameter, typed: &str) -> Option<Choice> {
    let (dashes, typed) = typed.strip_prefix("--").map_or(("", typed), |name| ("--", name));
    let name = &parameter.name;
    if !name.starts_with(&typed.to_lowercase()) {
        return None;
    }
    let label = match parameter.kind {
        Kind::Boolean => format!("--{name} "),
        _ => format!("{dashes}{name}="),
    };
    Some(Choice { value: label.clone(), label: label.trim_end().to_owned(), hint: parameter.help.clone() })
}

/// The values that a parameter may have, where they can be told: none while a value that they depend on is missing.
async fn values_of(command: &Command, parameter: &Parameter, given: &Given, lookup: &dyn Lookup) -> Vec<String> {
    if parameter.kind == Kind::Boolean {
        return vec!["yes".to_owned(), "no".to_owned()];
    }
    let Some(from) = &parameter.choices_from else {
        return parameter.known(lookup).map(<[String]>::to_vec).unwrap_or_default();
    };
    let mut values = Map::new();
    for other in &command.file.param {
        let value = given.value(other).or(other.default.as_ref()).unwrap_or(&Value::Null);
        values.insert(other.name.clone(), other.read(value, other.known(lookup)).unwrap_or_default());
    }
    if from.http.variables().iter().any(|name| values.get(name).is_some_and(Value::is_null)) {
        return Vec::new();
    }
    match lookup.choices(from, &Value::Object(values)).await {
        Ok(known) => known.unwrap_or_default(),
        Err(error) => {
            tracing::debug!(parameter = parameter.name, "no proposals: {error:#}");
            Vec::new()
        }
    }
}

/// Keeps the values that begin with what is typed, then those that contain it, else the one that is nearest.
fn sift(known: &mut Vec<String>, typed: &str) {
    let typed = typed.trim().to_lowercase();
    let near = spelling::nearest(&typed, known.iter().map(String::as_str)).map(str::to_owned);
    let place = |value: &String| value.to_lowercase().find(&typed);
    known.retain(|value| place(value).is_some());
    known.sort_by_key(|value| place(value) != Some(0));
    if known.is_empty() {
        known.extend(near);
    }
}
