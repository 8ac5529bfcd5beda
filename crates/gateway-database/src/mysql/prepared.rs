//! Prepared statements by their numbers, exactly as the target has them.

use std::collections::{BTreeMap, HashMap};

use postern_wire::mysql::Error;
use postern_wire::mysql::command::{LAST, Parameter, bulk_parameters, parameters};
use postern_wire::recording::PARAMETER_VALUE_MAX;

use super::rules::Judged;
use crate::journal::PARAMETERS_MAX;

/// How many statements one session may have prepared.
const NUMBERS_MAX: usize = 16 * 1024;
/// How many bytes of texts one session may have prepared.
const TEXTS_LEN_MAX: usize = 64 * 1024 * 1024;

/// A parameter as it is recorded: whether it is binary, and its value.
pub(crate) type Bound = (bool, Option<Vec<u8>>);

/// A prepared statement.
pub(crate) struct Prepared {
    /// Its text, as it is recorded.
    pub(crate) text: Vec<u8>,
    /// What rules say of it, and what it does.
    pub(crate) judged: Judged,
    parameters: u16,
    types: Vec<u16>,
    /// What was sent in parts: the beginning, and how many bytes in all.
    long: BTreeMap<u16, Vec<u8>>,
}

/// The prepared statements of a session.
#[derive(Default)]
pub(crate) struct Registry {
    known: HashMap<u32, Prepared>,
    last: Option<u32>,
    texts_len: usize,
}

impl Registry {
    /// Whether there is room for a statement of this length.
    pub(crate) fn has_room(&self, length: usize) -> bool {
        self.known.len() < NUMBERS_MAX && self.texts_len + length <= TEXTS_LEN_MAX
    }

    /// The target has prepared a statement.
    pub(crate) fn add(&mut self, number: u32, text: Vec<u8>, judged: Judged, parameters: u16) {
        self.last = Some(number);
        self.texts_len += text.len();
        let prepared = Prepared { text, judged, parameters, types: Vec::new(), long: BTreeMap::new() };
        if let Some(old) = self.known.insert(number, prepared) {
            self.texts_len = self.texts_len.saturating_sub(old.text.len());
        }
    }

    /// The number of the statement that is meant by this one; none where that is no statement.
    pub(crate) fn meant(&self, number: u32) -> Option<u32> {
        if number == LAST { self.last } else { Some(number) }
    }

    /// There is no statement that was prepared last.
    pub(crate) fn forget_last(&mut self) {
        self.last = None;
    }

    /// The statement of this number.
    pub(crate) fn get(&self, number: u32) -> Option<&Prepared> {
        self.known.get(&number)
    }

    /// It is closed.
    pub(crate) fn close(&mut self, number: u32) {
        if self.last == Some(number) {
            self.last = None;
        }
        if let Some(old) = self.known.remove(&number) {
            self.texts_len = self.texts_len.saturating_sub(old.text.len());
        }
    }

    /// All are gone.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// A part of a parameter was sent; false where there is no such parameter.
    pub(crate) fn long_data(&mut self, number: u32, parameter: u16, part: &[u8]) -> bool {
        let Some(prepared) = self.known.get_mut(&number).filter(|prepared| parameter < prepared.parameters) else {
            return false;
        };
        let kept = prepared.long.entry(parameter).or_default();
        let room = PARAMETER_VALUE_MAX.saturating_sub(kept.len());
        kept.extend_from_slice(part.get(..part.len().min(room)).unwrap_or_default());
        true
    }

    /// Parts of parameters are forgotten.
    pub(crate) fn forget_long(&mut self, number: u32) {
        if let Some(prepared) = self.known.get_mut(&number) {
            prepared.long.clear();
        }
    }

    /// The parameters of an execution as they are recorded: whether each is binary, and its value.
    pub(crate) fn bound(&mut self, number: u32, content: &[u8]) -> Result<Vec<Bound>, Error> {
        let Some(prepared) = self.known.get_mut(&number) else { return Ok(Vec::new()) };
        let long = &prepared.long;
        let read = parameters(content, prepared.parameters, &mut prepared.types, |at| long.contains_key(&at))?;
        let part = |at: usize| u16::try_from(at).ok().and_then(|at| long.get(&at)).map(Vec::as_slice);
        Ok(read.into_iter().enumerate().map(|(at, value)| shown(value, part(at).unwrap_or_default())).collect())
    }

    /// The parameters of a bulk execution, row after row, as they are recorded.
    pub(crate) fn bound_rows(&mut self, number: u32, content: &[u8]) -> Result<Vec<Bound>, Error> {
        let Some(prepared) = self.known.get_mut(&number) else { return Ok(Vec::new()) };
        let read = bulk_parameters(content, prepared.parameters, &mut prepared.types, PARAMETERS_MAX)?;
        Ok(read.into_iter().map(|value| shown(value, &[])).collect())
    }
}

/// A parameter as it is recorded; `long` is what was sent of it in parts.
fn shown(value: Parameter<'_>, long: &[u8]) -> Bound {
    let text = |value: &[u8]| (str::from_utf8(value).is_err(), Some(value.to_vec()));
    match value {
        Parameter::Null => (false, None),
        Parameter::Long => text(long),
        Parameter::Integer(value) => (false, Some(value.to_string().into_bytes())),
        Parameter::Float(value) => (false, Some(value.to_string().into_bytes())),
        Parameter::Text(value) => text(value),
        Parameter::Time(value) => (false, Some(time(value).into_bytes())),
        Parameter::Default => text(b"(default)"),
        Parameter::Kept => text(b"(kept)"),
    }
}

/// A date or a time as people write it.
pub(super) fn time(value: &[u8]) -> String {
    let micros = |bytes: &[u8]| bytes.iter().rev().fold(0_u64, |all, byte| all << 8 | u64::from(*byte));
    match value {
        [low, high, month, day, rest @ ..] if matches!(rest.len(), 0 | 3 | 7) => {
            let year = u16::from_le_bytes([*low, *high]);
            let date = format!("{year:04}-{month:02}-{day:02}");
            match rest {
                [hour, minute, second, fraction @ ..] => {
                    let time = format!("{date} {hour:02}:{minute:02}:{second:02}");
                    if fraction.is_empty() { time } else { format!("{time}.{:06}", micros(fraction)) }
                }
                _ => date,
            }
        }
        [minus, a, b, c, d, hour, minute, second, fraction @ ..] => {
            let hours = u64::from(u32::from_le_bytes([*a, *b, *c, *d])) * 24 + u64::from(*hour);
            let sign = if *minus == 1 { "-" } else { "" };
            let time = format!("{sign}{hours:02}:{minute:02}:{second:02}");
            if fraction.is_empty() { time } else { format!("{time}.{:06}", micros(fraction)) }
        }
        _ => "0".to_owned(),
    }
}
