//! Forms about approvals: their words are those of a message, and what was typed stays when it comes back.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::app::App;
use crate::chat::{Blank, Form, Reply, Token};
use crate::error::{Result, UserError};

/// A form before it is shown.
pub(super) struct Sheet {
    token: Token,
    /// The message that has its words.
    template: &'static str,
    fields: Vec<Blank<'static>>,
    values: Value,
}

impl Sheet {
    /// A form whose token is made of a verb and its object.
    pub(super) fn new((verb, object): (&str, &str), template: &'static str, fields: Vec<Blank<'static>>) -> Self {
        Self { token: Token::new(verb, object), template, fields, values: json!({}) }
    }

    /// The same, with what the message is given.
    pub(super) fn with(mut self, values: Value) -> Self {
        self.values = values;
        self
    }

    /// Shows it with what was filled in before, and with what is wrong with it beside the fields.
    pub(super) fn open(self, app: &App, given: &BTreeMap<String, Value>, mistake: Option<&UserError>) -> Result<Reply> {
        let text = app.messages.load().render(self.template, &json!({ "approval": self.values }))?;
        let mut form = Form::read(&text, self.token, self.fields).filled(given);
        if let Some(mistake) = mistake {
            form = form.marked(mistake.fields.clone());
            form.error = mistake.fields.is_empty().then(|| mistake.message.clone());
        }
        Ok(Reply::Form(form))
    }
}

/// What was written in a field; an error beside it if that is too short or too long.
pub(super) fn text(
    values: &BTreeMap<String, Value>,
    name: &str,
    (least, most): (usize, usize),
) -> Result<String, UserError> {
    let text = values.get(name).and_then(Value::as_str).unwrap_or_default().trim();
    let wrong = |message: String| Err(UserError::invalid("Something is missing.").field(name, message));
    match text.chars().count() {
        0 => wrong("This is needed.".into()),
        count if count < least => wrong(format!("Say a little more: at least {least} characters.")),
        count if count > most => wrong(format!("This is {count} characters long, and {most} fit.")),
        _ => Ok(text.to_owned()),
    }
}
