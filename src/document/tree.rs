//! The tree of a document's values, each with its place.

use std::ops::Range;

use toml::de::{DeInteger, DeTable, DeValue};

/// A value, and where it stands in the source, as byte offsets.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub span: Range<usize>,
    pub kind: Kind,
}

/// What a value is.
#[derive(Debug, Clone)]
pub(super) enum Kind {
    /// Text; a date or time is the text that was written.
    Text(String),
    Integer(i64),
    Float(f64),
    Truth(bool),
    List(Vec<Node>),
    /// In the order of the source.
    Table(Vec<Entry>),
    /// In place of a value that is missing or cannot be read: it reads as whatever is asked for, and as this text of
    /// [`STAND_INS`] where text is asked for.
    StandIn(usize),
    /// In place of a value for which there is not even a stand-in: it is passed over.
    Gone,
}

/// Texts that stand in for others: one reads as plain text, the others as what our files write as text.
pub(super) const STAND_INS: [&str; 7] = ["", "1m", "true", "1/h", "enps", "0 0 1 1 *", "UTC"];

/// One key of a table.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub key: String,
    pub key_span: Range<usize>,
    pub node: Node,
}

/// One step on the way from the root to a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Key(String),
    Index(usize),
}

impl Node {
    pub fn of_table(span: Range<usize>, table: &DeTable<'_>) -> Self {
        let mut entries: Vec<Entry> = table
            .iter()
            .map(|(key, value)| Entry {
                key: key.get_ref().to_string(),
                key_span: key.span(),
                node: Self::of_value(value.span(), value.get_ref()),
            })
            .collect();
        entries.sort_by_key(|entry| entry.key_span.start);
        Self { span, kind: Kind::Table(entries) }
    }

    fn of_value(span: Range<usize>, value: &DeValue<'_>) -> Self {
        let kind = match value {
            DeValue::String(text) => Kind::Text(text.to_string()),
            DeValue::Integer(number) => integer(number),
            DeValue::Float(number) => Kind::Float(number.as_str().parse().unwrap_or(f64::NAN)),
            DeValue::Boolean(truth) => Kind::Truth(*truth),
            DeValue::Datetime(time) => Kind::Text(time.to_string()),
            DeValue::Array(items) => {
                Kind::List(items.iter().map(|item| Self::of_value(item.span(), item.get_ref())).collect())
            }
            DeValue::Table(table) => return Self::of_table(span, table),
        };
        Self { span, kind }
    }

    /// The value one step further down.
    pub fn child(&self, step: &Step) -> Option<&Self> {
        match (&self.kind, step) {
            (Kind::Table(entries), Step::Key(key)) => entries.iter().find(|e| e.key == *key).map(|e| &e.node),
            (Kind::List(items), Step::Index(index)) => items.get(*index),
            // Elsewhere the position in a list is written like a key: `args.0`.
            (Kind::List(items), Step::Key(key)) => items.get(key.parse::<usize>().ok()?),
            _ => None,
        }
    }

    fn child_mut(&mut self, step: &Step) -> Option<&mut Self> {
        match (&mut self.kind, step) {
            (Kind::Table(entries), Step::Key(key)) => entries.iter_mut().find(|e| e.key == *key).map(|e| &mut e.node),
            (Kind::List(items), Step::Index(index)) => items.get_mut(*index),
            (Kind::List(items), Step::Key(key)) => items.get_mut(key.parse::<usize>().ok()?),
            _ => None,
        }
    }

    /// The value at `path`, or the deepest one on the way to it, and the rest of the way.
    pub fn deepest<'p>(&mut self, path: &'p [Step]) -> (&mut Self, &'p [Step]) {
        match path.split_first() {
            Some((step, rest)) if self.child(step).is_some() => {
                self.child_mut(step).expect("the child was found a line above").deepest(rest)
            }
            _ => (self, path),
        }
    }

    /// The way to the table that stands at `span`.
    pub fn path_to(&self, span: &Range<usize>) -> Option<Vec<Step>> {
        if self.span == *span && matches!(self.kind, Kind::Table(_)) {
            return Some(Vec::new());
        }
        let (step, mut rest) = match &self.kind {
            Kind::Table(entries) => {
                entries.iter().find_map(|e| Some((Step::Key(e.key.clone()), e.node.path_to(span)?)))?
            }
            Kind::List(items) => {
                items.iter().enumerate().find_map(|(at, item)| Some((Step::Index(at), item.path_to(span)?)))?
            }
            _ => return None,
        };
        rest.insert(0, step);
        Some(rest)
    }

    /// Whether an element of a list is gone, so that positions in the list that was read are not those of the source.
    pub fn lacks_elements(&self) -> bool {
        match &self.kind {
            Kind::List(items) => {
                items.iter().any(|item| matches!(item.kind, Kind::Gone)) || items.iter().any(Self::lacks_elements)
            }
            Kind::Table(entries) => entries.iter().any(|entry| entry.node.lacks_elements()),
            _ => false,
        }
    }
}

/// A number too large for 64 bits becomes a fraction, which no whole number takes.
fn integer(number: &DeInteger<'_>) -> Kind {
    match i64::from_str_radix(number.as_str(), number.radix()) {
        Ok(number) => Kind::Integer(number),
        Err(_) => Kind::Float(f64::INFINITY),
    }
}
