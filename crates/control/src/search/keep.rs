//! Keeping the search index: recordings are read while they are written, and what was missed is caught up
//! with. It reads files that the recorder has written, so that it never holds a session up.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use postern_domain::{SessionId, Timestamp};
use postern_gateway::StoredFrames;
use postern_search::{Index, SLICE_LEN, Slice, Slicer};
use tokio_util::sync::CancellationToken;

use super::failed;
use crate::{Control, Error};

/// How often live recordings are looked at.
const EVERY: Duration = Duration::from_secs(1);
/// How often it is looked whether recordings are gone.
const SWEEP_EVERY: Duration = Duration::from_secs(600);
/// What ended so long ago was seen by an earlier look, in milliseconds.
const OVERLAP_MS: i64 = 60_000;
/// What a live session showed is in the index after this time, be it little.
const CUT_EVERY: Duration = Duration::from_secs(2);
/// Slices that go into the index at once; so much text waits in memory.
const SLICES_MAX: usize = 64;
/// Recordings that are caught up with between two looks at what is live.
const CATCH_UP_MAX: usize = 32;

/// A recording that is being read into the index.
struct Following {
    number: i64,
    frames: StoredFrames,
    slicer: Slicer,
    cut_at: Instant,
    /// Something could not be read that may well be readable: once it is over it is read anew.
    failed: bool,
    slices: u64,
    text_bytes: u64,
}

/// What goes into the index in one go.
#[derive(Default)]
struct Adding {
    slices: Vec<(i64, Slice)>,
    /// Sessions that are whole with it: their numbers there, and which they are.
    whole: Vec<i64>,
    done: Vec<SessionId>,
}

/// What the work on the index knows.
struct Keeper {
    control: Control,
    index: Arc<Index>,
    live: BTreeMap<SessionId, Box<Following>>,
    /// Recordings that are in the index as a whole, or that there are none of.
    settled: HashSet<SessionId>,
    waiting: VecDeque<SessionId>,
    looked_at: Timestamp,
    swept_at: Instant,
}

impl Control {
    /// Keeps the search index until `stop`.
    pub async fn keep_search(self, stop: CancellationToken) {
        let mut keeper: Option<Keeper> = None;
        let mut ticks = tokio::time::interval(EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => {}
            }
            let kept = tokio::select! {
                () = stop.cancelled() => return,
                kept = self.keep_search_once(&mut keeper) => kept,
            };
            if let Err(error) = kept {
                // It begins anew with what the file says.
                keeper = None;
                if !matches!(error, Error::Sealed) {
                    tracing::error!(error = &error as &dyn std::error::Error, "recordings cannot be indexed");
                }
            }
        }
    }

    async fn keep_search_once(&self, keeper: &mut Option<Keeper>) -> Result<(), Error> {
        let index = self.search_index().await?;
        let keeper = match keeper {
            Some(keeper) if Arc::ptr_eq(&keeper.index, &index) => keeper,
            other => other.insert(Keeper::new(self.clone(), index).await?),
        };
        keeper.turn().await
    }

    /// Reads everything that was recorded into the index, for tests and trials.
    #[cfg(any(test, feature = "testing"))]
    pub async fn search_catch_up(&self) -> Result<(), Error> {
        let mut keeper = Keeper::new(self.clone(), self.search_index().await?).await?;
        keeper.turn().await?;
        while !keeper.waiting.is_empty() {
            keeper.turn().await?;
        }
        Ok(())
    }
}

impl Keeper {
    async fn new(control: Control, index: Arc<Index>) -> Result<Self, Error> {
        let whole = index.whole().await.map_err(|error| failed(&error))?;
        Ok(Self {
            control,
            index,
            live: BTreeMap::new(),
            settled: whole.iter().filter_map(|id| id.parse().ok()).collect(),
            waiting: VecDeque::new(),
            looked_at: Timestamp::from_millis(0),
            swept_at: Instant::now(),
        })
    }

