//! A relay whose client wants its packets compressed. The target is spoken to as always.

use postern_gateway::RecorderFailed;
use postern_wire::mysql::compress::{CONTENT_LEN_MAX, compressed, put_compressed};
use postern_wire::mysql::{Error, HEAD_LEN};

use super::relay::{Relay, Stop};
use crate::between::{Answer, Between, Question, Sink};
use crate::journal::Journal;

/// The compressed packets of one client.
#[derive(Default)]
pub(crate) struct Pack {
    /// A packet that is not complete yet.
    kept: Vec<u8>,
    /// The number of the next packet to the client.
    number: u8,
    within: Numbers,
}

/// Numbers the packets within compressed ones as servers do it: one that begins a compressed packet has its number. Where
/// a command or an answer takes several of those, that is not the number that the target gave it.
#[derive(Clone, Default)]
struct Numbers {
    next: u8,
    /// How many bytes of a head have passed, and the length in them.
    head: usize,
    length: usize,
    /// How much of a body has not passed yet.
    body: usize,
}

impl Numbers {
    /// Numbers what goes into the compressed packet of this number.
    fn number(&mut self, compressed: u8, mut content: &mut [u8]) {
        if self.body == 0 && self.head == 0 {
            self.next = compressed;
        }
        while let Some((byte, rest)) = content.split_first_mut() {
            if self.body > 0 {
                let here = self.body.min(rest.len() + 1);
                self.body -= here;
                content = rest.get_mut(here - 1..).unwrap_or_default();
                continue;
            }
            if self.head + 1 < HEAD_LEN {
                self.length |= usize::from(*byte) << (8 * self.head);
                self.head += 1;
            } else {
                *byte = self.next;
                self.next = self.next.wrapping_add(1);
                (self.body, self.length, self.head) = (self.length, 0, 0);
            }
            content = rest;
        }
    }
}

impl Pack {
    /// What the client has sent, unpacked, as far as it is complete.
    fn unpack(&mut self, chunk: &[u8]) -> Result<Vec<u8>, Error> {
        self.kept.extend_from_slice(chunk);
        let (mut content, mut at) = (Vec::new(), 0);
        while let Some(packet) = compressed(self.kept.get(at..).unwrap_or_default())? {
            content.extend_from_slice(&packet.content);
            self.number = packet.number.wrapping_add(1);
            at += packet.length;
        }
        self.kept.drain(..at);
        Ok(content)
    }

    /// What the client is sent next, packed.
    pub(crate) fn pack(&mut self, mut content: Vec<u8>) -> Vec<u8> {
        let mut out = Vec::new();
        for part in content.chunks_mut(CONTENT_LEN_MAX) {
            self.within.number(self.number, part);
            self.number = put_compressed(&mut out, self.number, part);
        }
        out
    }
}

/// A relay, with compression on the client's side or without.
pub(crate) struct Packed {
    relay: Relay,
    pack: Option<Pack>,
}

impl Packed {
    pub(crate) fn new(relay: Relay, pack: Option<Pack>) -> Self {
        Self { relay, pack }
    }

    pub(crate) fn into_parts(self) -> (Relay, Option<Pack>) {
        (self.relay, self.pack)
    }
}

impl Between for Packed {
    type Error = Error;

    fn take_client(&mut self, chunk: &[u8], forward: Sink<'_>) -> Result<(), Stop> {
        match &mut self.pack {
            None => self.relay.take_client(chunk, forward),
            Some(pack) => {
                let content = pack.unpack(chunk).map_err(Stop::Client)?;
                self.relay.take_client(&content, forward)
            }
        }
    }

    fn take_target(&mut self, chunk: &[u8], forward: Sink<'_>) -> Result<(), Stop> {
        let Some(pack) = &mut self.pack else { return self.relay.take_target(chunk, forward) };
        let mut content = Vec::new();
        let taken = self.relay.take_target(chunk, &mut |bytes| {
            content.extend_from_slice(bytes);
            Ok(())
        });
        // What came before the end of a session is still the client's.
        if !content.is_empty() {
            forward(&pack.pack(content))?;
        }
        taken
    }

    fn resume(&mut self, forward: Sink<'_>) -> Result<(), Stop> {
        self.relay.resume(forward)
    }

    fn answered(&mut self, answer: Answer, forward: Sink<'_>) -> Result<(), Stop> {
        self.relay.answered(answer, forward)
    }

    fn take_question(&mut self) -> Option<Question> {
        self.relay.take_question()
    }

    fn has_room(&self) -> bool {
        self.relay.has_room()
    }

    fn is_busy(&self) -> bool {
        self.relay.is_busy()
    }

    fn at_boundary(&self) -> bool {
        self.relay.at_boundary()
    }

    fn journal(&mut self) -> &mut Journal {
        self.relay.journal()
    }

    fn take_ours(&mut self) -> Vec<u8> {
        self.relay.take_ours()
    }

    fn take_theirs(&mut self) -> Vec<u8> {
        let theirs = self.relay.take_theirs();
        match &mut self.pack {
            Some(pack) if !theirs.is_empty() => pack.pack(theirs),
            _ => theirs,
        }
    }

    fn take_cancel(&mut self) -> bool {
        self.relay.take_cancel()
    }

    fn notice(&self, text: &str) -> Option<Vec<u8>> {
        self.relay.notice(text)
    }

    fn farewell(&self, text: &str) -> Vec<u8> {
        let mut farewell = self.relay.farewell(text);
        let Some(pack) = &self.pack else { return farewell };
        let mut out = Vec::new();
        pack.within.clone().number(pack.number, &mut farewell);
        put_compressed(&mut out, pack.number, &farewell);
        out
    }

    fn goodbye(&self) -> Vec<u8> {
        self.relay.goodbye()
    }

    fn end(&mut self) -> Result<(), RecorderFailed> {
        self.relay.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a client that has sent a command in several compressed packets, the last of them number 4, is told where
    /// the target's answer comes in portions.
    fn told(answer: &[u8], portion: usize) -> Vec<u8> {
        let mut command = Vec::new();
        put_compressed(&mut command, 4, b"the last part of a long command");
        let (mut pack, mut told) = (Pack::default(), Vec::new());
        pack.unpack(&command).unwrap();
        for (packed, number) in answer.chunks(portion).map(|part| pack.pack(part.to_vec())).zip(5..) {
            let packed = compressed(&packed).unwrap().unwrap();
            assert_eq!(packed.number, number);
            told.extend(packed.content);
        }
        told
    }

    #[test]
    fn packets_are_numbered_by_the_compressed_one_that_they_begin() {
        let numbered = |a, b, c| [&[3, 0, 0, a, 7, 7, 7][..], &[0, 0, 0, b], &[1, 0, 0, c, 9]].concat();
        let answer = numbered(1, 2, 3);
        assert_eq!(told(&answer, 16), numbered(5, 6, 7));
        assert_eq!(told(&answer, 11), numbered(5, 6, 6));
        assert_eq!(told(&answer, 7), numbered(5, 6, 7));
        for portion in [5, 6, 8, 9, 10, 12, 13, 14, 15] {
            assert_eq!(told(&answer, portion), numbered(5, 6, 7), "what goes on is numbered on");
        }
    }
}
