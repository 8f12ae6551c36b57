//! JSON as a stranger sends it: taken only if there is one way to read it.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// The value in `bytes`. The error, one plain sentence, says where it is not JSON (RFC 8259), says the same key twice,
/// holds a zero byte, is not UTF-8, or is nested deeper than 128 levels.
pub(super) fn read(bytes: &[u8]) -> Result<Value, String> {
    serde_json::from_slice::<Strict>(bytes).map(|strict| strict.0).map_err(|error| error.to_string())
}

struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Self)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: de::Error>(self, truth: bool) -> Result<Value, E> {
        Ok(Value::Bool(truth))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Value, E> {
        Number::from_f64(number).map(Value::Number).ok_or_else(|| E::custom("a number out of range"))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Value, E> {
        whole(text).map(|text| Value::String(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Strict(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            whole(&key)?;
            if object.contains_key(&key) {
                return Err(A::Error::custom(format_args!("the key `{key}` stands there twice")));
            }
            let Strict(value) = entries.next_value()?;
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}

/// The text, if it has no zero byte: databases and programs end it there.
fn whole<E: de::Error>(text: &str) -> Result<&str, E> {
    if text.contains('\0') { Err(E::custom("a text with a zero byte")) } else { Ok(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sound_is_what_serde_reads() {
        for sound in [r#"{"a": [1, -2, 2.5, true, null, "é\n\ud83d\ude00"], "b": {"a": 1}}"#, "[]", "3"] {
            assert_eq!(read(sound.as_bytes()), Ok(serde_json::from_str(sound).expect("JSON")));
        }
    }

    #[test]
    fn a8_what_can_be_read_two_ways_is_refused() {
        let deep = "[".repeat(10_000) + &"]".repeat(10_000);
        for broken in [
            "",
            "{",
            "{} {}",
            "nul",
            "{'a': 1}",
            r#"{"a": 1, "a": 1}"#,
            r#"{"x": {"a": 1, "a": 2}}"#,
            r#"{"a": "\u0000"}"#,
            r#"{"a\u0000": 1}"#,
            r#""\ud800""#,
            "1e999",
            "NaN",
            "\u{feff}{}",
            &deep,
        ] {
            assert!(read(broken.as_bytes()).is_err(), "{broken:.40}");
        }
        assert!(read(b"\"\xff\"").is_err());
        assert!(read(b"\xff\xfe{}").is_err());
    }
}
