//! Makes a recording: frames in, bytes out.

use std::sync::Arc;

use super::frame::{self, FrameKind};
use super::header::{DataKey, Header};
use super::pieces::{Content, HEAD_LEN, Head, TAG_LEN, associated_data, chain_next, chain_start, nonce};
use super::{CHUNK_PLAIN_LEN_MAX, Error};

/// The level of compression: the fastest that is still worth it for terminal output.
const LEVEL: i32 = 1;
/// Less than this is not worth compressing.
const PACK_LEN_MIN: usize = 64;

/// Frames that wait to become a chunk.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    bytes: Vec<u8>,
    frames: u32,
    first_at_us: u64,
    last_at_us: u64,
}

/// An encoded frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encoded<'a>(&'a [u8]);

impl<'a> Encoded<'a> {
    /// With its length before it, as [`super::Frames`] reads it.
    #[must_use]
    pub fn whole(self) -> &'a [u8] {
        self.0
    }

    /// Alone, as [`super::Frame::decode`] reads it.
    #[must_use]
    pub fn body(self) -> &'a [u8] {
        self.0.get(4..).unwrap_or_default()
    }
}

impl Batch {
    /// Appends a frame; returns it as it is encoded. On an error the batch is as it was.
    pub fn push(&mut self, at_us: u64, kind: &FrameKind<'_>) -> Result<Encoded<'_>, Error> {
        let start = self.bytes.len();
        frame::encode(at_us, kind, &mut self.bytes)?;
        if self.bytes.len() > CHUNK_PLAIN_LEN_MAX {
            self.bytes.truncate(start);
            return Err(Error::TooLarge("chunk"));
        }
        if self.frames == 0 {
            self.first_at_us = at_us;
        }
        self.last_at_us = at_us;
        self.frames += 1;
        Ok(Encoded(self.bytes.get(start..).unwrap_or_default()))
    }

    /// Makes room for `additional` bytes at once.
    pub fn reserve(&mut self, additional: usize) {
        self.bytes.reserve(additional);
    }

    /// How many bytes of memory it holds.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// How many bytes its frames have.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// How many frames it has.
    #[must_use]
    pub fn frames(&self) -> u32 {
        self.frames
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.frames == 0
    }
}

/// The compressor and its buffer; one of them serves any number of writers, one at a time.
pub struct Packer {
    zstd: zstd::bulk::Compressor<'static>,
    packed: Vec<u8>,
}

impl Packer {
    /// A fresh one.
    pub fn new() -> Result<Self, Error> {
        let zstd = zstd::bulk::Compressor::new(LEVEL).map_err(|_| Error::Failed("compressor"))?;
        Ok(Self { zstd, packed: Vec::new() })
    }

    /// `plain` compressed, where that is shorter.
    fn pack(&mut self, plain: &[u8]) -> Option<&[u8]> {
        if plain.len() < PACK_LEN_MIN {
            return None;
        }
        self.packed.clear();
        self.packed.reserve(plain.len());
        // A result that does not fit into the plain length is an error here, and not worth having.
        let len = self.zstd.compress_to_buffer(plain, &mut self.packed).ok()?;
        self.packed.get(..len).filter(|packed| packed.len() < plain.len())
    }
}

/// Seals batches into chunks, one after the other.
pub struct ChunkWriter {
    key: Arc<DataKey>,
    session: String,
    nonce_prefix: [u8; 4],
    chain: [u8; 32],
    chunks: u64,
    frames: u64,
    plain_bytes: u64,
    bytes: u64,
    last_at_us: u64,
    ended: bool,
}

impl ChunkWriter {
    /// A writer for a new recording, and the header's bytes, which come first in the file. `key` must
    /// never have been used for another recording.
    pub fn new(header: &Header, key: Arc<DataKey>) -> Result<(Self, Vec<u8>), Error> {
        let bytes = header.encode()?;
        let writer = Self {
            key,
            session: header.session.clone(),
            nonce_prefix: header.nonce_prefix,
            chain: chain_start(&bytes),
            chunks: 0,
            frames: 0,
            plain_bytes: 0,
            bytes: u64::try_from(bytes.len()).unwrap_or(0),
            last_at_us: 0,
            ended: false,
        };
        Ok((writer, bytes))
    }

    /// Appends the chunk that holds `batch` to `out`. After an error, the writer is of no more use.
    pub fn seal(&mut self, batch: &Batch, packer: &mut Packer, out: &mut Vec<u8>) -> Result<(), Error> {
        let (content, body) = match packer.pack(&batch.bytes) {
            Some(packed) => (Content::Packed, packed),
            None => (Content::Plain, batch.bytes.as_slice()),
        };
        let head = Head {
            content,
            frames: batch.frames,
            first_at_us: batch.first_at_us,
            last_at_us: batch.last_at_us,
            plain_len: batch.bytes.len(),
            sealed_len: body.len() + TAG_LEN,
        };
        self.append(&head, body, out)?;
        self.frames += u64::from(batch.frames);
        self.plain_bytes += u64::try_from(batch.bytes.len()).unwrap_or(0);
        self.last_at_us = batch.last_at_us;
        Ok(())
    }

    /// Appends the footer to `out`: the session has ended, and this is all.
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Error> {
        let mut body = Vec::with_capacity(FOOTER_LEN);
        for total in [self.chunks, self.frames, self.plain_bytes] {
            body.extend_from_slice(&total.to_be_bytes());
        }
        let head = Head {
            content: Content::Footer,
            frames: 0,
            first_at_us: self.last_at_us,
            last_at_us: self.last_at_us,
            plain_len: body.len(),
            sealed_len: body.len() + TAG_LEN,
        };
        self.append(&head, &body, out)?;
        self.ended = true;
        Ok(())
    }

    fn append(&mut self, head: &Head, body: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
        if self.ended || head.plain_len > CHUNK_PLAIN_LEN_MAX {
            return Err(Error::TooLarge("recording"));
        }
        let head = head.encode()?;
        let start = out.len();
        out.reserve(HEAD_LEN + body.len() + TAG_LEN);
        out.extend_from_slice(&head);
        out.extend_from_slice(body);
        let failed = || Error::Failed("cipher");
        let in_out = out.get_mut(start + HEAD_LEN..).ok_or_else(failed)?;
        let aad = associated_data(&self.session, self.chunks, &self.chain, &head);
        let tag = self
            .key
            .cipher()
            .seal_in_place_separate_tag(nonce(self.nonce_prefix, self.chunks), aad, in_out)
            .map_err(|_| failed())?;
        out.extend_from_slice(tag.as_ref());
        let (head, sealed) = out.get(start..).and_then(|chunk| chunk.split_at_checked(HEAD_LEN)).ok_or_else(failed)?;
        self.chain = chain_next(&self.chain, head, sealed);
        self.chunks += 1;
        self.bytes += u64::try_from(out.len() - start).unwrap_or(0);
        Ok(())
    }

    /// The digest at the head of the chain.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        self.chain
    }

    /// How many bytes it has made, the header's included.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// Three totals.
pub(super) const FOOTER_LEN: usize = 24;
