//! Hiding what policy wants hidden in results, and giving what is kept of them.
//!
//! A column is hidden by its name, or by that which it has in its table. What is computed could be made
//! of a hidden column, and is hidden too, but for numbers and times. A statement that uses a hidden
//! column without showing it under its own name has all its texts hidden.

use std::borrow::Cow;
use std::collections::BTreeSet;

use postern_domain::policy::{Detector, Statements, like};
use postern_domain::statement::StatementFacts;
use postern_wire::mysql::Error;
use postern_wire::mysql::result::{Column, binary_row, encode_binary_row, encode_text_row, is_text, text_row};

use super::prepared::{Bound, time};
use crate::detect::{self, HIDDEN};

/// JSON, which is sent as a text and must stay JSON.
const JSON: u8 = 0xF5;

/// What is hidden.
#[derive(Default)]
pub(crate) struct Mask {
    columns: BTreeSet<String>,
    detectors: BTreeSet<Detector>,
}

/// What happens to one column's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    Show,
    Star,
    Null,
    Scan,
}

/// What happens to the columns of one result.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    how: Vec<How>,
    kinds: Vec<u8>,
    /// Their names, and whether their numbers are never below zero.
    columns: Vec<(Vec<u8>, bool)>,
}

impl Mask {
    /// None where rows need not be looked at: nothing is hidden, and nothing kept.
    pub(crate) fn of(statements: &Statements) -> Option<Self> {
        let mask = statements.masking.as_ref().map(|masking| Self {
            columns: masking.columns.iter().map(|name| name.to_lowercase()).collect(),
            detectors: masking.detectors.clone(),
        });
        let mask = mask.unwrap_or_default();
        (mask.hides() || statements.capture.is_some()).then_some(mask)
    }

    /// Whether something is hidden.
    pub(crate) fn hides(&self) -> bool {
        !self.columns.is_empty() || !self.detectors.is_empty()
    }

    /// A text of the target's own as it is shown.
    pub(crate) fn words(&self, text: &str) -> String {
        detect::words(&self.detectors, text)
    }

    fn is_hidden(&self, name: &str) -> bool {
        let name = name.to_lowercase();
        self.columns.iter().any(|pattern| like(pattern, &name))
    }

    /// What happens to these columns of a statement that does this.
    pub(crate) fn plan(&self, columns: &[Column], facts: &[StatementFacts]) -> Plan {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let named = |column: &Column| self.is_hidden(&text(&column.name)) || self.is_hidden(&text(&column.origin));
        let mentioned = facts.iter().flat_map(|facts| &facts.names).any(|name| self.is_hidden(name));
        let reads =
            facts.is_empty() || facts.iter().flat_map(|facts| &facts.accesses).any(|access| access.table.is_some());
        let shown = columns.iter().any(named);
        // The words of earlier errors, which may hold anything: `SHOW WARNINGS`.
        let told = |column: &Column| column.origin.is_empty() && column.name.eq_ignore_ascii_case(b"message");
        let how = |column: &Column| {
            let could =
                is_text(column.kind) && (column.origin.is_empty() && reads || mentioned && !shown || told(column));
            let hidden = !self.columns.is_empty() && (named(column) || could);
            match (hidden, is_text(column.kind)) {
                (true, true) if column.kind != JSON => How::Star,
                (true, _) => How::Null,
                (false, true) if !self.detectors.is_empty() => How::Scan,
                (false, _) => How::Show,
            }
        };
        Plan {
            how: columns.iter().map(how).collect(),
            kinds: columns.iter().map(|column| column.kind).collect(),
            columns: columns.iter().map(|column| (column.name.clone(), column.unsigned)).collect(),
        }
    }

    /// The names of the columns.
    pub(crate) fn names(plan: &Plan) -> impl Iterator<Item = &[u8]> {
        plan.columns.iter().map(|(name, _)| name.as_slice())
    }

    /// The values of a row as it is shown, as people read them; whether each is no text.
    pub(crate) fn values(shown: &[u8], binary: bool, plan: &Plan) -> Result<Vec<Bound>, Error> {
        let values = if binary { binary_row(shown, &plan.kinds)? } else { text_row(shown, plan.kinds.len())? };
        let read = |value: &[u8], kind, unsigned| {
            let value = if binary { readable(value, kind, unsigned) } else { value.to_vec() };
            (str::from_utf8(&value).is_err(), Some(value))
        };
        let read =
            values.into_iter().zip(&plan.kinds).zip(&plan.columns).map(|((value, kind), (_, unsigned))| {
                value.map_or((false, None), |value| read(value, *kind, *unsigned))
            });
        Ok(read.collect())
    }

    /// The content of a row as it is shown.
    pub(crate) fn row(&self, content: &[u8], binary: bool, plan: &Plan) -> Result<Vec<u8>, Error> {
        let values = if binary { binary_row(content, &plan.kinds)? } else { text_row(content, plan.kinds.len())? };
        let shown = values.into_iter().zip(&plan.how).map(|(value, how)| {
            let value = value?;
            match how {
                How::Show => Some(Cow::Borrowed(value)),
                How::Star => Some(Cow::Borrowed(HIDDEN)),
                How::Null => None,
                How::Scan => Some(detect::hidden(&self.detectors, value, HIDDEN)),
            }
        });
        let shown: Vec<Option<Cow<'_, [u8]>>> = shown.collect();
        let values = shown.iter().map(Option::as_deref);
        Ok(if binary { encode_binary_row(values, &plan.kinds) } else { encode_text_row(values) })
    }
}

/// A value in binary form as people read it.
fn readable(value: &[u8], kind: u8, unsigned: bool) -> Vec<u8> {
    let integer = || {
        let read = value.iter().rev().fold(0_u64, |all, byte| all << 8 | u64::from(*byte));
        let shift = 64_usize.saturating_sub(value.len() * 8);
        if unsigned { read.to_string() } else { ((read << shift).cast_signed() >> shift).to_string() }
    };
    match (kind, value) {
        (0x01 | 0x02 | 0x03 | 0x08 | 0x09 | 0x0D, [_, ..]) if value.len() <= 8 => integer().into_bytes(),
        (0x04, [a, b, c, d]) => f32::from_le_bytes([*a, *b, *c, *d]).to_string().into_bytes(),
        (0x05, [a, b, c, d, e, f, g, h]) => {
            f64::from_le_bytes([*a, *b, *c, *d, *e, *f, *g, *h]).to_string().into_bytes()
        }
        // Their length comes first.
        (0x07 | 0x0A | 0x0B | 0x0C, [_, rest @ ..]) => time(rest).into_bytes(),
        _ => value.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_in_binary_form_are_read_as_people_do() {
        let read = |value: &[u8], kind, unsigned| String::from_utf8(readable(value, kind, unsigned)).unwrap();
        assert_eq!(read(&[0xFF], 0x01, false), "-1");
        assert_eq!(read(&[0xFF], 0x01, true), "255");
        assert_eq!(read(&(-7_i64).to_le_bytes(), 0x08, false), "-7");
        assert_eq!(read(&u64::MAX.to_le_bytes(), 0x08, true), u64::MAX.to_string());
        assert_eq!(read(&1.5_f64.to_le_bytes(), 0x05, false), "1.5");
        assert_eq!(read(&[4, 0xEA, 0x07, 11, 25], 0x0A, false), "2026-11-25");
        assert_eq!(read(b"Ada", 0xFD, false), "Ada");
    }
}
