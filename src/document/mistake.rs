//! A mistake that serde found, as data: what it wanted and where.

use std::fmt;

use serde::de::{Error, Expected, Unexpected};

use super::tree::Step;

/// A value that does not fit, with the way to it.
#[derive(Debug)]
pub(super) struct Mistake {
    /// From the value up to the root.
    way: Vec<Step>,
    pub what: What,
}

/// What does not fit.
#[derive(Debug)]
pub(super) enum What {
    /// The value is of another kind.
    Kind(Wanted),
    /// The table has a key that means nothing.
    UnknownKey { key: String, known: &'static [&'static str] },
    /// The text is none of the words that are known.
    UnknownWord { word: String, known: &'static [&'static str] },
    /// The table lacks a key.
    Missing(&'static str),
    /// The value is refused for a reason of its own; after `; ` comes what to do about it.
    Refused(String),
}

/// The kind of value that is wanted.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    Text,
    /// A whole number, and its range in words where the number is out of range.
    Whole(&'static str),
    Number,
    Truth,
    List,
    Table,
    OneOf(&'static [&'static str]),
    /// In the words of the type that is read.
    Other(String),
}

impl Mistake {
    pub fn wanted(wanted: Wanted) -> Self {
        Self { way: Vec::new(), what: What::Kind(wanted) }
    }

    /// The same mistake, seen from one step further up.
    pub fn below(mut self, step: Step) -> Self {
        self.way.push(step);
        self
    }

    /// The way from the root to the value.
    pub fn path(&self) -> Vec<Step> {
        self.way.iter().rev().cloned().collect()
    }

    /// Whether something is missing, and nothing is wrong.
    pub fn is_absence(&self) -> bool {
        matches!(self.what, What::Missing(_))
    }

    /// Whether the value was refused for a reason of its own.
    pub fn is_refusal(&self) -> bool {
        matches!(self.what, What::Refused(_))
    }

    fn new(what: What) -> Self {
        Self { way: Vec::new(), what }
    }
}

impl Wanted {
    /// Reads what serde's own types say of themselves.
    fn read(expected: &dyn Expected) -> Self {
        match expected.to_string().as_str() {
            "a string" | "a borrowed string" | "path string" => Self::Text,
            "a boolean" => Self::Truth,
            "f32" | "f64" => Self::Number,
            "u8" => Self::Whole(" from 0 to 255"),
            "u16" => Self::Whole(" from 0 to 65535"),
            "u32" => Self::Whole(" from 0 to 4294967295"),
            "u64" | "usize" => Self::Whole(", 0 or more"),
            "i8" | "i16" | "i32" | "i64" | "isize" => Self::Whole(""),
            "a sequence" => Self::List,
            "a map" => Self::Table,
            other => Self::Other(other.to_owned()),
        }
    }
}

impl Error for Mistake {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(What::Refused(message.to_string()))
    }

    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        match Wanted::read(expected) {
            Wanted::Whole(_) => Self::wanted(Wanted::Whole("")),
            wanted => Self::wanted(wanted),
        }
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::wanted(Wanted::read(expected))
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self::new(What::UnknownWord { word: variant.to_owned(), known: expected })
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self::new(What::UnknownKey { key: field.to_owned(), known: expected })
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(What::Missing(field))
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.what)
    }
}

impl std::error::Error for Mistake {}
