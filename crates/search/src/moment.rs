//! Moments: what a recording holds that can be found, with the time at which it happened.

use postern_understand::{Command, Deed, DeedKind, Ends, Masker, Understanding, mask};
use postern_wire::recording::{Frame, FrameKind, LineReader};
use serde::{Deserialize, Serialize};

use crate::words::Field;

/// What a moment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MomentKind {
    /// A line that was shown.
    Output,
    /// A command that was entered at a terminal or given to a shell.
    Command,
    /// A command that was run by request, without a shell's prompt.
    Exec,
    /// A file that was moved or changed.
    File,
    /// A connection that was forwarded.
    Forward,
    /// A statement.
    Statement,
}

impl MomentKind {
    /// What it is called in answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Output => "output",
            Self::Command => "command",
            Self::Exec => "exec",
            Self::File => "file",
            Self::Forward => "forward",
            Self::Statement => "statement",
        }
    }
}

/// Something that can be found. Its texts have been masked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Milliseconds since the session's start.
    pub at_ms: u64,
    /// The channel; none for what concerns the session as a whole.
    pub channel: Option<u32>,
    /// What it is.
    pub kind: MomentKind,
    /// What it says.
    pub text: String,
    /// What it names besides.
    pub(crate) names: Vec<(Field, String)>,
}

impl Moment {
    /// A command line that was told by the screen; only its text is kept, the names are read from it anew.
    pub(crate) fn command(at_ms: u64, channel: Option<u32>, text: String) -> Self {
        let postern_understand::Parsed { files, hosts, .. } = postern_understand::parse(&text);
        Self { at_ms, channel, kind: MomentKind::Command, names: named(files, hosts), text }
    }

    /// Whether it is a command or statement, for the fields that look in those.
    pub(crate) fn is(&self, field: Field) -> bool {
        match field {
            Field::Command => matches!(self.kind, MomentKind::Command | MomentKind::Exec),
            Field::Statement => self.kind == MomentKind::Statement,
            Field::File | Field::Host | Field::Table => true,
        }
    }
}

fn named(files: Vec<String>, hosts: Vec<String>) -> Vec<(Field, String)> {
    let files = files.into_iter().map(|file| (Field::File, file.to_lowercase()));
    files.chain(hosts.into_iter().map(|host| (Field::Host, host.to_lowercase()))).collect()
}

/// Reads moments out of frames.
pub(crate) struct MomentReader {
    lines: LineReader,
    masker: Masker,
    understanding: Understanding,
    /// Begun in the middle of a recording: a terminal's screen is not known, and commands on it are not told.
    partial: bool,
}

impl Default for MomentReader {
    fn default() -> Self {
        let mut understanding = Understanding::new();
        understanding.tell_ends(Ends::Untold);
        Self { lines: LineReader::default(), masker: Masker::default(), understanding, partial: false }
    }
}

impl MomentReader {
    /// One that begins in the middle of a recording.
    pub(crate) fn partial() -> Self {
        Self { partial: true, ..Self::default() }
    }

    /// Calls `each` with the moments that `frame` completes.
    pub(crate) fn frame(&mut self, frame: &Frame<'_>, each: &mut dyn FnMut(Moment)) {
        self.frame_unless(frame, false, each);
    }

    /// From here on, statements are told again that were told before.
    pub(crate) fn begin_anew(&mut self) {
        self.understanding.nothing_is_dull();
    }

    /// As [`Self::frame`], but most statements that have been told since [`Self::begin_anew`] can be left out; whether
    /// this one was.
    pub(crate) fn frame_unless(&mut self, frame: &Frame<'_>, again_untold: bool, each: &mut dyn FnMut(Moment)) -> bool {
        let terminal = matches!(
            frame.kind,
            FrameKind::Output { .. }
                | FrameKind::ErrorOutput { .. }
                | FrameKind::Input { .. }
                | FrameKind::Terminal { .. }
                | FrameKind::Resize { .. }
        );
        let mut left_out = false;
        if !(terminal && self.partial) {
            let mut each = |deed| moment(deed).into_iter().for_each(&mut *each);
            left_out = self.understanding.frame_unless(frame, &mut |_| again_untold, &mut each);
        }
        // The text of statements is told by their deeds, masked as a whole.
        if !matches!(frame.kind, FrameKind::Statement(_) | FrameKind::StatementText(_)) {
            let masker = &mut self.masker;
            self.lines.frame(frame, &mut |line| shown(masker, line, each));
        }
        left_out
    }

    /// There are no more frames: calls `each` with what was begun.
    pub(crate) fn finish(self, each: &mut dyn FnMut(Moment)) {
        let Self { lines, mut masker, understanding, .. } = self;
        lines.finish(&mut |line| shown(&mut masker, line, each));
        understanding.finish(&mut |deed| moment(deed).into_iter().for_each(&mut *each));
    }
}

fn shown(masker: &mut Masker, line: postern_wire::recording::Line, each: &mut dyn FnMut(Moment)) {
    let text = match masker.line(&line.text) {
        std::borrow::Cow::Borrowed(_) => line.text,
        std::borrow::Cow::Owned(masked) => masked,
    };
    if !text.is_empty() {
        let (at_ms, channel) = (line.at_us / 1000, Some(line.channel));
        each(Moment { at_ms, channel, kind: MomentKind::Output, text, names: Vec::new() });
    }
}

/// What can be found of a deed.
fn moment(deed: Deed) -> Option<Moment> {
    let Deed { at: at_ms, channel, kind } = deed;
    let of = |kind, text, names| Some(Moment { at_ms, channel, kind, text, names });
    match kind {
        DeedKind::Command(Command { text, files, hosts, .. }) => of(MomentKind::Command, text, named(files, hosts)),
        DeedKind::Exec(Command { text, files, hosts, .. }) => of(MomentKind::Exec, text, named(files, hosts)),
        DeedKind::File { op, path, path2, ok, .. } => {
            let to = path2.as_ref().map(|path| format!(" -> {path}")).unwrap_or_default();
            let text = format!("{op} {path}{to}{}", if ok { "" } else { " (failed)" });
            of(MomentKind::File, text, named(std::iter::once(path).chain(path2).collect(), Vec::new()))
        }
        DeedKind::Forward { forward, host, port, ended: false, .. } => {
            let text = if port == 0 { format!("{forward} {host}") } else { format!("{forward} {host}:{port}") };
            of(MomentKind::Forward, text, named(Vec::new(), vec![mask(&host).into_owned()]))
        }
        DeedKind::Statement { text, tables, .. } => {
            let tables = tables.into_iter().map(|table| (Field::Table, table.to_lowercase())).collect();
            of(MomentKind::Statement, text, tables)
        }
        _ => None,
    }
}
