//! A terminal's screen, and the lines that were entered on it.
//!
//! The output is drawn by a terminal emulator. When the person has pressed Enter and the cursor leaves
//! the line, the line is read off the screen: what the shell made of history, completion, editing and
//! paste. What the prompt is, is what stood before the cursor when the person began to type, or what the
//! shell says by OSC 133.

use std::collections::VecDeque;

use avt::parser::{Function, Osc, ShellIntegration};
use avt::{Anchor, Parser, ScreenKind, Terminal};

use crate::shell::incomplete;

mod keys;
mod prompt;

#[cfg(test)]
mod tests;

use keys::Keys;

/// The widest and highest screen that is drawn; larger ones are cut to it.
const COLS_MAX: u32 = 400;
const ROWS_MAX: u32 = 120;
/// Rows that are kept above the screen, so that the beginning of a long entry is found.
const ABOVE_MAX: usize = 100;
/// The most Enters that wait for their line.
const ENTERED_MAX: u32 = 1024;
/// How many prompts are known again.
const PROMPTS_MAX: usize = 8;
/// How many lines that were typed ahead are known again.
const AHEAD_MAX: usize = 32;
/// The longest entry, in bytes.
const ENTRY_LEN_MAX: usize = 64 * 1024;

/// A line that was entered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Entered {
    /// It was shown.
    Line {
        /// What.
        text: String,
        /// Whether it stood after a shell's prompt.
        prompted: bool,
    },
    /// Something was typed that was not shown.
    Unseen {
        /// What stood before it.
        prompt: String,
    },
}

/// Where the person began to type.
struct Start {
    prompt: String,
    /// The shell said so itself.
    sure: bool,
    anchor: Anchor,
}

/// A terminal.
pub(crate) struct Screen {
    parser: Parser,
    terminal: Terminal,
    /// The beginning of a character whose rest has not come.
    partial: Vec<u8>,
    keys: Keys,
    /// Enters whose line the cursor has not left.
    entered: u32,
    start: Option<Start>,
    prompts: VecDeque<String>,
    /// Lines without a prompt that may be shown again, with one.
    ahead: VecDeque<String>,
    /// A command that the shell asks more of.
    held: Option<String>,
    /// What is shown so far of lines that were pasted.
    drawn: Option<String>,
}

impl Screen {
    pub(crate) fn new(cols: u32, rows: u32) -> Option<Self> {
        let (cols, rows) = size(cols, rows);
        Some(Self {
            parser: Parser::new(),
            terminal: Terminal::with_scrollback(cols, rows, Some(ABOVE_MAX)).ok()?,
            partial: Vec::new(),
            keys: Keys::default(),
            entered: 0,
            start: None,
            prompts: VecDeque::new(),
            ahead: VecDeque::new(),
            held: None,
            drawn: None,
        })
    }

    pub(crate) fn resize(&mut self, cols: u32, rows: u32) {
        let (cols, rows) = size(cols, rows);
        self.terminal.resize(cols, rows);
    }

    /// The person typed.
    pub(crate) fn input(&mut self, data: &[u8], each: &mut dyn FnMut(Entered)) {
        if self.terminal.active_screen_kind() == ScreenKind::Alternate {
            return;
        }
        if self.entered > 0 {
            self.left_unseen(each);
        }
        if self.start.is_none() && self.entered == 0 {
            let prompt = self.row_before_cursor();
            if !prompt::continues(&prompt) {
                self.flush(each);
            }
            if prompt::is_shell(&prompt) {
                self.ahead.clear();
            }
            let anchor = self.terminal.anchor_at_cursor();
            self.start = Some(Start { prompt, sure: false, anchor });
        }
        let enters = self.keys.press(data);
        self.entered = self.entered.saturating_add(enters).min(ENTERED_MAX);
    }

    /// Where a line was entered while nothing was shown, not even that Enter was pressed, the next prompt
    /// stands in the same row.
    fn left_unseen(&mut self, each: &mut dyn FnMut(Entered)) {
        let row = self.row_before_cursor();
        let before = self.start.as_ref().map(|start| start.prompt.as_str()).unwrap_or_default();
        let is_new = |prompt: &String| row.len() > before.len() && row != *prompt && row.ends_with(prompt.as_str());
        if row.starts_with(before) && self.prompts.iter().any(is_new) {
            let pressed = self.keys.take();
            if let Some(text) = self.drawn.take() {
                each(Entered::Line { text, prompted: true });
            } else if pressed.typed && !before.trim().is_empty() {
                each(Entered::Unseen { prompt: before.trim().to_owned() });
            }
            self.entered = 0;
            self.start = None;
        }
    }

