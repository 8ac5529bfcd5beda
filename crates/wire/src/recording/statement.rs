//! Statements of database sessions: what was asked, and how it ended.

use std::borrow::Cow;
use std::fmt::Write as _;

use serde::Serialize;

use super::Error;
use super::codec::{Cursor, put_bytes, put_varint};
use super::frame::{serialize_data, serialize_optional_data};

/// The most bytes of a statement's text in its first frame; the rest follows in `StatementText`.
pub const STATEMENT_TEXT_MAX: usize = 64 * 1024;
/// The most bytes of one parameter that are recorded; its length is recorded all the same.
pub const PARAMETER_VALUE_MAX: usize = 4 * 1024;
/// The most bytes of all of a statement's parameters that are recorded.
pub const PARAMETERS_LEN_MAX: usize = 64 * 1024;
/// The most parameters of a statement, as PostgreSQL's protocol has it.
const PARAMETERS_MAX: u64 = 65_535;
/// The most columns whose names are told.
const NAMES_MAX: u64 = 4096;

/// A statement that is about to run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Statement<'a> {
    /// Its number within the session, from 1.
    pub statement: u64,
    /// How long its whole text is, in bytes.
    pub text_bytes: u64,
    /// Its text, or the beginning of it.
    #[serde(serialize_with = "serialize_data")]
    pub text: Cow<'a, [u8]>,
    /// Its parameters in their order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<Parameter<'a>>,
}

/// A parameter of a statement.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Parameter<'a> {
    /// How long its whole value is, in bytes.
    pub bytes: u64,
    /// Whether it is in the type's binary form.
    pub binary: bool,
    /// Its value, or the beginning of it; none for null.
    #[serde(serialize_with = "serialize_optional_data")]
    pub value: Option<Cow<'a, [u8]>>,
}

/// More of a statement's text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct StatementText<'a> {
    /// The statement.
    pub statement: u64,
    /// The text that follows.
    #[serde(serialize_with = "serialize_data")]
    pub text: Cow<'a, [u8]>,
}

/// A row that a statement gave, as the person saw it; only where policy keeps rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct StatementRow<'a> {
    /// The statement.
    pub statement: u64,
    /// The names of its columns, before the first row of each result; they may be cut off.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<Cow<'a, str>>,
    /// Its values in their order.
    pub values: Vec<Parameter<'a>>,
}

/// How a statement ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum StatementOutcome {
    /// The target did it.
    #[default]
    Done = 0,
    /// The target answered with an error.
    Failed = 1,
    /// A rule refused it: the target has not seen it.
    Refused = 2,
    /// The target left it out, since one before it failed.
    Skipped = 3,
    /// The session ended before it did.
    Unknown = 4,
}

/// Where the session stands after a statement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum TransactionState {
    /// In no transaction.
    #[default]
    None = 0,
    /// In one.
    Open = 1,
    /// In one that has failed.
    Failed = 2,
}

/// What became of a statement.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct StatementEnd<'a> {
    /// The statement.
    pub statement: u64,
    /// How it ended.
    pub outcome: StatementOutcome,
    /// How long it took, in microseconds.
    pub duration_us: u64,
    /// Rows that it gave or changed.
    pub rows: u64,
    /// Bytes of copy data to the target.
    pub bytes_in: u64,
    /// Bytes of its result.
    pub bytes_out: u64,
    /// Where the session stood before it, as far as was known then.
    pub transaction: TransactionState,
    /// What the target called it: `SELECT 5`.
    pub tag: Cow<'a, str>,
    /// The code of the error; empty without one.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub code: Cow<'a, str>,
    /// The error; empty without one.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub error: Cow<'a, str>,
}

