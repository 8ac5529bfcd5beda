//! asciicast v3: what a terminal player understands. One channel's terminal; everything else that
//! happened becomes markers.

use std::fmt::Write;

use serde::Serialize;

use super::frame::{ExitStatus, ForwardPhase, Frame, FrameKind};
use super::utf8::Utf8Stream;

/// How many markers are kept while the terminal's size is not known yet.
const EARLY_MARKERS_MAX: usize = 64;
/// The size assumed for a command that ran without a terminal.
const DEFAULT_SIZE: (u32, u32) = (80, 24);

/// The first line.
#[derive(Serialize)]
struct Header<'a> {
    version: u8,
    term: Term<'a>,
    timestamp: u64,
    title: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    command: Option<&'a str>,
}

#[derive(Serialize)]
struct Term<'a> {
    cols: u32,
    rows: u32,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'a str>,
}

/// Writes one channel of a recording as asciicast v3. Feed frames in order, then `finish`.
#[derive(Clone, Debug)]
pub struct CastWriter {
    channel: u32,
    title: String,
    timestamp_s: u64,
    command: Option<String>,
    early: Vec<(u64, String)>,
    begun: bool,
    /// The time of the last event, rounded; intervals are differences of rounded times, so that
    /// rounding does not add up.
    last_ms: u64,
    last_us: u64,
    output: Utf8Stream,
    error_output: Utf8Stream,
    input: Utf8Stream,
}

impl CastWriter {
    /// A writer for `channel`.
    #[must_use]
    pub fn new(channel: u32) -> Self {
        Self {
            channel,
            title: String::new(),
            timestamp_s: 0,
            command: None,
            early: Vec::new(),
            begun: false,
            last_ms: 0,
            last_us: 0,
            output: Utf8Stream::default(),
            error_output: Utf8Stream::default(),
            input: Utf8Stream::default(),
        }
    }

    /// Appends the lines that `frame` becomes to `out`.
    pub fn frame(&mut self, frame: &Frame<'_>, out: &mut String) {
        let at = frame.at_us;
        self.last_us = self.last_us.max(at);
        let ours = frame.kind.channel() == Some(self.channel);
        match &frame.kind {
            FrameKind::Start { session, user, account, asset, started_at_ms, .. } => {
                self.title = format!("{user}: {account}@{asset} ({session})");
                self.timestamp_s = started_at_ms / 1000;
            }
            FrameKind::Terminal { term, cols, rows, .. } if ours && !self.begun => {
                self.begin(Some(term), (*cols, *rows), out);
            }
            FrameKind::Terminal { cols, rows, .. } | FrameKind::Resize { cols, rows, .. } if ours => {
                self.event(at, "r", &format!("{cols}x{rows}"), out);
            }
            FrameKind::Output { data, .. } if ours => {
                let mut text = String::with_capacity(data.len());
                self.output.decode(data, &mut text);
                self.event(at, "o", &text, out);
            }
            FrameKind::ErrorOutput { data, .. } if ours => {
                let mut text = String::with_capacity(data.len());
                self.error_output.decode(data, &mut text);
                self.event(at, "o", &text, out);
            }
            FrameKind::Input { data, .. } if ours => {
                let mut text = String::with_capacity(data.len());
                self.input.decode(data, &mut text);
                self.event(at, "i", &text, out);
            }
            FrameKind::Exit { status, .. } if ours => {
                self.flush(at, out);
                self.event(at, "x", &exit_code(status).to_string(), out);
            }
            FrameKind::Exec { command, .. } if ours && !self.begun => {
                self.command = Some(String::from_utf8_lossy(command).into_owned());
            }
            FrameKind::Output { .. } | FrameKind::ErrorOutput { .. } | FrameKind::Input { .. } => {}
            FrameKind::Statement(statement) => self.show(at, &statement.shown(), out),
            FrameKind::StatementText(more) => self.show(at, &String::from_utf8_lossy(&more.text), out),
            FrameKind::StatementRow(row) => self.show(at, &row.shown(), out),
            FrameKind::StatementEnd(end) => self.show(at, &end.shown(), out),
            other => self.mark(at, &label(other), out),
        }
    }

    /// The recording is over: appends what is still held back.
    pub fn finish(&mut self, out: &mut String) {
        if !self.begun {
            self.begin(None, DEFAULT_SIZE, out);
        }
        self.flush(self.last_us, out);
    }

    fn flush(&mut self, at_us: u64, out: &mut String) {
        let mut text = String::new();
        self.output.finish(&mut text);
        self.error_output.finish(&mut text);
        self.event(at_us, "o", &text, out);
        text.clear();
        self.input.finish(&mut text);
        self.event(at_us, "i", &text, out);
    }

