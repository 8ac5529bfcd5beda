//! A relay whose client wants its packets compressed. The target is spoken to as always.

use postern_gateway::RecorderFailed;
use postern_wire::mysql::Error;
use postern_wire::mysql::compress::{compressed, put_compressed};

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
    pub(crate) fn pack(&mut self, content: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        self.number = put_compressed(&mut out, self.number, content);
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
            forward(&pack.pack(&content))?;
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
            Some(pack) if !theirs.is_empty() => pack.pack(&theirs),
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
        let farewell = self.relay.farewell(text);
        let Some(pack) = &self.pack else { return farewell };
        let mut out = Vec::new();
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
