//! Hiding what policy wants hidden in results.
//!
//! A column is hidden by its name, or by that which it has in its table. What is computed could be made
//! of a hidden column, and is hidden too, but for numbers and times. A statement that uses a hidden
//! column without showing it under its own name has all its texts hidden.

use std::borrow::Cow;
use std::collections::BTreeSet;

use postern_domain::policy::{Detector, Masking, like};
use postern_domain::statement::StatementFacts;
use postern_wire::mysql::Error;
use postern_wire::mysql::result::{Column, binary_row, encode_binary_row, encode_text_row, is_text, text_row};

use crate::detect::{self, HIDDEN};

/// JSON, which is sent as a text and must stay JSON.
const JSON: u8 = 0xF5;

/// What is hidden.
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
}

impl Mask {
    /// None where nothing is hidden.
    pub(crate) fn of(masking: &Masking) -> Option<Self> {
        let columns: BTreeSet<_> = masking.columns.iter().map(|name| name.to_lowercase()).collect();
        let detectors = masking.detectors.clone();
        (!columns.is_empty() || !detectors.is_empty()).then_some(Self { columns, detectors })
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
        let how = |column: &Column| {
            let could = is_text(column.kind) && (column.origin.is_empty() && reads || mentioned && !shown);
            let hidden = !self.columns.is_empty() && (named(column) || could);
            match (hidden, is_text(column.kind)) {
                (true, true) if column.kind != JSON => How::Star,
                (true, _) => How::Null,
                (false, true) if !self.detectors.is_empty() => How::Scan,
                (false, _) => How::Show,
            }
        };
        Plan { how: columns.iter().map(how).collect(), kinds: columns.iter().map(|column| column.kind).collect() }
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
