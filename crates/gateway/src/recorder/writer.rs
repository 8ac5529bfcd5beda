//! The threads that seal and write, and what they have to do.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use postern_wire::recording::Packer;

use super::{RecorderFailed, Track};

/// A write buffer larger than this is not kept.
const SCRATCH_LEN_MAX: usize = 256 * 1024;

/// How recordings are written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WriterOptions {
    pub(crate) threads: usize,
    /// How old a frame may become before it is written.
    pub(crate) flush_after: Duration,
}

/// What one writer thread has to do. A track is in each of the two queues at most once, so that they
/// are bounded by the number of sessions.
pub(crate) struct WriterQueue {
    flush_after: Duration,
    /// Held briefly by those who record and by the thread, never while it writes.
    work: Mutex<Work>,
    arrived: Condvar,
}

#[derive(Default)]
struct Work {
    urgent: VecDeque<Arc<Track>>,
    /// In the order of their times, since all wait equally long.
    due: VecDeque<(Instant, Arc<Track>)>,
    stopping: bool,
}

impl WriterQueue {
    fn work(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// This track is to be written as soon as possible.
    pub(super) fn push_urgent(&self, track: Arc<Track>) {
        self.work().urgent.push_back(track);
        self.arrived.notify_one();
    }

    /// This track is to be written when what it holds has become old.
    pub(super) fn push_due(&self, track: Arc<Track>) {
        let mut work = self.work();
        work.due.push_back((Instant::now() + self.flush_after, track));
        // With others before it, the thread is awake or will wake before this one's time.
        if work.due.len() == 1 {
            self.arrived.notify_one();
        }
    }

    /// The next track to write; waits for one. `None` when there is nothing left and never will be.
    fn next(&self) -> Option<Arc<Track>> {
        let mut work = self.work();
        loop {
            if let Some(track) = work.urgent.pop_front() {
                return Some(track);
            }
            let now = Instant::now();
            let wait = match work.due.front() {
                Some((at, _)) if *at <= now || work.stopping => {
                    let (_, track) = work.due.pop_front()?;
                    if track.came_due() {
                        return Some(track);
                    }
                    continue;
                }
                Some((at, _)) => Some(*at - now),
                None if work.stopping => return None,
                None => None,
            };
            work = match wait {
                Some(wait) => self.arrived.wait_timeout(work, wait).unwrap_or_else(PoisonError::into_inner).0,
                None => self.arrived.wait(work).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    fn run(&self, mut packer: Packer) {
        let mut scratch = Vec::new();
        while let Some(track) = self.next() {
            // One session's trouble must not leave all the others without a writer.
            let written = catch_unwind(AssertUnwindSafe(|| track.write_out(&mut packer, &mut scratch)));
            if written.is_err() {
                track.fail(RecorderFailed::new("the writer failed"));
            }
            if scratch.capacity() > SCRATCH_LEN_MAX {
                scratch = Vec::new();
            }
        }
    }
}

/// The writer threads; they end, having written what is left, when the pool is dropped.
pub(crate) struct WriterPool {
    queues: Vec<Arc<WriterQueue>>,
    threads: Vec<JoinHandle<()>>,
    next: std::sync::atomic::AtomicUsize,
}

impl WriterPool {
    /// Starts the threads.
    pub(crate) fn start(options: WriterOptions) -> std::io::Result<Self> {
        let mut pool = Self { queues: Vec::new(), threads: Vec::new(), next: 0.into() };
        for number in 0..options.threads.max(1) {
            let queue = Arc::new(WriterQueue {
                flush_after: options.flush_after,
                work: Mutex::default(),
                arrived: Condvar::new(),
            });
            let packer = Packer::new().map_err(std::io::Error::other)?;
            let run = Arc::clone(&queue);
            let thread =
                std::thread::Builder::new().name(format!("recorder-{number}")).spawn(move || run.run(packer))?;
            pool.queues.push(queue);
            pool.threads.push(thread);
        }
        Ok(pool)
    }

    /// The queue for the next track; it stays with it.
    pub(crate) fn assign(&self) -> Option<Arc<WriterQueue>> {
        let turn = self.next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        self.queues.get(turn % self.queues.len().max(1)).cloned()
    }
}

impl Drop for WriterPool {
    fn drop(&mut self) {
        for queue in &self.queues {
            queue.work().stopping = true;
            queue.arrived.notify_all();
        }
        for thread in self.threads.drain(..) {
            // A thread that died has nothing left to say.
            let _ = thread.join();
        }
    }
}
