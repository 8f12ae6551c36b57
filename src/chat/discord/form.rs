//! Forms as Discord can show them: a small one as a modal, any other as an ephemeral message of pages.
//!
//! A modal holds five text inputs and nothing else that keeps its values when it is sent. So choices stand as selects in a
//! message, three a page, beside a button that opens the text fields of that page as a modal.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::control::{Act, Control};
use super::inbound::person;
use super::{card, labels, limits, markup};
use crate::chat::{Card, Choice, Field, Form, Input, PlatformName, Style, Tone};
use crate::markdown;

/// Selects of a page: with the row of buttons they leave one row free.
const SELECTS: usize = 3;
/// The value of the choice that stands for one that is not listed; no typed value is like it.
pub const OTHER: &str = "~other";

/// A form that somebody is filling in.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Draft {
    /// The platform's id of who fills it in.
    pub person: String,
    /// The page that is shown.
    pub page: usize,
    /// The form, with what was filled in so far; never with a secret.
    pub form: Form,
}

/// Proposals for the fields of a page that look theirs up, by their place in the form.
pub type Proposals = BTreeMap<usize, Vec<Choice>>;

/// How a field is asked.
#[derive(PartialEq, Eq)]
enum Way {
    Picked,
    Typed,
    Hidden,
}

fn way(field: &Field) -> Way {
    match field.input {
        Input::Line | Input::Text | Input::Number | Input::Date => Way::Typed,
        Input::Secret => Way::Hidden,
        Input::Toggle | Input::Choice(_) | Input::Lookup(_) | Input::Person | Input::Channel => Way::Picked,
    }
}

/// The places of the fields that are asked so.
fn places(form: &Form, wanted: &Way) -> Vec<usize> {
    (0..form.fields.len()).filter(|index| way(&form.fields[*index]) == *wanted).collect()
}

/// Whether one modal holds all of it.
pub fn is_small(form: &Form) -> bool {
    (1..=limits::ROWS).contains(&form.fields.len()) && places(form, &Way::Picked).is_empty()
}

/// Whether something is wrong with it, which a modal could not show.
pub fn has_errors(form: &Form) -> bool {
    form.error.is_some() || form.fields.iter().any(|field| field.error.is_some())
}

/// How many pages it takes.
pub fn pages(form: &Form) -> usize {
    let (picked, typed) = (places(form, &Way::Picked).len(), places(form, &Way::Typed).len());
    picked.div_ceil(SELECTS).max(typed.div_ceil(limits::ROWS)).max(1)
}

/// The places that stand on a page, of those that there are.
fn on_page(places: &[usize], page: usize, size: usize) -> &[usize] {
    let range: Range<usize> = (page * size).min(places.len())..((page + 1) * size).min(places.len());
    &places[range]
}

/// The fields of a page that look their choices up.
pub fn lookups(draft: &Draft) -> Vec<usize> {
    let picked = places(&draft.form, &Way::Picked);
    let shown = on_page(&picked, draft.page, SELECTS).iter().copied();
    shown.filter(|index| matches!(draft.form.fields[*index].input, Input::Lookup(_))).collect()
}

/// The first page with an error.
pub fn page_of_error(form: &Form) -> usize {
    let page = |places: Vec<usize>, size: usize| {
        let at = places.iter().position(|index| form.fields[*index].error.is_some());
        at.map(|at| at / size)
    };
    let picked = page(places(form, &Way::Picked), SELECTS);
    let typed = page(places(form, &Way::Typed), limits::ROWS);
    picked.into_iter().chain(typed).min().unwrap_or(0)
}

/// Whether its last step asks for what must not be kept.
pub fn has_secrets(form: &Form) -> bool {
    !places(form, &Way::Hidden).is_empty()
}

/// All fields of a small form as a modal that carries `control`.
pub fn whole(form: &Form, control: &Control) -> Option<Value> {
    modal(form, &(0..form.fields.len()).collect::<Vec<_>>(), control)
}

/// The text fields of a page as a modal.
pub fn text_fields(form: &Form, page: usize, control: &Control) -> Option<Value> {
    modal(form, on_page(&places(form, &Way::Typed), page, limits::ROWS), control)
}

/// The secrets of a form as a modal, the last step of it.
pub fn secrets(form: &Form, control: &Control) -> Option<Value> {
    modal(form, on_page(&places(form, &Way::Hidden), 0, limits::ROWS), control)
}

/// One field as a modal, whatever it is.
pub fn one_field(form: &Form, index: usize, control: &Control) -> Option<Value> {
    modal(form, &[index], control)
}

