//! What a form of the page sent: names and values, each name once.

use std::collections::BTreeMap;

use serde_json::Value;
use uuid::Uuid;

use super::refusal::Refusal;
use crate::chat::{Field, Input};

/// What a form of the page sent.
pub struct Filled(BTreeMap<String, String>);

impl Filled {
    /// Reads a form's body; a name that comes twice is refused, since either value could be meant.
    pub fn read(body: &[u8]) -> Result<Self, Refusal> {
        let mut values = BTreeMap::new();
        for (name, value) in url::form_urlencoded::parse(body) {
            // Browsers send line breaks as CR LF.
            if values.insert(name.into_owned(), value.replace("\r\n", "\n")).is_some() {
                return Err(Refusal::malformed());
            }
        }
        Ok(Self(values))
    }

    /// The value of a name that the page always sends.
    pub fn text(&self, name: &str) -> Result<&str, Refusal> {
        self.0.get(name).map(String::as_str).ok_or_else(Refusal::malformed)
    }

    /// The id that the page made for this delivery.
    pub fn delivery(&self) -> Result<Uuid, Refusal> {
        Uuid::parse_str(self.text("delivery")?).map_err(|_| Refusal::malformed())
    }

    /// What the questions of a form were answered. What was left empty was not answered.
    pub fn answers(&self, fields: &[Field]) -> BTreeMap<String, Value> {
        let answered = fields.iter().filter_map(|field| {
            let typed = self.0.get(&format!("f.{}", field.name));
            let value = match field.input {
                Input::Toggle => Value::Bool(typed.is_some()),
                _ => Value::String(typed.filter(|text| !text.is_empty())?.clone()),
            };
            Some((field.name.clone(), value))
        });
        answered.collect()
    }

    /// What the form's fields hold so far, without knowing the form.
    pub fn so_far(&self) -> BTreeMap<String, Value> {
        let fields = self.0.iter().filter_map(|(name, value)| Some((name.strip_prefix("f.")?, value)));
        let filled = fields.filter(|(_, value)| !value.is_empty());
        filled.map(|(name, value)| (name.to_owned(), Value::String(value.clone()))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn field(name: &str, input: Input) -> Field {
        let (label, help) = (name.to_owned(), String::new());
        Field { name: name.into(), label, help, input, required: false, value: None, error: None }
    }

    #[test]
    fn answers_have_the_shape_of_their_questions() {
        let filled = Filled::read(b"delivery=x&f.name=a%20b&f.empty=&f.text=one%0D%0Atwo&f.stray=1").unwrap();
        let fields = [
            field("name", Input::Line),
            field("empty", Input::Line),
            field("text", Input::Text),
            field("yes", Input::Toggle),
        ];
        assert_eq!(json!(filled.answers(&fields)), json!({"name": "a b", "text": "one\ntwo", "yes": false}));
        assert!(filled.delivery().is_err());
    }

    #[test]
    fn f3_a_name_that_comes_twice_is_refused() {
        assert!(Filled::read(b"words=a&words=b").is_err());
    }
}
