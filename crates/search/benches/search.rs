//! `cargo xtask bench search`: many sessions with much output, recorded, indexed and searched. Ends in
//! one line of figures; fails when it is slower or larger than it must be.
//!
//! Measured is what the index and the recordings cost: from a query to the moments of twenty sessions,
//! each read from its recording. Give the numbers of sessions and of megabytes; 10000 and 10000 unless given.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, reason = "a measurement fails by panicking")]

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use postern_domain::Timestamp;
use postern_search::{Clause, Index, IndexKey, Place, Query, Slice, Slicer, look};
use postern_wire::recording::{
    Batch, ChunkReader, ChunkWriter, DataKey, Frame, FrameKind, Frames, Header, Packer, Position, Statement,
};

#[path = "search/text.rs"]
mod text;

/// What must be so: the median and the slowest answer in milliseconds, the index as a part of the text, and
/// megabytes of text a second that are indexed.
const GOAL: (f64, f64, f64, f64) = (200.0, 2000.0, 0.30, 5.0);
/// How many sessions an answer shows.
const SHOWN: usize = 20;
/// After this time an answer is given with what was found until then, as in the product.
const TIME_MAX: Duration = Duration::from_millis(1500);
const QUERIES: [&str; 21] = [
    "error",
    "root",
    "timeout",
    "\"permission denied\"",
    "\"connection refused\"",
    "file:/etc/shadow",
    "file:/etc",
    "command:systemctl",
    "command:\"rm -rf\"",
    "host:db-17.example.com",
    "host:example.com command:ssh",
    "table:customer_42",
    "statement:delete",
    "table:orders statement:select",
    "kernel warning",
    "10.7.3.9",
    "req-77",
    "nginx timeout \"connection refused\"",
    "segfault",
    "quetzalcoatl",
    // Each word is everywhere, and the phrase nowhere: this is what an answer may take.
    "\"timeout reloaded\"",
];

fn main() {
    let mut numbers = std::env::args().filter_map(|argument| argument.parse::<u64>().ok());
    let sessions = numbers.next().unwrap_or(10_000);
    let bytes = numbers.next().unwrap_or(10_000) * 1_000_000;
    let folder = tempfile::tempdir().unwrap();
    let began = Instant::now();
    let written = record(folder.path(), sessions, bytes / sessions);
    eprintln!("recorded in {:.0} s", began.elapsed().as_secs_f64());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let ok = runtime.block_on(measure(folder.path(), sessions, written));
    drop(folder);
    if !ok {
        std::process::exit(1);
    }
}

fn path(folder: &Path, session: u64) -> PathBuf {
    folder.join(format!("{session}.rec"))
}

fn key() -> Arc<DataKey> {
    Arc::new(DataKey::new(&[7; 32]).unwrap())
}

/// Runs `each` for every session, on all processors.
fn for_each(sessions: u64, each: impl Fn(u64) + Sync) {
    let next = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                loop {
                    let session = next.fetch_add(1, Ordering::Relaxed);
                    if session >= sessions {
                        return;
                    }
                    each(session);
                }
            });
        }
    });
}

