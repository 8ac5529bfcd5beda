//! Frames as bytes.

use proptest::prelude::*;

use super::super::codec::{Cursor, put_varint};
use super::super::*;
use super::{any_frame, sample};

proptest! {
    #[test]
    fn every_frame_survives_its_encoding(frames in proptest::collection::vec(any_frame(), 0..8)) {
        let mut plain = Vec::new();
        for frame in &frames {
            frame.encode(&mut plain).unwrap();
        }
        let back: Vec<_> = Frames::new(&plain).collect::<Result<_, _>>().unwrap();
        prop_assert_eq!(back, frames);
    }

    #[test]
    fn whatever_decodes_has_no_other_encoding(body in proptest::collection::vec(any::<u8>(), 0..64)) {
        if let Ok(frame) = Frame::decode(&body) {
            let mut again = Vec::new();
            frame.encode(&mut again).unwrap();
            prop_assert_eq!(&again[4..], &body[..]);
        }
    }

    #[test]
    fn mutated_frames_never_panic(frame in any_frame(), at in any::<prop::sample::Index>(), with in any::<u8>()) {
        let mut plain = Vec::new();
        frame.encode(&mut plain).unwrap();
        let at = at.index(plain.len());
        plain[at] = with;
        for frame in Frames::new(&plain).flatten() {
            let mut again = Vec::new();
            frame.encode(&mut again).unwrap();
        }
    }

    #[test]
    fn numbers_survive_and_have_one_encoding(value in any::<u64>()) {
        let mut bytes = Vec::new();
        put_varint(&mut bytes, value);
        prop_assert_eq!(Cursor::new(&bytes, "test").varint(), Ok(value));
        let last = bytes.len() - 1;
        bytes[last] |= 0x80;
        bytes.push(0);
        prop_assert!(Cursor::new(&bytes, "test").varint().is_err());
    }
}

#[test]
fn a_frame_that_is_too_large_is_refused_and_leaves_nothing() {
    let data = vec![0; FRAME_LEN_MAX];
    let mut batch = Batch::default();
    assert_eq!(batch.push(0, &FrameKind::output(0, &data)), Err(Error::TooLarge("frame")));
    assert!(batch.is_empty());
    assert_eq!(batch.len(), 0);
    let fits = &data[..FRAME_LEN_MAX - 16];
    assert!(batch.push(0, &FrameKind::output(0, fits)).is_ok());
}

#[test]
fn a_batch_holds_no_more_than_a_chunk_may() {
    let data = vec![0; FRAME_LEN_MAX - 16];
    let mut batch = Batch::default();
    while batch.push(0, &FrameKind::output(0, &data)).is_ok() {}
    assert!(batch.len() <= CHUNK_PLAIN_LEN_MAX);
    assert_eq!(batch.frames(), 4);
}

#[test]
fn lengths_that_lie_are_refused() {
    for (plain, expected) in [
        (&[0xFF, 0xFF, 0xFF, 0xFF, 3][..], Error::TooLarge("frame")),
        (&[0, 0, 0, 9, 3], Error::Truncated("frame")),
        (&[0, 0, 0], Error::Truncated("frame")),
        (&[0, 0, 0, 0], Error::Truncated("frame")),
        (&[0, 0, 0, 2, 99, 0], Error::Malformed("frame")),
        (&[0, 0, 0, 4, 14, 0, 1, 0xFF], Error::Malformed("frame")),
        (&[0, 0, 0, 5, 14, 0, 1, b'a', b'b'], Error::Malformed("frame")),
        (&[0, 0, 0, 4, 14, 0, 2, b'a'], Error::Truncated("frame")),
    ] {
        let mut frames = Frames::new(plain);
        assert_eq!(frames.next(), Some(Err(expected)), "{plain:?}");
        assert_eq!(frames.next(), None);
    }
}

#[test]
fn more_capabilities_than_the_limit_are_cut_off_by_the_writer() {
    let mut start = sample().concat().remove(0);
    if let FrameKind::Start { capabilities, .. } = &mut start.kind {
        *capabilities = vec!["shell".into(); CAPABILITIES_MAX + 1];
    }
    let mut plain = Vec::new();
    start.encode(&mut plain).unwrap();
    let back = Frames::new(&plain).next().unwrap().unwrap();
    assert!(matches!(back.kind, FrameKind::Start { capabilities, .. } if capabilities.len() == CAPABILITIES_MAX));
}

#[test]
fn a_stream_is_digested_whole_and_recorded_up_to_the_limit() {
    let mut digest = StreamDigest::with_head(5);
    assert_eq!(digest.update(b"abc"), b"abc");
    assert_eq!(digest.update(b"defg"), b"de");
    assert_eq!(digest.update(b"h"), b"");
    let sum = digest.finish();
    assert_eq!(sum.bytes, 8);
    assert_eq!(sum.blake3.to_string(), blake3::hash(b"abcdefgh").to_string());
}
