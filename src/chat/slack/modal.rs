//! A form as a modal, what was filled in, and a card as a modal.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::payload::State;
use super::{blocks, field, labels, limits, markup};
use crate::chat::{Card, Form, Input, Reply, Tone};
use crate::markdown;

/// Where a modal belongs: the back of it, which comes back with whatever is done in it. Nothing secret.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Back {
    /// The conversation where it was opened.
    pub place: String,
    /// The thread of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<String>,
    /// The form's token; empty for a card.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub token: String,
}

impl Back {
    /// What was written on the back of a modal.
    pub fn read(private_metadata: &str) -> Self {
        serde_json::from_str(private_metadata).unwrap_or_default()
    }

    fn write(&self) -> String {
        // Two ids and a token are far below the 3000 characters that there are.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// A form as a modal.
pub fn form(form: &Form, back: &Back) -> Value {
    let back = Back { token: form.token.to_string(), ..back.clone() };
    let mut view = frame(&form.title, &back);
    let submit = if limits::is_blank(&form.submit) { labels::SEND } else { &form.submit };
    view["submit"] = blocks::plain_line(submit, limits::MODAL_TITLE);
    view["close"] = blocks::plain_line(labels::CANCEL, limits::MODAL_TITLE);
    view["callback_id"] = "form".into();
    let mut all = Vec::new();
    if limits::length(&form.title) > limits::MODAL_TITLE {
        all.extend(blocks::header(&form.title));
    }
    all.extend(form.error.as_deref().and_then(|error| blocks::section(&problem(error))));
    all.extend(markup::rich_text(&markdown::parse(&form.intro), limits::SECTION).blocks);
    for question in &form.fields {
        all.push(field::input(question));
        all.extend(question.error.as_deref().map(|error| blocks::context(&problem(error))));
    }
    all.truncate(limits::VIEW_BLOCKS);
    view["blocks"] = all.into();
    view
}

/// The form with lines of text in place of the pickers that begin with what was given.
pub fn without_pickers(form: &Form) -> Form {
    let mut form = form.clone();
    let picks = |field: &&mut crate::chat::Field| {
        matches!(field.input, Input::Person | Input::Channel) && field.value.is_some()
    };
    form.fields.iter_mut().filter(picks).for_each(|field| field.input = Input::Line);
    form
}

/// A card as a modal, which can only be closed.
pub fn card(card: &Card, back: &Back) -> Value {
    let mut view = frame(&card.title, &Back { token: String::new(), ..back.clone() });
    view["close"] = blocks::plain_line(labels::CLOSE, limits::MODAL_TITLE);
    view["callback_id"] = "card".into();
    view["blocks"] = some(blocks::blocks(card)).into();
    view
}

/// A card as somebody's home.
pub fn home(card: &Card) -> Value {
    json!({"type": "home", "blocks": some(blocks::blocks(card))})
}

/// What a modal that was sent becomes, by the answer. `shown` are the ids of the input blocks that it has now.
pub fn response(reply: &Reply, back: &Back, shown: &[String]) -> Value {
    match reply {
        Reply::Nothing | Reply::Choices(_) => Value::Null,
        // What was not taken stays below the card, with all that was filled in.
        Reply::Card(bad) if bad.tone == Tone::Bad => json!({"response_action": "push", "view": card(bad, back)}),
        Reply::Card(other) => json!({"response_action": "update", "view": card(other, back)}),
        Reply::Form(again) => match errors(again, back, shown) {
            Some(errors) => json!({"response_action": "errors", "errors": errors}),
            None => json!({"response_action": "update", "view": form(again, back)}),
        },
    }
}

/// What was filled in, by field. Texts stay texts; a box is ticked or not; a person is written as the catalogue reads
/// one.
pub fn values(state: &State) -> BTreeMap<String, Value> {
    let mut values = BTreeMap::new();
    for (name, elements) in &state.values {
        for element in elements.values() {
            if let Some(value) = value(element) {
                values.insert(name.clone(), value);
            }
        }
    }
    values
}

/// A form to complete a line of which the beginning is given.
pub fn completion(line: &str) -> Form {
    let question = crate::chat::Field {
        name: "line".into(),
        label: labels::LINE.into(),
        help: String::new(),
        input: Input::Line,
        required: true,
        value: Some(line.into()),
        error: None,
    };
    Form {
        title: labels::COMPLETE.into(),
        intro: String::new(),
        fields: vec![question],
        submit: labels::SEND.into(),
        token: crate::chat::Token::received("say:"),
        error: None,
    }
}

fn frame(title: &str, back: &Back) -> Value {
    let title = if limits::is_blank(title) { labels::EMPTY } else { title };
    json!({
        "type": "modal",
        "title": blocks::plain_line(title, limits::MODAL_TITLE),
        "private_metadata": back.write(),
    })
}

/// Blocks of a view, which must not be without any.
fn some(blocks: Vec<Value>) -> Vec<Value> {
    if blocks.is_empty() { vec![blocks::context(labels::EMPTY)] } else { blocks }
}

fn problem(error: &str) -> String {
    format!("{}{error}", labels::word(Tone::Bad))
}

/// The errors by block, if it is the same form and all of them can stand beside a field of it.
fn errors(form: &Form, back: &Back, shown: &[String]) -> Option<BTreeMap<String, String>> {
    let is_same = form.error.is_none() && form.token.to_string() == back.token;
    let mut errors = BTreeMap::new();
    for field in &form.fields {
        if let Some(error) = &field.error {
            if !shown.contains(&field.name) {
                return None;
            }
            errors.insert(field.name.clone(), limits::cut_line(error, limits::FIELD_ERROR));
        }
    }
    (is_same && !errors.is_empty()).then_some(errors)
}

fn value(element: &Value) -> Option<Value> {
    match element["type"].as_str()? {
        "checkboxes" => Some((!element["selected_options"].as_array()?.is_empty()).into()),
        "static_select" | "external_select" => Some(element["selected_option"]["value"].as_str()?.into()),
        "datepicker" => Some(element["selected_date"].as_str()?.into()),
        "users_select" => Some(format!("slack:{}", element["selected_user"].as_str()?).into()),
        "conversations_select" => Some(element["selected_conversation"].as_str()?.into()),
        _ => Some(element["value"].as_str()?.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::{Choice, Field, Token};

    fn field(name: &str, input: Input) -> Field {
        let (label, help) = (name.to_uppercase(), String::new());
        Field { name: name.into(), label, help, input, required: false, value: None, error: None }
    }

    fn back() -> Back {
        Back { place: "C1".into(), thread: None, token: "run:db create".into() }
    }

    fn sample(name: Option<&str>, error: Option<&str>) -> Form {
        let choice = |value: &str| Choice { value: value.into(), label: value.into(), hint: String::new() };
        let environment = Input::Choice(vec![choice("dev"), choice("prod")]);
        let question = Field {
            required: true,
            help: "Lower case".into(),
            value: name.map(Value::from),
            error: error.map(str::to_owned),
            ..field("name", Input::Line)
        };
        Form {
            title: "Create a PostgreSQL database".into(),
            intro: "Ready in **minutes**.".into(),
            fields: vec![
                question,
                Field { required: true, value: Some("dev".into()), ..field("environment", environment) },
                Field { value: Some(true.into()), ..field("backup", Input::Toggle) },
            ],
            submit: "/db create".into(),
            token: Token::new("run", "db create"),
            error: None,
        }
    }

    #[test]
    fn a_form_that_came_back() {
        let view = form(&sample(Some("Orders"), Some("Lower case letters only")), &back());
        insta::assert_snapshot!(serde_json::to_string_pretty(&view).expect("JSON"));
    }

    #[test]
    fn nothing_given_is_lost_without_pickers() {
        let asked = |value: Option<&str>| Field { value: value.map(Value::from), ..field("where", Input::Channel) };
        let form = Form { fields: vec![asked(Some("C0NOWHERE")), asked(None)], ..sample(None, None) };
        let plain = without_pickers(&form);
        assert_eq!((&plain.fields[0].input, &plain.fields[1].input), (&Input::Line, &Input::Channel));
        assert_eq!(plain.fields[0].value, Some("C0NOWHERE".into()));
    }

    #[test]
    fn errors_stand_beside_their_fields() {
        let (wrong, shown) = (sample(Some("Orders"), Some("Lower case")), ["name".to_owned()]);
        let answer = response(&Reply::Form(wrong.clone()), &back(), &shown);
        assert_eq!(answer, json!({"response_action": "errors", "errors": {"name": "Lower case"}}));
        // Where a field is not shown, where the whole form is wrong, and where it is another form: all of it is shown.
        let whole = Form { error: Some("Both or none".into()), ..wrong.clone() };
        let other = Form { token: Token::new("run", "db drop"), ..wrong.clone() };
        for (form, shown) in [(wrong, &[][..]), (whole, &shown[..]), (other, &shown[..])] {
            assert_eq!(response(&Reply::Form(form), &back(), shown)["response_action"], "update");
        }
    }

    #[test]
    fn what_was_not_taken_stays_below_the_card() {
        let card = |tone| Reply::Card(Card { tone, title: "T".into(), ..Card::default() });
        assert_eq!(response(&card(Tone::Bad), &back(), &[])["response_action"], "push");
        let shown = response(&card(Tone::Good), &back(), &[]);
        assert_eq!((&shown["response_action"], &shown["view"]["title"]["text"]), (&json!("update"), &json!("T")));
        assert_eq!(response(&Reply::Nothing, &back(), &[]), Value::Null);
    }

    #[test]
    fn every_kind_of_answer_is_read() {
        let state = json!({"values": {
            "name": {"name": {"type": "plain_text_input", "value": "orders"}},
            "why": {"why": {"type": "plain_text_input", "value": null}},
            "size": {"size": {"type": "number_input", "value": "3"}},
            "environment": {"environment": {"type": "static_select", "selected_option": {"value": "dev"}}},
            "cluster": {"field:db create:cluster": {"type": "external_select", "selected_option": null}},
            "backup": {"backup": {"type": "checkboxes", "selected_options": []}},
            "until": {"until": {"type": "datepicker", "selected_date": "2026-12-01"}},
            "owner": {"owner": {"type": "users_select", "selected_user": "U1"}},
            "channel": {"channel": {"type": "conversations_select", "selected_conversation": "C1"}},
            "odd": {"odd": {"type": 7}},
        }});
        let values = values(&serde_json::from_value(state).expect("a state"));
        assert_eq!(
            json!(values),
            json!({
                "name": "orders", "size": "3", "environment": "dev", "backup": false, "until": "2026-12-01",
                "owner": "slack:U1", "channel": "C1",
            })
        );
    }

    #[test]
    fn the_back_of_a_modal_comes_back() {
        let view = form(&sample(None, None), &Back { thread: Some("1.2".into()), ..back() });
        let read = Back::read(view["private_metadata"].as_str().expect("text"));
        assert_eq!(read, Back { thread: Some("1.2".into()), ..back() });
        assert_eq!(Back::read("{{"), Back::default());
        assert_eq!(completion("/help ").token.parts(), ("say", ""));
    }
}
