//! From frames to deeds.

use std::collections::BTreeMap;

use postern_wire::recording::{
    ExitStatus, ForwardKind, ForwardPhase, Frame, FrameKind, StatementEnd, StatementOutcome,
};

use crate::deed::{Command, Deed, DeedKind, Ends, Moved, StatementDone};
use crate::lines::Script;
use crate::screen::{Entered, Screen};
use crate::statement::{Statements, ended};
use crate::{TEXT_LEN_MAX, mask, shell};

/// How many channels are followed at once, and how many of them with a screen.
const CHANNELS_MAX: usize = 256;
const SCREENS_MAX: usize = 16;
/// How much of a terminal's output is told of at once, in bytes.
const TOLD_EVERY: u64 = 1024 * 1024;

/// What is done on a channel.
enum Channel {
    Terminal {
        screen: Box<Screen>,
        untold: u64,
    },
    /// A shell's input without a terminal.
    Script(Script),
    /// Nothing that is read as commands.
    Other,
}

/// Ends of statements that are told as one: by the number, the name and the time of the one that moved most.
struct Sum {
    at: u64,
    done: StatementDone,
    /// How much that one moved out.
    most: u64,
}

/// Understands one session. Feed it the recording's frames from the first on.
#[derive(Default)]
pub struct Understanding {
    channels: BTreeMap<u32, Channel>,
    statements: Statements,
    ends: Ends,
    sum: Option<Box<Sum>>,
    /// When the last frame was, in milliseconds.
    at: u64,
}

impl Understanding {
    /// One that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How ends of statements are told from now on.
    pub fn tell_ends(&mut self, ends: Ends) {
        self.ends = ends;
    }

    /// The sum of the ends since the last call, where that is how they are told.
    pub fn summed(&mut self) -> Option<Deed> {
        let Sum { at, done, .. } = *self.sum.take()?;
        Some(Deed { at, channel: None, kind: DeedKind::StatementEnd(done) })
    }

    /// Statements that were found to be dull are told again.
    pub fn nothing_is_dull(&mut self) {
        self.statements.nothing_is_dull();
    }

    /// Takes the next frame, and calls `each` with the deeds that it completes.
    pub fn frame(&mut self, frame: &Frame<'_>, each: &mut dyn FnMut(Deed)) {
        self.frame_unless(frame, &mut |_| false, each);
    }

    /// As [`Self::frame`], but what a statement says that has come before is left out if `dull`, which is asked
    /// when it comes again, says so, until [`Self::nothing_is_dull`]. Whether that was so.
    pub fn frame_unless(
        &mut self,
        frame: &Frame<'_>,
        dull: &mut dyn FnMut(&Deed) -> bool,
        each: &mut dyn FnMut(Deed),
    ) -> bool {
        self.at = frame.at_us / 1000;
        let (at, channel) = (self.at, frame.kind.channel());
        let mut tell = |kind| each(Deed { at, channel, kind });
        match &frame.kind {
            FrameKind::Terminal { channel, cols, rows, .. } => self.terminal(*channel, *cols, *rows, &mut tell),
            FrameKind::Resize { channel, cols, rows } => {
                if let Some(Channel::Terminal { screen, .. }) = self.channels.get_mut(channel) {
                    screen.resize(*cols, *rows);
                }
            }
            FrameKind::Input { channel, data } => self.input(*channel, data, &mut tell),
            FrameKind::Output { channel, data } | FrameKind::ErrorOutput { channel, data } => {
                self.output(*channel, data, &mut tell);
            }
            FrameKind::Exec { channel, command } => self.exec(*channel, command, &mut tell),
            FrameKind::Exit { channel, status } => {
                self.close(*channel, &mut tell);
                let code = if let ExitStatus::Code(code) = status { Some(*code) } else { None };
                tell(DeedKind::Exit { code });
            }
            FrameKind::Sftp { channel, .. } | FrameKind::Forward { channel, .. } => {
                self.other(*channel);
                told_as_is(&frame.kind, &mut tell);
            }
            FrameKind::Statement(statement) => {
                let dull = |kind| dull(&Deed { at, channel, kind });
                return self.statements.begin(statement, dull, &mut tell);
            }
            FrameKind::StatementText(more) => self.statements.more(more).into_iter().for_each(tell),
            FrameKind::StatementEnd(end) => {
                self.statements.finish().into_iter().for_each(&mut tell);
                match self.ends {
                    Ends::Summed if end.outcome == StatementOutcome::Done => self.add(end),
                    Ends::Each | Ends::Summed => tell(DeedKind::StatementEnd(ended(end))),
                    Ends::Untold => {}
                }
            }
            kind => told_as_is(kind, &mut tell),
        }
        false
    }

