//! What somebody answers to a whole survey: read question by question, with an error beside each that is wrong.

use std::collections::BTreeMap;

use serde_json::Value;

use super::kind::{Kind, Pick};
use super::{Question, Survey};

/// What was answered, and what is wrong with it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answers {
    /// The answers, by question; what was skipped is not there.
    pub given: BTreeMap<String, Value>,
    /// What is wrong, by question.
    pub errors: BTreeMap<String, String>,
}

impl Survey {
    /// Reads answers by question name. A name that is no question's is an error under that name.
    pub fn read(&self, values: &BTreeMap<String, Value>) -> Answers {
        let mut answers = Answers::default();
        for (name, value) in values {
            match self.question(name).map(|question| question.read(value)) {
                Some(Ok(Some(answer))) => drop(answers.given.insert(name.clone(), answer)),
                Some(Ok(None)) => {}
                Some(Err(error)) => drop(answers.errors.insert(name.clone(), error)),
                None => drop(answers.errors.insert(name.clone(), "There is no such question.".into())),
            }
        }
        answers
    }

    /// Reads what came back from a form whose fields are named by [`Question::fields`].
    pub fn read_fields(&self, values: &BTreeMap<String, Value>) -> Answers {
        let value = |question: &Question| Some((question.name.clone(), question.gather(values)));
        self.read(&self.question.iter().filter_map(value).collect())
    }
}

impl Question {
    /// The names of the fields that answer it: one, or one for each statement or each choice that can be ticked.
    pub fn fields(&self) -> Vec<String> {
        let several = match self.kind {
            Kind::Choice(Pick::Several) => self.choices.len(),
            _ => self.statements().unwrap_or(0),
        };
        match several {
            0 => vec![self.name.clone()],
            several => (1..=several).map(|number| format!("{}.{number}", self.name)).collect(),
        }
    }

    /// Its answer from the fields of a form.
    fn gather(&self, values: &BTreeMap<String, Value>) -> Value {
        let value = |field: &String| values.get(field).cloned().unwrap_or_default();
        let fields = self.fields();
        match (self.kind, fields.as_slice()) {
            (Kind::Choice(Pick::Several), fields) => {
                let is_ticked = |field: &String| matches!(value(field), Value::Bool(true)) || value(field) == "true";
                let ticked = self.choices.iter().zip(fields).filter(|(_, field)| is_ticked(field));
                ticked.map(|(choice, _)| Value::from(choice.clone())).collect()
            }
            (_, [only]) => value(only),
            (_, fields) => fields.iter().map(value).collect(),
        }
    }
}
