//! What must hold for the messages of Redis' protocol, whatever the bytes. Shared by the fuzz target and
//! by the test that replays its corpus.

use postern_wire::redis::{Error, Piece, Replies, encode, first_word, request, subscriptions};

/// Takes `bytes` for what either side sends.
pub(crate) fn check(bytes: &[u8]) {
    commands(bytes);
    let whole = split(bytes, usize::MAX);
    for portion in [1, 7] {
        assert_eq!(split(bytes, portion), whole, "the same in any portions");
    }
    if let Ok(Some(word)) = first_word(bytes) {
        assert!(word.len() <= bytes.len());
    }
    let _ = subscriptions(bytes);
}

fn commands(bytes: &[u8]) {
    let mut rest = bytes;
    while let Ok(Some(read)) = request(rest) {
        assert!(read.length > 0 && read.length <= rest.len());
        let mut out = Vec::new();
        encode(&mut out, read.words.iter().copied());
        if !read.words.is_empty() {
            let again = request(&out);
            assert!(again.is_ok_and(|again| again.is_some_and(|again| again.words == read.words)), "read as written");
        }
        rest = rest.get(read.length..).unwrap_or_default();
    }
}

/// The lengths of the replies that end in the bytes.
fn split(bytes: &[u8], portion: usize) -> (Vec<usize>, Option<Error>) {
    let (mut replies, mut held, mut lengths, mut length) = (Replies::default(), Vec::new(), Vec::new(), 0);
    for portion in bytes.chunks(portion.min(bytes.len()).max(1)) {
        held.extend_from_slice(portion);
        loop {
            let (taken, last) = match replies.next(&held) {
                Err(error) => return (lengths, Some(error)),
                Ok(None) => break,
                Ok(Some(Piece::Line { length, last, .. } | Piece::Data { length, last, .. })) => (length, last),
            };
            held.drain(..taken);
            length += taken;
            if last {
                assert!(replies.at_boundary());
                lengths.push(std::mem::take(&mut length));
            }
        }
    }
    (lengths, None)
}
