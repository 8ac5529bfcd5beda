//! JSON lines, and the choice of the channel that is worth looking at.

use super::frame::{Frame, FrameKind};

/// Appends `frame` as one line of JSON. Data is text where it is UTF-8, else `{"base64": ...}`.
pub fn json_line(frame: &Frame<'_>, out: &mut String) {
    // Frames have no map with keys that JSON could not hold.
    if let Ok(line) = serde_json::to_string(frame) {
        out.push_str(&line);
        out.push('\n');
    }
}

/// Picks the channel that an export shows unless another is wanted: the first with a terminal, else
/// the first that ran a command or wrote something.
#[derive(Clone, Copy, Debug, Default)]
pub struct TerminalPick {
    terminal: Option<u32>,
    other: Option<u32>,
}

impl TerminalPick {
    /// Looks at the next frame; `true` when no later frame can change the choice.
    pub fn look(&mut self, frame: &Frame<'_>) -> bool {
        match &frame.kind {
            FrameKind::Terminal { channel, .. } => self.terminal = self.terminal.or(Some(*channel)),
            FrameKind::Exec { channel, .. }
            | FrameKind::Output { channel, .. }
            | FrameKind::ErrorOutput { channel, .. } => self.other = self.other.or(Some(*channel)),
            _ => {}
        }
        self.terminal.is_some()
    }

    /// The choice so far.
    #[must_use]
    pub fn channel(&self) -> Option<u32> {
        self.terminal.or(self.other)
    }
}
