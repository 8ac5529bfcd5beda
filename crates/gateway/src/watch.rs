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

/// Every frame of a live session, from the first on, none missed: where the one who reads is too slow
/// for what happens, they are read back from the file. The session never waits for it.
pub struct Tap {
    track: Arc<Track>,
    /// Frames that were given.
    seen: u64,
    behind: Option<Behind>,
    frames: Option<broadcast::Receiver<Arc<[u8]>>>,
    /// The recording is over; what is left is in the file.
    over: bool,
}

/// What is read from the file.
struct Behind {
    reader: ChunkReader,
    portions: Portions,
    /// Frames that were read, and up to which one they are wanted.
    read: u64,
    until: u64,
    waiting: VecDeque<Frame<'static>>,
}

impl Tap {
    pub(crate) fn new(track: Arc<Track>) -> Self {
        Self { track, seen: 0, behind: None, frames: None, over: false }
    }

    /// When the recording began, which frames count from.
    #[must_use]
    pub fn began(&self) -> std::time::Instant {
        self.track.began()
    }

    /// The next frame; `None` when the session is over. To be waited for to its end.
    pub async fn next(&mut self) -> Option<Frame<'static>> {
        loop {
            if let Some(behind) = &mut self.behind {
                if let Some(frame) = behind.waiting.pop_front() {
                    self.seen += 1;
                    return Some(frame);
                }
                if !self.read_on().await {
                    self.behind = None;
                }
                continue;
            }
            if self.over {
                return None;
            }
            let Some(frames) = &mut self.frames else {
                self.begin().await?;
                continue;
            };
            match frames.recv().await {
                Ok(encoded) => {
                    self.seen += 1;
                    match Frame::decode(&encoded) {
                        Ok(frame) => return Some(frame.into_owned()),
                        Err(error) => tracing::error!(%error, "a recorded frame could not be read back"),
                    }
                }
                Err(RecvError::Lagged(_)) => self.frames = None,
                Err(RecvError::Closed) => return None,
            }
        }
    }

    /// Follows from now on, and reads what came before from the file.
    async fn begin(&mut self) -> Option<()> {
        let until = match self.track.follow().await {
            Some(following) => {
                self.frames = Some(following.frames);
                following.from
            }
            None => {
                self.over = true;
                self.track.settled().await
            }
        };
        if until > self.seen {
            self.behind = Some(Behind {
                reader: ChunkReader::new(self.track.key()).ok()?,
                portions: Portions::new(),
                read: 0,
                until,
                waiting: VecDeque::new(),
            });
        }
        Some(())
    }

    /// Reads one more portion of the file; false when there is nothing more that is wanted.
    async fn read_on(&mut self) -> bool {
        let Some(mut behind) = self.behind.take() else { return false };
        if behind.read >= behind.until {
            return false;
        }
        let (track, seen) = (Arc::clone(&self.track), self.seen);
        let read = tokio::task::spawn_blocking(move || {
            let portion = behind.portions.next(track.file()).ok().filter(|portion| !portion.is_empty())?;
            behind.reader.push(portion);
            while let Ok(Some(chunk)) = behind.reader.next_chunk() {
                for frame in chunk.frames().flatten() {
                    if behind.read >= seen && behind.read < behind.until {
                        behind.waiting.push_back(frame.into_owned());
                    }
                    behind.read += 1;
                }
            }
            Some(behind)
        });
        self.behind = read.await.ok().flatten();
        self.behind.is_some()
    }
}
