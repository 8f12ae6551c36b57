//! Forms about approvals: their words are those of a message, and what was typed stays when it comes back.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::app::App;
use crate::chat::{Card, Field, Form, Input, Reply, Token, Tone};
use crate::error::{Result, UserError};

/// A form before it is shown.
pub(super) struct Sheet {
    token: Token,
    /// The message: the title, the text, a fact for the label and the help of every field, and the button.
    template: &'static str,
    /// The name of every field, what may be filled in, and whether it must be.
    fields: Vec<(&'static str, Input, bool)>,
    values: Value,
}

impl Sheet {
    /// A form whose token is made of a verb and its object.
    pub(super) fn new(
        (verb, object): (&str, &str),
        template: &'static str,
        fields: Vec<(&'static str, Input, bool)>,
    ) -> Self {
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
        let card = Card::read(&text, Tone::Neutral);
        let mut words = card.facts.into_iter();
        let error_of = |name: &str| {
            let all = mistake.map(|mistake| mistake.fields.as_slice()).unwrap_or_default();
            all.iter().find(|error| error.field == name).map(|error| error.message.clone())
        };
        let field = |(name, input, required): (&str, Input, bool)| {
            let (label, help) = words.next().unwrap_or_default();
            let (value, error) = (given.get(name).cloned(), error_of(name));
            Field { name: name.into(), label, help, input, required, value, error }
        };
        Ok(Reply::Form(Form {
            fields: self.fields.into_iter().map(field).collect(),
            title: card.title,
            intro: card.body,
            submit: card.buttons.into_iter().next().map(|button| button.label).unwrap_or_default(),
            token: self.token,
            error: mistake.filter(|mistake| mistake.fields.is_empty()).map(|mistake| mistake.message.clone()),
        }))
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
