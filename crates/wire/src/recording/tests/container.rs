//! Headers, chunks, verdicts.

use proptest::prelude::*;

use super::super::*;
use super::{any_frame, header, key, read, recording, sample};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_is_read(
        groups in proptest::collection::vec(proptest::collection::vec(any_frame(), 1..6), 0..5),
        complete in any::<bool>(),
        portion in 1usize..5000,
    ) {
        let bytes = recording(&groups, complete);
        let (frames, summary) = read(&bytes, portion).unwrap();
        prop_assert_eq!(frames, groups.concat());
        let at = bytes.len() as u64;
        prop_assert_eq!(summary.verdict, if complete { Verdict::Complete } else { Verdict::Cut { at } });
        let chain = digest_of(&bytes).unwrap();
        prop_assert_eq!(chain.digest, summary.digest.0);
        prop_assert_eq!(chain.complete, complete);
        prop_assert_eq!(chain.bytes, at);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let _ = read(&bytes, 100);
        let _ = digest_of(&bytes);
    }

    #[test]
    fn arbitrary_chunks_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let mut whole = header().encode().unwrap();
        whole.extend_from_slice(&bytes);
        let (frames, summary) = read(&whole, 100).unwrap();
        prop_assert!(frames.is_empty());
        prop_assert_ne!(summary.verdict, Verdict::Complete);
        prop_assert!(!digest_of(&whole).unwrap().complete);
    }
}

/// Where each chunk of the sample ends, the header and the footer included.
fn boundaries() -> Vec<usize> {
    let groups = sample();
    let mut ends: Vec<_> = (0..=groups.len()).map(|count| recording(&groups[..count], false).len()).collect();
    ends.push(recording(&groups, true).len());
    ends
}

#[test]
fn a_recording_cut_off_anywhere_is_read_up_to_its_last_whole_chunk() {
    let bytes = recording(&sample(), true);
    let ends = boundaries();
    for len in 0..bytes.len() {
        let cut = &bytes[..len];
        let Some(whole) = ends.iter().rposition(|end| *end <= len) else {
            assert_eq!(read(cut, 64).unwrap_err(), Error::Truncated("header"), "{len}");
            assert_eq!(digest_of(cut).unwrap_err(), Error::Truncated("header"), "{len}");
            continue;
        };
        let (frames, summary) = read(cut, 64).unwrap();
        let at = ends[whole] as u64;
        assert_eq!(frames, sample()[..whole].concat(), "{len}");
        assert_eq!(summary.verdict, Verdict::Cut { at }, "{len}");
        assert_eq!(summary.bytes, at);
        let chain = digest_of(cut).unwrap();
        assert_eq!((chain.digest, chain.bytes, chain.complete), (summary.digest.0, at, false), "{len}");
    }
}

#[test]
fn a_flipped_bit_anywhere_is_found() {
    let bytes = recording(&sample(), true);
    let ends = boundaries();
    let genuine = digest_of(&bytes).unwrap();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut altered = bytes.clone();
            altered[at] ^= 1 << bit;
            let chain = digest_of(&altered);
            assert!(chain.is_err() || chain.is_ok_and(|chain| chain != genuine), "without the key: {at} {bit}");
            let Ok((frames, summary)) = read(&altered, 1000) else {
                assert!(at < ends[0], "only a header can make it no recording: {at} {bit}");
                continue;
            };
            let chunk = ends.iter().filter(|end| **end <= at).count().saturating_sub(1);
            assert_eq!(frames, sample().concat().split_at(sample()[..chunk].concat().len()).0, "{at} {bit}");
            match summary.verdict {
                Verdict::Altered { chunk: named, .. } => assert_eq!(named, chunk as u64, "{at} {bit}"),
                Verdict::Cut { at: cut } => assert_eq!(cut, ends[chunk] as u64, "a longer length: {at} {bit}"),
                Verdict::Complete => panic!("bit {bit} of byte {at} was not missed"),
            }
        }
    }
}

