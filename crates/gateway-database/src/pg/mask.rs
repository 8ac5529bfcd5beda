//! Hiding what policy wants hidden in results, and giving what is kept of them.
//!
//! A column is hidden by its name, and by that which it has in its table. What is computed could be made of a
//! hidden column, and is hidden too, but for numbers and times. A statement that uses a hidden column without
//! showing it has all its texts hidden. Detectors look into every text that is shown.

use std::borrow::Cow;
use std::collections::BTreeSet;

use postern_domain::policy::{Detector, Statements, like};
use postern_domain::statement::StatementFacts;
use postern_wire::pg::back::{self, Column};
use postern_wire::pg::{Error, body};

use super::origins::{self, Origins};
use crate::detect;

const HIDDEN: &[u8] = detect::HIDDEN;
/// Types whose values are texts, in either form.
const TEXTS: [u32; 7] = [18, 19, 25, 705, 1042, 1043, 142];
/// JSON, in whose texts something can be found too.
const JSON: [u32; 2] = [114, 3802];
/// Numbers, truth, times, identifiers: no text can be made of them again.
const HARMLESS: [u32; 16] = [16, 20, 21, 23, 26, 700, 701, 790, 1082, 1083, 1114, 1184, 1186, 1266, 1700, 2950];

/// What is hidden.
#[derive(Default)]
pub(crate) struct Mask {
    columns: BTreeSet<String>,
    detectors: BTreeSet<Detector>,
    /// The columns of the target that are hidden, as they were when the session began.
    origins: Origins,
}

/// What happens to one column's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    Show,
    /// Replaced by a text.
    Star,
    /// Replaced by null.
    Null,
    /// Looked into.
    Scan,
    /// Looked into; must stay JSON.
    ScanJson,
}

/// What happens to the columns of one result.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    how: Vec<How>,
    /// Their names, and whether their values are in binary form, for what is kept of them.
    columns: Vec<(Box<[u8]>, bool)>,
}

impl Mask {
    /// None where rows need not be looked at: nothing is hidden, and nothing kept.
    pub(crate) fn of(statements: &Statements) -> Option<Self> {
        let mask = statements.masking.as_ref().map(|masking| Self {
            columns: masking.columns.iter().map(|name| name.to_ascii_lowercase()).collect(),
            detectors: masking.detectors.clone(),
            origins: Origins::new(),
        });
        let mask = mask.unwrap_or_default();
        (mask.hides() || statements.capture.is_some()).then_some(mask)
    }

    /// Whether something is hidden.
    pub(crate) fn hides(&self) -> bool {
        !self.columns.is_empty() || !self.detectors.is_empty()
    }

    /// What asks the target for the columns that are hidden; none where there are none.
    pub(crate) fn question(&self) -> Option<String> {
        origins::query(&self.columns)
    }

    /// These are the target's columns that are hidden.
    pub(crate) fn knows(&mut self, origins: Origins) {
        self.origins = origins;
    }

    fn is_hidden(&self, name: &str) -> bool {
        self.columns.iter().any(|pattern| like(pattern, &name.to_ascii_lowercase()))
    }

    /// What happens to the columns in the body of a `RowDescription` of a statement that does this.
    pub(crate) fn plan(&self, description: &[u8], facts: &[StatementFacts]) -> Result<Plan, Error> {
        let columns = back::columns(description)?;
        let mentioned = facts.iter().flat_map(|facts| &facts.names).any(|name| self.is_hidden(name));
        let reads =
            facts.is_empty() || facts.iter().flat_map(|facts| &facts.accesses).any(|access| access.table.is_some());
        let named = |column: &Column<'_>| {
            self.is_hidden(&String::from_utf8_lossy(column.name))
                || self.origins.contains(&(column.table, column.number))
        };
        let shown = columns.iter().any(named);
        let how = |column: &Column<'_>| {
            let computed = column.table == 0 && reads && !HARMLESS.contains(&column.kind);
            let instead = mentioned && !shown && !HARMLESS.contains(&column.kind);
            let hidden = !self.columns.is_empty() && (named(column) || computed || instead);
            match (hidden, TEXTS.contains(&column.kind)) {
                (true, true) => How::Star,
                (true, false) => How::Null,
                (false, true) if !self.detectors.is_empty() => How::Scan,
                (false, false) if !self.detectors.is_empty() && JSON.contains(&column.kind) => How::ScanJson,
                (false, _) => How::Show,
            }
        };
        let named = |column: &Column<'_>| (column.name.into(), column.binary);
        Ok(Plan { how: columns.iter().map(how).collect(), columns: columns.iter().map(named).collect() })
    }

    /// A whole `DataRow` as it is shown.
    pub(crate) fn row(&self, message: &[u8], plan: &Plan, out: &mut Vec<u8>) -> Result<(), Error> {
        let values = back::values(body(message))?;
        if values.len() != plan.how.len() {
            return Err(Error::Malformed("DataRow"));
        }
        let shown = values.into_iter().zip(&plan.how).map(|(value, how)| {
            let value = value?;
            match how {
                How::Show => Some(Cow::Borrowed(value)),
                How::Star => Some(Cow::Borrowed(HIDDEN)),
                How::Null => None,
                How::Scan => Some(self.scan(value, HIDDEN)),
                How::ScanJson => Some(self.scan(value, b"9")),
            }
        });
        let shown: Vec<_> = shown.collect();
        back::put_row(out, shown.into_iter());
        Ok(())
    }

    /// A text of the target's own as it is shown.
    pub(crate) fn words(&self, text: &str) -> String {
        detect::words(&self.detectors, text)
    }

    /// The names of the columns.
    pub(crate) fn names(plan: &Plan) -> impl Iterator<Item = &[u8]> {
        plan.columns.iter().map(|(name, _)| &**name)
    }

    /// The values of a whole `DataRow` as they are shown, and whether each is in binary form.
    pub(crate) fn values<'a>(
        shown: &'a [u8],
        plan: &'a Plan,
    ) -> Result<impl Iterator<Item = (bool, Option<&'a [u8]>)>, Error> {
        Ok(plan.columns.iter().map(|(_, binary)| *binary).zip(back::values(body(shown))?))
    }

    fn scan<'a>(&self, value: &'a [u8], instead: &[u8]) -> Cow<'a, [u8]> {
        detect::hidden(&self.detectors, value, instead)
    }
}

