//! What is recorded of a session's statements. Nothing is passed on before it is recorded: what finds
//! no room at once is kept here, and nothing is sent until it has been recorded after all.

use std::borrow::Cow;
use std::collections::VecDeque;

use postern_domain::policy::ResultCapture;
use postern_gateway::{Recorder, RecorderFailed};
use postern_wire::recording::{
    FrameKind, PARAMETER_VALUE_MAX, PARAMETERS_LEN_MAX, Parameter, STATEMENT_TEXT_MAX, Statement, StatementEnd,
    StatementOutcome, StatementRow, StatementText, TransactionState,
};

use crate::text::plain;

/// The longest text of an error that is recorded.
const ERROR_LEN_MAX: usize = 2000;
/// The longest name of a column that is recorded, and the most bytes of all of a row's.
const NAME_LEN_MAX: usize = 100;
const NAMES_LEN_MAX: usize = 32 * 1024;
/// However many parameters there are, a frame holds no more of them.
pub(crate) const PARAMETERS_MAX: usize = 10_000;
/// How much of a long text goes into one frame.
const PART_LEN: usize = 32 * 1024;

/// Records a session's statements.
pub(crate) struct Journal {
    recorder: Recorder,
    capture: Option<ResultCapture>,
    waiting: VecDeque<FrameKind<'static>>,
    last: u64,
    /// The time on the recording's clock when it was last looked at, in microseconds.
    now_us: u64,
}

/// A statement that runs, and what is known of it.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) number: u64,
    /// When it was begun, on the recording's clock, in microseconds.
    begun_us: u64,
    rows: u64,
    /// Rows and portions of copy data that have passed.
    pub(crate) seen: u64,
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
    transaction: TransactionState,
    /// What the target called it; several are in one query.
    tag: Tag,
    error: Option<Box<(String, String)>>,
    /// Rows and bytes of them that are kept, and whether the names of the columns have been told.
    kept: (u32, u32),
    named: bool,
}

/// A short text without a place of its own.
#[derive(Clone, Copy, Debug, Default)]
struct Tag {
    bytes: [u8; 31],
    length: u8,
}

impl Tag {
    fn of(tag: &[u8]) -> Self {
        let mut short = Self::default();
        let length = tag.len().min(short.bytes.len());
        if let (Some(to), Some(from)) = (short.bytes.get_mut(..length), tag.get(..length)) {
            to.copy_from_slice(from);
            short.length = u8::try_from(length).unwrap_or(0);
        }
        short
    }

    fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self.bytes.get(..usize::from(self.length)).unwrap_or_default())
    }
}

impl Running {
    /// The target has done it, or a part of it.
    pub(crate) fn completed(&mut self, tag: &[u8], rows: Option<u64>) {
        self.tag = Tag::of(tag);
        self.rows = self.rows.saturating_add(rows.unwrap_or(0));
    }

    /// Rows of another kind follow.
    pub(crate) fn described(&mut self) {
        self.named = false;
    }

    /// Whether the target has answered with an error.
    pub(crate) fn has_failed(&self) -> bool {
        self.error.is_some()
    }

    /// The target has answered with an error.
    pub(crate) fn failed(&mut self, code: &str, message: &str) {
        self.error.get_or_insert_with(|| Box::new((plain(code, 16), plain(message, ERROR_LEN_MAX))));
    }
}

impl Journal {
    /// A journal that keeps so much of what statements give.
    pub(crate) fn new(recorder: Recorder, capture: Option<ResultCapture>) -> Self {
        let now_us = recorder.now_us();
        Self { recorder, capture, waiting: VecDeque::new(), last: 0, now_us }
    }

    /// Looks at the clock: what is recorded from now on happens now. To be called whenever something has come in,
    /// of which there may be many statements.
    pub(crate) fn look_at_clock(&mut self) {
        self.now_us = self.recorder.now_us();
    }

    /// Records that a statement is about to run.
    pub(crate) fn begin_with(
        &mut self,
        text: &[u8],
        parameters: Vec<Parameter<'_>>,
        transaction: TransactionState,
    ) -> Result<Running, RecorderFailed> {
        self.last += 1;
        let number = self.last;
        let (head, rest) = text.split_at(text.len().min(STATEMENT_TEXT_MAX));
        let begun_us = self.now_us;
        let statement = Statement {
            statement: number,
            text_bytes: u64::try_from(text.len()).unwrap_or(u64::MAX),
            text: Cow::Borrowed(head),
            parameters,
        };
        self.put(begun_us, &FrameKind::Statement(statement))?;
        for part in rest.chunks(PART_LEN) {
            let more = StatementText { statement: number, text: Cow::Borrowed(part) };
            self.put(begun_us, &FrameKind::StatementText(more))?;
        }
        Ok(Running {
            number,
            begun_us,
            rows: 0,
            seen: 0,
            bytes_in: 0,
            bytes_out: 0,
            transaction,
            tag: Tag::default(),
            error: None,
            kept: (0, 0),
            named: false,
        })
    }

