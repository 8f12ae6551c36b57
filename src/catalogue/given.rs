//! What was given for a command: the words of a line, put to the parameters that they are for.

use std::collections::BTreeMap;

use serde_json::Value;

use super::command::Command;
use super::input::{self, plain};
use super::line::{self, Role, Word};
use super::parameter::{Kind, Parameter};
use crate::error::FieldError;
use crate::spelling;

/// The option that asks for the plan alone.
const DRY_RUN: &str = "dry-run";

/// What was given for a command, before it is typed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Given {
    /// Values by parameter name, exactly as they were given.
    pub values: BTreeMap<String, Value>,
    /// Whether only the plan is wanted.
    pub dry_run: bool,
    /// What is wrong with single parameters.
    pub errors: Vec<FieldError>,
    /// What is wrong with the whole, with every text that has no place among the parameters.
    pub complaints: Vec<String>,
    /// Whether the form is wanted, whatever was given.
    pub form: bool,
}

impl Given {
    /// Values by name: of a form, native options or a program.
    pub fn named(command: &Command, input: BTreeMap<String, Value>) -> Self {
        let mut given = Self::default();
        for (name, value) in input {
            match find(command, &name) {
                Some(parameter) => given.set(parameter, value),
                None => given.misname(command, &name, Some(value)),
            }
        }
        given
    }

    /// The words of a line behind the command.
    pub fn typed(command: &Command, words: &[Word]) -> Self {
        let mut given = Self::default();
        let mut unplaced: Vec<String> = Vec::new();
        let mut words = words.iter().peekable();
        let mut is_over = false;
        while let Some(word) = words.next() {
            let role = if is_over { Role::Value(&word.text) } else { word.role() };
            match role {
                Role::Value(text) if given.position(command, text) => {}
                Role::Value(text) => unplaced.push(line::quote(text)),
                Role::End => is_over = true,
                Role::Pair(name, value) => given.pair(command, name, value),
                Role::Flag(name) => {
                    let next = words.next_if(|next| takes_value(command, name) && next.is_value());
                    given.flag(command, name, next.map(|next| next.text.as_str()));
                }
            }
        }
        if !unplaced.is_empty() {
            given.complaints.push(format!("There is no parameter left for this: {}", unplaced.join(" ")));
        }
        given.form |= !command.file.param.is_empty() && given.values.is_empty() && !given.is_wrong();
        given
    }

    /// What was given for a parameter; `None` if nothing.
    pub fn value(&self, parameter: &Parameter) -> Option<&Value> {
        self.values.get(&parameter.name).filter(|value| !input::is_blank(value))
    }

    /// Whether something is wrong already.
    pub fn is_wrong(&self) -> bool {
        !self.errors.is_empty() || !self.complaints.is_empty()
    }

    /// Whether something is wrong with a parameter.
    pub fn is_refused(&self, name: &str) -> bool {
        self.errors.iter().any(|error| error.field == name)
    }

    /// Notes what is wrong with a parameter, behind what is noted already.
    pub fn refuse(&mut self, name: &str, message: &str) {
        match self.errors.iter_mut().find(|error| error.field == name) {
            Some(error) => error.message = format!("{} {message}", error.message),
            None => self.errors.push(FieldError::new(name, message)),
        }
    }

    fn set(&mut self, parameter: &Parameter, value: Value) {
        if let Some(before) = self.values.get(&parameter.name) {
            let message = match parameter.kind {
                Kind::Secret => "It was given twice.".to_owned(),
                _ => format!("It was given twice: {} and {}.", quoted(before), quoted(&value)),
            };
            self.refuse(&parameter.name, &message);
        }
        self.values.insert(parameter.name.clone(), value);
    }

    /// Sets a parameter that was named in a line.
    fn set_typed(&mut self, parameter: &Parameter, value: Value) {
        if parameter.kind != Kind::Secret {
            return self.set(parameter, value);
        }
        self.refuse(
            &parameter.name,
            "A secret is asked for here and not in the line, which the conversation keeps. What was typed was not used; \
             if others can read it, change it.",
        );
    }

    /// Gives a text to the next parameter, and the rest of a line to a text at its end; `false` if there is none.
    fn position(&mut self, command: &Command, text: &str) -> bool {
        let mut positional = command.file.param.iter().filter(|parameter| parameter.kind != Kind::Secret);
        if let Some(parameter) = positional.clone().find(|parameter| !self.values.contains_key(&parameter.name)) {
            self.set(parameter, Value::String(text.to_owned()));
            return true;
        }
        let last = positional.next_back().filter(|parameter| parameter.kind == Kind::Text);
        match last.and_then(|last| self.values.get_mut(&last.name)) {
            Some(Value::String(so_far)) => {
                so_far.push(' ');
                so_far.push_str(text);
                true
            }
            _ => false,
        }
    }