#[cfg(test)]
mod tests {
    use postern_domain::policy::Masking;

    use super::*;

    fn mask(columns: &[&str], detectors: &[Detector]) -> Mask {
        let columns = columns.iter().map(|name| (*name).to_owned()).collect();
        let masking = Masking { columns, detectors: detectors.iter().copied().collect(), ..Masking::default() };
        Mask::of(&Statements { masking: Some(masking), ..Statements::default() }).unwrap()
    }

    fn description(columns: &[(&str, u32, u32)]) -> Vec<u8> {
        let mut body = u16::try_from(columns.len()).unwrap().to_be_bytes().to_vec();
        for (name, table, kind) in columns {
            body.extend_from_slice(name.as_bytes());
            body.push(0);
            body.extend_from_slice(&table.to_be_bytes());
            body.extend_from_slice(&[0, 1]);
            body.extend_from_slice(&kind.to_be_bytes());
            body.extend_from_slice(&[0, 0, 0, 0, 0, 0, 0, 0]);
        }
        body
    }

    fn plan(text: &str, columns: &[(&str, u32, u32)]) -> Vec<How> {
        let facts = postern_sql::postgresql(text.as_bytes()).unwrap();
        mask(&["email", "card*"], &[]).plan(&description(columns), &facts).unwrap().how
    }

    #[test]
    fn columns_are_hidden_by_name_and_where_they_could_be_hidden_in_others() {
        let (id, name, email) = (("id", 9, 23), ("name", 9, 25), ("email", 9, 25));
        assert_eq!(plan("select * from customer", &[id, name, email]), [How::Show, How::Show, How::Star]);
        assert_eq!(plan("select card_no from customer", &[("card_no", 9, 20)]), [How::Null]);
        assert_eq!(plan("select email as x from customer", &[("x", 9, 25)]), [How::Star]);
        assert_eq!(plan("select lower(email) from customer", &[("lower", 0, 25)]), [How::Star]);
        assert_eq!(plan("select c::text from customer c", &[("c", 0, 25)]), [How::Star]);
        assert_eq!(plan("select to_jsonb(c) from customer c", &[("to_jsonb", 0, 3802)]), [How::Null]);
        assert_eq!(plan("select c from customer c", &[("c", 0, 16_500)]), [How::Null]);
        assert_eq!(plan("select count(*) from customer", &[("count", 0, 20)]), [How::Show]);
        assert_eq!(plan("select version()", &[("version", 0, 25)]), [How::Show]);
    }

    #[test]
    fn a_column_is_hidden_whatever_a_result_calls_it() {
        let mut mask = mask(&["email"], &[]);
        mask.knows([(9, 1)].into());
        let facts = postern_sql::postgresql(b"select c, d, n from customer as t(c, d, n)").unwrap();
        let plan = |columns| mask.plan(&description(columns), &facts).unwrap().how;
        assert_eq!(plan(&[("c", 9, 25), ("d", 9, 1082), ("n", 8, 25)]), [How::Star, How::Null, How::Show]);
    }

    #[test]
    fn rows_keep_their_shape() {
        let mask = mask(&["email"], &[]);
        let mut message = Vec::new();
        back::put_row(
            &mut message,
            [Some(Cow::Borrowed(&b"7"[..])), Some(Cow::Borrowed(&b"a@b.c"[..])), None].into_iter(),
        );
        let mut out = Vec::new();
        let plan = |how| Plan { how, columns: Vec::new() };
        mask.row(&message, &plan(vec![How::Show, How::Star, How::Star]), &mut out).unwrap();
        assert_eq!(back::values(body(&out)), Ok(vec![Some(&b"7"[..]), Some(HIDDEN), None]));
        assert!(mask.row(&message, &plan(vec![How::Show]), &mut out).is_err());
    }
}