    fn add(&mut self, end: &StatementEnd<'_>) {
        let Some(sum) = &mut self.sum else {
            self.sum = Some(Box::new(Sum { at: self.at, done: ended(end), most: end.bytes_out }));
            return;
        };
        let Sum { at, done, most } = &mut **sum;
        done.rows = done.rows.saturating_add(end.rows);
        done.moved.bytes_in = done.moved.bytes_in.saturating_add(end.bytes_in);
        done.moved.bytes_out = done.moved.bytes_out.saturating_add(end.bytes_out);
        if end.bytes_out > *most {
            (*at, *most, done.number) = (self.at, end.bytes_out, end.statement);
            done.tag.clear();
            done.tag.push_str(&end.tag);
        }
    }

    /// The recording is over: calls `each` with what was begun and not completed.
    pub fn finish(mut self, each: &mut dyn FnMut(Deed)) {
        let at = self.at;
        let channels: Vec<_> = self.channels.keys().copied().collect();
        for channel in channels {
            self.close(channel, &mut |kind| each(Deed { at, channel: Some(channel), kind }));
        }
        if let Some(kind) = self.statements.finish() {
            each(Deed { at, channel: None, kind });
        }
        self.summed().into_iter().for_each(each);
    }

    fn terminal(&mut self, channel: u32, cols: u32, rows: u32, tell: &mut dyn FnMut(DeedKind)) {
        let screens = self.channels.values().filter(|channel| matches!(channel, Channel::Terminal { .. })).count();
        match Screen::new(cols, rows).filter(|_| screens < SCREENS_MAX && self.channels.len() < CHANNELS_MAX) {
            Some(screen) => {
                self.channels.insert(channel, Channel::Terminal { screen: Box::new(screen), untold: 0 });
            }
            None => tell(DeedKind::Unread),
        }
    }

    fn input(&mut self, channel: u32, data: &[u8], tell: &mut dyn FnMut(DeedKind)) {
        if !self.channels.contains_key(&channel) {
            if self.channels.len() >= CHANNELS_MAX {
                return;
            }
            // A shell that has no terminal.
            self.channels.insert(channel, Channel::Script(Script::default()));
        }
        match self.channels.get_mut(&channel) {
            Some(Channel::Terminal { screen, .. }) => screen.input(data, &mut |entered| tell(line(entered))),
            Some(Channel::Script(script)) => script.input(data, &mut |text| tell(command(text, true))),
            Some(Channel::Other) | None => {}
        }
    }

    fn output(&mut self, channel: u32, data: &[u8], tell: &mut dyn FnMut(DeedKind)) {
        if let Some(Channel::Terminal { screen, untold }) = self.channels.get_mut(&channel) {
            screen.output(data, &mut |entered| tell(line(entered)));
            *untold += u64::try_from(data.len()).unwrap_or(0);
            if *untold >= TOLD_EVERY {
                tell(DeedKind::Moved(Moved { bytes_in: 0, bytes_out: std::mem::take(untold) }));
            }
        }
    }

