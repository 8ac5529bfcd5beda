//! The lines that a recording shows, each with its time, and the points that one may want to jump to.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::frame::{ExitStatus, Frame, FrameKind};
use super::text::Plain;

/// The longest line kept, in bytes; what is longer is cut into several.
const LINE_LEN_MAX: usize = 4096;
/// How much of a line that is drawn anew is compared with what was there, in characters.
const REDRAWN_MIN: usize = 4;
/// The shortest row that a line is taken to go on from, in bytes.
const ROW_LEN_MIN: usize = 40;
/// The most channels whose lines are read.
const CHANNELS_MAX: usize = 1024;
/// The longest label, in characters.
const LABEL_LEN_MAX: usize = 200;

/// A line that was shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// When it began, in microseconds since the session's start.
    pub at_us: u64,
    /// Where.
    pub channel: u32,
    /// What, without anything that a terminal would obey.
    pub text: String,
}

/// Reads lines out of frames.
#[derive(Clone, Debug, Default)]
pub struct LineReader {
    channels: BTreeMap<u32, Stream>,
}

#[derive(Clone, Debug)]
struct Stream {
    plain: Plain,
    /// The line as it was before it was drawn anew.
    before: String,
    line: String,
    began_us: u64,
}

impl Default for Stream {
    fn default() -> Self {
        Self { plain: Plain::keeping_returns(), before: String::new(), line: String::new(), began_us: 0 }
    }
}

impl Stream {
    fn is_empty(&self) -> bool {
        self.before.is_empty() && self.line.is_empty()
    }

    /// What the line says. One that ends in a blank at the edge of the screen goes on in the next row;
    /// every other one that is drawn anew replaces what was there.
    fn take(&mut self) -> String {
        let (before, line) = (std::mem::take(&mut self.before), std::mem::take(&mut self.line));
        let start: String = before.chars().take(REDRAWN_MIN).collect();
        if before.len() > ROW_LEN_MIN && before.ends_with(' ') && !line.starts_with(&start) {
            before + &line
        } else {
            line
        }
    }
}

impl LineReader {
    /// Calls `each` with the lines that `frame` completes.
    pub fn frame(&mut self, frame: &Frame<'_>, each: &mut dyn FnMut(Line)) {
        let statement = match &frame.kind {
            FrameKind::Statement(statement) => Some(Cow::Borrowed(statement.text.as_ref())),
            FrameKind::StatementText(more) => Some(Cow::Borrowed(more.text.as_ref())),
            FrameKind::StatementRow(row) => Some(Cow::Owned(row.line().into_bytes())),
            _ => None,
        };
        if let Some(text) = statement {
            let (mut plain, mut shown) = (Plain::default(), String::new());
            plain.write(&text, &mut shown);
            for text in shown.lines().filter(|line| !line.is_empty()) {
                each(Line { at_us: frame.at_us, channel: 0, text: text.to_owned() });
            }
            return;
        }
        let (FrameKind::Output { channel, data } | FrameKind::ErrorOutput { channel, data }) = &frame.kind else {
            return;
        };
        if self.channels.len() >= CHANNELS_MAX && !self.channels.contains_key(channel) {
            return;
        }
        let stream = self.channels.entry(*channel).or_default();
        let mut text = String::new();
        stream.plain.write(data, &mut text);
        for char in text.chars() {
            if stream.is_empty() {
                stream.began_us = frame.at_us;
            }
            match char {
                '\n' => {}
                '\r' => stream.before = stream.take(),
                char => stream.line.push(char),
            }
            if char == '\n' || stream.line.len() >= LINE_LEN_MAX {
                let text = stream.take();
                each(Line { at_us: stream.began_us, channel: *channel, text });
            }
        }
    }

    /// Calls `each` with the lines that were begun and not completed.
    pub fn finish(self, each: &mut dyn FnMut(Line)) {
        for (channel, mut stream) in self.channels {
            let at_us = stream.began_us;
            let text = stream.take();
            if !text.is_empty() {
                each(Line { at_us, channel, text });
            }
        }
    }
}

/// What happened at a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarkKind {
    /// Enter was pressed; the label is the line as the screen showed it, so that nothing is in it that
    /// was typed without being shown. Or a statement was run.
    Command,
    /// A command was run without a shell's prompt.
    Exec,
    /// A file was read, written or changed.
    File,
    /// Postern told the person something, or somebody joined.
    Note,
    /// A shell or command ended.
    Exit,
}

/// A point that one may want to jump to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// When, in microseconds since the session's start.
    pub at_us: u64,
    /// Where; none when it is about the session as a whole.
    pub channel: Option<u32>,
    /// What happened.
    pub kind: MarkKind,
    /// What it is called: one line.
    pub label: String,
}

/// Finds marks in frames.
#[derive(Clone, Debug, Default)]
pub struct MarkFinder {
    lines: LineReader,
    /// When Enter was pressed, by channel, until the line is complete that it was pressed on.
    entered: BTreeMap<u32, u64>,
}