    fn pair(&mut self, command: &Command, name: &str, value: &str) {
        let typed = Value::String(value.to_owned());
        match find(command, name) {
            Some(parameter) => self.set_typed(parameter, typed),
            None if is_dry_run(name) => {
                let wanted = input::boolean(&typed);
                self.dry_run = wanted.unwrap_or(true);
                if wanted.is_none() {
                    let value = line::quote(value);
                    self.complaints.push(format!("`--{DRY_RUN}` takes yes or no: {DRY_RUN}={value}"));
                }
            }
            None => self.misname(command, name, Some(typed)),
        }
    }

    fn flag(&mut self, command: &Command, name: &str, next: Option<&str>) {
        let typed = next.map(|next| Value::String(next.to_owned()));
        match find(command, name) {
            Some(parameter) if parameter.kind == Kind::Boolean => self.set_typed(parameter, Value::Bool(true)),
            Some(parameter) => match typed {
                Some(value) => self.set_typed(parameter, value),
                None => self.refuse(&parameter.name, &format!("A value is missing behind `--{name}`.")),
            },
            None if is_dry_run(name) => self.dry_run = true,
            None if name == "help" => self.form = true,
            None => match name.strip_prefix("no-").and_then(|name| find(command, name)) {
                Some(parameter) if parameter.kind == Kind::Boolean => self.set_typed(parameter, Value::Bool(false)),
                _ => self.misname(command, name, typed),
            },
        }
    }

    /// Keeps a value whose name is not known: in the field that was most likely meant, or in the complaint.
    fn misname(&mut self, command: &Command, name: &str, value: Option<Value>) {
        let name = limited(name);
        let names = command.file.param.iter().map(|parameter| parameter.name.as_str());
        let near = spelling::nearest(name, names.chain([DRY_RUN]));
        // Whoever mentions the plan, however spelt, must not start the work by a slip.
        self.dry_run |= near == Some(DRY_RUN);
        let meant = near.and_then(|near| find(command, near));
        let hint = near.map(|near| format!(" Did you mean `{near}`?")).unwrap_or_default();
        match (meant, value) {
            (Some(parameter), _) if parameter.kind == Kind::Secret => {
                self.refuse(
                    &parameter.name,
                    &format!("There is no parameter `{name}`, and its value was not used.{hint}"),
                );
            }
            (Some(parameter), Some(value)) if !self.values.contains_key(&parameter.name) => {
                self.refuse(&parameter.name, &format!("There is no parameter `{name}`.{hint}"));
                self.values.insert(parameter.name.clone(), value);
            }
            (_, None) => self.complaints.push(format!("There is no parameter `{name}`.{hint}")),
            (_, Some(value)) => {
                let typed = quoted(&value);
                self.complaints
                    .push(format!("There is no parameter `{name}`, so this was not used: {name}={typed}.{hint}"));
            }
        }
    }
}

/// The parameter of that name; upper and lower case, and `-` and `_`, are the same where no other has the exact name.
pub fn find<'c>(command: &'c Command, name: &str) -> Option<&'c Parameter> {
    let plain = |name: &str| name.to_lowercase().replace('-', "_");
    let parameters = &command.file.param;
    let exact = parameters.iter().find(|parameter| parameter.name == name);
    exact.or_else(|| parameters.iter().find(|parameter| plain(&parameter.name) == plain(name)))
}

/// Whether an option is followed by its value: not if it is a switch, nor where it is not known what it is.
fn takes_value(command: &Command, name: &str) -> bool {
    let names = command.file.param.iter().map(|parameter| parameter.name.as_str());
    let meant = find(command, name).or_else(|| find(command, spelling::nearest(name, names)?));
    meant.is_some_and(|parameter| parameter.kind != Kind::Boolean)
}

fn is_dry_run(name: &str) -> bool {
    name.to_lowercase().replace('_', "-") == DRY_RUN
}

/// A value as it can be typed.
fn quoted(value: &Value) -> String {
    line::quote(limited(&plain(value)))
}

/// What a program sends may be of any size; what was typed is never longer than this.
fn limited(text: &str) -> &str {
    text.char_indices().nth(line::LONGEST).map_or(text, |(end, _)| &text[..end])
}
