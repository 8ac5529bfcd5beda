//! Following a live session.
//!
//! Nothing is kept for a session that nobody watches. Whoever begins to watch reads the recording back
//! from its file, keeps of it what a viewer needs to see the present screen, and then receives frames
//! as they are recorded. One who is too slow misses frames and is told so; the session never waits.

use std::collections::VecDeque;
use std::sync::Arc;

use postern_wire::recording::{ChunkReader, Frame, FrameKind};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use crate::recorder::Track;
use crate::stored::Portions;

#[cfg(test)]
mod tests;

/// How many bytes of a terminal's past are replayed; a full-screen program redraws within far fewer.
const REPLAY_LEN_MAX: usize = 512 * 1024;
/// How many frames of the past are replayed at most, the terminals' sizes apart.
const REPLAY_FRAMES_MAX: usize = 16 * 1024;
/// How many terminals' sizes are remembered for a replay.
const TERMINALS_MAX: usize = 64;

/// What a watcher sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Watched {
    /// Something happened, or is being replayed.
    Frame(Frame<'static>),
    /// So many frames were missed because this watcher was too slow.
    Lagged(u64),
}

/// A live session being followed.
pub struct Watch {
    replay: VecDeque<Frame<'static>>,
    frames: broadcast::Receiver<Arc<[u8]>>,
}

impl Watch {
    pub(crate) async fn start(track: Arc<Track>) -> Option<Self> {
        let following = track.follow().await?;
        let from = following.from;
        let replay = tokio::task::spawn_blocking(move || replay(&track, from)).await.ok()?;
        Some(Self { replay, frames: following.frames })
    }

    /// What comes next: first the replay, then what happens. `None` when the session is over. May be
    /// cancelled without losing a frame.
    pub async fn next(&mut self) -> Option<Watched> {
        if let Some(frame) = self.replay.pop_front() {
            return Some(Watched::Frame(frame));
        }
        loop {
            match self.frames.recv().await {
                Ok(encoded) => match Frame::decode(&encoded) {
                    Ok(frame) => return Some(Watched::Frame(frame.into_owned())),
                    Err(error) => tracing::error!(%error, "a recorded frame could not be read back"),
                },
                Err(RecvError::Lagged(missed)) => return Some(Watched::Lagged(missed)),
                Err(RecvError::Closed) => return None,
            }
        }
    }
}

/// The frames before `until` that a viewer needs: the start, the terminals with their present sizes,
/// and the latest of everything else.
fn replay(track: &Track, until: u64) -> VecDeque<Frame<'static>> {
    let mut kept = Kept::default();
    let Ok(mut reader) = ChunkReader::new(track.key()) else { return VecDeque::new() };
    let (mut portions, mut seen) = (Portions::new(), 0u64);
    while seen < until {
        let Ok(portion @ [_, ..]) = portions.next(track.file()) else { break };
        reader.push(portion);
        while let Ok(Some(chunk)) = reader.next_chunk() {
            for frame in chunk.frames().flatten() {
                if seen < until {
                    kept.keep(frame);
                }
                seen += 1;
            }
        }
    }
    kept.into_frames()
}

#[derive(Default)]
struct Kept {
    start: Option<Frame<'static>>,
    /// By channel, the terminal as it was last sized before the frames that are kept.
    terminals: Vec<(u32, Frame<'static>)>,
    latest: VecDeque<(usize, Frame<'static>)>,
    latest_len: usize,
}

impl Kept {
    fn keep(&mut self, frame: Frame<'_>) {
        if self.start.is_none() && matches!(frame.kind, FrameKind::Start { .. }) {
            self.start = Some(frame.into_owned());
            return;
        }
        let len = match &frame.kind {
            FrameKind::Output { data, .. } | FrameKind::ErrorOutput { data, .. } | FrameKind::Input { data, .. } => {
                data.len()
            }
            _ => 0,
        };
        self.latest_len += len;
        self.latest.push_back((len, frame.into_owned()));
        while self.latest_len > REPLAY_LEN_MAX || self.latest.len() > REPLAY_FRAMES_MAX {
            let Some((len, frame)) = self.latest.pop_front() else { break };
            self.latest_len -= len;
            self.forget(frame);
        }
    }

    /// A frame is too old to be replayed; what it says of a terminal's size still holds.
    fn forget(&mut self, frame: Frame<'static>) {
        match &frame.kind {
            FrameKind::Terminal { channel, .. } => {
                let channel = *channel;
                self.terminals.retain(|(other, _)| *other != channel);
                if self.terminals.len() < TERMINALS_MAX {
                    self.terminals.push((channel, frame));
                }
            }
            FrameKind::Resize { channel, cols, rows } => {
                let terminal = self.terminals.iter_mut().find(|(other, _)| other == channel);
                if let Some((_, Frame { kind: FrameKind::Terminal { cols: had_cols, rows: had_rows, .. }, .. })) =
                    terminal
                {
                    (*had_cols, *had_rows) = (*cols, *rows);
                }
            }
            FrameKind::Exit { channel, .. } => {
                let channel = *channel;
                self.terminals.retain(|(other, _)| *other != channel);
            }
            _ => {}
        }
    }

    fn into_frames(self) -> VecDeque<Frame<'static>> {
        let terminals = self.terminals.into_iter().map(|(_, frame)| frame);
        let latest = self.latest.into_iter().map(|(_, frame)| frame);
        self.start.into_iter().chain(terminals).chain(latest).collect()
    }
}
