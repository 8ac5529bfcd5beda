//! Recordings in, answers out.

use std::sync::Arc;

use postern_domain::Timestamp;
use postern_wire::recording::{
    Batch, ChunkReader, ChunkWriter, DataKey, Frame, FrameKind, Frames, Header, Packer, Position, Statement,
};

use crate::{Hit, Index, IndexKey, MomentKind, Query, Slicer, look};

/// A recording in memory: its bytes, and the key that opens them.
struct Recorded {
    bytes: Vec<u8>,
    key: Arc<DataKey>,
}

/// Makes a recording; each list of frames becomes a chunk.
fn record(session: &str, chunks: &[Vec<(u64, FrameKind<'_>)>]) -> Recorded {
    let key = Arc::new(DataKey::new(&[7; 32]).unwrap());
    let header = Header { session: session.to_owned(), sealed_key: vec![1], nonce_prefix: [0; 4] };
    let (mut writer, mut bytes) = ChunkWriter::new(&header, Arc::clone(&key)).unwrap();
    let mut packer = Packer::new().unwrap();
    for chunk in chunks {
        let mut batch = Batch::default();
        for (at_ms, kind) in chunk {
            batch.push(at_ms * 1000, kind).unwrap();
        }
        writer.seal(&batch, &mut packer, &mut bytes).unwrap();
    }
    writer.finish(&mut bytes).unwrap();
    Recorded { bytes, key }
}

impl Recorded {
    /// The frames from a position on, each with where its chunk begins.
    fn frames(&self, from: Option<&Position>) -> Vec<(Frame<'static>, Option<Position>)> {
        let mut reader = match from {
            None => ChunkReader::new(Arc::clone(&self.key)).unwrap(),
            Some(from) => {
                let (header, _) = Header::parse(&self.bytes).unwrap().unwrap();
                ChunkReader::resume(Arc::clone(&self.key), header, from).unwrap()
            }
        };
        let begin = from.map_or(0, |from| usize::try_from(from.bytes).unwrap());
        reader.push(&self.bytes[begin..]);
        let mut frames = Vec::new();
        loop {
            let at = reader.position();
            let Some(chunk) = reader.next_chunk().unwrap() else { return frames };
            let plain = chunk.into_plain();
            frames.extend(Frames::new(&plain).map(|frame| (frame.unwrap().into_owned(), at)));
        }
    }

    async fn index(&self, index: &Index, session: &str) {
        let number = index.begin(session).await.unwrap();
        let mut slicer = Slicer::new();
        let mut slices = Vec::new();
        for (frame, at) in self.frames(None) {
            slices.extend(slicer.frame(&frame, at, index.key()));
        }
        slices.extend(slicer.finish(index.key()));
        index.add(slices.into_iter().map(|slice| (number, slice)).collect(), &[number]).await.unwrap();
    }

    async fn hits(&self, index: &Index, session: &str, text: &str) -> Vec<Hit> {
        let query = Query::parse(text, Timestamp::from_millis(0)).unwrap();
        let mut hits = Vec::new();
        for clause in &query.clauses {
            for place in index.places(session, std::slice::from_ref(clause), 8).await.unwrap() {
                let frames = self.frames(place.from.as_ref()).into_iter().map(|(frame, _)| frame);
                hits.extend(look(&place, frames, std::slice::from_ref(clause)).concat());
            }
        }
        hits
    }
}

async fn index(folder: &tempfile::TempDir) -> Index {
    Index::open(&folder.path().join("search.db"), IndexKey::new(&[3; 32]).unwrap()).await.unwrap()
}

async fn sessions(index: &Index, text: &str) -> Vec<String> {
    let query = Query::parse(text, Timestamp::from_millis(0)).unwrap();
    let mut found = index.sessions(&query.clauses).await.unwrap();
    found.sort();
    found
}

fn shell(lines: &[&'static str]) -> Vec<(u64, FrameKind<'static>)> {
    let terminal = FrameKind::Terminal { channel: 0, term: "xterm".into(), cols: 80, rows: 24 };
    let mut frames = vec![(0, terminal), (1, FrameKind::output(0, b"root@web-1:~# "))];
    for (at, line) in (1..).zip(lines) {
        frames.push((at * 1000, FrameKind::input(0, b"\r")));
        frames.push((at * 1000 + 1, FrameKind::output(0, line.as_bytes())));
    }
    frames
}

#[tokio::test]
async fn what_a_terminal_showed_is_found_at_its_second() {
    let folder = tempfile::tempdir().unwrap();
    let index = index(&folder).await;
    let mut frames = vec![
        (0, FrameKind::Terminal { channel: 0, term: "xterm".into(), cols: 80, rows: 24 }),
        (10, FrameKind::output(0, b"root@web-1:~# ")),
        (2000, FrameKind::input(0, b"cat /etc/shadow")),
        (2001, FrameKind::output(0, b"cat /etc/shadow")),
        (2500, FrameKind::input(0, b"\r")),
        (2501, FrameKind::output(0, b"\r\nroot:$6$abcdefgh$0123456789:19000::::::\r\nroot@web-1:~# ")),
    ];
    frames.push((9000, FrameKind::output(0, b"\r\nlogout\r\n")));
    let one = record("one", &[frames]);
    one.index(&index, "one").await;
    record("two", &[shell(&["ls\r\nnotes.txt\r\nroot@web-1:~# "])]).index(&index, "two").await;

    assert_eq!(sessions(&index, "file:/etc/shadow").await, ["one"]);
    assert_eq!(sessions(&index, "file:/etc command:cat").await, ["one"]);
    assert_eq!(sessions(&index, "root").await, ["one", "two"]);
    let hits = one.hits(&index, "one", "file:/etc/shadow").await;
    assert_eq!((hits[0].moment.kind, hits[0].moment.text.as_str()), (MomentKind::Command, "cat /etc/shadow"));
    assert!(hits[0].moment.at_ms >= 2000 && hits[0].moment.at_ms < 2600, "{hits:?}");
    assert_eq!(&hits[0].moment.text[hits[0].marks[0].clone()], "/etc/shadow");
    let hits = one.hits(&index, "one", "logout").await;
    assert_eq!((hits[0].moment.at_ms, hits[0].moment.text.as_str()), (9000, "logout"));
}

#[tokio::test]
async fn a_secret_is_not_in_the_index() {
    let folder = tempfile::tempdir().unwrap();
    let index = index(&folder).await;
    let text = "alter user app password 'Zebra42x'";
    let statement = Statement { statement: 1, text: text.as_bytes().into(), ..Statement::default() };
    let output = FrameKind::output(0, b"DB_PASSWORD=Giraffe77y\r\nplain Okapi99z\r\n");
    record("one", &[vec![(0, FrameKind::Statement(statement)), (5, output)]]).index(&index, "one").await;
    assert_eq!(sessions(&index, "okapi99z").await, ["one"]);
    assert_eq!(sessions(&index, "statement:\"alter user\"").await, ["one"]);
    assert!(sessions(&index, "zebra42x").await.is_empty() && sessions(&index, "giraffe77y").await.is_empty());
}

#[tokio::test]
async fn an_address_is_not_looked_for_in_every_recording_with_its_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let index = index(&folder).await;
    for (session, line) in [
        ("one", "accepted 10.7.3.9 for req-77\r\nroot@web-1:~# "),
        ("two", "10.3.7.9, 7.3 of 9 at 10; req 77, req-78, 3.9\r\nroot@web-1:~# "),
    ] {
        record(session, &[shell(&[line])]).index(&index, session).await;
    }
    for text in ["10.7.3.9", "7.3.9", "\"10.7.3\"", "req-77", "\"10.7.3.9 for req-77\""] {
        assert_eq!(sessions(&index, text).await, ["one"], "{text}");
    }
    assert_eq!(sessions(&index, "\"10.7\"").await, ["one", "two"]);
}

#[tokio::test]
async fn nothing_readable_lies_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let index = index(&folder).await;
    record("one", &[shell(&["cat /srv/payroll.ods\r\nquetzalcoatl\r\nroot@web-1:~# "])]).index(&index, "one").await;
    index.close().await;
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        for word in ["payroll", "quetzalcoatl"] {
            assert!(!bytes.windows(word.len()).any(|window| window == word.as_bytes()), "{word}");
        }
    }
}

