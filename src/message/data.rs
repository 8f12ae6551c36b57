//! JSON data whose strings are templates.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Escape, Template, value_at};
use crate::error::Result;

/// JSON data whose strings are templates, such as a request's body. A string that is nothing but `{{path}}` takes the
/// value with its type: a number stays a number.
#[derive(Debug, Clone, Serialize, schemars::JsonSchema)]
#[serde(untagged)]
pub enum Data {
    /// A string.
    Text(Template),
    /// A list.
    List(Vec<Data>),
    /// A table.
    Table(BTreeMap<String, Data>),
    /// A number or truth value, taken as it is.
    Fixed(Value),
}

impl Data {
    /// The data for `values`, a JSON object.
    pub fn render(&self, values: &Value) -> Result<Value> {
        Ok(match self {
            Self::Text(template) => match template.sole_path().and_then(|path| value_at(values, &path)) {
                Some(value) => value.clone(),
                None => Value::String(template.render(values, Escape::Plain)?),
            },
            Self::List(items) => items.iter().map(|item| item.render(values)).collect::<Result<_>>()?,
            Self::Table(map) => {
                let mut object = Map::new();
                for (key, item) in map {
                    object.insert(key.clone(), item.render(values)?);
                }
                Value::Object(object)
            }
            Self::Fixed(value) => value.clone(),
        })
    }

    /// Its templates, at any depth.
    pub fn templates(&self) -> Vec<&Template> {
        match self {
            Self::Text(template) => vec![template],
            Self::List(items) => items.iter().flat_map(Self::templates).collect(),
            Self::Table(map) => map.values().flat_map(Self::templates).collect(),
            Self::Fixed(_) => Vec::new(),
        }
    }
}

impl<'de> Deserialize<'de> for Data {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DataVisitor)
    }
}

/// Takes what is there, so that a string that is no template is an error at its own place and not a plain string.
struct DataVisitor;

impl<'de> Visitor<'de> for DataVisitor {
    type Value = Data;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("data")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Data, E> {
        Template::try_from(text.to_owned()).map(Data::Text).map_err(E::custom)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Data, E> {
        Ok(Data::Fixed(value.into()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Data, E> {
        Ok(Data::Fixed(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Data, E> {
        Ok(Data::Fixed(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Data, E> {
        Ok(Data::Fixed(value.into()))
    }

    fn visit_unit<E: Error>(self) -> Result<Data, E> {
        Ok(Data::Fixed(Value::Null))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Data, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Data::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Data, A::Error> {
        let mut table = BTreeMap::new();
        while let Some((key, item)) = entries.next_entry()? {
            table.insert(key, item);
        }
        Ok(Data::Table(table))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn data_keeps_types() {
        let data: Data =
            serde_json::from_value(json!({"n": "{{n}}", "s": "n={{n}}", "b": true, "l": ["{{s}}"]})).expect("data");
        let values = json!({"n": 3, "s": "x"});
        assert_eq!(data.render(&values).expect("renders"), json!({"n": 3, "s": "n=3", "b": true, "l": ["x"]}));
    }

    #[test]
    fn a_broken_template_is_no_plain_text() {
        let error = serde_json::from_value::<Data>(json!({"a": ["{{name"]})).expect_err("refused");
        assert!(error.to_string().starts_with("not a template"), "{error}");
    }
}