/// A modal that asks for the rest of a line.
pub fn rest_of_line(line: &str) -> Option<Value> {
    let (title, label) = labels::MORE;
    let input = json!({"type": 4, "custom_id": "words", "label": label, "style": 1, "required": true,
        "placeholder": limits::cut(line, limits::PLACEHOLDER), "max_length": 1000});
    let custom_id = Control::Ask(line.to_owned()).custom_id()?;
    Some(json!({"title": title, "custom_id": custom_id, "components": [card::row(&[input])]}))
}

fn modal(form: &Form, indexes: &[usize], control: &Control) -> Option<Value> {
    if indexes.is_empty() {
        return None;
    }
    let inputs: Vec<Value> = indexes.iter().map(|index| card::row(&[text_input(&form.fields[*index])])).collect();
    let title = limits::cut(&plain(&form.title), limits::MODAL_TITLE);
    Some(json!({"title": title, "custom_id": control.custom_id()?, "components": inputs}))
}

fn text_input(field: &Field) -> Value {
    let is_long = field.input == Input::Text;
    let mut input = json!({
        "type": 4,
        "custom_id": field.name,
        "label": limits::cut(&plain(&field.label), limits::MODAL_TITLE),
        "style": if is_long { 2 } else { 1 },
        "required": field.required,
        "max_length": limits::INPUT,
    });
    let help = limits::cut(&plain(&field.help), limits::PLACEHOLDER);
    if help != labels::EMPTY {
        input["placeholder"] = help.into();
    }
    let value = field.value.as_ref().filter(|_| field.input != Input::Secret).map(text_of);
    if let Some(value) = value.filter(|value| !value.is_empty() && limits::length(value) <= limits::INPUT) {
        // A single-line input takes no line ends; what has some is typed again rather than changed.
        if is_long || !value.contains('\n') {
            input["value"] = value.into();
        }
    }
    input
}

/// Plain text on one line that is not empty.
fn plain(text: &str) -> String {
    let text = markup::tidy(text).split_whitespace().collect::<Vec<_>>().join(" ");
    if text.is_empty() { labels::EMPTY.to_owned() } else { text }
}

/// A value as it is typed.
pub fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

impl Draft {
    /// A form as it is first shown to somebody.
    pub fn new(person: &str, mut form: Form) -> Self {
        for field in form.fields.iter_mut().filter(|field| field.input == Input::Secret) {
            field.value = None;
        }
        Self { person: person.to_owned(), page: page_of_error(&form), form }
    }

    /// Keeps what was typed into the fields of these names; secrets are not kept.
    pub fn type_in(&mut self, typed: &BTreeMap<String, String>) {
        for field in &mut self.form.fields {
            if let Some(text) = typed.get(&field.name).filter(|_| field.input != Input::Secret) {
                field.value = (!text.is_empty()).then(|| Value::String(text.clone()));
                field.error = None;
            }
        }
    }

    /// Keeps what was chosen for a field.
    pub fn choose(&mut self, index: usize, chosen: &[String]) {
        let Some(field) = self.form.fields.get_mut(index) else { return };
        field.error = None;
        field.value = chosen.first().map(|chosen| match field.input {
            Input::Toggle => Value::Bool(chosen == labels::YES_NO[0].0),
            Input::Person => person(chosen),
            _ => Value::String(chosen.clone()),
        });
    }

    /// Everything that was filled in.
    pub fn values(&self) -> BTreeMap<String, Value> {
        let filled = self.form.fields.iter().filter_map(|field| Some((field.name.clone(), field.value.clone()?)));
        filled.collect()
    }

    /// The message that shows it, kept under this id.
    pub fn message(&self, id: &str, proposals: &Proposals) -> Value {
        let mut message = card::message(&self.card());
        message["components"] = self.rows(id, proposals).into();
        message["flags"] = json!(card::EPHEMERAL);
        message
    }

    /// The same where its choices cannot be looked up now: a button that shows it.
    pub fn invitation(&self, id: &str) -> Value {
        let act = if is_small(&self.form) { Act::Open } else { Act::Page(self.page) };
        let mut message = card::message(&self.card());
        message["components"] = json!([card::row(&[button(labels::OPEN_FORM, act, (id, Style::Primary))])]);
        message
    }

    /// What is asked and what was filled in, with what is wrong beside it.
    fn card(&self) -> Card {
        let form = &self.form;
        let error = form.error.as_deref().map(markdown::escape);
        let body = [Some(form.intro.clone()), error.map(|error| format!("**{error}**"))];
        let body = body.into_iter().flatten().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n\n");
        let count = pages(form);
        Card {
            tone: if has_errors(form) { Tone::Bad } else { Tone::Neutral },
            title: form.title.clone(),
            body,
            facts: form.fields.iter().map(fact).collect(),
            footnote: (count > 1).then(|| format!("{}/{count}", self.page + 1)),
            ..Card::default()
        }
    }

