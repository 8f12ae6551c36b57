//! A form, asked field by field.

use std::collections::{BTreeMap, VecDeque};

use serde_json::Value;

use crate::chat::{Choice, Field, Form, Input, Intent};

/// Leaves the form.
const LEAVE: &str = "/cancel";
/// Begins a question for proposals.
const PROPOSE: char = '?';

/// A form that is being filled in.
pub struct Questions {
    form: Form,
    /// The fields that are still to be asked.
    open: VecDeque<usize>,
    answers: BTreeMap<String, Value>,
}

/// What a line means within a form.
pub enum Step {
    /// The next field is to be asked.
    Next,
    /// Proposals were asked for.
    Propose(Intent),
    /// That was the last field.
    Send(Intent),
    /// The form is left.
    Leave,
}

impl Questions {
    /// The questions of a form; of one that comes back with mistakes, only those. `before` is what it follows.
    pub fn new(form: Form, before: Option<Self>) -> Self {
        let mut answers = before.map(|before| before.answers).unwrap_or_default();
        for field in &form.fields {
            if let Some(value) = &field.value {
                answers.entry(field.name.clone()).or_insert_with(|| value.clone());
            }
        }
        let wrong: VecDeque<usize> = (0..form.fields.len()).filter(|at| form.fields[*at].error.is_some()).collect();
        let open = if wrong.is_empty() { (0..form.fields.len()).collect() } else { wrong };
        Self { form, open, answers }
    }

    /// What stands above the questions.
    pub fn heading(&self) -> crate::chat::Card {
        let form = &self.form;
        crate::chat::Card {
            tone: if form.error.is_some() { crate::chat::Tone::Bad } else { crate::chat::Tone::Neutral },
            title: form.error.clone().unwrap_or_else(|| form.title.clone()),
            body: form.intro.clone(),
            footnote: Some(format!("Enter keeps what stands in [brackets]; {LEAVE} leaves the form.")),
            ..Default::default()
        }
    }

    /// What is to be read before the present question, and the question.
    pub fn ask(&self) -> (String, String) {
        let Some(field) = self.field() else { return (String::new(), format!("{}? ", self.form.submit)) };
        let mut lines = Vec::new();
        lines.extend(field.error.as_ref().map(|error| format!("✗ {error}")));
        lines.extend(Some(&field.help).filter(|help| !help.is_empty()).cloned());
        match &field.input {
            Input::Choice(choices) => lines.extend(numbered(choices)),
            Input::Lookup(_) => lines.push(format!("{PROPOSE} and a few letters shows what there is")),
            _ => {}
        }
        let kept = self.answers.get(&field.name).map(|value| shown(field, value));
        let kept = match (&field.input, kept) {
            (Input::Toggle, None) => " [n]".to_owned(),
            (_, Some(kept)) => format!(" [{kept}]"),
            (_, None) if field.required => String::new(),
            (_, None) => " (optional)".to_owned(),
        };
        (lines.join("\n"), format!("{}{kept}: ", field.label))
    }

    /// Whether the present answer must not be seen.
    pub fn is_secret(&self) -> bool {
        self.field().is_some_and(|field| field.input == Input::Secret)
    }

    /// Takes the answer to the present question.
    pub fn take(&mut self, line: &str) -> Step {
        if line.trim() == LEAVE {
            return Step::Leave;
        }
        let Some(field) = self.field() else { return self.next() };
        if let (Input::Lookup(token), Some(typed)) = (&field.input, line.trim().strip_prefix(PROPOSE)) {
            let (token, typed) = (token.clone(), typed.trim().to_owned());
            return Step::Propose(Intent::Suggest { token, typed, values: self.known() });
        }
        if let Some(answer) = answer(field, line) {
            self.answers.insert(field.name.clone(), answer);
        }
        self.open.pop_front();
        self.next()
    }

    fn next(&self) -> Step {
        if self.open.is_empty() {
            let (token, values) = (self.form.token.clone(), self.answers.clone());
            return Step::Send(Intent::Submit { token, values });
        }
        Step::Next
    }

    fn field(&self) -> Option<&Field> {
        self.open.front().map(|at| &self.form.fields[*at])
    }

    /// The answers so far, without secrets.
    fn known(&self) -> BTreeMap<String, Value> {
        let mut known = self.answers.clone();
        known.retain(|name, _| !self.form.fields.iter().any(|f| f.name == *name && f.input == Input::Secret));
        known
    }
}

/// Choices with the numbers that choose them.
pub fn numbered(choices: &[Choice]) -> Vec<String> {
    let line = |(index, choice): (usize, &Choice)| {
        let hint = if choice.hint.is_empty() { String::new() } else { format!("  {}", choice.hint) };
        format!("{:3}) {}{hint}", index + 1, choice.label)
    };
    choices.iter().enumerate().map(line).collect()
}

/// What a line answers; `None` keeps what there is.
fn answer(field: &Field, line: &str) -> Option<Value> {
    // A secret may begin or end with a space.
    let line = if field.input == Input::Secret { line } else { line.trim() };
    match &field.input {
        Input::Toggle => Some(match line.to_lowercase().as_str() {
            "" => field.value.clone().unwrap_or(Value::Bool(false)),
            "y" | "yes" | "true" | "on" => Value::Bool(true),
            "n" | "no" | "false" | "off" => Value::Bool(false),
            _ => Value::String(line.to_owned()),
        }),
        _ if line.is_empty() => None,
        Input::Choice(choices) if !choices.iter().any(|choice| choice.value == line) => {
            let numbered = line.parse::<usize>().ok().and_then(|number| choices.get(number.checked_sub(1)?));
            Some(Value::String(numbered.map_or(line, |choice| &choice.value).to_owned()))
        }
        _ => Some(Value::String(line.to_owned())),
    }
}

fn shown(field: &Field, value: &Value) -> String {
    match (&field.input, value) {
        (Input::Secret, _) => crate::mask::HIDDEN.to_owned(),
        (Input::Toggle, value) => if *value == Value::Bool(true) { "y" } else { "n" }.to_owned(),
        (_, Value::String(text)) => text.clone(),
        (_, other) => other.to_string(),
    }
}
