//! Recording a command's streams: the beginning as it is, all of it as a count and a digest.

use postern_wire::recording::{FrameKind, StreamDigest};

use super::{Recorder, RecorderFailed};

/// Records the three streams of one command. The first `EXEC_OUTPUT_MAX` bytes of each become frames;
/// everything is counted and digested, and `finish` records the sums.
pub struct ExecTap {
    recorder: Recorder,
    channel: u32,
    input: StreamDigest,
    output: StreamDigest,
    error_output: StreamDigest,
}

impl ExecTap {
    /// For the command on `channel`.
    #[must_use]
    pub fn new(recorder: Recorder, channel: u32) -> Self {
        Self {
            recorder,
            channel,
            input: StreamDigest::new(),
            output: StreamDigest::new(),
            error_output: StreamDigest::new(),
        }
    }

    /// Bytes that go from the person to the command.
    pub async fn input(&mut self, data: &[u8]) -> Result<(), RecorderFailed> {
        let head = self.input.update(data);
        if head.is_empty() { Ok(()) } else { self.recorder.record(FrameKind::input(self.channel, head)).await }
    }

    /// Bytes that the command wrote to standard output.
    pub async fn output(&mut self, data: &[u8]) -> Result<(), RecorderFailed> {
        let head = self.output.update(data);
        if head.is_empty() { Ok(()) } else { self.recorder.record(FrameKind::output(self.channel, head)).await }
    }

    /// Bytes that the command wrote to standard error.
    pub async fn error_output(&mut self, data: &[u8]) -> Result<(), RecorderFailed> {
        let head = self.error_output.update(data);
        if head.is_empty() { Ok(()) } else { self.recorder.record(FrameKind::error_output(self.channel, head)).await }
    }

    /// The streams are over: records how long they were and what they hash to.
    pub async fn finish(self) -> Result<(), RecorderFailed> {
        let sums = FrameKind::ExecDigest {
            channel: self.channel,
            input: self.input.finish(),
            output: self.output.finish(),
            error_output: self.error_output.finish(),
        };
        self.recorder.record(sums).await
    }
}