fn owned_bytes(bytes: Cow<'_, [u8]>) -> Cow<'static, [u8]> {
    Cow::Owned(bytes.into_owned())
}

fn owned_values(values: Vec<Parameter<'_>>) -> Vec<Parameter<'static>> {
    let owned = |value: Parameter<'_>| Parameter {
        bytes: value.bytes,
        binary: value.binary,
        value: value.value.map(owned_bytes),
    };
    values.into_iter().map(owned).collect()
}

fn put_values(out: &mut Vec<u8>, values: &[Parameter<'_>]) {
    put_varint(out, u64::try_from(values.len()).unwrap_or(0));
    for value in values {
        put_varint(out, value.bytes);
        out.push(u8::from(value.binary));
        out.push(u8::from(value.value.is_some()));
        if let Some(value) = &value.value {
            put_bytes(out, value);
        }
    }
}

fn take_values<'a>(from: &mut Cursor<'a>) -> Result<Vec<Parameter<'a>>, Error> {
    let count = from.varint()?;
    if count > PARAMETERS_MAX {
        return Err(Error::TooLarge("frame"));
    }
    let mut values = Vec::new();
    for _ in 0..count {
        let (bytes, binary) = (from.varint()?, from.flag()?);
        let value = if from.flag()? { Some(Cow::Borrowed(from.bytes()?)) } else { None };
        values.push(Parameter { bytes, binary, value });
    }
    Ok(values)
}

impl Parameter<'_> {
    /// For people: what is binary is shown by its first bytes.
    fn shown(&self) -> Cow<'_, str> {
        match &self.value {
            None => "NULL".into(),
            Some(value) if self.binary => {
                let hex: String = value.iter().take(64).map(|byte| format!("{byte:02x}")).collect();
                format!("\\x{hex} ({} bytes, binary)", self.bytes).into()
            }
            Some(value) => String::from_utf8_lossy(value),
        }
    }
}

impl Statement<'_> {
    pub(super) fn into_owned(self) -> Statement<'static> {
        Statement {
            statement: self.statement,
            text_bytes: self.text_bytes,
            text: owned_bytes(self.text),
            parameters: owned_values(self.parameters),
        }
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, self.statement);
        put_varint(out, self.text_bytes);
        put_bytes(out, &self.text);
        put_values(out, &self.parameters);
    }

    pub(super) fn decode<'a>(from: &mut Cursor<'a>) -> Result<Statement<'a>, Error> {
        let (statement, text_bytes, text) = (from.varint()?, from.varint()?, Cow::Borrowed(from.bytes()?));
        Ok(Statement { statement, text_bytes, text, parameters: take_values(from)? })
    }

    /// For people: the number, the text, and the parameters as comments.
    pub(super) fn shown(&self) -> String {
        let mut shown = format!("/* {} */ {}\n", self.statement, String::from_utf8_lossy(&self.text));
        for (index, parameter) in self.parameters.iter().enumerate() {
            // Writing to a string does not fail.
            let _ = writeln!(shown, "--   ${} = {}", index + 1, parameter.shown());
        }
        shown
    }
}

impl StatementText<'_> {
    pub(super) fn into_owned(self) -> StatementText<'static> {
        StatementText { statement: self.statement, text: owned_bytes(self.text) }
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, self.statement);
        put_bytes(out, &self.text);
    }

    pub(super) fn decode<'a>(from: &mut Cursor<'a>) -> Result<StatementText<'a>, Error> {
        Ok(StatementText { statement: from.varint()?, text: Cow::Borrowed(from.bytes()?) })
    }
}

