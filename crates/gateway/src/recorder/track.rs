//! One session's recording: the batch that waits, the file, and who follows.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use postern_domain::Capability;
use postern_wire::recording::{Batch, ChunkWriter, DATA_LEN_MAX, DataKey, FrameKind, Header, Packer};
use tokio::sync::{Notify, broadcast, oneshot};

use super::writer::WriterQueue;
use super::{CHUNK_TARGET, PENDING_LEN_MAX, RecorderFailed};
use crate::broker::{Recorded, RecordingPlan};
use crate::tap::{Gathered, Look};

/// How many frames a watcher may be behind before it misses some.
const WATCH_FRAMES_MAX: usize = 256;

/// How a recording was closed: what lies on the disk, and what went wrong if anything did.
pub(crate) struct Closed {
    pub(crate) recorded: Recorded,
    pub(crate) failure: Option<RecorderFailed>,
}

/// One session's recording.
pub(crate) struct Track {
    queue: Arc<WriterQueue>,
    started: Instant,
    key: Arc<DataKey>,
    file: File,
    /// Held briefly, by whoever records and by the writer thread, never across an await.
    state: Mutex<State>,
    /// Held by the writer thread while it writes.
    sink: Mutex<Sink>,
    /// Wakes those who wait for room or for a flush.
    moved: Notify,
    /// Wakes those who wait for a failure.
    failed: Notify,
    /// Wakes the one who reads along.
    gathered: Notify,
}

struct State {
    batch: Batch,
    /// The batch is in the queue of batches to be written at once.
    urgent: bool,
    /// The batch is in the queue of batches that will be old enough.
    due: bool,
    /// The batch before was written because it was full.
    busy: bool,
    /// Frames that were recorded, and those of them that are in the file.
    recorded: u64,
    written: u64,
    /// When the last of them was.
    last_at_us: u64,
    failure: Option<RecorderFailed>,
    closed: bool,
    closing: Option<oneshot::Sender<Closed>>,
    /// What was asked for and allowed.
    capabilities: BTreeSet<Capability>,
    /// Encoded frames for those who watch; none while nobody does.
    watchers: Option<broadcast::Sender<Arc<[u8]>>>,
    /// What is gathered for the one who reads along; none while nobody does.
    gathered: Option<Gathered>,
}

struct Sink {
    chunks: ChunkWriter,
    /// What is known to be in the file.
    good: Recorded,
}

/// A watcher's position: frames before it are in the file, frames from it on will be received.
pub(crate) struct Following {
    pub(crate) from: u64,
    pub(crate) frames: broadcast::Receiver<Arc<[u8]>>,
}

impl Track {
    /// When the recording began, which frames count from.
    pub(crate) const fn began(&self) -> Instant {
        self.started
    }

    /// Creates the file and writes its header. Blocks on the disk.
    pub(crate) fn create(
        plan: &RecordingPlan,
        nonce_prefix: [u8; 4],
        started: Instant,
        queue: Arc<WriterQueue>,
    ) -> Result<Self, RecorderFailed> {
        let key = Arc::new(DataKey::new(plan.key.expose()).map_err(|error| RecorderFailed::new(&error))?);
        let header =
            Header { session: plan.session.as_str().to_owned(), sealed_key: plan.sealed_key.clone(), nonce_prefix };
        let (chunks, header) =
            ChunkWriter::new(&header, Arc::clone(&key)).map_err(|error| RecorderFailed::new(&error))?;
        let mut file = create_private(&plan.path).map_err(|error| RecorderFailed::new(&error))?;
        file.write_all(&header).map_err(|error| RecorderFailed::new(&error))?;
        let good = Recorded { bytes: chunks.bytes(), digest: chunks.digest(), capabilities: BTreeSet::new() };
        Ok(Self {
            queue,
            started,
            key,
            file,
            state: Mutex::new(State {
                batch: Batch::default(),
                urgent: false,
                due: false,
                busy: false,
                recorded: 0,
                written: 0,
                last_at_us: 0,
                failure: None,
                closed: false,
                closing: None,
                capabilities: BTreeSet::new(),
                watchers: None,
                gathered: None,
            }),
            sink: Mutex::new(Sink { chunks, good }),
            moved: Notify::new(),
            failed: Notify::new(),
            gathered: Notify::new(),
        })
    }

    pub(crate) fn key(&self) -> Arc<DataKey> {
        Arc::clone(&self.key)
    }

    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stands in for a disk that does not answer, until the guard is dropped.
    #[cfg(test)]
    pub(super) fn stall(&self) -> impl Sized {
        self.sink()
    }

