//! YAML with the place of every value, so that an error can point at it.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Spanned};

use crate::name::shown;

/// A place in a file; both count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: u64,
    /// The column, in characters.
    pub column: u64,
}

impl From<Location> for Position {
    fn from(location: Location) -> Self {
        Self { line: location.line().max(1), column: location.column().max(1) }
    }
}

/// One step from a value to a value inside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Key(String),
    Index(usize),
}

/// A path as people write it: `conditions.hours[0]`.
pub(super) fn dotted(path: &[Step]) -> String {
    let mut text = String::new();
    for step in path {
        match step {
            Step::Key(name) if text.is_empty() => text.push_str(&shown(name)),
            Step::Key(name) => text.extend([".", &shown(name)]),
            Step::Index(index) => text.extend(["[", &index.to_string(), "]"]),
        }
    }
    text
}

/// A value and where it is written.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) at: Position,
    pub(super) value: Value,
}

/// What is written. Entries of lists keep the index they were written at.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Signed(i64),
    Unsigned(u64),
    Float(f64),
    Text(String),
    List(Vec<(usize, Node)>),
    Map(Vec<(Key, Node)>),
}

/// A key and where it is written.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) at: Position,
    pub(super) name: String,
}

impl Node {
    /// The value of `key`, where this is a map that has it.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        self.step(&Step::Key(key.to_owned()))
    }

    fn step(&self, step: &Step) -> Option<&Self> {
        match (&self.value, step) {
            (Value::Map(entries), Step::Key(name)) => {
                entries.iter().find(|(key, _)| key.name == *name).map(|(_, node)| node)
            }
            (Value::List(entries), Step::Index(index)) => {
                entries.iter().find(|(at, _)| at == index).map(|(_, node)| node)
            }
            _ => None,
        }
    }

    /// Where the value at `path` is written, or the innermost one around it that is.
    pub(super) fn position(&self, path: &[Step]) -> Position {
        let mut node = self;
        for step in path {
            match node.step(step) {
                Some(inner) => node = inner,
                None => break,
            }
        }
        node.at
    }

    fn reach(&mut self, path: &[Step]) -> Option<&mut Self> {
        path.iter().try_fold(self, |node, step| match (&mut node.value, step) {
            (Value::Map(entries), Step::Key(name)) => {
                entries.iter_mut().find(|(key, _)| key.name == *name).map(|(_, node)| node)
            }
            (Value::List(entries), Step::Index(index)) => {
                entries.iter_mut().find(|(at, _)| at == index).map(|(_, node)| node)
            }
            _ => None,
        })
    }

    /// Takes out the value at `path`; says whether there was one.
    pub(super) fn remove(&mut self, path: &[Step]) -> bool {
        let Some((last, outer)) = path.split_last() else { return false };
        match (self.reach(outer).map(|node| &mut node.value), last) {
            (Some(Value::Map(entries)), Step::Key(name)) => {
                let before = entries.len();
                entries.retain(|(key, _)| key.name != *name);
                entries.len() < before
            }
            (Some(Value::List(entries)), Step::Index(index)) => {
                let before = entries.len();
                entries.retain(|(at, _)| at != index);
                entries.len() < before
            }
            _ => false,
        }
    }

    /// Puts `value` at `path`, a field of a map; says whether there is such a map.
    pub(super) fn insert(&mut self, path: &[Step], value: Value) -> bool {
        self.remove(path);
        let Some((Step::Key(name), outer)) = path.split_last() else { return false };
        let Some(node) = self.reach(outer) else { return false };
        let at = node.at;
        let Value::Map(entries) = &mut node.value else { return false };
        entries.push((Key { at, name: name.clone() }, Self { at, value }));
        true
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Value>::deserialize(deserializer)?;
        Ok(Self { at: spanned.referenced.into(), value: spanned.value })
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Signed(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Unsigned(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(node) = list.next_element()? {
            entries.push((entries.len(), node));
        }
        Ok(Value::List(entries))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = map.next_key::<Spanned<String>>()? {
            let key = Key { at: key.referenced.into(), name: key.value };
            entries.push((key, map.next_value()?));
        }
        Ok(Value::Map(entries))
    }
}
