//! What an entry of a conversation is, as it is kept.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::chat::{Card, Field, Form, Input, Tone};
use crate::error::{Result, UserError};
use crate::mask::HIDDEN;

/// What an entry of a conversation is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Content {
    /// A line that the person typed.
    Said {
        /// The line.
        words: String,
    },
    /// A card.
    Card {
        /// The card.
        card: Card,
    },
    /// A form that waits to be filled in. Invariant: it holds no secret.
    Form {
        /// The form.
        form: Form,
    },
    /// A form that was put away for later, with what was filled in. Invariant: it holds no secret.
    Aside {
        /// The form.
        form: Form,
    },
    /// A form that was filled in and taken.
    Sent {
        /// The form's heading.
        title: String,
        /// What was filled in: label and value. Invariant: no secret among them.
        facts: Vec<(String, String)>,
    },
}

impl Content {
    /// A form as it may be kept: without secrets.
    pub fn form(form: Form) -> Self {
        Self::Form { form: without_secrets(form) }
    }

    /// A form as it may be kept, put away.
    pub fn aside(form: Form) -> Self {
        Self::Aside { form: without_secrets(form) }
    }

    /// What a form has become once it was taken.
    pub fn sent(form: &Form, values: &BTreeMap<String, Value>) -> Self {
        let facts = form.fields.iter().filter_map(|field| Some((field.label.clone(), shown(field, values)?)));
        Self::Sent { title: form.title.clone(), facts: facts.collect() }
    }

    /// A card that says what was refused, and what to do next.
    pub fn refusal(error: &UserError) -> Self {
        let card = Card {
            tone: Tone::Bad,
            title: error.message.clone(),
            footnote: error.hint.as_ref().map(|hint| format!("hint: {hint}")),
            ..Card::default()
        };
        Self::Card { card }
    }

    /// As it is kept.
    pub fn to_json(&self) -> Result<String> {
        Ok(serde_json::to_string(self)?)
    }
}

fn without_secrets(mut form: Form) -> Form {
    for field in form.fields.iter_mut().filter(|field| field.input == Input::Secret) {
        field.value = None;
    }
    form
}

/// How a value is shown once it was sent; `None` where nothing was filled in.
fn shown(field: &Field, values: &BTreeMap<String, Value>) -> Option<String> {
    let text = text_of(values.get(&field.name)?);
    Some(match &field.input {
        Input::Secret => HIDDEN.into(),
        Input::Toggle => if text == "true" { "✓" } else { "–" }.into(),
        Input::Choice(choices) => choices.iter().find(|c| c.value == text).map_or(text, |c| c.label.clone()),
        _ => text,
    })
}

/// A value as one types it.
pub fn text_of(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
