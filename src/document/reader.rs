//! The tree as serde reads it. Mistakes come out as data, with the path to the value; words are made of them later.

use std::slice::Iter;

use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor};

use super::mistake::{Mistake, Wanted};
use super::tree::{Entry, Kind, Node, STAND_INS, Step};

static STAND_IN: Node = Node { span: 0..0, kind: Kind::StandIn(0) };

impl<'de> Deserializer<'de> for &'de Node {
    type Error = Mistake;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        match &self.kind {
            Kind::Text(text) => visitor.visit_borrowed_str(text),
            Kind::Integer(number) => visitor.visit_i64(*number),
            Kind::Float(number) => visitor.visit_f64(*number),
            Kind::Truth(truth) => visitor.visit_bool(*truth),
            Kind::List(items) => visitor.visit_seq(Items { items: items.iter(), next: 0 }),
            Kind::Table(entries) => visitor.visit_map(Entries { entries: entries.iter(), entry: None }),
            // Numbers of every kind are asked for through here, and each of them takes a 1.
            Kind::StandIn(_) | Kind::Gone => visitor.visit_u64(1),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        match self.kind {
            Kind::StandIn(_) => visitor.visit_bool(false),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        match self.kind {
            Kind::StandIn(text) => visitor.visit_borrowed_str(STAND_INS[text]),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        match self.kind {
            Kind::StandIn(_) => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Mistake> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        match self.kind {
            Kind::StandIn(_) => visitor.visit_seq(Items { items: [].iter(), next: 0 }),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        match self.kind {
            Kind::StandIn(_) => visitor.visit_map(Entries { entries: [].iter(), entry: None }),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mistake> {
        match self.kind {
            Kind::StandIn(_) => visitor.visit_map(StandIns { fields: fields.iter() }),
            Kind::Table(_) => self.deserialize_any(visitor),
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
        match &self.kind {
            Kind::Text(text) => visitor.visit_enum(word(text)),
            Kind::Table(entries) => {
                let entries = Entries { entries: entries.iter(), entry: None };
                visitor.visit_enum(MapAccessDeserializer::new(entries))
            }
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
}

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Mistake;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Mistake> {
        for item in self.items.by_ref() {
            let index = self.next;
            self.next += 1;
            if !matches!(item.kind, Kind::Gone) {
                return seed.deserialize(item).map(Some).map_err(|mistake| mistake.below(Step::Index(index)));
            }
        }
        Ok(None)
    }
}

/// The keys of a table, less those whose values are gone.
struct Entries<'de> {
    entries: Iter<'de, Entry>,
    entry: Option<&'de Entry>,
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = Mistake;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Mistake> {
        self.entry = self.entries.find(|entry| !matches!(entry.node.kind, Kind::Gone));
        self.entry.map(|entry| seed.deserialize(word(&entry.key))).transpose()
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Mistake> {
        let entry = self.entry.take().expect("serde asks for a value after its key");
        seed.deserialize(&entry.node).map_err(|mistake| mistake.below(Step::Key(entry.key.clone())))
    }
}

/// The fields of a struct that is not there: each has a stand-in.
struct StandIns {
    fields: Iter<'static, &'static str>,
}

impl<'de> MapAccess<'de> for StandIns {
    type Error = Mistake;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Mistake> {
        self.fields.next().map(|field| seed.deserialize(word(field))).transpose()
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Mistake> {
        seed.deserialize(&STAND_IN)
    }
}
