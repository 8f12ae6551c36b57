//! Settings as a tree: tables of the file, over which texts of the environment are laid, read by the type of each key.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{self, Deserializer, Expected, IntoDeserializer, Unexpected, Visitor};

/// A table or value, wherever it came from.
#[derive(Debug, Clone)]
pub(super) enum Setting {
    /// Settings by key.
    Table(BTreeMap<String, Setting>),
    /// A value of the file.
    Value(toml::Value),
    /// A text of the environment, which takes the type of its key.
    Text(String),
}

impl Setting {
    /// The settings of a file.
    pub fn of_file(table: toml::Table) -> Self {
        let setting = |value| match value {
            toml::Value::Table(inner) => Self::of_file(inner),
            other => Self::Value(other),
        };
        Self::Table(table.into_iter().map(|(key, value)| (key, setting(value))).collect())
    }

    /// Puts a text where `path` leads; a key that is there already keeps its spelling.
    pub fn set(&mut self, path: &[String], text: String) {
        let [key, rest @ ..] = path else {
            *self = Self::Text(text);
            return;
        };
        if !matches!(self, Self::Table(_)) {
            *self = Self::Table(BTreeMap::new());
        }
        if let Self::Table(table) = self {
            let known = table.keys().find(|known| known.eq_ignore_ascii_case(key)).cloned();
            let inner = table.entry(known.unwrap_or_else(|| key.clone()));
            inner.or_insert_with(|| Self::Table(BTreeMap::new())).set(rest, text);
        }
    }
}

/// Why a text does not fit its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Misfit {
    /// There is no such key.
    UnknownKey {
        /// The key.
        key: String,
        /// Those that there are.
        known: &'static [&'static str],
    },
    /// It is none of these words.
    UnknownWord(&'static [&'static str]),
    /// The key holds other keys.
    Table,
    /// What it takes, or why it was refused.
    Refused(String),
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownKey { .. } => f.write_str("there is no such setting"),
            Self::UnknownWord(known) => write!(f, "it is one of {}", known.join(", ")),
            Self::Table => f.write_str("it holds other settings and takes no value itself"),
            Self::Refused(reason) => f.write_str(reason),
        }
    }
}

impl std::error::Error for Misfit {}

impl de::Error for Misfit {
    fn custom<T: fmt::Display>(reason: T) -> Self {
        Self::Refused(reason.to_string())
    }

    fn invalid_type(_: Unexpected<'_>, wanted: &dyn Expected) -> Self {
        Self::Refused(format!("it takes {wanted}"))
    }

    fn unknown_field(key: &str, known: &'static [&'static str]) -> Self {
        Self::UnknownKey { key: key.to_owned(), known }
    }

    fn unknown_variant(_: &str, known: &'static [&'static str]) -> Self {
        Self::UnknownWord(known)
    }
}

impl From<toml::de::Error> for Misfit {
    fn from(error: toml::de::Error) -> Self {
        Self::Refused(error.message().to_owned())
    }
}

impl IntoDeserializer<'_, Misfit> for Setting {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// The number in a text, or what the key takes.
fn number<T: std::str::FromStr>(text: &str) -> Result<T, Misfit> {
    text.trim().parse().map_err(|_| Misfit::Refused("it takes a number".into()))
}

/// The items of `a, b` or `["a", "b"]`.
fn items(text: &str) -> Vec<String> {
    let bare = |item: &str| item.trim().trim_matches('"').to_owned();
    let inner = text.trim();
    let inner = inner.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(inner);
    inner.split(',').map(bare).filter(|item| !item.is_empty()).collect()
}

impl<'de> Deserializer<'de> for Setting {
    type Error = Misfit;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self {
            Self::Table(table) => visitor.visit_map(MapDeserializer::new(table.into_iter())),
            Self::Value(value) => Ok(value.deserialize_any(visitor)?),
            Self::Text(text) => visitor.visit_string(text),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self {
            Self::Text(text) => match text.trim().to_ascii_lowercase().as_str() {
                "true" | "yes" | "on" | "1" => visitor.visit_bool(true),
                "false" | "no" | "off" | "0" => visitor.visit_bool(false),
                _ => Err(Misfit::Refused("it takes true or false".into())),
            },
            other => other.deserialize_any(visitor),
        }
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self {
            Self::Text(text) => visitor.visit_u64(number(&text)?),
            other => other.deserialize_any(visitor),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self {
            Self::Text(text) => visitor.visit_seq(SeqDeserializer::new(items(&text).into_iter())),
            other => other.deserialize_any(visitor),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self {
            Self::Text(_) => Err(Misfit::Table),
            other => other.deserialize_any(visitor),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        known: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        let Self::Table(table) = self else { return self.deserialize_map(visitor) };
        // The name of a variable has no hyphens: `BUSINESS_HOURS` is the key `business-hours`.
        let key = |key: String| {
            let meant = known.iter().find(|known| known.contains('-') && known.replace('-', "_") == key);
            meant.map_or(key.clone(), |known| (*known).to_owned())
        };
        Self::Table(table.into_iter().map(|(name, value)| (key(name), value)).collect()).deserialize_map(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        match self {
            Self::Text(text) => visitor.visit_enum(text.trim().to_ascii_lowercase().into_deserializer()),
            Self::Value(value) => Ok(value.deserialize_enum(name, variants, visitor)?),
            Self::Table(_) => Err(Misfit::Refused("it takes a word".into())),
        }
    }

    serde::forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u16 u32 u128 f32 f64 char str string bytes byte_buf unit unit_struct tuple tuple_struct
        identifier ignored_any
    }
}