#[test]
fn chunks_cannot_be_dropped_repeated_reordered_or_added() {
    let bytes = recording(&sample(), true);
    let ends = boundaries();
    let chunk = |number: usize| &bytes[ends[number]..ends[number + 1]];
    let footer = &bytes[ends[4]..];
    let head = &bytes[..ends[0]];
    let altered = |parts: &[&[u8]], expected: u64| {
        let (_, summary) = read(&parts.concat(), 1000).unwrap();
        assert!(matches!(summary.verdict, Verdict::Altered { chunk, .. } if chunk == expected), "{summary:?}");
    };
    altered(&[head, chunk(1)], 0);
    altered(&[head, chunk(0), chunk(0)], 1);
    altered(&[head, chunk(1), chunk(0)], 0);
    altered(&[head, chunk(0), footer], 1);
    altered(&[&bytes, b"x"], 5);
    altered(&[&bytes, footer], 5);
}

#[test]
fn another_key_or_session_opens_nothing() {
    let bytes = recording(&sample(), true);
    let mut reader = ChunkReader::new(std::sync::Arc::new(DataKey::new(&[8; 32]).unwrap())).unwrap();
    reader.push(&bytes);
    assert!(reader.next_chunk().unwrap().is_none());
    assert!(matches!(reader.finish().unwrap().verdict, Verdict::Altered { chunk: 0, .. }));
    assert_eq!(DataKey::new(&[8; 31]).err(), Some(Error::KeyLength));
}

#[test]
fn what_is_no_recording_says_so() {
    assert_eq!(read(b"{\"version\": 3}", 64).unwrap_err(), Error::NotARecording);
    let mut later = recording(&sample(), true);
    later[8] = 2;
    assert_eq!(read(&later, 64).unwrap_err(), Error::Unsupported(2));
    assert_eq!(digest_of(&later).unwrap_err(), Error::Unsupported(2));
}

#[test]
fn a_header_beyond_its_limits_cannot_be_made() {
    let long = "s".repeat(SESSION_LEN_MAX + 1);
    assert_eq!(Header { session: long, ..header() }.encode(), Err(Error::TooLarge("header")));
    let sealed_key = vec![0; SEALED_KEY_LEN_MAX + 1];
    assert_eq!(Header { sealed_key, ..header() }.encode(), Err(Error::TooLarge("header")));
    let largest = Header { session: "s".repeat(SESSION_LEN_MAX), sealed_key: vec![0; SEALED_KEY_LEN_MAX], ..header() };
    let bytes = largest.encode().unwrap();
    assert_eq!(Header::parse(&bytes), Ok(Some((largest, bytes.len()))));
}

#[test]
fn nothing_is_written_after_the_footer() {
    let (mut writer, mut out) = ChunkWriter::new(&header(), key()).unwrap();
    writer.finish(&mut out).unwrap();
    let len = out.len();
    let mut batch = Batch::default();
    batch.push(0, &FrameKind::note("late")).unwrap();
    assert!(writer.seal(&batch, &mut Packer::new().unwrap(), &mut out).is_err());
    assert!(writer.finish(&mut out).is_err());
    assert_eq!(out.len(), len);
}

#[test]
fn what_compresses_is_compressed_and_what_does_not_is_left() {
    let even = vec![b'x'; 30_000];
    let uneven: Vec<u8> =
        (0..30_000u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()).take(30_000).collect();
    let frame = |data| vec![vec![Frame { at_us: 1, kind: FrameKind::output(0, data) }]];
    let small = recording(&frame(&even), true);
    assert!(small.len() < 1000, "{}", small.len());
    assert_eq!(read(&small, 64).unwrap().0, frame(&even).concat());
    let large = recording(&frame(&uneven), true);
    assert!(large.len() < 30_000 + 300, "{}", large.len());
    assert_eq!(read(&large, 64).unwrap().0, frame(&uneven).concat());
}
