//! The form of a command: its parameters as fields, with what was given and what is wrong with it.

use super::command::Command;
use super::given::Given;
use super::parameter::{Kind, Parameter};
use crate::chat::{Choice, Field, Form, Input, Token};
use crate::error::UserError;
use crate::markdown;

/// The form of a command, prefilled with what was given, each error beside its field. Secrets are never prefilled.
pub fn form(command: &Command, given: &Given) -> Form {
    let name = &command.file.name;
    let (verb, option) = if given.dry_run { ("dry-run", " --dry-run") } else { ("run", "") };
    Form {
        title: command.file.summary.clone(),
        intro: markdown::escape(&command.capability.need),
        fields: command.file.param.iter().map(|parameter| field(name, parameter, given)).collect(),
        submit: format!("/{name}{option}"),
        token: Token::new(verb, name),
        error: (!given.complaints.is_empty()).then(|| given.complaints.join("\n")),
    }
}

fn field(command: &str, parameter: &Parameter, given: &Given) -> Field {
    let value = given.values.get(&parameter.name).or(parameter.default.as_ref());
    let error = given.errors.iter().find(|error| error.field == parameter.name);
    Field {
        name: parameter.name.clone(),
        label: parameter.name.clone(),
        help: parameter.help.clone(),
        input: input(command, parameter),
        // A choice with a default has always one of its values, so "none" is not one of them.
        required: parameter.is_required() || (parameter.kind == Kind::Choice && parameter.default.is_some()),
        value: value.filter(|_| parameter.kind != Kind::Secret).cloned(),
        error: error.map(|error| error.message.clone()),
    }
}

fn input(command: &str, parameter: &Parameter) -> Input {
    match parameter.kind {
        Kind::String | Kind::Duration | Kind::Url => Input::Line,
        Kind::Text => Input::Text,
        Kind::Integer | Kind::Number => Input::Number,
        Kind::Boolean => Input::Toggle,
        Kind::Choice if parameter.choices_from.is_none() => {
            Input::Choice(parameter.choices.iter().map(|value| choice(value)).collect())
        }
        Kind::Choice | Kind::Team => Input::Lookup(Token::new("field", &format!("{command}:{}", parameter.name))),
        Kind::Person => Input::Person,
        Kind::Channel => Input::Channel,
        Kind::Date => Input::Date,
        Kind::Secret => Input::Secret,
    }
}

/// A choice that shows what it is.
pub(super) fn choice(value: &str) -> Choice {
    Choice { value: value.to_owned(), label: value.to_owned(), hint: String::new() }
}

/// For those who have no forms to show: programs, and the tests of a capability file.
impl From<&Form> for UserError {
    fn from(form: &Form) -> Self {
        let message = form.error.clone().unwrap_or_else(|| "Some input is missing or wrong.".into());
        form.fields.iter().fold(Self::invalid(message), |error, field| match &field.error {
            Some(message) => error.field(&field.name, message),
            None if field.required && field.value.is_none() => error.field(&field.name, "This is needed."),
            None => error,
        })
    }
}
