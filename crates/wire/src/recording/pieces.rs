//! A recording cut into its header and chunks, and the hash chain over them. Needs no key.

use aws_lc_rs::aead::{Aad, Nonce};
use aws_lc_rs::digest::{Context, SHA256, digest};

use super::codec::Cursor;
use super::header::Header;
use super::reader::Position;
use super::{CHUNK_LEN_MAX, CHUNK_PLAIN_LEN_MAX, Error, Sha256};

/// What stands in clear before every chunk's sealed part.
pub(super) const HEAD_LEN: usize = 29;
/// The length of the cipher's tag.
pub(super) const TAG_LEN: usize = 16;

/// What a chunk holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// Frames as they are.
    Plain,
    /// Frames compressed with zstd.
    Packed,
    /// The totals; nothing comes after it.
    Footer,
}

/// The part of a chunk that stands in clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) content: Content,
    pub(super) frames: u32,
    pub(super) first_at_us: u64,
    pub(super) last_at_us: u64,
    /// The length before compression.
    pub(super) plain_len: usize,
    /// The length of the sealed part, tag included.
    pub(super) sealed_len: usize,
}

impl Head {
    pub(super) fn encode(&self) -> Result<[u8; HEAD_LEN], Error> {
        let too_large = |_| Error::TooLarge("chunk");
        let mut out = Vec::with_capacity(HEAD_LEN);
        let rest_len = u32::try_from(HEAD_LEN - 4 + self.sealed_len).map_err(too_large)?;
        out.extend_from_slice(&rest_len.to_be_bytes());
        out.push(match self.content {
            Content::Plain => 0,
            Content::Packed => 1,
            Content::Footer => 2,
        });
        out.extend_from_slice(&self.frames.to_be_bytes());
        out.extend_from_slice(&self.first_at_us.to_be_bytes());
        out.extend_from_slice(&self.last_at_us.to_be_bytes());
        out.extend_from_slice(&u32::try_from(self.plain_len).map_err(too_large)?.to_be_bytes());
        out.try_into().map_err(|_| Error::Malformed("chunk"))
    }

    /// Reads a head; refuses lengths that no writer makes.
    pub(super) fn decode(bytes: &[u8; HEAD_LEN]) -> Result<Self, Error> {
        let mut cursor = Cursor::new(bytes, "chunk");
        let rest_len = length(&mut cursor)?;
        let content = match cursor.byte()? {
            0 => Content::Plain,
            1 => Content::Packed,
            2 => Content::Footer,
            _ => return Err(Error::Malformed("chunk")),
        };
        let frames = u32::from_be_bytes(cursor.array()?);
        let first_at_us = u64::from_be_bytes(cursor.array()?);
        let last_at_us = u64::from_be_bytes(cursor.array()?);
        let plain_len = length(&mut cursor)?;
        let sealed_len = rest_len.checked_sub(HEAD_LEN - 4).ok_or(Error::Malformed("chunk"))?;
        if HEAD_LEN + sealed_len > CHUNK_LEN_MAX || plain_len > CHUNK_PLAIN_LEN_MAX {
            return Err(Error::TooLarge("chunk"));
        }
        let body_len = sealed_len.checked_sub(TAG_LEN).ok_or(Error::Malformed("chunk"))?;
        let fits = match content {
            Content::Plain | Content::Footer => body_len == plain_len,
            Content::Packed => body_len < plain_len,
        };
        if fits {
            Ok(Self { content, frames, first_at_us, last_at_us, plain_len, sealed_len })
        } else {
            Err(Error::Malformed("chunk"))
        }
    }
}

fn length(cursor: &mut Cursor<'_>) -> Result<usize, Error> {
    usize::try_from(u32::from_be_bytes(cursor.array()?)).map_err(|_| Error::TooLarge("chunk"))
}

/// A chunk as it lies on disk, and what it is bound to.
pub(super) struct Piece {
    pub(super) head: Head,
    pub(super) head_bytes: [u8; HEAD_LEN],
    pub(super) sealed: Vec<u8>,
    /// Its number, from 0.
    pub(super) index: u64,
    /// The chain's value before it.
    pub(super) chain: [u8; 32],
}

/// The associated data that a chunk is sealed with.
pub(super) fn associated_data(session: &str, index: u64, chain: &[u8; 32], head: &[u8; HEAD_LEN]) -> Aad<Vec<u8>> {
    let mut out = Vec::with_capacity(8 + 32 + HEAD_LEN + session.len());
    out.extend_from_slice(&index.to_be_bytes());
    out.extend_from_slice(chain);
    out.extend_from_slice(head);
    out.extend_from_slice(session.as_bytes());
    Aad::from(out)
}

/// The nonce that chunk `index` is sealed with.
pub(super) fn nonce(prefix: [u8; 4], index: u64) -> Nonce {
    let [a, b, c, d] = prefix;
    let [e, f, g, h, i, j, k, l] = index.to_be_bytes();
    Nonce::assume_unique_for_key([a, b, c, d, e, f, g, h, i, j, k, l])
}

/// The chain's first value.
pub(super) fn chain_start(header: &[u8]) -> [u8; 32] {
    Sha256::from_digest(digest(&SHA256, header).as_ref()).0
}

/// The chain's next value.
pub(super) fn chain_next(chain: &[u8; 32], head: &[u8], sealed: &[u8]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    context.update(chain);
    context.update(head);
    context.update(sealed);
    Sha256::from_digest(context.finish().as_ref()).0
}