    /// Whether the next row of a statement is kept.
    pub(crate) fn keeps_row(&self, running: &Running) -> bool {
        self.capture.is_some_and(|capture| running.kept.0 < capture.rows && running.kept.1 < capture.bytes)
    }

    /// Records a row as it is shown: its columns' names, and of each value whether it is binary and what it is.
    pub(crate) fn row<'a>(
        &mut self,
        running: &mut Running,
        names: impl Iterator<Item = &'a [u8]>,
        values: impl Iterator<Item = (bool, Option<&'a [u8]>)>,
    ) -> Result<(), RecorderFailed> {
        let values = parameters(values);
        let bytes = values.iter().map(|value| value.value.as_deref().map_or(0, <[u8]>::len)).sum::<usize>();
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        running.kept = (running.kept.0.saturating_add(1), running.kept.1.saturating_add(bytes));
        let mut names_room = NAMES_LEN_MAX;
        let names = names.map(|name| plain(&String::from_utf8_lossy(name), NAME_LEN_MAX)).take_while(|name| {
            names_room = names_room.saturating_sub(name.len());
            names_room > 0
        });
        let names = if running.named { Vec::new() } else { names.map(Cow::Owned).collect() };
        running.named = true;
        let row = StatementRow { statement: running.number, names, values };
        self.put(self.now_us, &FrameKind::StatementRow(row))
    }

    /// Records how a statement ended.
    pub(crate) fn end(&mut self, running: &Running, outcome: StatementOutcome) -> Result<(), RecorderFailed> {
        let failed = running.error.is_some() && outcome == StatementOutcome::Done;
        let (code, error) = running.error.as_deref().map_or(("", ""), |(code, error)| (code, error));
        let now_us = self.now_us;
        let end = StatementEnd {
            statement: running.number,
            outcome: if failed { StatementOutcome::Failed } else { outcome },
            duration_us: now_us.saturating_sub(running.begun_us),
            // Without the target's count, that of what has passed.
            rows: if running.tag.length == 0 { running.seen } else { running.rows },
            bytes_in: running.bytes_in,
            bytes_out: running.bytes_out,
            transaction: running.transaction,
            tag: running.tag.text(),
            code: code.into(),
            error: error.into(),
        };
        self.put(now_us, &FrameKind::StatementEnd(end))
    }

    /// Records something that the person was told.
    pub(crate) fn note(&mut self, text: &str) -> Result<(), RecorderFailed> {
        self.put(self.now_us, &FrameKind::note(text))
    }

    fn put(&mut self, at_us: u64, frame: &FrameKind<'_>) -> Result<(), RecorderFailed> {
        if !self.waiting.is_empty() || !self.recorder.try_record(at_us, frame)? {
            self.waiting.push_back(frame.clone().into_owned());
        }
        Ok(())
    }

    /// Whether something waits to be recorded.
    pub(crate) fn is_behind(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Waits until everything has been recorded.
    pub(crate) async fn caught_up(&mut self) -> Result<(), RecorderFailed> {
        while let Some(frame) = self.waiting.front() {
            self.recorder.record(frame.clone()).await?;
            self.waiting.pop_front();
        }
        Ok(())
    }
}

/// What is recorded of parameters, given whether each is binary and its value: of each the beginning, as
/// long as there is room.
pub(crate) fn parameters<'a>(values: impl Iterator<Item = (bool, Option<&'a [u8]>)>) -> Vec<Parameter<'a>> {
    let mut room = PARAMETERS_LEN_MAX;
    let shown = |(binary, value): (bool, Option<&'a [u8]>)| {
        let whole = value.unwrap_or_default();
        let length = whole.len().min(PARAMETER_VALUE_MAX).min(room);
        room -= length;
        Parameter {
            bytes: u64::try_from(whole.len()).unwrap_or(u64::MAX),
            binary,
            value: value.map(|value| Cow::Borrowed(value.get(..length).unwrap_or_default())),
        }
    };
    values.take(PARAMETERS_MAX).map(shown).collect()
}
