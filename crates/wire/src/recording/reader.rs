//! Reads a recording: bytes in, chunks of frames out, and a verdict.

use std::sync::Arc;

use super::codec::Cursor;
use super::frame::Frames;
use super::header::{DataKey, Header};
use super::pieces::{Content, Piece, Splitter, associated_data, nonce};
use super::{Error, Sha256};

/// Whether a recording is all there and as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It ends with its footer, and every chunk is what was written.
    Complete,
    /// Everything before this byte is what was written; then the recording breaks off.
    Cut {
        /// The length of the header and the whole chunks.
        at: u64,
    },
    /// Everything before this chunk is what was written; this chunk is not.
    Altered {
        /// The chunk's number, from 0.
        chunk: u64,
        /// The byte at which it begins.
        at: u64,
    },
}

/// What was found in a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Whether it is all there.
    pub verdict: Verdict,
    /// The digest at the head of the chain after the last chunk that was read.
    pub digest: Sha256,
    /// How many chunks were read, the footer included.
    pub chunks: u64,
    /// How many frames they held.
    pub frames: u64,
    /// How many bytes the header and these chunks have.
    pub bytes: u64,
}

/// A chunk's frames.
#[derive(Clone, Debug)]
pub struct Chunk {
    /// Its number, from 0.
    pub index: u64,
    /// When its first frame happened, in microseconds since the start.
    pub first_at_us: u64,
    /// When its last frame happened.
    pub last_at_us: u64,
    count: u32,
    plain: Vec<u8>,
}

impl Chunk {
    /// How many frames it has.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Its frames, in order.
    #[must_use]
    pub fn frames(&self) -> Frames<'_> {
        Frames::new(&self.plain)
    }

    /// Its frames as bytes.
    #[must_use]
    pub fn into_plain(self) -> Vec<u8> {
        self.plain
    }
}

/// A place between two chunks, at which reading can begin without what lies before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The chain's value there.
    pub chain: [u8; 32],
    /// How many chunks lie before it.
    pub chunks: u64,
    /// How many bytes of the file lie before it.
    pub bytes: u64,
}

/// Opens chunks one after the other. Feed bytes with `push`, take chunks with `next_chunk` until there
/// is none, and ask `finish` at the end of the file.
pub struct ChunkReader {
    key: Arc<DataKey>,
    splitter: Splitter,
    /// None while it rests.
    zstd: Option<zstd::bulk::Decompressor<'static>>,
    /// The state after the last chunk that was as written.
    good: Good,
    altered: bool,
}

#[derive(Clone, Copy, Default)]
struct Good {
    chain: [u8; 32],
    chunks: u64,
    frames: u64,
    plain_bytes: u64,
    bytes: u64,
    ended: bool,
}

impl ChunkReader {
    /// A reader at the front of a recording.
    pub fn new(key: Arc<DataKey>) -> Result<Self, Error> {
        let zstd = zstd::bulk::Decompressor::new().map_err(|_| Error::Failed("compressor"))?;
        Ok(Self { key, splitter: Splitter::new(), zstd: Some(zstd), good: Good::default(), altered: false })
    }

    /// Frees what is not needed until more bytes are pushed, which is most of a reader.
    pub fn rest(&mut self) {
        self.zstd = None;
        self.splitter.pause();
    }

    /// A reader that begins at `position` in the recording with this header: push the bytes from there
    /// on. What lies before is not looked at, so that its verdict at the end says nothing.
    pub fn resume(key: Arc<DataKey>, header: Header, position: &Position) -> Result<Self, Error> {
        let Position { chain, chunks, bytes } = *position;
        let mut reader = Self::new(key)?;
        reader.splitter.resume(header, position);
        reader.good = Good { chain, chunks, bytes, ..Good::default() };
        Ok(reader)
    }

