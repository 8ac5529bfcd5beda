//! From located values to typed ones, with errors that know their place and their field.

use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error, Expected, IntoDeserializer, MapAccess,
    SeqAccess, Unexpected, VariantAccess, Visitor,
};

use super::node::{Node, Position, Step, Value};
use crate::name::shown;

/// How many mistakes of one document are looked for.
const MISMATCHES_MAX: usize = 50;

/// A value that does not fit its field.
#[derive(Clone, Debug)]
pub(super) struct Mismatch {
    pub(super) at: Option<Position>,
    /// From the innermost step outwards.
    reversed: Vec<Step>,
    pub(super) message: String,
    /// One of the names that would be accepted, where only a few are.
    choice: Option<&'static str>,
}

impl Mismatch {
    fn new(message: String) -> Self {
        Self { at: None, reversed: Vec::new(), message, choice: None }
    }

    fn at(mut self, position: Position) -> Self {
        self.at.get_or_insert(position);
        self
    }

    fn within(mut self, step: Step) -> Self {
        self.reversed.push(step);
        self
    }

    pub(super) fn path(&self) -> Vec<Step> {
        self.reversed.iter().rev().cloned().collect()
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Mismatch {}

fn one_of(expected: &[&str]) -> String {
    expected.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

impl Error for Mismatch {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(message.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let quotes = match found {
            Unexpected::Bool(_) | Unexpected::Unsigned(_) | Unexpected::Signed(_) | Unexpected::Float(_)
                if expected.to_string().contains("string") =>
            {
                ": put it in quotes"
            }
            _ => "",
        };
        let found = match found {
            Unexpected::Unit => "nothing".to_owned(),
            Unexpected::Map => "a map".to_owned(),
            Unexpected::Seq => "a list".to_owned(),
            Unexpected::Str(_) => "text".to_owned(),
            other => other.to_string(),
        };
        let expected = match expected.to_string() {
            text if text.starts_with("struct ") => "a map".to_owned(),
            text if text == "a sequence" => "a list".to_owned(),
            text => text,
        };
        Self::new(format!("expected {expected}, found {found}{quotes}"))
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        let variant = shown(variant);
        let message = format!("`{variant}` is not one of {}", one_of(expected));
        Self { choice: expected.first().copied(), ..Self::new(message) }
    }

    fn unknown_field(_: &str, expected: &'static [&'static str]) -> Self {
        Self::new(format!("is not a field here: expected one of {}", one_of(expected)))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new("is missing".to_owned()).within(Step::Key(field.to_owned()))
    }
}

/// What came of reading a document: the value as far as it could be read, and every mistake found.
pub(super) struct Reading<T> {
    pub(super) value: Option<T>,
    pub(super) mismatches: Vec<Mismatch>,
}

/// Reads `node` as a `T`. What does not fit is noted and left out, and what is missing is stood in
/// for, to find what else does not fit.
pub(super) fn read<T: DeserializeOwned>(mut node: Node) -> Reading<T> {
    let mut mismatches: Vec<Mismatch> = Vec::new();
    let mut repairs: Vec<(Vec<Step>, usize)> = Vec::new();
    loop {
        let mismatch = match T::deserialize(&node) {
            Ok(value) => return Reading { value: Some(value), mismatches },
            Err(mismatch) => mismatch,
        };
        let path = mismatch.path();
        let attempt = match repairs.iter_mut().find(|(repaired, _)| *repaired == path) {
            Some((_, attempts)) => {
                *attempts += 1;
                *attempts
            }
            None if mismatches.len() == MISMATCHES_MAX => return Reading { value: None, mismatches },
            None => {
                mismatches.push(mismatch.clone());
                repairs.push((path.clone(), 0));
                0
            }
        };
        let repaired = match attempt {
            0 if node.remove(&path) => true,
            0 | 1 => node.insert(&path, Value::Text("x".to_owned())),
            2 => node.insert(&path, Value::Text(mismatch.choice.unwrap_or("x@x").to_owned())),
            3 => node.insert(&path, Value::Map(Vec::new())),
            _ => false,
        };
        if !repaired {
            return Reading { value: None, mismatches };
        }
    }
}

impl<'de> Deserializer<'de> for &'de Node {
    type Error = Mismatch;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        match &self.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Signed(value) => visitor.visit_i64(*value),
            Value::Unsigned(value) => visitor.visit_u64(*value),
            Value::Float(value) => visitor.visit_f64(*value),
            Value::Text(value) => visitor.visit_borrowed_str(value),
            Value::List(entries) => visitor.visit_seq(Entries { rest: entries.iter() }),
            Value::Map(entries) => visitor.visit_map(Fields { rest: entries.iter(), current: None }),
        }
        .map_err(|mismatch| mismatch.at(self.at))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        match self.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Mismatch> {
        visitor.visit_newtype_struct(self).map_err(|mismatch| mismatch.at(self.at))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        match &self.value {
            Value::Text(name) => visitor.visit_enum(Name(name)),
            _ => self.deserialize_any(visitor),
        }
        .map_err(|mismatch| mismatch.at(self.at))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        seq tuple tuple_struct map struct identifier ignored_any
    }
}

struct Entries<'de> {
    rest: std::slice::Iter<'de, (usize, Node)>,
}

impl<'de> SeqAccess<'de> for Entries<'de> {
    type Error = Mismatch;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Mismatch> {
        self.rest
            .next()
            .map(|(index, node)| {
                seed.deserialize(node).map_err(|mismatch| mismatch.at(node.at).within(Step::Index(*index)))
            })
            .transpose()
    }
}

struct Fields<'de> {
    rest: std::slice::Iter<'de, (super::node::Key, Node)>,
    current: Option<(&'de str, &'de Node)>,
}

impl<'de> MapAccess<'de> for Fields<'de> {
    type Error = Mismatch;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Mismatch> {
        let Some((key, node)) = self.rest.next() else { return Ok(None) };
        self.current = Some((&key.name, node));
        let text: StrDeserializer<'_, Mismatch> = key.name.as_str().into_deserializer();
        seed.deserialize(text).map(Some).map_err(|mismatch| mismatch.at(key.at).within(Step::Key(key.name.clone())))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Mismatch> {
        let (name, node) = self.current.take().ok_or_else(|| Mismatch::custom("a value without its key"))?;
        seed.deserialize(node).map_err(|mismatch| mismatch.at(node.at).within(Step::Key(name.to_owned())))
    }
}

/// A choice among names; none of ours carries more.
struct Name<'de>(&'de str);

impl<'de> EnumAccess<'de> for Name<'de> {
    type Error = Mismatch;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Mismatch> {
        let text: StrDeserializer<'_, Mismatch> = self.0.into_deserializer();
        seed.deserialize(text).map(|value| (value, self))
    }
}

impl<'de> VariantAccess<'de> for Name<'de> {
    type Error = Mismatch;

    fn unit_variant(self) -> Result<(), Mismatch> {
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, _: S) -> Result<S::Value, Mismatch> {
        Err(Mismatch::invalid_type(Unexpected::Str(self.0), &"a map"))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Mismatch> {
        Err(Mismatch::invalid_type(Unexpected::Str(self.0), &"a list"))
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], _: V) -> Result<V::Value, Mismatch> {
        Err(Mismatch::invalid_type(Unexpected::Str(self.0), &"a map"))
    }
}
