//! Plain text: what was written to one channel, or the statements, without anything that a terminal would obey.

use super::frame::{Frame, FrameKind};
use super::utf8::Utf8Stream;

/// Writes what a recording's channels show, or its statements with how they ended, as plain text. Escape sequences and control characters are
/// left out, so that reading the text cannot do anything to the reader's terminal.
#[derive(Clone, Debug)]
pub struct TextWriter {
    channel: Option<u32>,
    output: Plain,
    error_output: Plain,
}

impl TextWriter {
    /// A writer for one channel, or for all of them.
    #[must_use]
    pub fn new(channel: Option<u32>) -> Self {
        Self { channel, output: Plain::default(), error_output: Plain::default() }
    }

    /// Appends the text that `frame` becomes to `out`.
    pub fn frame(&mut self, frame: &Frame<'_>, out: &mut String) {
        if self.channel.is_some() && frame.kind.channel() != self.channel {
            return;
        }
        match &frame.kind {
            FrameKind::Output { data, .. } => self.output.write(data, out),
            FrameKind::ErrorOutput { data, .. } => self.error_output.write(data, out),
            FrameKind::Statement(statement) => self.output.write(statement.shown().as_bytes(), out),
            FrameKind::StatementText(more) => self.output.write(&more.text, out),
            FrameKind::StatementRow(row) => self.output.write(row.shown().as_bytes(), out),
            FrameKind::StatementEnd(end) => self.output.write(end.shown().as_bytes(), out),
            _ => {}
        }
    }
}

/// Where in an escape sequence a stream is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Awaiting {
    #[default]
    Text,
    /// What follows an escape character.
    Escape,
    /// The end of a control sequence.
    Control,
    /// The end of a string that is meant for the terminal: a title, say.
    Terminator,
    /// The second half of such a string's end.
    TerminatorEnd,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Plain {
    utf8: Utf8Stream,
    awaiting: Awaiting,
    /// A carriage return came; a line feed may follow.
    returned: bool,
    /// Whether a carriage return that no line feed follows is kept as one.
    keeps_returns: bool,
}

impl Plain {
    /// One that tells where a line is drawn anew.
    pub(super) fn keeping_returns() -> Self {
        Self { keeps_returns: true, ..Self::default() }
    }

    pub(super) fn write(&mut self, data: &[u8], out: &mut String) {
        let mut text = String::with_capacity(data.len());
        self.utf8.decode(data, &mut text);
        for char in text.chars() {
            self.char(char, out);
        }
    }

    fn char(&mut self, char: char, out: &mut String) {
        self.awaiting = match (self.awaiting, char) {
            (Awaiting::Terminator, '\u{1b}') => Awaiting::TerminatorEnd,
            (Awaiting::Terminator, '\u{7}' | '\u{9c}' | '\u{18}' | '\u{1a}') | (Awaiting::TerminatorEnd, '\\') => {
                Awaiting::Text
            }
            (Awaiting::Terminator, _) => Awaiting::Terminator,
            (_, '\u{1b}') => Awaiting::Escape,
            (Awaiting::Escape | Awaiting::TerminatorEnd, '[') | (Awaiting::Text, '\u{9b}') => Awaiting::Control,
            (Awaiting::Escape | Awaiting::TerminatorEnd, ']' | 'P' | 'X' | '^' | '_')
            | (Awaiting::Text, '\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}') => Awaiting::Terminator,
            (Awaiting::Escape, ' '..='/') => Awaiting::Escape,
            (Awaiting::Control, '@'..='~') | (Awaiting::Escape | Awaiting::TerminatorEnd, _) => Awaiting::Text,
            (Awaiting::Control, ' '..='?') => Awaiting::Control,
            (Awaiting::Control | Awaiting::Text, _) => {
                self.visible(char, out);
                Awaiting::Text
            }
        };
    }

    fn visible(&mut self, char: char, out: &mut String) {
        let returned = std::mem::take(&mut self.returned);
        if returned && char != '\n' && char != '\r' {
            out.push(if self.keeps_returns { '\r' } else { '\n' });
        }
        match char {
            '\r' => self.returned = true,
            '\n' | '\t' => out.push(char),
            char if char.is_control() => {}
            char => out.push(char),
        }
    }
}