    /// The target wrote.
    pub(crate) fn output(&mut self, data: &[u8], each: &mut dyn FnMut(Entered)) {
        let bytes = if self.partial.is_empty() { data.to_vec() } else { [&self.partial, data].concat() };
        self.partial.clear();
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            match str::from_utf8(rest) {
                Ok(text) => {
                    self.draw(text, each);
                    return;
                }
                Err(error) => {
                    let (valid, after) = rest.split_at(error.valid_up_to());
                    self.draw(str::from_utf8(valid).unwrap_or_default(), each);
                    match error.error_len() {
                        Some(len) => {
                            self.draw("\u{fffd}", each);
                            rest = after.get(len..).unwrap_or_default();
                        }
                        None => {
                            self.partial = after.to_vec();
                            return;
                        }
                    }
                }
            }
        }
    }

    fn draw(&mut self, text: &str, each: &mut dyn FnMut(Entered)) {
        for char in text.chars() {
            let Some(function) = self.parser.feed(char) else { continue };
            let primary = self.terminal.active_screen_kind() == ScreenKind::Primary;
            let function = match function {
                Function::Lf | Function::Nel if primary => {
                    self.leave(each);
                    function
                }
                Function::Osc(Osc::ShellIntegration(ShellIntegration::CommandStart)) if primary => {
                    let prompt = self.row_before_cursor();
                    let anchor = self.terminal.anchor_at_cursor();
                    self.start = Some(Start { prompt, sure: true, anchor });
                    function
                }
                // A screen is the most that a repetition can fill.
                Function::Rep(count) => {
                    let (cols, rows) = self.terminal.size();
                    Function::Rep(count.min(u16::try_from(cols * rows).unwrap_or(u16::MAX)))
                }
                function => function,
            };
            self.terminal.execute(function);
            if (self.terminal.active_screen_kind() == ScreenKind::Primary) != primary {
                // What a full-screen program does is no command.
                self.entered = 0;
                self.start = None;
                self.keys = Keys::default();
            }
        }
    }

    /// What was begun and not completed.
    pub(crate) fn finish(&mut self, each: &mut dyn FnMut(Entered)) {
        if self.entered > 0 {
            self.leave(each);
        }
        self.flush(each);
    }

    /// The cursor is about to leave its line.
    fn leave(&mut self, each: &mut dyn FnMut(Entered)) {
        if self.entered == 0 {
            self.left_by_itself(each);
            return;
        }
        if self.is_drawing_paste() {
            return;
        }
        self.entered -= 1;
        self.drawn = None;
        let pressed = self.keys.take();
        let start = self.start.take();
        let (prompt, text, sure) = self.entry(start, pressed.pasted > 0);
        let text = text.trim().to_owned();
        if text.is_empty() {
            if pressed.typed && !pressed.erased && !prompt.trim().is_empty() {
                self.flush(each);
                each(Entered::Unseen { prompt: prompt.trim().to_owned() });
            }
            return;
        }
        if prompt::continues(&prompt)
            && let Some(held) = &mut self.held
            && held.len() < ENTRY_LEN_MAX
        {
            held.push('\n');
            held.push_str(&text);
            if !incomplete(held) {
                self.flush(each);
            }
            return;
        }
        self.flush(each);
        let prompted = sure || prompt::is_shell(&prompt);
        if prompted {
            self.know(prompt);
            if incomplete(&text) {
                self.held = Some(text);
                return;
            }
        } else {
            if self.ahead.len() >= AHEAD_MAX {
                self.ahead.pop_front();
            }
            self.ahead.push_back(text.clone());
        }
        each(Entered::Line { text, prompted });
    }

    /// Whether this is a line's end within what was pasted, which the shell draws line by line.
    fn is_drawing_paste(&mut self) -> bool {
        let pasted = self.keys.pressed().pasted;
        if pasted == 0 {
            return false;
        }
        let shown = self.start.as_ref().and_then(|start| self.rows_since(&start.anchor));
        let Some(shown) = shown.filter(|shown| shown.len() <= ENTRY_LEN_MAX) else { return false };
        let is_part = shown.lines().count() <= usize::try_from(pasted).unwrap_or(0);
        if is_part {
            self.drawn = Some(shown);
        }
        is_part
    }

    /// A line ends without Enter: output, or what was typed ahead and is shown again after the prompt.
    fn left_by_itself(&mut self, each: &mut dyn FnMut(Entered)) {
        if self.held.is_none() && self.ahead.is_empty() {
            return;
        }
        let row = self.logical_row();
        if self.held.is_some() && !prompt::continues(row.trim_end()) && !prompt::begins_continued(&row) {
            self.flush(each);
        }
        if self.ahead.is_empty() {
            return;
        }
        let Some(text) = self.after_known_prompt(&row) else { return };
        let text = text.trim().to_owned();
        if text.is_empty() {
            return;
        }
        let told = self.ahead.pop_front();
        if told.as_ref() != Some(&text) {
            each(Entered::Line { text, prompted: true });
        }
    }

    /// The prompt and what was entered after it, and whether the shell itself said where it begins.
    fn entry(&self, start: Option<Start>, pasted_lines: bool) -> (String, String, bool) {
        let row = self.logical_row();
        if let Some(Start { prompt, sure, anchor }) = &start {
            let rest = strip(&row, prompt).filter(|_| !pasted_lines);
            if let Some(rest) = rest.filter(|_| *sure || !prompt.is_empty()) {
                return (prompt.clone(), self.without_right_prompt(rest), *sure);
            }
            if let Some(text) = self.rows_since(anchor).filter(|_| *sure || !prompt.is_empty()) {
                return (prompt.clone(), text, *sure);
            }
        }
        if let Some(rest) = self.after_known_prompt(&row) {
            let prompt = row.get(..row.len() - rest.len()).unwrap_or_default().to_owned();
            return (prompt, self.without_right_prompt(rest), false);
        }
        if let Some(at) = prompt::guess(&row) {
            let (prompt, rest) = row.split_at(at);
            return (prompt.to_owned(), self.without_right_prompt(rest), false);
        }
        (String::new(), row, false)
    }

    /// What follows a prompt that was seen before.
    fn after_known_prompt<'a>(&self, row: &'a str) -> Option<&'a str> {
        self.prompts.iter().filter_map(|prompt| strip(row, prompt)).min_by_key(|rest| rest.len())
    }

    fn know(&mut self, prompt: String) {
        self.prompts.retain(|known| *known != prompt);
        if self.prompts.len() >= PROMPTS_MAX {
            self.prompts.pop_front();
        }
        self.prompts.push_back(prompt);
    }

    fn flush(&mut self, each: &mut dyn FnMut(Entered)) {
        if let Some(text) = self.held.take() {
            each(Entered::Line { text, prompted: true });
        }
    }

    /// A prompt at the right edge of the screen is no part of the command.
    fn without_right_prompt(&self, rest: &str) -> String {
        let (cols, _) = self.terminal.size();
        let cursor = self.terminal.cursor();
        let full = self
            .terminal
            .screen()
            .line(cursor.row)
            .is_some_and(|line| line.text().trim_end().chars().count() + 2 >= cols);
        match rest.rfind("        ") {
            Some(at) if full && !rest.get(..at).unwrap_or_default().trim().is_empty() => {
                rest.get(..at).unwrap_or_default().to_owned()
            }
            _ => rest.to_owned(),
        }
    }

    /// The line that the cursor is on, over all rows that it was wrapped into.
    fn logical_row(&self) -> String {
        let (first, last) = self.logical_rows();
        self.read(first, 0, last)
    }

    fn logical_rows(&self) -> (usize, usize) {
        let row = self.terminal.cursor().row;
        let screen = self.terminal.screen();
        let wraps = |row: usize| screen.line(row).is_some_and(avt::Line::is_wrapped);
        let (mut first, mut last) = (row, row);
        while first > 0 && wraps(first - 1) {
            first -= 1;
        }
        while wraps(last) && last < usize::try_from(ROWS_MAX).unwrap_or(0) {
            last += 1;
        }
        (first, last)
    }

    /// The line up to the cursor.
    fn row_before_cursor(&self) -> String {
        let (first, _) = self.logical_rows();
        let cursor = self.terminal.cursor();
        let mut text = if cursor.row > first { self.read(first, 0, cursor.row - 1) } else { String::new() };
        if let Some(line) = self.terminal.screen().line(cursor.row) {
            text.extend(line.cells().iter().take(cursor.col).filter(|cell| cell.width() != 0).map(avt::Cell::char));
        }
        text
    }

    /// Everything from where the person began to type, rows that were not wrapped apart.
    fn rows_since(&self, anchor: &Anchor) -> Option<String> {
        let at = self.terminal.resolve(anchor).filter(|at| at.screen == ScreenKind::Primary)?;
        let row = usize::try_from(at.row).unwrap_or(0);
        let (_, last) = self.logical_rows();
        (row <= last).then(|| self.read(row, if at.row < 0 { 0 } else { at.col }, last))
    }

    fn read(&self, first: usize, col: usize, last: usize) -> String {
        let mut text = String::new();
        let screen = self.terminal.screen();
        for row in first..=last {
            let Some(line) = screen.line(row) else { break };
            let skipped = if row == first { col } else { 0 };
            text.extend(line.cells().iter().skip(skipped).filter(|cell| cell.width() != 0).map(avt::Cell::char));
            if !line.is_wrapped() {
                text.truncate(text.trim_end().len());
                if row < last {
                    text.push('\n');
                }
            }
        }
        text
    }
}

fn size(cols: u32, rows: u32) -> (usize, usize) {
    let within = |value: u32, most: u32, usual: u32| if value == 0 { usual } else { value.clamp(2, most) };
    let (cols, rows) = (within(cols, COLS_MAX, 80), within(rows, ROWS_MAX, 24));
    (usize::try_from(cols).unwrap_or(80), usize::try_from(rows).unwrap_or(24))
}

/// What follows the prompt; nothing where the row is the prompt alone, without the blank at its end.
fn strip<'a>(row: &'a str, prompt: &str) -> Option<&'a str> {
    row.strip_prefix(prompt).or_else(|| (row.trim_end() == prompt.trim_end()).then_some(""))
}
