//! Slices: a recording is indexed piece by piece, each short enough to be read again in no time.

use std::collections::{BTreeMap, HashSet};

use postern_wire::recording::{Frame, FrameKind, Position};
use serde::{Deserialize, Serialize};

use crate::key::{IndexKey, TERM_LEN};
use crate::moment::{Moment, MomentKind, MomentReader};
use crate::words::{Field, joined, words};

/// A slice is closed when it has so much text, in bytes; of statements that come again only a part counts.
pub const SLICE_LEN: usize = 128 * 1024;

/// What a statement that comes again fills a slice by: so much, and this part of its text. To read it again
/// costs little more than to step over it.
const AGAIN: (usize, usize) = (8, 8);

/// A command that a terminal's screen told. It cannot be told again from the middle of a recording.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Note {
    pub(crate) at_ms: u64,
    pub(crate) channel: Option<u32>,
    pub(crate) text: String,
}

/// A piece of a recording as the index takes it.
pub struct Slice {
    /// Where in the recording's file to begin reading it; `None` at the front.
    pub(crate) from: Option<Position>,
    /// The time of its last moment, in milliseconds since the session's start.
    pub(crate) until_ms: u64,
    /// Its terms, each `TERM_LEN` characters, with blanks between them.
    pub(crate) terms: String,
    /// Its notes, not sealed yet; empty when it has none.
    pub(crate) notes: Vec<u8>,
    /// How many bytes of text it has.
    pub text_bytes: u64,
}

/// Cuts one session's recording into slices. Feed it the frames from the first on.
pub struct Slicer {
    reader: MomentReader,
    open: Open,
    /// Where the next slice begins to be read.
    from: Option<Position>,
}

/// The slice that is being filled.
#[derive(Default)]
struct Open {
    /// Its text in lower case.
    text: String,
    text_bytes: usize,
    /// What it has taken of `SLICE_LEN`.
    weight: usize,
    /// Its statements, each once.
    statements: HashSet<String>,
    names: Names,
    notes: Vec<Note>,
    until_ms: u64,
    filled: bool,
}

/// The forms under which names are found, by what they are names of.
#[derive(Default)]
struct Names(BTreeMap<Field, HashSet<String>>);

impl Names {
    /// Adds the forms of `name`, which is in lower case.
    fn add(&mut self, field: Field, name: &str) {
        let known = self.0.entry(field).or_default();
        field.forms(name, |form| {
            if !known.contains(form) {
                known.insert(form.to_owned());
            }
        });
    }

    fn each(&self) -> impl Iterator<Item = (Field, &str)> {
        self.0.iter().flat_map(|(field, forms)| forms.iter().map(|form| (*field, form.as_str())))
    }
}

impl Open {
    /// A statement has come again whose text is here already.
    fn again(&mut self, at_ms: u64, text_bytes: usize) {
        self.fill(at_ms, text_bytes, AGAIN.0 + text_bytes / AGAIN.1);
    }

    fn fill(&mut self, at_ms: u64, text_bytes: usize, weight: usize) {
        self.filled = true;
        self.until_ms = self.until_ms.max(at_ms);
        self.text_bytes += text_bytes + 1;
        self.weight += weight;
    }

    fn take(&mut self, moment: Moment) {
        let Moment { at_ms, channel, kind, text, names } = moment;
        self.fill(at_ms, text.len(), text.len() + 1);
        // What it names stands in its whole text, of which this may be the beginning and the end.
        for (field, name) in names {
            self.names.add(field, &name);
        }
        if kind == MomentKind::Statement && !self.statements.insert(text.clone()) {
            // A program's statements are the same again and again; they have all their words here already.
            return;
        }
        let began = self.text.len();
        if text.is_ascii() {
            self.text.push_str(&text);
            if let Some(added) = self.text.get_mut(began..) {
                added.make_ascii_lowercase();
            }
        } else {
            self.text.push_str(&text.to_lowercase());
        }
        let lower = self.text.get(began..).unwrap_or_default();
        match kind {
            MomentKind::Command | MomentKind::Exec => self.names.add(Field::Command, lower),
            MomentKind::Statement => self.names.add(Field::Statement, lower),
            _ => {}
        }
        self.text.push('\n');
        if kind == MomentKind::Command {
            self.notes.push(Note { at_ms, channel, text });
        }
    }

    /// The terms of what was taken, in their order and each once.
    fn terms(&self, key: &IndexKey) -> String {
        let mut unique = HashSet::new();
        words(&self.text, |word| {
            unique.insert(word);
        });
        // A word has no marks and what is joined has: their terms cannot be taken for each other.
        joined(&self.text, |form| {
            unique.insert(form);
        });
        let of_text = unique.into_iter().map(|word| key.term(None, word));
        let of_names = self.names.each().map(|(field, form)| key.term(Some(field), form));
        let mut terms: Vec<[u8; TERM_LEN]> = of_text.chain(of_names).collect();
        terms.sort_unstable();
        terms.dedup();
        let mut out = String::with_capacity(terms.len() * (TERM_LEN + 1));
        for term in &terms {
            out.extend(term.iter().map(|digit| char::from(*digit)));
            out.push(' ');
        }
        out
    }
}

impl Slicer {
    /// One that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        Self { reader: MomentReader::default(), open: Open::default(), from: None }
    }

    /// Takes the next frame, which came from the chunk that begins at `chunk`; gives a slice when that
    /// filled one.
    pub fn frame(&mut self, frame: &Frame<'_>, chunk: Option<Position>, key: &IndexKey) -> Option<Slice> {
        let Self { reader, open, .. } = self;
        if reader.frame_unless(frame, true, &mut |moment| open.take(moment))
            && let FrameKind::Statement(statement) = &frame.kind
        {
            open.again(frame.at_us / 1000, statement.text.len());
        }
        if self.open.weight >= SLICE_LEN { self.cut(chunk, key) } else { None }
    }

    /// What there is so far, as a slice of its own; the last frame came from the chunk at `chunk`.
    pub fn cut(&mut self, chunk: Option<Position>, key: &IndexKey) -> Option<Slice> {
        let open = std::mem::take(&mut self.open);
        self.reader.begin_anew();
        let from = self.from;
        if !open.filled {
            return None;
        }
        // A line that goes on began in this chunk or is lost to reading again; the index has it.
        self.from = chunk;
        let notes = match open.notes.is_empty() {
            true => Vec::new(),
            false => serde_json::to_vec(&open.notes).unwrap_or_default(),
        };
        let text_bytes = u64::try_from(open.text_bytes).unwrap_or(u64::MAX);
        Some(Slice { from, until_ms: open.until_ms, terms: open.terms(key), notes, text_bytes })
    }

    /// The recording is over: the last slice.
    pub fn finish(mut self, key: &IndexKey) -> Option<Slice> {
        let reader = std::mem::take(&mut self.reader);
        let open = &mut self.open;
        reader.finish(&mut |moment| open.take(moment));
        self.cut(None, key)
    }
}

impl Default for Slicer {
    fn default() -> Self {
        Self::new()
    }
}