impl StatementRow<'_> {
    pub(super) fn into_owned(self) -> StatementRow<'static> {
        StatementRow {
            statement: self.statement,
            names: self.names.into_iter().map(|name| Cow::Owned(name.into_owned())).collect(),
            values: owned_values(self.values),
        }
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, self.statement);
        put_varint(out, u64::try_from(self.names.len()).unwrap_or(0));
        for name in &self.names {
            put_bytes(out, name.as_bytes());
        }
        put_values(out, &self.values);
    }

    pub(super) fn decode<'a>(from: &mut Cursor<'a>) -> Result<StatementRow<'a>, Error> {
        let (statement, count) = (from.varint()?, from.varint()?);
        if count > NAMES_MAX {
            return Err(Error::TooLarge("frame"));
        }
        let mut names = Vec::new();
        for _ in 0..count {
            names.push(Cow::Borrowed(from.text()?));
        }
        Ok(StatementRow { statement, names, values: take_values(from)? })
    }

    /// For people: a comment with the names, where they are told, and one with the values.
    pub(super) fn shown(&self) -> String {
        let names = if self.names.is_empty() { String::new() } else { format!("--   {}\n", self.names.join(" | ")) };
        format!("{names}--   {}\n", self.line())
    }

    /// Its values as one line.
    pub(super) fn line(&self) -> String {
        self.values.iter().map(Parameter::shown).collect::<Vec<_>>().join(" | ")
    }
}

impl StatementEnd<'_> {
    pub(super) fn into_owned(self) -> StatementEnd<'static> {
        StatementEnd {
            statement: self.statement,
            outcome: self.outcome,
            duration_us: self.duration_us,
            rows: self.rows,
            bytes_in: self.bytes_in,
            bytes_out: self.bytes_out,
            transaction: self.transaction,
            tag: self.tag.into_owned().into(),
            code: self.code.into_owned().into(),
            error: self.error.into_owned().into(),
        }
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, self.statement);
        out.push(self.outcome as u8);
        for number in [self.duration_us, self.rows, self.bytes_in, self.bytes_out] {
            put_varint(out, number);
        }
        out.push(self.transaction as u8);
        for text in [&self.tag, &self.code, &self.error] {
            put_bytes(out, text.as_bytes());
        }
    }

    pub(super) fn decode<'a>(from: &mut Cursor<'a>) -> Result<StatementEnd<'a>, Error> {
        Ok(StatementEnd {
            statement: from.varint()?,
            outcome: match from.byte()? {
                0 => StatementOutcome::Done,
                1 => StatementOutcome::Failed,
                2 => StatementOutcome::Refused,
                3 => StatementOutcome::Skipped,
                4 => StatementOutcome::Unknown,
                _ => return Err(Error::Malformed("frame")),
            },
            duration_us: from.varint()?,
            rows: from.varint()?,
            bytes_in: from.varint()?,
            bytes_out: from.varint()?,
            transaction: match from.byte()? {
                0 => TransactionState::None,
                1 => TransactionState::Open,
                2 => TransactionState::Failed,
                _ => return Err(Error::Malformed("frame")),
            },
            tag: Cow::Borrowed(from.text()?),
            code: Cow::Borrowed(from.text()?),
            error: Cow::Borrowed(from.text()?),
        })
    }

    /// For people: one comment, which begins with the number.
    pub(super) fn shown(&self) -> String {
        let (seconds, millis) = (self.duration_us / 1_000_000, self.duration_us / 1_000 % 1_000);
        let micros = self.duration_us % 1_000;
        let number = self.statement;
        let time = if seconds > 0 { format!("{seconds}.{millis:03} s") } else { format!("{millis}.{micros:03} ms") };
        match self.outcome {
            StatementOutcome::Done => {
                let copied = if self.bytes_in > 0 { format!(", {} bytes in", self.bytes_in) } else { String::new() };
                format!("-- {number}: {}, {} rows, {} bytes out{copied}, {time}\n", self.tag, self.rows, self.bytes_out)
            }
            StatementOutcome::Failed => format!("-- {number}: ERROR {}: {} ({time})\n", self.code, self.error),
            StatementOutcome::Refused => format!("-- {number}: REFUSED: {}\n", self.error),
            StatementOutcome::Skipped => format!("-- {number}: left out: a statement before it failed\n"),
            StatementOutcome::Unknown => format!("-- {number}: the session ended before it did ({time})\n"),
        }
    }
}
