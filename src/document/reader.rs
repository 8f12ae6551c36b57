//! The tree as serde reads it. Mistakes come out as data, with the path to the value; words are made of them later.

use std::cell::RefCell;
use std::ops::Range;
use std::slice::Iter;

use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor};

use super::mistake::{Mistake, Wanted};
use super::tree::{Entry, Kind, Node, STAND_INS, Step};

static STAND_IN: Node = Node { span: 0..0, kind: Kind::StandIn(0) };

/// Which keys the tables that were read can have, by the places of the tables.
pub(super) type Seen = RefCell<Vec<(Range<usize>, &'static [&'static str])>>;

/// A value to be read.
#[derive(Clone, Copy)]
pub(super) struct Reader<'de> {
    pub node: &'de Node,
    pub seen: &'de Seen,
}

impl<'de> Reader<'de> {
    fn at(self, node: &'de Node) -> Self {
        Self { node, ..self }
    }

    fn items(self, items: &'de [Node]) -> Items<'de> {
        Items { items: items.iter(), next: 0, reader: self }
    }

    fn entries(self, entries: &'de [Entry]) -> Entries<'de> {
        Entries { entries: entries.iter(), entry: None, reader: self }
    }
}

impl<'de> Deserializer<'de> for Reader<'de> {
    type Error = Mistake;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        match &self.node.kind {
            Kind::Text(text) => visitor.visit_borrowed_str(text),
            Kind::Integer(number) => visitor.visit_i64(*number),
            Kind::Float(number) => visitor.visit_f64(*number),
            Kind::Truth(truth) => visitor.visit_bool(*truth),
            Kind::List(items) => visitor.visit_seq(self.items(items)),
            Kind::Table(entries) => visitor.visit_map(self.entries(entries)),
            // Numbers of every kind are asked for through here, and each of them takes a 1.
            Kind::StandIn(_) | Kind::Gone => visitor.visit_u64(1),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        match self.node.kind {
            Kind::StandIn(_) => visitor.visit_bool(false),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        match self.node.kind {
            Kind::StandIn(text) => visitor.visit_borrowed_str(STAND_INS[text]),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        match self.node.kind {
            Kind::StandIn(_) => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Mistake> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        match self.node.kind {
            Kind::StandIn(_) => visitor.visit_seq(self.items(&[])),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        match self.node.kind {
            Kind::StandIn(_) => visitor.visit_map(self.entries(&[])),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mistake> {
        match self.node.kind {
            Kind::StandIn(_) => visitor.visit_map(StandIns { fields: fields.iter(), reader: self.at(&STAND_IN) }),
            Kind::Table(_) => {
                self.seen.borrow_mut().push((self.node.span.clone(), fields));
                self.deserialize_any(visitor)
            }
            // Otherwise serde would take a list for the values of the fields, in their order.
            _ => Err(Mistake::wanted(Wanted::Table)),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mistake> {
        match &self.node.kind {
            Kind::Text(text) => visitor.visit_enum(word(text)),
            Kind::Table(entries) => visitor.visit_enum(MapAccessDeserializer::new(self.entries(entries))),
            Kind::StandIn(_) => visitor.visit_enum(word(variants.first().copied().unwrap_or_default())),
            _ => Err(Mistake::wanted(Wanted::OneOf(variants))),
        }
    }

    serde::forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf unit unit_struct tuple tuple_struct
        identifier ignored_any
    }
}

fn word(text: &str) -> StrDeserializer<'_, Mistake> {
    text.into_deserializer()
}

/// The elements of a list, less those that are gone.
struct Items<'de> {
    items: Iter<'de, Node>,
    next: usize,
    reader: Reader<'de>,
}

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Mistake;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Mistake> {
        for item in self.items.by_ref() {
            let index = self.next;
            self.next += 1;
            if !matches!(item.kind, Kind::Gone) {
                return seed
                    .deserialize(self.reader.at(item))
                    .map(Some)
                    .map_err(|mistake| mistake.below(Step::Index(index)));
            }
        }
        Ok(None)
    }
}

/// The keys of a table, less those whose values are gone.
struct Entries<'de> {
    entries: Iter<'de, Entry>,
    entry: Option<&'de Entry>,
    reader: Reader<'de>,
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = Mistake;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Mistake> {
        self.entry = self.entries.find(|entry| !matches!(entry.node.kind, Kind::Gone));
        self.entry.map(|entry| seed.deserialize(word(&entry.key))).transpose()
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Mistake> {
        let entry = self.entry.take().expect("serde asks for a value after its key");
        seed.deserialize(self.reader.at(&entry.node)).map_err(|mistake| mistake.below(Step::Key(entry.key.clone())))
    }
}

/// The fields of a struct that is not there: each has a stand-in.
struct StandIns<'de> {
    fields: Iter<'static, &'static str>,
    reader: Reader<'de>,
}

impl<'de> MapAccess<'de> for StandIns<'de> {
    type Error = Mistake;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Mistake> {
        self.fields.next().map(|field| seed.deserialize(word(field))).transpose()
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Mistake> {
        seed.deserialize(self.reader)
    }
}