    /// Where the next chunk begins; `None` before the first one.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        let Good { chain, chunks, bytes, .. } = self.good;
        (chunks > 0).then_some(Position { chain, chunks, bytes })
    }

    /// Takes the next bytes of the file.
    pub fn push(&mut self, bytes: &[u8]) {
        if !self.altered {
            self.splitter.push(bytes);
        }
    }

    /// The header, once it has been read.
    #[must_use]
    pub fn header(&self) -> Option<&Header> {
        self.splitter.header()
    }

    /// The next chunk; `None` when more bytes are needed, at the end, and for good after a chunk that
    /// is not as written. An error means that this is no recording at all, or that there is no memory to read it.
    pub fn next_chunk(&mut self) -> Result<Option<Chunk>, Error> {
        if self.altered {
            return Ok(None);
        }
        let piece = self.splitter.next();
        if self.good.bytes == 0 {
            self.start(&piece)?;
        }
        let Ok(piece) = piece else {
            self.altered = true;
            return Ok(None);
        };
        let Some(piece) = piece else { return Ok(None) };
        let (index, head) = (piece.index, piece.head);
        let Some(plain) = self.open(piece)?.filter(|plain| self.fits(head.content, plain)) else {
            self.altered = true;
            return Ok(None);
        };
        self.good = Good {
            chain: self.splitter.chain,
            chunks: self.splitter.index,
            frames: self.splitter.frames,
            plain_bytes: self.good.plain_bytes + u64::try_from(plain.len()).unwrap_or(0),
            bytes: self.splitter.whole_len,
            ended: self.splitter.ended,
        };
        if self.good.ended {
            return self.next_chunk();
        }
        Ok(Some(Chunk { index, first_at_us: head.first_at_us, last_at_us: head.last_at_us, count: head.frames, plain }))
    }

    /// Notes where the header ended, from the first chunk or from the splitter if there is none yet.
    fn start(&mut self, first: &Result<Option<Piece>, Error>) -> Result<(), Error> {
        if self.splitter.header().is_none() {
            return first.as_ref().map(|_| ()).map_err(Clone::clone);
        }
        let (chain, after) = match first {
            Ok(Some(piece)) => (piece.chain, u64::try_from(piece.head_bytes.len() + piece.sealed.len()).unwrap_or(0)),
            _ => (self.splitter.chain, 0),
        };
        self.good = Good { chain, bytes: self.splitter.whole_len - after, ..Good::default() };
        Ok(())
    }

    /// A chunk's plain bytes; `None` when it is not as written. An error says nothing of the recording.
    fn open(&mut self, piece: Piece) -> Result<Option<Vec<u8>>, Error> {
        let Some(header) = self.splitter.header() else { return Ok(None) };
        let aad = associated_data(&header.session, piece.index, &piece.chain, &piece.head_bytes);
        let mut sealed = piece.sealed;
        let nonce = nonce(header.nonce_prefix, piece.index);
        let Ok(opened) = self.key.cipher().open_in_place(nonce, aad, &mut sealed) else { return Ok(None) };
        let len = opened.len();
        sealed.truncate(len);
        if piece.head.content != Content::Packed {
            return Ok(Some(sealed));
        }
        let zstd = match &mut self.zstd {
            Some(zstd) => zstd,
            none => none.insert(zstd::bulk::Decompressor::new().map_err(|_| Error::Failed("compressor"))?),
        };
        let plain = zstd.decompress(&sealed, piece.head.plain_len).ok();
        Ok(plain.filter(|plain| plain.len() == piece.head.plain_len))
    }

    /// Whether a footer's totals are those that were counted; anything else fits.
    fn fits(&self, content: Content, plain: &[u8]) -> bool {
        if content != Content::Footer {
            return true;
        }
        let mut cursor = Cursor::new(plain, "footer");
        let counted = [self.good.chunks, self.good.frames, self.good.plain_bytes];
        let same = counted.iter().all(|total| cursor.array() == Ok(total.to_be_bytes()));
        same && cursor.end().is_ok()
    }

    /// The verdict at the end of the file; an error when not even the header was whole.
    pub fn finish(self) -> Result<Summary, Error> {
        if self.splitter.header().is_none() {
            return Err(Error::Truncated("header"));
        }
        let Good { chain, chunks, frames, bytes, ended, .. } = self.good;
        let verdict = if self.altered {
            Verdict::Altered { chunk: chunks, at: bytes }
        } else if ended && !self.splitter.has_rest() {
            Verdict::Complete
        } else {
            Verdict::Cut { at: bytes }
        };
        Ok(Summary { verdict, digest: Sha256(chain), chunks, frames, bytes })
    }
}
