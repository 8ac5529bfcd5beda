//! What must hold for SFTP packets, whatever the bytes. Shared by the fuzz target and by the test that
//! replays its corpus.

use postern_wire::sftp::{PACKET_LEN_MAX, Reply, Request, Splitter};

/// Takes `bytes` for what one side of an SFTP channel sends.
pub(crate) fn check(bytes: &[u8]) {
    let whole = split(bytes, usize::MAX);
    assert_eq!(whole, split(bytes, 1), "portions make no difference");
    assert_eq!(whole, split(bytes, 7));
    for packet in &whole.0 {
        if let Some(id) = Request::read(packet).and_then(|request| request.id()) {
            let answer = postern_wire::sftp::answer(id, postern_wire::sftp::Status::PermissionDenied, "no");
            let (answers, sound) = split(&answer, usize::MAX);
            assert!(sound && answers.len() == 1, "an answer is one packet");
            assert!(answers.iter().all(|answer| Reply::read(answer).is_some()), "and one that is understood");
        }
        let _ = Reply::read(packet);
    }
}

/// The packets in the bytes, and whether they could be told apart to the end.
fn split(bytes: &[u8], portion: usize) -> (Vec<Vec<u8>>, bool) {
    let mut splitter = Splitter::default();
    let mut packets = Vec::new();
    for portion in bytes.chunks(portion.min(bytes.len()).max(1)) {
        let split = splitter.split(portion, |packet| {
            assert!(packet.len() <= PACKET_LEN_MAX + 4, "with its length field");
            packets.push(packet.to_vec());
        });
        if split.is_err() {
            return (packets, false);
        }
    }
    (packets, true)
}