impl MarkFinder {
    /// Calls `each` with the marks that `frame` makes.
    pub fn frame(&mut self, frame: &Frame<'_>, each: &mut dyn FnMut(Mark)) {
        let at_us = frame.at_us;
        let mut mark = |channel, kind, label: String| each(Mark { at_us, channel, kind, label: one_line(&label) });
        match &frame.kind {
            FrameKind::Input { channel, data } if self.entered.len() < CHANNELS_MAX && is_entered(data) => {
                self.entered.entry(*channel).or_insert(at_us);
            }
            FrameKind::Output { .. } => {
                let Self { lines, entered } = self;
                lines.frame(frame, &mut |line| {
                    let Some(pressed) = entered.remove(&line.channel) else { return };
                    let label = one_line(line.text.trim());
                    if !label.is_empty() {
                        each(Mark { at_us: pressed, channel: Some(line.channel), kind: MarkKind::Command, label });
                    }
                });
            }
            FrameKind::Exec { channel, command } => {
                mark(Some(*channel), MarkKind::Exec, String::from_utf8_lossy(command).into_owned());
            }
            FrameKind::Sftp { channel, op, path, ok, .. } => {
                let failed = if *ok { "" } else { " (failed)" };
                let label = format!("{op} {}{failed}", String::from_utf8_lossy(path));
                mark(Some(*channel), MarkKind::File, label);
            }
            FrameKind::Statement(statement) => {
                mark(None, MarkKind::Command, String::from_utf8_lossy(&statement.text).into_owned());
            }
            FrameKind::Note { text } => mark(None, MarkKind::Note, text.to_string()),
            FrameKind::Exit { channel, status } => {
                let label = match status {
                    ExitStatus::Code(code) => format!("exit {code}"),
                    ExitStatus::Signal(signal) => format!("ended by {signal}"),
                };
                mark(Some(*channel), MarkKind::Exit, label);
            }
            _ => {}
        }
    }
}

/// Whether Enter was pressed.
fn is_entered(typed: &[u8]) -> bool {
    typed.iter().any(|byte| matches!(byte, b'\r' | b'\n'))
}

fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LABEL_LEN_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(at_us: u64, kind: FrameKind<'static>) -> Frame<'static> {
        Frame { at_us, kind }
    }

    #[test]
    fn statements_are_lines_and_points() {
        let text = "select *\n  from \u{1b}[31mcustomer";
        let statement = super::super::Statement { text: text.as_bytes().into(), ..super::super::Statement::default() };
        let frame = frame(7, FrameKind::Statement(statement));
        let (mut lines, mut marks) = (Vec::new(), Vec::new());
        LineReader::default().frame(&frame, &mut |line| lines.push((line.at_us, line.text)));
        MarkFinder::default().frame(&frame, &mut |mark| marks.push(mark.kind));
        assert_eq!(lines, [(7, "select *".to_owned()), (7, "  from customer".to_owned())]);
        assert_eq!(marks, [MarkKind::Command]);
    }

    #[test]
    fn lines_have_the_time_of_their_first_character() {
        let mut reader = LineReader::default();
        let mut lines = Vec::new();
        for (at, data) in [(1, "$ l"), (2, "s\r\nfile\x1b[31m"), (3, "\r\n$ ")] {
            let frame = frame(at, FrameKind::output(0, data.as_bytes()));
            reader.frame(&frame, &mut |line| lines.push((line.at_us, line.text)));
        }
        reader.finish(&mut |line| lines.push((line.at_us, line.text)));
        assert_eq!(lines, [(1, "$ ls".to_owned()), (2, "file".to_owned()), (3, "$ ".to_owned())]);
    }

    #[test]
    fn a_line_drawn_anew_counts_once_and_one_that_goes_on_is_whole() {
        let text = |data: &'static str| {
            let mut texts = Vec::new();
            let frame = frame(1, FrameKind::output(0, data.as_bytes()));
            LineReader::default().frame(&frame, &mut |line| texts.push(line.text));
            texts
        };
        assert_eq!(text("$ \r$ stty size\r\n"), ["$ stty size"]);
        assert_eq!(text("10%\r20%\r\n"), ["20%"]);
        let row = "deploy@web-1:~$ echo one two three four five ";
        let drawn: &'static str = Box::leak(format!("{row}\rsix seven\r\n").into_boxed_str());
        assert_eq!(text(drawn), [format!("{row}six seven")]);
    }

    #[test]
    fn a_command_is_called_what_the_screen_showed() {
        let mut finder = MarkFinder::default();
        let mut marks = Vec::new();
        for (at, kind) in [
            (1, FrameKind::output(0, b"# ")),
            (2, FrameKind::input(0, b"su ben\r")),
            (3, FrameKind::output(0, b"su ben\r\nPassword: ")),
            (4, FrameKind::input(0, b"hunter2\r")),
            (5, FrameKind::output(0, b"\r\n$ ")),
            (6, FrameKind::note("ada has joined")),
            (7, FrameKind::Exit { channel: 0, status: ExitStatus::Code(0) }),
        ] {
            finder.frame(&frame(at, kind), &mut |mark| marks.push((mark.at_us, mark.label)));
        }
        let labels = [(2, "# su ben"), (4, "Password:"), (6, "ada has joined"), (7, "exit 0")];
        assert_eq!(marks, labels.map(|(at, label)| (at, label.to_owned())));
    }
}
