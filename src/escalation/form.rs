//! The forms of this room: their words come from messages, whose facts are the labels and the helping lines of their fields.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::app::App;
use crate::chat::{Blank, Choice, Form, Reply, Token};
use crate::error::{FieldError, Result};

/// What was filled in.
pub(super) type Filled = BTreeMap<String, Value>;

/// A form with the words of a message.
pub(super) fn form(app: &App, (message, values): (&str, &Value), token: Token, blanks: Vec<Blank<'_>>) -> Result<Form> {
    Ok(Form::read(&app.messages.load().render(message, values)?, token, blanks))
}

/// The form again, with all that was typed and the errors beside their fields.
pub(super) fn again(form: Form, values: &Filled, errors: Vec<FieldError>) -> Reply {
    Reply::Form(form.filled(values).marked(errors))
}

/// What was typed into a field, without white space around it.
pub(super) fn text(values: &Filled, field: &str) -> String {
    match values.get(field) {
        Some(Value::String(text)) => text.trim().to_owned(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

/// The text of a field that must say something, and not too much.
pub(super) fn told(values: &Filled, field: &str, most: usize) -> Result<String, Vec<FieldError>> {
    let text = text(values, field);
    match text.chars().count() {
        0 => Err(vec![FieldError::new(field, "This is needed.")]),
        count if count > most => {
            Err(vec![FieldError::new(field, format!("This is too long: {most} characters are the most."))])
        }
        _ => Ok(text),
    }
}

/// A choice that shows `label`.
pub(super) fn choice(value: impl Into<String>, label: impl Into<String>) -> Choice {
    Choice { value: value.into(), label: label.into(), hint: String::new() }
}
