//! The form in which somebody says that they are away. Its words are those of a message file.

use serde_json::{Value, json};

use super::given::{FIELDS, Given};
use crate::app::App;
use crate::chat::{Card, Field, Form, Input, Reply, Token, Tone};
use crate::error::Result;

/// The verb under which it comes back.
pub(super) const VERB: &str = "away";

/// The form, with what was given and what is wrong with it. Its title and its button, and the label and the help of every
/// field, as facts in the order of the fields, stand in the message.
pub(super) fn open(app: &App, given: &Given) -> Result<Reply> {
    let card = Card::read(&app.messages.load().render("absence_opened", &json!({}))?, Tone::Neutral);
    let facts = card.facts.into_iter().chain(std::iter::repeat_with(Default::default));
    let field = |(name, (label, help)): (&&str, (String, String))| Field {
        name: (*name).to_owned(),
        label,
        help,
        input: if *name == "delegate" { Input::Person } else { Input::Line },
        required: *name == "until",
        value: given.values.get(*name).cloned().map(Value::String),
        error: given.errors.get(*name).cloned(),
    };
    let fields = FIELDS.iter().zip(facts).map(field).collect();
    let submit = card.buttons.into_iter().next().map(|button| button.label).unwrap_or_default();
    let (title, intro, token) = (card.title, card.body, Token::new(VERB, ""));
    Ok(Reply::Form(Form { title, intro, fields, submit, token, error: given.error.clone() }))
}