    /// Looks once at what is live and what waits.
    async fn turn(&mut self) -> Result<(), Error> {
        let now = self.control.now();
        let mut rows = self.control.store().read().await?;
        let live: Vec<SessionId> = rows.sessions_not_ended().await?.into_iter().map(|session| session.id).collect();
        let since = Timestamp::from_millis(self.looked_at.as_millis().saturating_sub(OVERLAP_MS).max(0));
        let ended = rows.sessions_recorded(since).await?;
        drop(rows);
        let live: HashSet<SessionId> = live.into_iter().collect();
        for id in &live {
            if !self.live.contains_key(id) {
                self.follow(id.clone()).await?;
            }
        }
        let waiting: HashSet<SessionId> = self.waiting.iter().cloned().collect();
        let mut over = HashSet::new();
        for id in ended {
            if self.live.contains_key(&id) {
                over.insert(id);
            } else if !self.settled.contains(&id) && !waiting.contains(&id) {
                self.waiting.push_front(id);
            }
        }
        // What was live and did not end as a session does is read as a whole, if there is anything.
        let lost: Vec<SessionId> =
            self.live.keys().filter(|id| !live.contains(*id) && !over.contains(*id)).cloned().collect();
        for id in lost {
            self.live.remove(&id);
            self.waiting.push_back(id);
        }
        self.looked_at = now;
        self.read_live(&over).await?;
        self.catch_up().await?;
        self.sweep().await?;
        self.control.0.search.behind.store(u64::try_from(self.waiting.len()).unwrap_or(0), Ordering::Relaxed);
        Ok(())
    }

    /// Begins to read a live recording, once there is a file.
    async fn follow(&mut self, id: SessionId) -> Result<(), Error> {
        if let Some(following) = self.opened(&id).await? {
            self.live.insert(id, following);
        }
        Ok(())
    }

    /// A recording from its front; `None` where it cannot be read, of which its integrity tells.
    async fn opened(&self, id: &SessionId) -> Result<Option<Box<Following>>, Error> {
        let (recording, key) = match self.control.recording_opened(id).await {
            Ok(opened) => opened,
            Err(Error::Sealed) => return Err(Error::Sealed),
            Err(_) => return Ok(None),
        };
        let Ok(frames) = recording.frames(&key) else { return Ok(None) };
        let number = self.index.begin(id.as_str()).await.map_err(|error| failed(&error))?;
        let (slicer, cut_at) = (Slicer::new(), Instant::now());
        Ok(Some(Box::new(Following { number, frames, slicer, cut_at, failed: false, slices: 0, text_bytes: 0 })))
    }

    /// Reads on in live recordings, and to the end in those that are over. What is read goes into the index
    /// in as few goes as may be: each is sorted into the file by itself.
    async fn read_live(&mut self, over: &HashSet<SessionId>) -> Result<(), Error> {
        let ids: Vec<SessionId> = self.live.keys().cloned().collect();
        let mut adding = Adding::default();
        for id in ids {
            let Some(following) = self.live.remove(&id) else { continue };
            let following = self.read_through(following, over.contains(&id), &mut adding).await?;
            if !over.contains(&id) {
                self.live.insert(id, following);
            } else if following.failed
                || following.slices > 4 + 2 * following.text_bytes / u64::try_from(SLICE_LEN).unwrap_or(1)
            {
                // Cut small while it was live: as a whole it takes less room. What failed may not fail again.
                self.waiting.push_back(id);
            } else {
                self.complete(id, following, &mut adding).await?;
            }
        }
        self.add(adding).await
    }

    /// Reads all that there is of a recording; what is too much to wait goes into the index.
    async fn read_through(
        &mut self,
        mut following: Box<Following>,
        over: bool,
        adding: &mut Adding,
    ) -> Result<Box<Following>, Error> {
        loop {
            let (read, more);
            (following, read, more) = self.read_on(following, over).await?;
            adding.slices.extend(read);
            if adding.slices.len() >= SLICES_MAX {
                self.add(std::mem::take(adding)).await?;
            }
            if !more {
                return Ok(following);
            }
        }
    }

