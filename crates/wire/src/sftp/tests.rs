use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn packet(kind: u8, id: u32, fields: &[&[u8]]) -> Vec<u8> {
    let mut body = vec![kind];
    body.extend_from_slice(&id.to_be_bytes());
    for field in fields {
        body.extend_from_slice(&u32::try_from(field.len()).unwrap().to_be_bytes());
        body.extend_from_slice(field);
    }
    let mut packet = u32::try_from(body.len()).unwrap().to_be_bytes().to_vec();
    packet.extend_from_slice(&body);
    packet
}

#[test]
fn requests_are_read() {
    assert_eq!(
        Request::read(&packet(13, 7, &[b"/tmp/x"])),
        Some(Request::Change { id: 7, op: "remove", path: b"/tmp/x", path2: None, by_handle: false })
    );
    assert_eq!(
        Request::read(&packet(200, 8, &[b"posix-rename@openssh.com", b"a", b"b"])),
        Some(Request::Change { id: 8, op: "rename", path: b"a", path2: Some(b"b"), by_handle: false })
    );
    assert_eq!(Request::read(&packet(200, 9, &[b"copy-data", b"a"])), Some(Request::Unknown { id: 9 }));
    assert_eq!(Request::read(&packet(99, 9, &[])), Some(Request::Unknown { id: 9 }));
    assert_eq!(Request::read(&packet(4, 1, &[])), None, "a close without a handle");
    let mut open = packet(3, 2, &[b"file"]);
    open.extend_from_slice(&26_u32.to_be_bytes());
    assert!(
        matches!(Request::read(&open), Some(Request::Open { id: 2, path: b"file", flags }) if flags.writes() && !flags.reads())
    );
}

#[test]
fn flags_say_what_for() {
    let of = |bits| (OpenFlags(bits).reads(), OpenFlags(bits).writes());
    assert_eq!(of(1), (true, false));
    assert_eq!(of(2), (false, true));
    assert_eq!(of(3), (true, true));
    assert_eq!(of(0), (true, false), "nothing said counts as reading");
    assert_eq!(of(1 | 8), (true, true), "creating changes something");
    assert_eq!(of(1 | 16), (true, true), "so does truncating");
    assert_eq!(of(1 | 0x8000_0000), (true, true), "and so may what is not known");
}

#[test]
fn an_answer_is_a_reply() {
    let packet = answer(5, Status::PermissionDenied, "no");
    let mut seen = Vec::new();
    Splitter::default().split(&packet, |packet| seen.push(packet.to_vec())).unwrap();
    assert_eq!(seen, std::slice::from_ref(&packet));
    assert_eq!(Reply::read(&packet), Some(Reply::Status { id: 5, code: 3 }));
}

#[test]
fn what_is_too_long_or_empty_is_refused() {
    assert_eq!(Splitter::default().split(&[0, 4, 0, 1, 9], |_| ()), Err(Error::TooLong));
    assert_eq!(Splitter::default().split(&[0, 0, 0, 0], |_| ()), Err(Error::Empty));
}

proptest! {
    #[test]
    fn packets_come_out_whole_however_they_are_cut(
        bodies in vec(vec(any::<u8>(), 1..2000), 1..20),
        cuts in vec(1_usize..700, 1..200),
    ) {
        let wanted: Vec<Vec<u8>> = bodies.iter().map(|body| {
            let mut packet = u32::try_from(body.len()).unwrap().to_be_bytes().to_vec();
            packet.extend_from_slice(body);
            packet
        }).collect();
        let stream = wanted.concat();
        let (mut splitter, mut seen, mut rest) = (Splitter::default(), Vec::new(), stream.as_slice());
        for cut in cuts.iter().cycle() {
            let (part, more) = rest.split_at((*cut).min(rest.len()));
            splitter.split(part, |packet| seen.push(packet.to_vec())).unwrap();
            rest = more;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(seen, wanted);
        prop_assert!(splitter.is_between());
    }

    #[test]
    fn anything_can_be_looked_at(bytes in vec(any::<u8>(), 0..4000)) {
        let mut splitter = Splitter::default();
        let _ = splitter.split(&bytes, |packet| {
            let _ = (Request::read(packet), Reply::read(packet));
        });
        let _ = (Request::read(&bytes), Reply::read(&bytes));
    }
}
