//! Looking: reads a slice of a recording again and finds what was asked for.

use postern_wire::recording::Frame;

use crate::index::Place;
use crate::moment::{Moment, MomentReader};
use crate::query::Clause;
use crate::words::find;

/// The most moments that are told of one clause.
const HITS_MAX: usize = 3;

/// A moment that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The moment.
    pub moment: Moment,
    /// Which parts of its text were asked for, as ranges of bytes.
    pub marks: Vec<std::ops::Range<usize>>,
}

/// The first moments of a slice that answer each of `clauses`, in the order of the clauses. `frames` are
/// those from the slice's position on.
#[must_use]
pub fn look<'a>(place: &Place, frames: impl Iterator<Item = Frame<'a>>, clauses: &[Clause]) -> Vec<Vec<Hit>> {
    let mut found: Vec<Vec<Hit>> = vec![Vec::new(); clauses.len()];
    let mut each = |moment: Moment| {
        if moment.at_ms > place.until_ms {
            return;
        }
        let mut lower = None;
        for (clause, found) in clauses.iter().zip(&mut found).filter(|(_, found)| found.len() < HITS_MAX) {
            let lower = lower.get_or_insert_with(|| moment.text.to_lowercase());
            if answers(clause, &moment, lower) {
                found.push(Hit { marks: marks(clauses, &moment.text, lower), moment: moment.clone() });
            }
        }
    };
    // Commands of terminals first: a command is a better answer than the line that echoes it.
    for note in &place.notes {
        each(Moment::command(note.at_ms, note.channel, note.text.clone()));
    }
    let mut reader = MomentReader::partial();
    for frame in frames {
        if frame.at_us / 1000 > place.until_ms {
            break;
        }
        reader.frame(&frame, &mut each);
    }
    reader.finish(&mut each);
    found
}

fn answers(clause: &Clause, moment: &Moment, lower: &str) -> bool {
    match clause {
        Clause::Text(wanted) => find(lower, wanted).is_some(),
        Clause::Field(field, wanted) if matches!(field, crate::Field::Command | crate::Field::Statement) => {
            moment.is(*field) && find(lower, wanted).is_some()
        }
        Clause::Field(field, wanted) => {
            moment.names.iter().any(|(named, name)| named == field && field.means(wanted, name))
        }
    }
}

/// Where the clauses' texts stand in `text`; nowhere when its lower case is not as long as it is.
fn marks(clauses: &[Clause], text: &str, lower: &str) -> Vec<std::ops::Range<usize>> {
    if text.len() != lower.len() {
        return Vec::new();
    }
    let texts = clauses.iter().map(|clause| match clause {
        Clause::Text(wanted) | Clause::Field(_, wanted) => wanted,
    });
    let mut marks: Vec<_> = texts.filter_map(|wanted| find(lower, wanted)).collect();
    marks.retain(|range| text.is_char_boundary(range.start) && text.is_char_boundary(range.end));
    marks.sort_by_key(|range| range.start);
    marks.dedup_by(|next, before| next.start < before.end);
    marks
}