/// Records the sessions; gives how many bytes of output they have.
fn record(folder: &Path, sessions: u64, each: u64) -> u64 {
    let written = AtomicU64::new(0);
    for_each(sessions, |session| {
        let name = session.to_string();
        let header = Header { session: name, sealed_key: vec![1], nonce_prefix: [0; 4] };
        let (mut writer, mut bytes) = ChunkWriter::new(&header, key()).unwrap();
        let mut packer = Packer::new().unwrap();
        let mut session_text = text::Session::new(session);
        let (mut at_us, mut len) = (0, 0);
        let mut batch = Batch::default();
        if session_text.is_terminal() {
            batch.push(0, &FrameKind::Terminal { channel: 0, term: "xterm".into(), cols: 120, rows: 40 }).unwrap();
        }
        let mut number = 0;
        while len < each {
            let text::Part { typed, shown, statement } = session_text.part();
            at_us += 2_000_000;
            if let Some(statement) = statement {
                number += 1;
                let statement =
                    Statement { statement: number, text: statement.as_bytes().into(), ..Statement::default() };
                batch.push(at_us, &FrameKind::Statement(statement)).unwrap();
            } else if session_text.is_terminal() {
                batch.push(at_us, &FrameKind::output(0, typed.as_bytes())).unwrap();
                batch.push(at_us + 1000, &FrameKind::input(0, b"\r")).unwrap();
            } else {
                batch.push(at_us, &FrameKind::Exec { channel: 0, command: typed.as_bytes().into() }).unwrap();
            }
            for data in shown.as_bytes().chunks(16 * 1024) {
                at_us += 20_000;
                batch.push(at_us, &FrameKind::output(0, data)).unwrap();
                len += u64::try_from(data.len()).unwrap();
                if batch.len() >= 64 * 1024 {
                    writer.seal(&std::mem::take(&mut batch), &mut packer, &mut bytes).unwrap();
                }
            }
        }
        writer.seal(&batch, &mut packer, &mut bytes).unwrap();
        writer.finish(&mut bytes).unwrap();
        File::create(path(folder, session)).unwrap().write_all(&bytes).unwrap();
        written.fetch_add(len, Ordering::Relaxed);
    });
    written.into_inner()
}

/// The frames of a recording from a position on.
struct Reader {
    file: File,
    reader: ChunkReader,
    offset: u64,
    plain: std::vec::IntoIter<Frame<'static>>,
    began: Option<Position>,
}

impl Reader {
    fn open(path: &Path, from: Option<&Position>) -> Self {
        let file = File::open(path).unwrap();
        let reader = match from {
            None => ChunkReader::new(key()).unwrap(),
            Some(from) => {
                let mut head = vec![0; 4096];
                let len = file.read_at(&mut head, 0).unwrap();
                let (header, _) = Header::parse(&head[..len]).unwrap().unwrap();
                ChunkReader::resume(key(), header, from).unwrap()
            }
        };
        let offset = from.map_or(0, |from| from.bytes);
        Self { file, reader, offset, plain: Vec::new().into_iter(), began: None }
    }
}

impl Iterator for Reader {
    type Item = Frame<'static>;

    fn next(&mut self) -> Option<Frame<'static>> {
        loop {
            if let Some(frame) = self.plain.next() {
                return Some(frame);
            }
            let position = self.reader.position();
            if let Some(chunk) = self.reader.next_chunk().unwrap() {
                self.began = position;
                let plain = chunk.into_plain();
                let frames: Vec<_> = Frames::new(&plain).map(|frame| frame.unwrap().into_owned()).collect();
                self.plain = frames.into_iter();
                continue;
            }
            let mut portion = vec![0; 64 * 1024];
            let len = self.file.read_at(&mut portion, self.offset).unwrap();
            if len == 0 {
                return None;
            }
            self.offset += u64::try_from(len).unwrap();
            self.reader.push(&portion[..len]);
        }
    }
}