    fn begin(&mut self, term: Option<&str>, (cols, rows): (u32, u32), out: &mut String) {
        let header = Header {
            version: 3,
            term: Term { cols, rows, kind: term.filter(|term| !term.is_empty()) },
            timestamp: self.timestamp_s,
            title: &self.title,
            command: self.command.as_deref(),
        };
        let header = serde_json::to_string(&header).unwrap_or_default();
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{header}");
        self.begun = true;
        for (at, text) in std::mem::take(&mut self.early) {
            self.event(at, "m", &text, out);
        }
    }

    /// Lines that no terminal showed; what could command one is left out.
    fn show(&mut self, at_us: u64, lines: &str, out: &mut String) {
        let plain: String = lines.chars().filter(|char| !char.is_control() || matches!(char, '\n' | '\t')).collect();
        self.event(at_us, "o", &plain.replace('\n', "\r\n"), out);
    }

    fn mark(&mut self, at_us: u64, text: &str, out: &mut String) {
        if self.begun {
            self.event(at_us, "m", text, out);
        } else if self.early.len() < EARLY_MARKERS_MAX {
            self.early.push((at_us, text.to_owned()));
        }
    }

    fn event(&mut self, at_us: u64, code: &str, data: &str, out: &mut String) {
        if data.is_empty() {
            return;
        }
        if !self.begun {
            self.begin(None, DEFAULT_SIZE, out);
        }
        let at_ms = at_us / 1000;
        let interval_ms = at_ms.saturating_sub(self.last_ms);
        self.last_ms = self.last_ms.max(at_ms);
        let (seconds, millis) = (interval_ms / 1000, interval_ms % 1000);
        let data = serde_json::Value::from(data);
        // Writing to a string cannot fail.
        let _ = writeln!(out, "[{seconds}.{millis:03}, \"{code}\", {data}]");
    }
}

/// The status that a shell would report.
fn exit_code(status: &ExitStatus<'_>) -> u32 {
    let signal = match status {
        ExitStatus::Code(code) => return *code,
        ExitStatus::Signal(name) => name.as_ref(),
    };
    match signal {
        "HUP" => 129,
        "INT" => 130,
        "QUIT" => 131,
        "ILL" => 132,
        "ABRT" => 134,
        "FPE" => 136,
        "KILL" => 137,
        "USR1" => 138,
        "SEGV" => 139,
        "USR2" => 140,
        "PIPE" => 141,
        "ALRM" => 142,
        "TERM" => 143,
        _ => 255,
    }
}

/// A marker's text: one line.
pub(super) fn label(kind: &FrameKind<'_>) -> String {
    match kind {
        FrameKind::Terminal { channel, cols, rows, .. } => format!("terminal {cols}x{rows} on channel {channel}"),
        FrameKind::Resize { channel, cols, rows } => format!("resize {cols}x{rows} on channel {channel}"),
        FrameKind::Exec { channel, command } => {
            format!("exec on channel {channel}: {}", String::from_utf8_lossy(command))
        }
        FrameKind::ExecDigest { channel, input, output, error_output } => format!(
            "streams of channel {channel}: in {} bytes, out {} bytes blake3 {}, err {} bytes",
            input.bytes, output.bytes, output.blake3, error_output.bytes
        ),
        FrameKind::Exit { channel, status } => format!("exit {} on channel {channel}", exit_code(status)),
        FrameKind::Sftp { op, path, path2, bytes, ok, .. } => {
            let outcome = if *ok { "" } else { " (failed)" };
            let path = String::from_utf8_lossy(path);
            match path2 {
                Some(path2) => format!("sftp {op} {path} -> {}{outcome}", String::from_utf8_lossy(path2)),
                None => format!("sftp {op} {path} {bytes} bytes{outcome}"),
            }
        }
        FrameKind::Forward { kind, host, port, bytes_in, bytes_out, phase, .. } => match phase {
            ForwardPhase::Opened => format!("forward {kind:?} {host}:{port} opened"),
            ForwardPhase::Closed => {
                format!("forward {kind:?} {host}:{port} closed, in {bytes_in} bytes, out {bytes_out} bytes")
            }
        },
        FrameKind::Env { name, value, .. } => format!("env {name}={}", String::from_utf8_lossy(value)),
        FrameKind::Capability { name, allowed: true } => format!("allowed: {name}"),
        FrameKind::Capability { name, allowed: false } => format!("refused: {name}"),
        FrameKind::Note { text } => format!("note: {text}"),
        FrameKind::Statement(statement) => format!("statement {}", statement.statement),
        FrameKind::StatementText(more) => format!("more of statement {}", more.statement),
        FrameKind::StatementRow(row) => format!("row of statement {}", row.statement),
        FrameKind::StatementEnd(end) => format!("end of statement {}", end.statement),
        FrameKind::End { reason } => format!("end: {reason}"),
        FrameKind::Start { session, .. } => format!("start: {session}"),
        FrameKind::Output { channel, .. } | FrameKind::ErrorOutput { channel, .. } => {
            format!("output on channel {channel}")
        }
        FrameKind::Input { channel, .. } => format!("input on channel {channel}"),
    }
}