/// Cuts bytes that arrive in any portions into a header and chunks, keeping the chain. Holds no more
/// than one chunk and what was pushed last.
pub(super) struct Splitter {
    buffer: Vec<u8>,
    consumed: usize,
    header: Option<Header>,
    /// Bytes of the file up to the end of the last whole chunk.
    pub(super) whole_len: u64,
    pub(super) chain: [u8; 32],
    pub(super) index: u64,
    pub(super) frames: u64,
    pub(super) ended: bool,
}

impl Splitter {
    pub(super) fn new() -> Self {
        Self {
            buffer: Vec::new(),
            consumed: 0,
            header: None,
            whole_len: 0,
            chain: [0; 32],
            index: 0,
            frames: 0,
            ended: false,
        }
    }

    /// Goes on at `position`, as if everything before it had been pushed.
    pub(super) fn resume(&mut self, header: Header, position: &Position) {
        self.header = Some(header);
        self.chain = position.chain;
        self.index = position.chunks;
        self.whole_len = position.bytes;
    }

    pub(super) fn header(&self) -> Option<&Header> {
        self.header.as_ref()
    }

    /// Frees what is not needed until more bytes come.
    pub(super) fn pause(&mut self) {
        self.discard();
        self.buffer.shrink_to_fit();
    }

    /// Takes the next bytes of the file. Call `next` until it has nothing more before pushing again.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.discard();
        self.buffer.extend_from_slice(bytes);
    }

    /// Lets go of what was dealt with.
    fn discard(&mut self) {
        self.buffer.drain(..self.consumed.min(self.buffer.len()));
        self.consumed = 0;
    }

    fn rest(&self) -> &[u8] {
        self.buffer.get(self.consumed..).unwrap_or_default()
    }

    /// Whether bytes are left that belong to no whole chunk.
    pub(super) fn has_rest(&self) -> bool {
        !self.rest().is_empty()
    }

    fn advance(&mut self, len: usize) {
        self.consumed += len;
        self.whole_len += u64::try_from(len).unwrap_or(0);
    }

    /// The next whole chunk; `None` when more bytes are needed. The chain is as after it.
    pub(super) fn next(&mut self) -> Result<Option<Piece>, Error> {
        if self.header.is_none() {
            let Some((header, len)) = Header::parse(self.rest())? else { return Ok(None) };
            self.chain = chain_start(self.rest().get(..len).unwrap_or_default());
            self.header = Some(header);
            self.advance(len);
        }
        if self.ended {
            return if self.has_rest() { Err(Error::Malformed("end")) } else { Ok(None) };
        }
        let Some((head_bytes, after)) = self.rest().split_first_chunk::<HEAD_LEN>() else { return Ok(None) };
        let head = Head::decode(head_bytes)?;
        let Some(sealed) = after.get(..head.sealed_len) else { return Ok(None) };
        let piece =
            Piece { head, head_bytes: *head_bytes, sealed: sealed.to_vec(), index: self.index, chain: self.chain };
        self.chain = chain_next(&self.chain, &piece.head_bytes, &piece.sealed);
        self.index += 1;
        self.frames = self.frames.saturating_add(u64::from(head.frames));
        self.ended = head.content == Content::Footer;
        self.advance(HEAD_LEN + head.sealed_len);
        Ok(Some(piece))
    }
}

/// What can be said of a recording without its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// The digest at the head of the chain, after the last whole chunk; this is what the ledger holds.
    pub digest: [u8; 32],
    /// How many whole chunks there are, the footer included.
    pub chunks: u64,
    /// How many bytes the header and the whole chunks have.
    pub bytes: u64,
    /// Whether the last of them is the footer.
    pub ended: bool,
    /// Whether it is, and nothing comes after it.
    pub complete: bool,
}

/// Computes the digest of a recording from its bytes alone: feed portions with `push`, then `finish`.
pub struct ChainDigest {
    splitter: Splitter,
    broken: bool,
}

impl ChainDigest {
    /// Nothing has been read.
    #[must_use]
    pub fn new() -> Self {
        Self { splitter: Splitter::new(), broken: false }
    }

    /// Takes the next bytes of the file.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if self.broken {
            return Ok(());
        }
        self.splitter.push(bytes);
        loop {
            match self.splitter.next() {
                Ok(Some(_)) => {}
                Ok(None) => return Ok(()),
                Err(error) if self.splitter.header().is_none() => return Err(error),
                Err(_) => {
                    self.broken = true;
                    return Ok(());
                }
            }
        }
    }

    /// What was read; an error when not even the header was whole.
    pub fn finish(self) -> Result<Chain, Error> {
        let splitter = self.splitter;
        if splitter.header().is_none() {
            return Err(Error::Truncated("header"));
        }
        Ok(Chain {
            digest: splitter.chain,
            chunks: splitter.index,
            bytes: splitter.whole_len,
            ended: splitter.ended,
            complete: splitter.ended && !self.broken && !splitter.has_rest(),
        })
    }
}

impl Default for ChainDigest {
    fn default() -> Self {
        Self::new()
    }
}

/// The chain of a recording that lies in memory.
pub fn digest_of(recording: &[u8]) -> Result<Chain, Error> {
    let mut chain = ChainDigest::new();
    for portion in recording.chunks(CHUNK_LEN_MAX) {
        chain.push(portion)?;
    }
    chain.finish()
}
