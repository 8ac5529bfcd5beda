//! Reading along with a live session: every frame from the first on, none missed.
//!
//! Statements come by the ten thousands a second; waking somebody for each would cost more than running it.
//! What is recorded is gathered for the one who reads along, who looks at most every [`GATHER`] and takes
//! all of it; those who read along with different sessions look at the same moments, so that a thread wakes
//! once for all of them. Where that is too much to be kept, it is read back from the file. The session never
//! waits.

use std::fs::File;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use postern_wire::recording::{ChunkReader, Frame, Frames, Header, Position};

use crate::recorder::Track;
use crate::stored::Portions;

#[cfg(test)]
mod tests;

/// How long frames are gathered, at most, before somebody is woken who has just looked.
const GATHER: Duration = Duration::from_millis(20);
/// What the moments of looking count from.
static FIRST: LazyLock<Instant> = LazyLock::new(Instant::now);
/// How many bytes of frames are gathered.
pub(crate) const GATHERED_LEN_MAX: usize = 512 * 1024;

/// Frames that happened one after the other.
pub struct Portion {
    plain: Vec<u8>,
    skip: usize,
    take: usize,
}

impl Portion {
    /// Calls `each` with the frames, in order.
    pub fn each(&self, mut each: impl FnMut(&Frame<'_>)) {
        let mut frames = Frames::new(&self.plain);
        frames.by_ref().take(self.skip).for_each(drop);
        for frame in frames.take(self.take) {
            match &frame {
                Ok(frame) => each(frame),
                Err(error) => tracing::error!(%error, "a recorded frame could not be read back"),
            }
        }
    }
}

/// What is gathered for a tap between two of its looks.
#[derive(Default)]
pub(crate) struct Gathered {
    bytes: Vec<u8>,
    frames: u64,
    /// There was too much; it is in the file.
    lost: bool,
    /// The tap has seen that there is nothing, and waits.
    asleep: bool,
    /// How many bytes the last look gave: there will be as many again.
    before: usize,
}

/// What a look at what was gathered gives.
pub(crate) enum Look {
    /// So many frames, encoded.
    Frames(Vec<u8>, u64),
    /// What is missing is in the file, or will be soon, up to this frame.
    Behind(u64),
    /// Nothing now.
    Nothing,
    /// Nothing any more.
    Over,
}

impl Gathered {
    /// For one who has seen none of the frames so far, where there are any.
    pub(crate) fn since(recorded: u64) -> Self {
        Self { lost: recorded > 0, ..Self::default() }
    }

    /// Adds a frame; whether the tap is to be woken.
    pub(crate) fn add(&mut self, encoded: &[u8]) -> bool {
        if self.bytes.len() + encoded.len() > GATHERED_LEN_MAX {
            *self = Self { lost: true, asleep: self.asleep, ..Self::default() };
        }
        if !self.lost {
            if self.frames == 1 {
                self.bytes.reserve(self.before);
            }
            self.bytes.extend_from_slice(encoded);
            self.frames += 1;
        }
        std::mem::take(&mut self.asleep)
    }

    /// What there is, of `recorded` frames in all.
    pub(crate) fn look(&mut self, recorded: u64, over: bool) -> Look {
        if self.lost {
            *self = Self::default();
            return Look::Behind(recorded);
        }
        if self.frames > 0 {
            self.before = self.bytes.len();
            return Look::Frames(std::mem::take(&mut self.bytes), std::mem::take(&mut self.frames));
        }
        self.asleep = !over;
        if over { Look::Over } else { Look::Nothing }
    }
}

/// Every frame of a live session. There is one for each session.
pub struct Tap {
    track: Arc<Track>,
    /// Frames that were given.
    seen: u64,
    /// Up to which frame the file is read, where it is.
    until: u64,
    file: Option<Box<Reading>>,
    /// Where the file is read on from next time.
    place: Option<Bookmark>,
    looked: Option<Instant>,
}

/// A place in the file: a chunk begins there.
struct Bookmark {
    header: Header,
    position: Position,
    /// Frames before it.
    frames: u64,
}

/// The file while it is read.
struct Reading {
    reader: ChunkReader,
    portions: Portions,
    /// Frames that were read.
    frames: u64,
}

/// A chunk of the file.
struct Read {
    plain: Vec<u8>,
    /// Its frames: from the first up to the one after the last.
    from: u64,
    to: u64,
    /// Where it begins; none for the first.
    place: Option<Bookmark>,
}

impl Tap {
    pub(crate) fn new(track: Arc<Track>) -> Self {
        Self { track, seen: 0, until: 0, file: None, place: None, looked: None }
    }