    fn rows(&self, id: &str, proposals: &Proposals) -> Vec<Value> {
        let form = &self.form;
        if is_small(form) {
            let label = if has_errors(form) { labels::EDIT } else { labels::OPEN_FORM };
            return vec![card::row(&[button(label, Act::Open, (id, Style::Primary))])];
        }
        let picked = places(form, &Way::Picked);
        let nothing = Vec::new();
        let select = |index: &usize| self.select((id, *index), proposals.get(index).unwrap_or(&nothing));
        let mut rows: Vec<Value> = on_page(&picked, self.page, SELECTS).iter().map(select).collect();
        let mut buttons = Vec::new();
        if !on_page(&places(form, &Way::Typed), self.page, limits::ROWS).is_empty() {
            buttons.push(button(labels::FILL_IN, Act::Fill(self.page), (id, Style::Plain)));
        }
        if self.page > 0 {
            buttons.push(button(labels::BACK, Act::Page(self.page - 1), (id, Style::Plain)));
        }
        if self.page + 1 < pages(form) {
            buttons.push(button(labels::NEXT, Act::Page(self.page + 1), (id, Style::Primary)));
        } else {
            let label = if has_secrets(form) { labels::FILL_IN_AND_SEND } else { form.submit.as_str() };
            buttons.push(button(label, Act::Send, (id, Style::Primary)));
        }
        rows.push(card::row(&buttons));
        rows
    }

    /// A select for the field at a place of the form.
    fn select(&self, (id, index): (&str, usize), proposals: &[Choice]) -> Value {
        let field = &self.form.fields[index];
        let custom_id = Control::Draft(Act::Choose(index), id.to_owned()).custom_id();
        let mut select = json!({
            "custom_id": custom_id,
            "placeholder": limits::cut(&label(field), limits::OPTION),
            "min_values": u8::from(field.required),
            "max_values": 1,
        });
        let value = field.value.as_ref().map(text_of);
        let (kind, default) = match &field.input {
            Input::Person => (5, Some("user")),
            Input::Channel => (8, Some("channel")),
            _ => (3, None),
        };
        select["type"] = kind.into();
        match (default, &field.input) {
            (Some(kind), _) => {
                // Ids stand as text here; as numbers they would be refused.
                let own = format!("{}:", PlatformName::Discord);
                let id = value.map(|value| value.strip_prefix(&own).unwrap_or(&value).to_owned());
                let known = id.filter(|id| super::payload::Id::read(id).is_some());
                select["default_values"] = known.map(|id| json!({"id": id, "type": kind})).into_iter().collect();
            }
            (None, Input::Toggle) => select["options"] = yes_no(value.as_deref()).into(),
            (None, Input::Choice(choices)) => {
                select["options"] = options(choices, value.as_deref(), Other::IfMore).into()
            }
            _ => select["options"] = options(proposals, value.as_deref(), Other::Always).into(),
        }
        card::row(&[select])
    }
}

/// A row with the button that opens a form again, whatever its size.
pub fn again(id: &str) -> Value {
    card::row(&[button(labels::EDIT, Act::Open, (id, Style::Primary))])
}

fn button(label: &str, act: Act, (id, style): (&str, Style)) -> Value {
    let custom_id = Control::Draft(act, id.to_owned()).custom_id().unwrap_or_default();
    card::control_button(label, &custom_id, style)
}

fn label(field: &Field) -> String {
    let label = plain(&field.label);
    if field.required { label } else { format!("{label} ({})", labels::OPTIONAL) }
}

/// A field and what it holds, as a fact of a card.
fn fact(field: &Field) -> (String, String) {
    let value = field.value.as_ref().map(text_of).filter(|text| !text.is_empty());
    let value = value.unwrap_or_else(|| labels::EMPTY.to_owned());
    let value = match &field.error {
        Some(error) => format!("{value}\n⚠ {error}"),
        None => value,
    };
    (label(field), value)
}

/// Whether a choice that is not listed can be typed.
#[derive(PartialEq, Eq)]
enum Other {
    IfMore,
    Always,
}

/// Choices as options, what is chosen already among them.
fn options(choices: &[Choice], chosen: Option<&str>, other: Other) -> Vec<Value> {
    let fits = |choice: &&Choice| !choice.value.is_empty() && limits::length(&choice.value) <= limits::OPTION;
    let mut known: Vec<&Choice> = Vec::new();
    for choice in choices.iter().filter(fits) {
        if known.iter().all(|other| other.value != choice.value) {
            known.push(choice);
        }
    }
    let typed = chosen.filter(|value| limits::length(value) <= limits::OPTION && !value.is_empty());
    let unlisted = typed.filter(|value| known.iter().all(|choice| choice.value != *value));
    let is_all = known.len() == choices.len() && (1..=limits::OPTIONS).contains(&known.len());
    let has_other = other == Other::Always || !is_all;
    let room = limits::OPTIONS - usize::from(has_other) - usize::from(unlisted.is_some());
    let mut shown: Vec<Value> = known.iter().take(room).map(|choice| option(choice, chosen)).collect();
    if let Some(value) = unlisted {
        let plain = Choice { value: value.to_owned(), label: value.to_owned(), hint: String::new() };
        shown.insert(0, option(&plain, chosen));
    }
    if has_other {
        shown.push(json!({"label": labels::OTHER, "value": OTHER}));
    }
    shown
}