#[tokio::test]
async fn a_long_recording_is_read_again_from_where_the_place_is() {
    let folder = tempfile::tempdir().unwrap();
    let index = index(&folder).await;
    let chunk = |number: u64| {
        let lines: String =
            (0..600).map(|line| format!("chunk {number} line {line} of a log that goes on\r\n")).collect();
        let needle = if number == 17 { "here is the needle\r\n" } else { "" };
        vec![(number * 1000, FrameKind::Output { channel: 0, data: format!("{lines}{needle}").into_bytes().into() })]
    };
    let long = record("long", &(0..24).map(chunk).collect::<Vec<_>>());
    long.index(&index, "long").await;
    let query = Query::parse("\"the needle\"", Timestamp::from_millis(0)).unwrap();
    let places = index.places("long", &query.clauses, 8).await.unwrap();
    assert!(places.len() == 1 && places[0].from.is_some_and(|from| from.chunks > 8), "{places:?}");
    let hits = long.hits(&index, "long", "\"the needle\"").await;
    assert_eq!((hits[0].moment.at_ms, hits[0].moment.text.as_str()), (17_000, "here is the needle"));
}

#[tokio::test]
async fn statements_that_come_again_are_found_in_every_slice() {
    let folder = tempfile::tempdir().unwrap();
    let index = index(&folder).await;
    let (texts, count) = (["get parrot", "select * from shop.customer where id = $1"], 30_000);
    let chunks = (0..count).step_by(1000).map(|from| {
        let statement = |at: u64| {
            let text = texts[usize::from(at.is_multiple_of(2))].as_bytes();
            let text_bytes = u64::try_from(text.len()).unwrap();
            (
                at,
                FrameKind::Statement(Statement {
                    statement: at,
                    text: text.into(),
                    text_bytes,
                    ..Statement::default()
                }),
            )
        };
        (from..from + 1000).map(statement).collect()
    });
    let recorded = record("one", &chunks.collect::<Vec<_>>());
    recorded.index(&index, "one").await;
    for text in ["parrot", "table:customer", "statement:\"where id\""] {
        let query = Query::parse(text, Timestamp::from_millis(0)).unwrap();
        let places = index.places("one", &query.clauses, 100).await.unwrap();
        assert!(places.len() > 2, "{text}: {places:?}");
        let until: Vec<u64> = places.iter().map(|place| place.until_ms).collect();
        assert!(until.contains(&(count - 1)), "{text}: {until:?}");
        // Each can be read again for it, the last one, too.
        assert!(recorded.hits(&index, "one", text).await.len() >= places.len(), "{text}");
    }
    assert!(index.held().await.unwrap().text_bytes > count * 25, "what came again was counted");
}

#[tokio::test]
async fn sessions_leave_the_index_and_another_key_makes_it_anew() {
    let folder = tempfile::tempdir().unwrap();
    let opened = index(&folder).await;
    let one = record("one", &[shell(&["uptime\r\nroot@web-1:~# "])]);
    one.index(&opened, "one").await;
    one.index(&opened, "one").await;
    assert_eq!(
        (sessions(&opened, "uptime").await, opened.whole().await.unwrap()),
        (vec!["one".to_owned()], vec!["one".to_owned()])
    );
    opened.forget(&["one".to_owned(), "none".to_owned()]).await.unwrap();
    assert!(sessions(&opened, "uptime").await.is_empty());
    one.index(&opened, "one").await;
    opened.close().await;
    assert_eq!(sessions(&index(&folder).await, "uptime").await, ["one"]);
    let other = Index::open(&folder.path().join("search.db"), IndexKey::new(&[9; 32]).unwrap()).await.unwrap();
    assert!(other.whole().await.unwrap().is_empty());
}