    /// When the recording began, which frames count from.
    #[must_use]
    pub fn began(&self) -> Instant {
        self.track.began()
    }

    /// What happened since the last call; waits until something has. `None` when the session is over. To be
    /// waited for to its end.
    pub async fn next(&mut self) -> Option<Portion> {
        loop {
            if self.seen < self.until {
                // Rare, and large.
                if let Some(portion) = Box::pin(self.read_on()).await {
                    return Some(portion);
                }
                // What cannot be read back was said to be so where it was tried.
                self.seen = self.until;
            }
            self.file = None;
            if let Some(next) = self.looked.map(next_look) {
                tokio::time::sleep_until(next.into()).await;
            }
            match self.track.look() {
                Look::Frames(plain, frames) => {
                    self.looked = Some(Instant::now());
                    self.seen += frames;
                    self.until = self.seen;
                    return Some(Portion { plain, skip: 0, take: usize::MAX });
                }
                Look::Behind(until) => {
                    self.track.written_up_to(until).await;
                    self.until = until;
                }
                Look::Nothing => self.track.gathered().await,
                Look::Over => return None,
            }
        }
    }

    /// Reads the next chunk of the file in which something is that is wanted.
    async fn read_on(&mut self) -> Option<Portion> {
        loop {
            let mut reading = match self.file.take() {
                Some(reading) => reading,
                None => Box::new(Reading::from(&self.track, self.place.as_ref())?),
            };
            let track = Arc::clone(&self.track);
            let read = tokio::task::spawn_blocking(move || reading.next(track.file()).map(|read| (reading, read)));
            let (reading, read) = read.await.ok().flatten()?;
            self.file = Some(reading);
            self.place = read.place.or(self.place.take());
            let (from, to) = (read.from.max(self.seen), read.to.min(self.until));
            if from < to {
                self.seen = to;
                let count = |frames: u64| usize::try_from(frames).unwrap_or(usize::MAX);
                return Some(Portion { plain: read.plain, skip: count(from - read.from), take: count(to - from) });
            }
        }
    }
}

/// The next moment of looking after `looked`.
fn next_look(looked: Instant) -> Instant {
    let into = looked.saturating_duration_since(*FIRST).as_micros() % GATHER.as_micros();
    looked + GATHER.saturating_sub(Duration::from_micros(u64::try_from(into).unwrap_or(0)))
}

impl Reading {
    fn from(track: &Track, place: Option<&Bookmark>) -> Option<Self> {
        let Some(Bookmark { header, position, frames }) = place else {
            let reader = ChunkReader::new(track.key()).ok()?;
            return Some(Self { reader, portions: Portions::new(), frames: 0 });
        };
        let reader = ChunkReader::resume(track.key(), header.clone(), position).ok()?;
        Some(Self { reader, portions: Portions::from(position.bytes), frames: *frames })
    }

    /// The next chunk; none at the end, and where the file is not as it was written.
    fn next(&mut self, file: &File) -> Option<Read> {
        loop {
            let (position, header) = (self.reader.position(), self.reader.header().cloned());
            let place = position.zip(header);
            if let Some(chunk) = self.reader.next_chunk().ok()? {
                let from = self.frames;
                self.frames += u64::from(chunk.count());
                let place = place.map(|(position, header)| Bookmark { header, position, frames: from });
                return Some(Read { from, to: self.frames, place, plain: chunk.into_plain() });
            }
            let portion = self.portions.next(file).ok().filter(|portion| !portion.is_empty())?;
            self.reader.push(portion);
        }
    }
}