    #[cfg(test)]
    pub(super) fn pending_len(&self) -> usize {
        self.state().batch.len()
    }

    #[cfg(test)]
    pub(super) fn pending_capacity(&self) -> usize {
        self.state().batch.capacity()
    }

    fn sink(&self) -> MutexGuard<'_, Sink> {
        self.sink.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends a frame, waiting while too much is pending.
    pub(super) async fn record(self: &Arc<Self>, kind: &FrameKind<'_>) -> Result<(), RecorderFailed> {
        if self.try_record(self.now_us(), kind)? {
            return Ok(());
        }
        loop {
            let moved = self.moved.notified();
            tokio::pin!(moved);
            moved.as_mut().enable();
            if self.try_record(self.now_us(), kind)? {
                return Ok(());
            }
            moved.await;
        }
    }

    /// The time on the recording's clock, in microseconds.
    pub(super) fn now_us(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// Appends a frame; `false` when there is no room at the moment.
    pub(super) fn try_record(self: &Arc<Self>, at_us: u64, kind: &FrameKind<'_>) -> Result<bool, RecorderFailed> {
        let mut state = self.state();
        state.check_open()?;
        if state.batch.len() >= PENDING_LEN_MAX {
            return Ok(false);
        }
        if let Err(failure) = self.append(&mut state, at_us, kind) {
            drop(state);
            self.fail(failure.clone());
            return Err(failure);
        }
        let full = state.batch.len() >= CHUNK_TARGET;
        let urgent = full && !state.urgent;
        let due = !full && !state.due;
        state.urgent |= urgent;
        state.due |= due;
        drop(state);
        if urgent {
            self.queue.push_urgent(Arc::clone(self));
        }
        if due {
            self.queue.push_due(Arc::clone(self));
        }
        Ok(true)
    }

    fn append(&self, state: &mut State, at_us: u64, kind: &FrameKind<'_>) -> Result<(), RecorderFailed> {
        // The clock was read before others were let go first.
        let at_us = at_us.max(state.last_at_us);
        state.last_at_us = at_us;
        // A batch that has grown will be large, and so will one after a large one: it is made room for once.
        let grows = state.batch.len() > DATA_LEN_MAX / 2 || state.busy && !state.batch.is_empty();
        if grows && state.batch.capacity() < CHUNK_TARGET {
            state.batch.reserve(CHUNK_TARGET + CHUNK_TARGET / 8);
        }
        let encoded = state.batch.push(at_us, kind).map_err(|error| RecorderFailed::new(&error))?;
        if let Some(watchers) = &state.watchers {
            // Nobody left to receive is no failure: the sender is dropped then.
            if watchers.send(Arc::from(encoded.body())).is_err() {
                state.watchers = None;
            }
        }
        if state.gathered.as_mut().is_some_and(|gathered| gathered.add(encoded.whole())) {
            self.gathered.notify_one();
        }
        if let FrameKind::Capability { name, allowed: true } = kind {
            state.capabilities.extend(Capability::ALL.into_iter().find(|each| each.as_str() == name));
        }
        state.recorded += 1;
        Ok(())
    }

    pub(crate) fn failure(&self) -> Option<RecorderFailed> {
        self.state().failure.clone()
    }

    pub(super) async fn failed(&self) -> RecorderFailed {
        loop {
            let failed = self.failed.notified();
            tokio::pin!(failed);
            failed.as_mut().enable();
            if let Some(failure) = self.failure() {
                return failure;
            }
            failed.await;
        }
    }

    /// Records `last`, writes everything out, ends the file with its footer and syncs it. Later calls
    /// of `record` fail.
    pub(crate) async fn close(self: &Arc<Self>, last: FrameKind<'_>) -> Closed {
        let (closing, closed) = oneshot::channel();
        {
            let mut state = self.state();
            state.closed = true;
            // A frame that does not fit is lost with the failure that the close then reports.
            if let Err(failure) = self.append(&mut state, self.now_us(), &last) {
                state.failure.get_or_insert(failure);
            }
            state.closing = Some(closing);
            state.watchers = None;
            state.urgent = true;
        }
        self.moved.notify_waiters();
        self.gathered.notify_one();
        self.queue.push_urgent(Arc::clone(self));
        closed.await.unwrap_or_else(|_| Closed {
            recorded: self.sink().good.clone(),
            failure: Some(self.failure().unwrap_or_else(|| RecorderFailed::new("the writer failed"))),
        })
    }

    /// Begins to follow, and waits until everything before that point is in the file. `None` when the
    /// recording is over.
    pub(crate) async fn follow(self: &Arc<Self>) -> Option<Following> {
        let following = {
            let mut state = self.state();
            state.check_open().ok()?;
            let watchers = state.watchers.get_or_insert_with(|| broadcast::Sender::new(WATCH_FRAMES_MAX));
            let frames = watchers.subscribe();
            Following { from: state.recorded, frames }
        };
        self.written_up_to(following.from).await;
        Some(following)
    }

    /// What was recorded since the last look. The first one finds what came before it in the file.
    pub(crate) fn look(&self) -> Look {
        let mut state = self.state();
        let (recorded, over) = (state.recorded, state.closed || state.failure.is_some());
        state.gathered.get_or_insert_with(|| Gathered::since(recorded)).look(recorded, over)
    }

    /// Waits until there may be something after a look that found nothing.
    pub(crate) async fn gathered(&self) {
        self.gathered.notified().await;
    }

    /// Waits until so many frames are in the file, or never will be.
    pub(crate) async fn written_up_to(self: &Arc<Self>, frames: u64) {
        let hurry = {
            let mut state = self.state();
            !std::mem::replace(&mut state.urgent, true)
        };
        if hurry {
            self.queue.push_urgent(Arc::clone(self));
        }
        loop {
            let moved = self.moved.notified();
            tokio::pin!(moved);
            moved.as_mut().enable();
            {
                let state = self.state();
                if state.written >= frames || state.failure.is_some() {
                    return;
                }
            }
            moved.await;
        }
    }

    /// Writes what is pending. Called by the writer thread only, so that chunks keep their order.
    pub(super) fn write_out(&self, packer: &mut Packer, scratch: &mut Vec<u8>) {
        let mut sink = self.sink();
        let (batch, closing, failure) = {
            let mut state = self.state();
            state.urgent = false;
            state.busy = state.batch.len() >= CHUNK_TARGET;
            (std::mem::take(&mut state.batch), state.closing.take(), state.failure.clone())
        };
        // Room is made by taking the batch, before the disk is done with it.
        self.moved.notify_waiters();
        let result = match failure {
            Some(failure) => Err(failure),
            None => sink.write(&self.file, &batch, closing.is_some(), packer, scratch),
        };
        match &result {
            Ok(()) => self.state().written += u64::from(batch.frames()),
            Err(failure) => self.fail(failure.clone()),
        }
        self.moved.notify_waiters();
        if let Some(closing) = closing {
            // Whoever closed may have gone; the file is closed all the same.
            let recorded = Recorded { capabilities: self.state().capabilities.clone(), ..sink.good.clone() };
            let _ = closing.send(Closed { recorded, failure: result.err() });
        }
    }

    /// A batch has become old; it is about to be written.
    pub(super) fn came_due(&self) -> bool {
        let mut state = self.state();
        state.due = false;
        !state.batch.is_empty()
    }

    /// Makes the recording fail, and wakes everybody who waits for it.
    pub(super) fn fail(&self, failure: RecorderFailed) {
        {
            let mut state = self.state();
            state.failure.get_or_insert(failure);
            state.batch = Batch::default();
            state.watchers = None;
        }
        self.moved.notify_waiters();
        self.failed.notify_waiters();
        self.gathered.notify_one();
    }
}

impl State {
    fn check_open(&self) -> Result<(), RecorderFailed> {
        match &self.failure {
            Some(failure) => Err(failure.clone()),
            None if self.closed => Err(RecorderFailed::new("the recording is closed")),
            None => Ok(()),
        }
    }
}

impl Sink {
    fn write(
        &mut self,
        mut file: &File,
        batch: &Batch,
        last: bool,
        packer: &mut Packer,
        scratch: &mut Vec<u8>,
    ) -> Result<(), RecorderFailed> {
        scratch.clear();
        if !batch.is_empty() {
            self.chunks.seal(batch, packer, scratch).map_err(|error| RecorderFailed::new(&error))?;
        }
        if last {
            self.chunks.finish(scratch).map_err(|error| RecorderFailed::new(&error))?;
        }
        let written = file.write_all(scratch).and_then(|()| if last { file.sync_all() } else { Ok(()) });
        if let Err(error) = written {
            // Best effort: without half a chunk at its end the file says exactly what it holds.
            let _ = file.set_len(self.good.bytes);
            return Err(RecorderFailed::new(&error));
        }
        (self.good.bytes, self.good.digest) = (self.chunks.bytes(), self.chunks.digest());
        Ok(())
    }
}

/// A file that did not exist and that only we may read.
fn create_private(path: &Path) -> std::io::Result<File> {
    let mut options = std::fs::OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
