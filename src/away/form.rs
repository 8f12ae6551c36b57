//! The form in which somebody says that they are away. Its words are those of a message file.

use serde_json::{Value, json};

use super::given::{FIELDS, Given};
use crate::app::App;
use crate::chat::{Form, Input, Reply, Token};
use crate::error::{FieldError, Result};

/// The verb under which it comes back.
pub(super) const VERB: &str = "away";

/// The form, with what was given and what is wrong with it.
pub(super) fn open(app: &App, given: &Given) -> Result<Reply> {
    let text = app.messages.load().render("absence_opened", &json!({}))?;
    let blank = |name| {
        let input = if name == "delegate" { Input::Person } else { Input::Line };
        (name, input, name == "until")
    };
    let values = given.values.iter().map(|(name, value)| (name.clone(), Value::String(value.clone()))).collect();
    let form = Form::read(&text, Token::new(VERB, ""), FIELDS.map(blank).into()).filled(&values);
    let form = form.marked(given.errors.iter().map(|(name, message)| FieldError::new(name, message)).collect());
    Ok(Reply::Form(Form { error: given.error.clone(), ..form }))
}