    fn exec(&mut self, channel: u32, requested: &[u8], tell: &mut dyn FnMut(DeedKind)) {
        let text = String::from_utf8_lossy(requested).into_owned();
        let DeedKind::Command(told) = command(text, true) else { return };
        let reads_commands = told.programs.last().is_some_and(|program| {
            ["sh", "bash", "zsh", "dash", "ksh"].contains(&program.as_str()) && !told.text.contains(" -c")
        });
        if !matches!(self.channels.get(&channel), Some(Channel::Terminal { .. })) && self.channels.len() < CHANNELS_MAX
        {
            let kind = if reads_commands { Channel::Script(Script::default()) } else { Channel::Other };
            self.channels.insert(channel, kind);
        }
        tell(DeedKind::Exec(told));
    }

    fn other(&mut self, channel: u32) {
        if self.channels.len() < CHANNELS_MAX {
            self.channels.entry(channel).or_insert(Channel::Other);
        }
    }

    fn close(&mut self, channel: u32, tell: &mut dyn FnMut(DeedKind)) {
        match self.channels.remove(&channel) {
            Some(Channel::Terminal { mut screen, untold }) => {
                screen.finish(&mut |entered| tell(line(entered)));
                if untold > 0 {
                    tell(DeedKind::Moved(Moved { bytes_in: 0, bytes_out: untold }));
                }
            }
            Some(Channel::Script(mut script)) => script.finish(&mut |text| tell(command(text, true))),
            Some(Channel::Other) | None => {}
        }
    }
}

/// What one frame says by itself.
fn told_as_is(kind: &FrameKind<'_>, tell: &mut dyn FnMut(DeedKind)) {
    match kind {
        FrameKind::ExecDigest { input, output, error_output, .. } => {
            tell(DeedKind::Moved(Moved { bytes_in: input.bytes, bytes_out: output.bytes + error_output.bytes }));
        }
        FrameKind::Sftp { op, path, path2, bytes, ok, .. } => {
            let text = |path: &[u8]| shortened(mask(&String::from_utf8_lossy(path)).into_owned());
            let (path, path2) = (text(path), path2.as_deref().map(text));
            tell(DeedKind::File { op: op.to_string(), path, path2, bytes: *bytes, ok: *ok });
        }
        FrameKind::Forward { kind, host, port, bytes_in, bytes_out, phase, .. } => {
            let forward = match kind {
                ForwardKind::Local => "local",
                ForwardKind::Remote => "remote",
                ForwardKind::Agent => "agent",
                ForwardKind::X11 => "x11",
                ForwardKind::LocalSocket => "local_socket",
                ForwardKind::RemoteSocket => "remote_socket",
            };
            tell(DeedKind::Forward {
                forward: forward.to_owned(),
                host: shortened(host.to_string()),
                port: *port,
                moved: Moved { bytes_in: *bytes_in, bytes_out: *bytes_out },
                ended: *phase == ForwardPhase::Closed,
            });
        }
        FrameKind::Capability { name, allowed } => {
            tell(DeedKind::Capability { name: name.to_string(), allowed: *allowed });
        }
        _ => {}
    }
}

fn line(entered: Entered) -> DeedKind {
    match entered {
        Entered::Line { text, prompted } => command(text, prompted),
        Entered::Unseen { prompt } => DeedKind::Unseen { prompt: shortened(mask(&prompt).into_owned()) },
    }
}

fn command(text: String, prompted: bool) -> DeedKind {
    // What is named is read from the masked text, so that no secret is in a name.
    let text = shortened(mask(&text).into_owned());
    let shell::Parsed { programs, files, hosts } = shell::parse(&text);
    DeedKind::Command(Command { text, programs, files, hosts, prompted })
}

