//! Forms: questions to fill in, and the commands that a platform can offer as forms of its own.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Card, Token, Tone};
use crate::error::FieldError;

/// Questions to fill in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Form {
    /// Its heading, plain text.
    pub title: String,
    /// What it is about, in Markdown.
    pub intro: String,
    /// Its questions.
    pub fields: Vec<Field>,
    /// What the button that sends it says.
    pub submit: String,
    /// What comes back with the values.
    pub token: Token,
    /// What is wrong with the form as a whole, plain text.
    pub error: Option<String>,
}

/// A field before it has its words: its name, what may be filled in, and whether something must be.
pub type Blank<'a> = (&'a str, Input, bool);

impl Form {
    /// The form that a rendered message describes: its title, its text, and its first button. As many of its facts as there
    /// are fields are the label and the help of each, in order.
    pub fn read(markdown: &str, token: Token, blanks: Vec<Blank<'_>>) -> Self {
        let card = Card::read(markdown, Tone::Neutral);
        let mut words = card.facts.into_iter();
        let field = |(name, input, required): Blank<'_>| {
            let (label, help) = words.next().unwrap_or_default();
            Field { name: name.to_owned(), label, help, input, required, value: None, error: None }
        };
        let fields = blanks.into_iter().map(field).collect();
        let submit = card.buttons.into_iter().next().map(|button| button.label).unwrap_or_default();
        Self { title: card.title, intro: card.body, fields, submit, token, error: None }
    }

    /// The same with what was filled in.
    pub fn filled(mut self, values: &BTreeMap<String, Value>) -> Self {
        for field in &mut self.fields {
            if let Some(value) = values.get(&field.name).filter(|value| !value.is_null()) {
                field.value = Some(value.clone());
            }
        }
        self
    }

    /// The same with what is wrong, beside the fields.
    pub fn marked(mut self, errors: Vec<FieldError>) -> Self {
        for error in errors {
            if let Some(field) = self.fields.iter_mut().find(|field| field.name == error.field) {
                field.error = Some(error.message);
            }
        }
        self
    }

    /// Whether what is filled in may be kept in memory only.
    pub fn is_sealed(&self) -> bool {
        self.token.is_sealed()
    }
}

/// One question of a form.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Field {
    /// The name under which the value comes back.
    pub name: String,
    /// What it says above the field.
    pub label: String,
    /// A line that helps.
    pub help: String,
    /// What may be filled in.
    pub input: Input,
    /// Whether it must be filled in.
    pub required: bool,
    /// What is filled in already, exactly as it was given.
    pub value: Option<Value>,
    /// What is wrong with it, plain text.
    pub error: Option<String>,
}

/// What may be filled in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Input {
    /// One line.
    Line,
    /// Several lines.
    Text,
    /// A number, whole or not.
    Number,
    /// Yes or no.
    Toggle,
    /// One of a few.
    Choice(Vec<Choice>),
    /// One of those that [`super::Intent::Suggest`] with this token answers.
    Lookup(Token),
    /// A calendar date.
    Date,
    /// A person.
    Person,
    /// A conversation.
    Channel,
    /// Never shown, never stored in clear, never prefilled.
    Secret,
}

/// One proposal or choice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// What comes back.
    pub value: String,
    /// What is shown.
    pub label: String,
    /// A line of help beside it.
    pub hint: String,
}

/// A command as a platform may offer it: registered with native options, or listed with a usage hint.
#[derive(Debug, Clone, PartialEq)]
pub struct Offer {
    /// Its full name, one to three words: `db create`.
    pub name: String,
    /// What it does, in one line of plain text.
    pub summary: String,
    /// Its parameters, in the order in which they can be typed without their names.
    pub fields: Vec<Field>,
    /// Whether `--dry-run` shows its plan.
    pub plans: bool,
}

impl Offer {
    /// How it is typed after its name: `name [environment=dev]`.
    pub fn usage(&self) -> String {
        let word = |field: &Field| match &field.value {
            _ if field.required && field.value.is_none() => field.name.clone(),
            Some(Value::String(default)) => format!("[{}={default}]", field.name),
            Some(default) => format!("[{}={default}]", field.name),
            None => format!("[{}]", field.name),
        };
        self.fields.iter().map(word).collect::<Vec<_>>().join(" ")
    }
}
