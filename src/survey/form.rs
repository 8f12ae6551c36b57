//! The form of a survey: all questions at once, each of which may be left out.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::app::App;
use crate::catalogue::survey::kind::{Kind, Pick};
use crate::catalogue::survey::{Question, Survey};
use crate::chat::{Card, Choice, Field, Form, Input, SEALED, Token, Tone};
use crate::error::Result;

/// What is filled in already, and what is wrong with it, by question.
#[derive(Debug, Default)]
pub struct Filled<'a> {
    /// The values as they came, by field.
    pub values: BTreeMap<String, Value>,
    /// The errors, by question.
    pub errors: BTreeMap<String, String>,
    /// What is said above all fields, as a warning.
    pub warning: Option<String>,
    /// What the form's token says after the invitation's id.
    pub round: &'a str,
}

/// The words of the form: from a message, as facts.
struct Words {
    several: String,
    text: String,
}

/// The form of an invitation.
pub fn form(app: &App, survey: &Survey, (invitation, filled): (&str, &Filled<'_>)) -> Result<Form> {
    let values = json!({
        "title": survey.title,
        "purpose": survey.purpose,
        "minutes": survey.minutes(),
        "anonymous": survey.is_anonymous(),
        "owner": survey.owner,
    });
    let card = Card::read(&app.messages.load().render("survey_form", &values)?, Tone::Neutral);
    let mut facts = card.facts.into_iter().map(|(_, value)| value);
    let mut word = || facts.next().unwrap_or_default();
    let words = Words { several: word(), text: word() };
    let fields = survey.question.iter().flat_map(|question| fields(question, &words, filled)).collect();
    Ok(Form {
        title: card.title,
        intro: card.body,
        fields,
        submit: card.buttons.into_iter().next().map(|button| button.label).unwrap_or_default(),
        token: Token::new(SEALED, &format!("{invitation}{}", filled.round)),
        error: filled.warning.clone(),
    }
    .filled(&filled.values))
}

/// The fields of one question; an error stands at the first of them.
fn fields(question: &Question, words: &Words, filled: &Filled<'_>) -> Vec<Field> {
    let names = question.fields();
    let mut fields: Vec<Field> =
        names.into_iter().enumerate().map(|(at, name)| field(question, (at, name), words)).collect();
    if let Some(first) = fields.first_mut() {
        first.error = filled.errors.get(&question.name).cloned();
    }
    fields
}

fn field(question: &Question, (at, name): (usize, String), words: &Words) -> Field {
    let several = |text: &str| if at == 0 { format!("{text} {}", words.several) } else { String::new() };
    let (label, help, input) = match question.kind {
        Kind::Text => (question.text.clone(), words.text.clone(), Input::Text),
        Kind::Choice(Pick::Several) => {
            (question.choices.get(at).cloned().unwrap_or_default(), several(&question.text), Input::Toggle)
        }
        Kind::Rating(_) if question.statements().is_some() => {
            let help = if at == 0 { question.text.clone() } else { String::new() };
            (question.items.get(at).cloned().unwrap_or_default(), help, Input::Choice(points(question)))
        }
        Kind::Rating(_) => (question.text.clone(), String::new(), Input::Choice(points(question))),
        Kind::Choice(Pick::One) => {
            let choices = question.choices.iter();
            let choice = |text: &String| Choice { value: text.clone(), label: text.clone(), hint: String::new() };
            (question.text.clone(), String::new(), Input::Choice(choices.map(choice).collect()))
        }
    };
    Field { name, label, help, input, required: false, value: None, error: None }
}

fn points(question: &Question) -> Vec<Choice> {
    let (low, high) = question.points().unwrap_or_default();
    let choice = |point: i64| Choice { value: point.to_string(), label: question.label(point), hint: String::new() };
    (low..=high).map(choice).collect()
}