/// The text without its middle, where it is too long.
pub(crate) fn shortened(text: String) -> String {
    const GAP: &str = "\n[...]\n";
    if text.len() <= TEXT_LEN_MAX {
        return text;
    }
    let half = (TEXT_LEN_MAX - GAP.len()) / 2;
    let head = (0..=half).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let tail = (text.len() - half..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    format!("{}{GAP}{}", text.get(..head).unwrap_or_default(), text.get(tail..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use postern_wire::recording::{Statement, StatementText};

    use super::*;

    fn statement(number: u64, text: &str, text_bytes: usize) -> Frame<'_> {
        let text_bytes = u64::try_from(text_bytes).unwrap();
        let text = text.as_bytes().into();
        let kind = FrameKind::Statement(Statement { statement: number, text_bytes, text, parameters: Vec::new() });
        Frame { at_us: number * 1000, kind }
    }

    /// Which statements are told of those that say this, where all that come again are dull.
    fn told(understanding: &mut Understanding, texts: &[&str]) -> Vec<u64> {
        let mut told = Vec::new();
        for (number, text) in (1..).zip(texts) {
            understanding.frame_unless(&statement(number, text, text.len()), &mut |_| true, &mut |deed| {
                if let DeedKind::Statement { number, .. } = deed.kind {
                    told.push(number);
                }
            });
        }
        told
    }

    #[test]
    fn what_is_dull_is_left_out_until_nothing_is() {
        let mut understanding = Understanding::new();
        let texts = ["select 1", "select 1", "select 1", "begin", "select 1", "begin", "begin"];
        assert_eq!(told(&mut understanding, &texts), [1, 2, 4, 6]);
        assert!(told(&mut understanding, &texts).is_empty());
        understanding.nothing_is_dull();
        assert_eq!(told(&mut understanding, &texts), [1, 4], "they are known");
    }

    #[test]
    fn a_statement_whose_text_never_ended_is_told_before_a_dull_one() {
        let mut understanding = Understanding::new();
        told(&mut understanding, &["select 1"; 3]);
        let mut texts = Vec::new();
        let mut each = |deed: Deed| {
            if let DeedKind::Statement { text, .. } = deed.kind {
                texts.push(text);
            }
        };
        understanding.frame_unless(&statement(7, "drop ta", 900), &mut |_| true, &mut each);
        let more = StatementText { statement: 7, text: b"ble customer".as_slice().into() };
        understanding.frame(&Frame { at_us: 0, kind: FrameKind::StatementText(more) }, &mut each);
        let left_out = understanding.frame_unless(&statement(8, "select 1", 8), &mut |_| true, &mut each);
        assert!(left_out && texts == ["drop table customer"], "{texts:?}");
    }

    #[test]
    fn ends_are_summed_under_the_name_of_the_largest() {
        let mut understanding = Understanding::new();
        understanding.tell_ends(Ends::Summed);
        let mut told = Vec::new();
        let ends =
            [(1, StatementOutcome::Done, 10), (2, StatementOutcome::Failed, 7), (3, StatementOutcome::Done, 500)];
        for (number, outcome, bytes_out) in ends.into_iter().chain([(4, StatementOutcome::Done, 20)]) {
            let tag = format!("SELECT {number}").into();
            let end = StatementEnd { statement: number, outcome, rows: 1, bytes_out, tag, ..StatementEnd::default() };
            let frame = Frame { at_us: number * 1000, kind: FrameKind::StatementEnd(end) };
            understanding.frame(&frame, &mut |deed| told.push(deed));
        }
        assert!(matches!(&told[..], [Deed { kind: DeedKind::StatementEnd(failed), .. }] if failed.number == 2));
        let Some(Deed { at: 3, kind: DeedKind::StatementEnd(sum), .. }) = understanding.summed() else {
            panic!("there is a sum, at the time of the largest")
        };
        assert_eq!((sum.number, sum.tag.as_str(), sum.rows, sum.moved.bytes_out), (3, "SELECT 3", 3, 530));
        assert!(understanding.summed().is_none());
    }
}