async fn measure(folder: &Path, sessions: u64, written: u64) -> bool {
    let file = folder.join("search.db");
    let index = Arc::new(Index::open(&file, IndexKey::new(&[3; 32]).unwrap()).await.unwrap());
    let began = Instant::now();
    fill(&index, folder, sessions).await;
    let seconds = began.elapsed().as_secs_f64();
    eprintln!("indexed in {seconds:.0} s");
    let sizes =
        ["search.db", "search.db-wal"].map(|name| std::fs::metadata(folder.join(name)).map_or(0, |file| file.len()));
    let (mut times, mut stopped) = (Vec::new(), 0);
    for round in 0..5 {
        for query in QUERIES {
            let began = Instant::now();
            let (found, cut) = answer(&index, folder, query).await;
            let took = began.elapsed().as_secs_f64() * 1000.0;
            if round == 0 {
                eprintln!("{took:8.1} ms  {found:3} shown{}  {query}", if cut { ", stopped" } else { "" });
                stopped += usize::from(cut);
            }
            times.push(took);
        }
    }
    times.sort_by(f64::total_cmp);
    let (median, p99, slowest) = (times[times.len() / 2], times[times.len() * 99 / 100], times[times.len() - 1]);
    let share = sizes.iter().sum::<u64>() as f64 / written as f64;
    let speed = written as f64 / 1e6 / seconds;
    let ok = median < GOAL.0 && slowest < GOAL.1 && share < GOAL.2 && speed > GOAL.3;
    println!(
        "bench search sessions={sessions} bytes={written} median_ms={median:.1} p99_ms={p99:.1} \
         slowest_ms={slowest:.1} queries={} stopped={stopped} index_share={share:.3} \
         index_mb_per_second={speed:.1} ok={ok}",
        QUERIES.len()
    );
    ok
}

async fn fill(index: &Arc<Index>, folder: &Path, sessions: u64) {
    let (sender, mut slices) = tokio::sync::mpsc::channel::<(i64, Vec<Slice>)>(16);
    let mut numbers = Vec::new();
    for session in 0..sessions {
        numbers.push(index.begin(&session.to_string()).await.unwrap());
    }
    let (folder, cutting) = (folder.to_path_buf(), Arc::clone(index));
    let cutter = std::thread::spawn(move || {
        for_each(sessions, |session| {
            let (mut reader, mut slicer) = (Reader::open(&path(&folder, session), None), Slicer::new());
            let mut cut = Vec::new();
            while let Some(frame) = reader.next() {
                cut.extend(slicer.frame(&frame, reader.began, cutting.key()));
            }
            cut.extend(slicer.finish(cutting.key()));
            sender.blocking_send((numbers[usize::try_from(session).unwrap()], cut)).unwrap();
        });
    });
    let (mut waiting, mut whole) = (Vec::new(), Vec::new());
    while let Some((number, cut)) = slices.recv().await {
        waiting.extend(cut.into_iter().map(|slice| (number, slice)));
        whole.push(number);
        if waiting.len() >= 256 {
            index.add(std::mem::take(&mut waiting), &std::mem::take(&mut whole)).await.unwrap();
        }
    }
    index.add(waiting, &whole).await.unwrap();
    cutter.join().unwrap();
}

/// Answers as the product does; gives how many sessions it shows, and whether it took too long to show more.
async fn answer(index: &Arc<Index>, folder: &Path, query: &str) -> (usize, bool) {
    let began = Instant::now();
    let query = Query::parse(query, Timestamp::from_millis(0)).unwrap();
    let mut found: Vec<u64> =
        index.sessions(&query.clauses).await.unwrap().iter().map(|id| id.parse().unwrap()).collect();
    found.sort_unstable_by(|one, other| other.cmp(one));
    let mut shown = 0;
    for session in found {
        let mut all = true;
        for clause in &query.clauses {
            all &= look_for(index, folder, session, clause).await;
            if !all {
                break;
            }
        }
        shown += usize::from(all);
        if shown == SHOWN {
            break;
        }
        if began.elapsed() > TIME_MAX {
            return (shown, true);
        }
    }
    (shown, false)
}

async fn look_for(index: &Index, folder: &Path, session: u64, clause: &Clause) -> bool {
    let clauses = vec![clause.clone()];
    for place in index.places(&session.to_string(), &clauses, 16).await.unwrap() {
        let (path, clauses) = (path(folder, session), clauses.clone());
        let read = move || reads(&path, &place, &clauses);
        if tokio::task::spawn_blocking(read).await.unwrap() {
            return true;
        }
    }
    false
}

fn reads(path: &Path, place: &Place, clauses: &[Clause]) -> bool {
    look(place, Reader::open(path, place.from.as_ref()), clauses).iter().all(|hits| !hits.is_empty())
}
