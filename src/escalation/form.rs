//! The forms of this room: their words come from messages, whose facts are the labels and the helping lines of their fields.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::app::App;
use crate::chat::{Card, Choice, Field, Form, Input, Reply, Token, Tone};
use crate::error::{FieldError, Result};

/// What was filled in.
pub(super) type Filled = BTreeMap<String, Value>;

/// A field before it has its words: its name, what may be filled in, and whether something must be.
pub(super) type Blank = (&'static str, Input, bool);

/// A form with the words of a message; as many of its facts as there are fields are theirs, in order.
pub(super) fn form(app: &App, (message, values): (&str, &Value), token: Token, blanks: Vec<Blank>) -> Result<Form> {
    let card = Card::read(&app.messages.load().render(message, values)?, Tone::Neutral);
    let mut words = card.facts.into_iter();
    let field = |(name, input, required): Blank| {
        let (label, help) = words.next().unwrap_or_default();
        Field { name: name.into(), label, help, input, required, value: None, error: None }
    };
    let submit = card.buttons.into_iter().next().map(|button| button.label).unwrap_or_default();
    let fields = blanks.into_iter().map(field).collect();
    Ok(Form { title: card.title, intro: card.body, fields, submit, token, error: None })
}

/// The form with these values in it.
pub(super) fn filled(mut form: Form, values: &Filled) -> Form {
    for field in &mut form.fields {
        if let Some(value) = values.get(&field.name).filter(|value| !value.is_null()) {
            field.value = Some(value.clone());
        }
    }
    form
}

/// The form again, with all that was typed and the errors beside their fields.
pub(super) fn again(form: Form, values: &Filled, errors: Vec<FieldError>) -> Reply {
    let mut form = filled(form, values);
    for error in errors {
        if let Some(field) = form.fields.iter_mut().find(|field| field.name == error.field) {
            field.error = Some(error.message);
        }
    }
    Reply::Form(form)
}

/// An error beside a field.
pub(super) fn error(field: &str, message: impl Into<String>) -> FieldError {
    FieldError { field: field.to_owned(), message: message.into() }
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
        0 => Err(vec![error(field, "This is needed.")]),
        count if count > most => Err(vec![error(field, format!("This is too long: {most} characters are the most."))]),
        _ => Ok(text),
    }
}

/// A choice that shows `label`.
pub(super) fn choice(value: impl Into<String>, label: impl Into<String>) -> Choice {
    Choice { value: value.into(), label: label.into(), hint: String::new() }
}
