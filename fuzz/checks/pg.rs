//! What must hold for the messages of PostgreSQL's protocol, whatever the bytes. Shared by the fuzz
//! target and by the test that replays its corpus.

use postern_wire::pg::{Error, Handling, Owed, Piece, Pipeline, Splitter, back, body, front, scram, startup};

/// Takes `bytes` for what either side sends, from its first byte and later on.
pub(crate) fn check(bytes: &[u8]) {
    if let Ok(Some((first, length))) = startup::first(bytes) {
        assert!(length <= bytes.len());
        if let startup::First::Session(wish) = first {
            let again = wish.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            let packet = startup::session_request(again);
            assert!(startup::first(&packet).is_ok_and(|read| read.is_some()), "what is written is read");
        }
    }
    for portion in [1, 7] {
        assert_eq!(split(bytes, portion, front::handling), split(bytes, usize::MAX, front::handling));
        assert_eq!(
            split(bytes, portion, |tag| back::handling(tag, true)),
            split(bytes, usize::MAX, |tag| back::handling(tag, true))
        );
    }
    for (tag, message) in split(bytes, usize::MAX, front::handling).0 {
        client(tag, body(&message));
    }
    let mut pipeline = Pipeline::default();
    for owed in [Owed::Parse, Owed::Bind, Owed::Describe, Owed::Execute, Owed::Sync, Owed::Query, Owed::Call] {
        pipeline.push(owed, ());
    }
    for (tag, message) in split(bytes, usize::MAX, |tag| back::handling(tag, true)).0 {
        server(tag, body(&message));
        let before = pipeline.len();
        let _ = pipeline.answered(tag);
        assert!(pipeline.len() <= before);
    }
    let _ = scram::end_point(bytes);
    let (exchange, _) = scram::Exchange::begin(b"pencil", "nonce", scram::Binding::None);
    if bytes.windows(4).all(|window| window != b",i=1") {
        // More rounds would be slow, not wrong.
        return;
    }
    let _ = exchange.prove(bytes);
}

fn client(tag: u8, body: &[u8]) {
    match tag {
        b'Q' => drop(front::query(body)),
        b'P' => drop(front::parse(body)),
        b'B' => {
            if let Ok(bound) = front::bind(body) {
                assert!(bound.parameters().count() <= body.len());
            }
        }
        b'D' | b'C' => drop(front::named(body)),
        b'E' => drop(front::execute(body)),
        b'F' => drop(front::function_call(body)),
        b'p' => drop(front::password(body)),
        _ => {}
    }
}

fn server(tag: u8, body: &[u8]) {
    match tag {
        b'E' => {
            if let Ok(report) = back::report(body) {
                let mut out = Vec::new();
                back::put_error(&mut out, &report);
                assert_eq!(back::report(postern_wire::pg::body(&out)), Ok(report), "an error is read as written");
            }
        }
        b'T' => drop(back::columns(body)),
        b'C' => drop(back::command_complete(body).map(back::rows_of)),
        b'S' => drop(back::parameter_status(body)),
        b'K' => drop(back::key_data(body)),
        b'Z' => drop(back::ready(body)),
        b'D' => {
            if let Ok(values) = back::values(body) {
                let mut out = Vec::new();
                back::put_row(&mut out, values.iter().map(|value| value.map(Into::into)));
                assert_eq!(postern_wire::pg::body(&out), body, "a row is written as read");
            }
        }
        _ => drop(back::authentication(body)),
    }
}

/// The messages that begin in the bytes, with as much of them as there is.
fn split(
    bytes: &[u8],
    portion: usize,
    handling: impl Fn(u8) -> Option<Handling>,
) -> (Vec<(u8, Vec<u8>)>, Option<Error>) {
    let (mut splitter, mut held, mut messages) = (Splitter::default(), Vec::new(), Vec::<(u8, Vec<u8>)>::new());
    for portion in bytes.chunks(portion.min(bytes.len()).max(1)) {
        held.extend_from_slice(portion);
        loop {
            let (tag, taken) = match splitter.next(&held, &handling) {
                Err(error) => return (messages, Some(error)),
                Ok(None) => break,
                Ok(Some(Piece::More(here))) => (None, here),
                Ok(Some(Piece::Pass { tag, here, .. })) => (Some(tag), here),
                Ok(Some(Piece::Whole { tag, total })) => (Some(tag), total),
            };
            let part: Vec<u8> = held.drain(..taken).collect();
            match (tag, messages.last_mut()) {
                (Some(tag), _) => messages.push((tag, part)),
                (None, Some((_, message))) => message.extend(part),
                (None, None) => {}
            }
        }
    }
    (messages, None)
}