fn option(choice: &Choice, chosen: Option<&str>) -> Value {
    let mut option = json!({
        "label": limits::cut(&plain(&choice.label), limits::OPTION),
        "value": choice.value,
        "default": chosen == Some(choice.value.as_str()),
    });
    if !choice.hint.trim().is_empty() {
        option["description"] = limits::cut(&plain(&choice.hint), limits::OPTION).into();
    }
    option
}

fn yes_no(chosen: Option<&str>) -> Vec<Value> {
    let option =
        |(value, label): (&str, &str)| json!({"label": label, "value": value, "default": chosen == Some(value)});
    labels::YES_NO.into_iter().map(option).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::Token;

    fn field(name: &str, input: Input) -> Field {
        let (help, label) = (format!("About {name}"), name.to_owned());
        Field { name: name.into(), label, help, input, required: true, value: None, error: None }
    }

    fn choice(value: &str) -> Choice {
        Choice { value: value.into(), label: value.to_uppercase(), hint: String::new() }
    }

    fn form(fields: Vec<Field>) -> Form {
        let (title, intro) = ("Create a database".into(), "For *you*".into());
        Form { title, intro, fields, submit: "/db create".into(), token: Token::new("run", "db create"), error: None }
    }

    fn large() -> Draft {
        let mut fields = vec![
            field("name", Input::Line),
            field("environment", Input::Choice(["dev", "prod"].map(choice).into())),
            field("size", Input::Lookup(Token::new("field", "db create:size"))),
            field("backup", Input::Toggle),
            field("owner", Input::Person),
            field("password", Input::Secret),
        ];
        fields[0].value = Some("Orders".into());
        fields[0].error = Some("Lower case only".into());
        fields[3].required = false;
        fields[4].value = Some(person("43"));
        Draft::new("42", form(fields))
    }

    #[test]
    fn a_small_form_is_one_modal() {
        let mut fields = vec![field("name", Input::Line), field("why", Input::Text), field("key", Input::Secret)];
        fields[0].value = Some("orders".into());
        fields[2].value = Some("hidden".into());
        let form = form(fields);
        assert!(is_small(&form));
        let modal = whole(&form, &Control::Token(form.token.clone()));
        assert!(!format!("{modal:?}").contains("hidden"));
        insta::assert_snapshot!(format!("{:#}", modal.expect("a modal")));
    }

    #[test]
    fn a_large_form_is_a_message_of_pages() {
        let mut draft = large();
        assert_eq!((pages(&draft.form), draft.page, lookups(&draft)), (2, 0, vec![2]));
        let proposals = Proposals::from([(2, vec![choice("small")])]);
        insta::assert_snapshot!(format!("{:#}", draft.message("d1", &proposals)));
        draft.page = 1;
        insta::assert_snapshot!(format!("{:#}", draft.message("d1", &Proposals::new())["components"]));
    }

    #[test]
    fn what_is_filled_in_is_kept_and_secrets_are_not() {
        let mut draft = large();
        let typed = [("name", "orders"), ("password", "s3cret")];
        draft.type_in(&typed.map(|(name, text)| (name.to_owned(), text.to_owned())).into());
        draft.choose(1, &["dev".into()]);
        draft.choose(3, &["true".into()]);
        draft.choose(4, &[]);
        draft.choose(99, &["x".into()]);
        assert!(!serde_json::to_string(&draft).expect("JSON").contains("s3cret"));
        assert!(!has_errors(&draft.form));
        let values = [("name", json!("orders")), ("environment", json!("dev")), ("backup", json!(true))];
        assert_eq!(draft.values(), values.map(|(name, value)| (name.to_owned(), value)).into());
    }

    #[test]
    fn many_choices_leave_room_for_another() {
        let many: Vec<Choice> = (0..40).map(|n| choice(&format!("c{n}"))).collect();
        let shown = options(&many, Some("c39"), Other::IfMore);
        assert_eq!(shown.len(), limits::OPTIONS);
        assert_eq!(shown.last().expect("one")["value"], OTHER);
        let few = options(&many[..3], Some("typed"), Other::IfMore);
        assert_eq!(few.iter().filter(|option| option["default"] == true).count(), 1);
        assert_eq!(few.len(), 4);
        assert_eq!(options(&[], None, Other::Always).len(), 1);
    }
}