    /// A recording was read to its end: its last slice.
    async fn complete(&self, id: SessionId, following: Box<Following>, adding: &mut Adding) -> Result<(), Error> {
        let Following { number, slicer, .. } = *following;
        let index = Arc::clone(&self.index);
        let last = tokio::task::spawn_blocking(move || slicer.finish(index.key())).await;
        let last = last.map_err(|_| Error::Unavailable("reading a recording was cut off".to_owned()))?;
        adding.slices.extend(last.map(|slice| (number, slice)));
        adding.whole.push(number);
        adding.done.push(id);
        Ok(())
    }

    async fn add(&mut self, adding: Adding) -> Result<(), Error> {
        let Adding { slices, whole, done } = adding;
        if !slices.is_empty() || !whole.is_empty() {
            self.index.add(slices, &whole).await.map_err(|error| failed(&error))?;
            self.settled.extend(done);
        }
        Ok(())
    }

    /// Reads frames until there are none or enough slices; says whether there may be more.
    async fn read_on(
        &self,
        mut following: Box<Following>,
        over: bool,
    ) -> Result<(Box<Following>, Vec<(i64, Slice)>, bool), Error> {
        let index = Arc::clone(&self.index);
        let read = tokio::task::spawn_blocking(move || {
            let mut slices = Vec::new();
            let Following { frames, slicer, cut_at, failed, .. } = &mut *following;
            let mut more = false;
            while let Some(next) = frames.next_frames() {
                let Ok((frames, chunk)) = next else {
                    *failed = true;
                    break;
                };
                let before = slices.len();
                for frame in frames.map_while(Result::ok) {
                    slices.extend(slicer.frame(&frame, chunk, index.key()));
                }
                if slices.len() > before {
                    *cut_at = Instant::now();
                }
                if slices.len() >= SLICES_MAX {
                    more = true;
                    break;
                }
            }
            if !more && !over && cut_at.elapsed() >= CUT_EVERY {
                *cut_at = Instant::now();
                slices.extend(slicer.cut(frames.began_at(), index.key()));
            }
            if !more {
                frames.rest();
            }
            following.slices += u64::try_from(slices.len()).unwrap_or(0);
            following.text_bytes += slices.iter().map(|slice| slice.text_bytes).sum::<u64>();
            let slices = slices.into_iter().map(|slice| (following.number, slice)).collect();
            (following, slices, more)
        });
        read.await.map_err(|_| Error::Unavailable("reading a recording was cut off".to_owned()))
    }

    /// Reads some of the recordings that wait, newest first.
    async fn catch_up(&mut self) -> Result<(), Error> {
        let mut adding = Adding::default();
        for _ in 0..CATCH_UP_MAX {
            let Some(id) = self.waiting.pop_front() else { break };
            let Some(following) = self.opened(&id).await? else {
                self.settled.insert(id);
                continue;
            };
            let following = self.read_through(following, true, &mut adding).await?;
            self.complete(id, following, &mut adding).await?;
        }
        self.add(adding).await
    }

    /// Every now and then: takes out of the index what is no longer among the recordings, and merges.
    async fn sweep(&mut self) -> Result<(), Error> {
        if self.swept_at.elapsed() < SWEEP_EVERY {
            return Ok(());
        }
        self.swept_at = Instant::now();
        self.control.search_forget_gone(&self.index).await?;
        self.index.tidy().await.map_err(|error| failed(&error))
    }
}

impl Control {
    /// Takes out of the index the recordings whose files are gone.
    pub(super) async fn search_forget_gone(&self, index: &Arc<Index>) -> Result<(), Error> {
        let held = index.whole().await.map_err(|error| failed(&error))?;
        let this = self.clone();
        let gone = tokio::task::spawn_blocking(move || {
            let there = |id: &String| id.parse().is_ok_and(|id: SessionId| this.recording_path(&id).exists());
            held.into_iter().filter(|id| !there(id)).collect::<Vec<_>>()
        });
        let gone = gone.await.map_err(|_| Error::Unavailable("looking at recordings was cut off".to_owned()))?;
        if !gone.is_empty() {
            tracing::info!(recordings = gone.len(), "recordings are gone and left the search index");
            index.forget(&gone).await.map_err(|error| failed(&error))?;
        }
        Ok(())
    }
}
