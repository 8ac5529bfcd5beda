//! Reading recordings from their files, with bounded memory.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use postern_domain::SecretBytes;
use postern_wire::recording::{
    CastWriter, Chain, ChainDigest, ChunkReader, DataKey, Error, Frame, Frames, Header, Position, Summary,
    TerminalPick, TextWriter, json_line,
};

#[cfg(test)]
mod tests;

/// How much of a file is read at once.
/// The allocator keeps pieces of this length at hand: live recordings are read each second.
const READ_LEN: usize = 32 * 1024;

/// Why a recording could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file could not be read, or the export not be written.
    #[error("the recording cannot be read: {0}")]
    Io(#[from] std::io::Error),
    /// The file is not a recording, or not one that this version reads.
    #[error(transparent)]
    Format(#[from] Error),
}

/// What a recording can be turned into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    /// asciicast v3 of one channel: the given one, else the first with a terminal.
    Asciicast {
        /// Which.
        channel: Option<u32>,
    },
    /// The text that was shown, without escape sequences; of one channel or all.
    Text {
        /// Which.
        channel: Option<u32>,
    },
    /// Every frame as a line of JSON.
    Json,
}

/// A recording in a file, of which the header has been read. Reading blocks on the disk.
pub struct StoredRecording {
    file: Arc<File>,
    header: Header,
}

impl StoredRecording {
    /// Opens the file and reads the header, which says which session it is and holds the sealed key.
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        let file = File::open(path)?;
        let (mut bytes, mut portions) = (Vec::new(), Portions::new());
        loop {
            let portion = portions.next(&file)?;
            bytes.extend_from_slice(portion);
            let ended = portion.is_empty();
            if let Some((header, _)) = Header::parse(&bytes)? {
                return Ok(Self { file: Arc::new(file), header });
            }
            if ended {
                return Err(Error::Truncated("header").into());
            }
        }
    }

    /// What the recording says of itself in clear.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The frames in order, with the opened data key.
    pub fn frames(&self, key: &SecretBytes) -> Result<StoredFrames, ReadError> {
        let key = Arc::new(DataKey::new(key.expose())?);
        Ok(self.frames_of(ChunkReader::new(key)?, Portions::new()))
    }

    /// The frames from a position on that an earlier reading gave. No verdict comes of it.
    pub fn frames_from(&self, key: &SecretBytes, position: &Position) -> Result<StoredFrames, ReadError> {
        let key = Arc::new(DataKey::new(key.expose())?);
        let reader = ChunkReader::resume(key, self.header.clone(), position)?;
        Ok(self.frames_of(reader, Portions::from(position.bytes)))
    }

    fn frames_of(&self, reader: ChunkReader, portions: Portions) -> StoredFrames {
        let file = Arc::clone(&self.file);
        StoredFrames { file, portions, reader, plain: Vec::new(), taken: 0, began_at: None, over: false }
    }

    /// Writes the recording to `out` in another format, as far as it can be read. What is returned says
    /// whether it was all there.
    pub fn export(&self, key: &SecretBytes, format: ExportFormat, out: &mut dyn Write) -> Result<Summary, ReadError> {
        match format {
            ExportFormat::Asciicast { channel } => {
                let channel = match channel {
                    Some(channel) => Some(channel),
                    None => self.pick_channel(key)?,
                };
                let mut cast = CastWriter::new(channel.unwrap_or(0));
                let summary = self.convert(key, out, |frame, line| cast.frame(frame, line))?;
                let mut rest = String::new();
                cast.finish(&mut rest);
                out.write_all(rest.as_bytes())?;
                Ok(summary)
            }
            ExportFormat::Text { channel } => {
                let mut text = TextWriter::new(channel);
                self.convert(key, out, |frame, line| text.frame(frame, line))
            }
            ExportFormat::Json => self.convert(key, out, json_line),
        }
    }

    fn pick_channel(&self, key: &SecretBytes) -> Result<Option<u32>, ReadError> {
        let mut pick = TerminalPick::default();
        for frame in self.frames(key)? {
            if pick.look(&frame?) {
                break;
            }
        }
        Ok(pick.channel())
    }

    fn convert(
        &self,
        key: &SecretBytes,
        out: &mut dyn Write,
        mut into: impl FnMut(&Frame<'_>, &mut String),
    ) -> Result<Summary, ReadError> {
        let mut frames = self.frames(key)?;
        let mut line = String::new();
        for frame in &mut frames {
            line.clear();
            into(&frame?, &mut line);
            out.write_all(line.as_bytes())?;
        }
        Ok(frames.summary()?)
    }
}

/// The frames of a stored recording. After the last one, `summary` gives the verdict.
pub struct StoredFrames {
    file: Arc<File>,
    portions: Portions,
    reader: ChunkReader,
    plain: Vec<u8>,
    taken: usize,
    /// Where the chunk at hand begins.
    began_at: Option<Position>,
    over: bool,
}

impl StoredFrames {
    /// Where the chunk begins that was read last; `None` when it is the first one.
    #[must_use]
    pub fn began_at(&self) -> Option<Position> {
        self.began_at
    }

    /// After the last frame of a recording that is still being written: looks again for more. Frees
    /// buffers until then.
    pub fn rest(&mut self) {
        self.over = false;
        (self.plain, self.taken) = (Vec::new(), 0);
        self.portions.rest();
        self.reader.rest();
    }

    /// What was found as far as it was read; call it when there are no more frames.
    pub fn summary(self) -> Result<Summary, Error> {
        self.reader.finish()
    }

    /// The frames of the chunk at hand that were not given yet, or of the next one, and where it begins: none
    /// when it is the first one.
    pub fn next_frames(&mut self) -> Option<Result<(Frames<'_>, Option<Position>), ReadError>> {
        if let Err(error) = self.reach()? {
            return Some(Err(error));
        }
        let frames = Frames::new(self.plain.get(self.taken..).unwrap_or_default());
        self.taken = self.plain.len();
        Some(Ok((frames, self.began_at)))
    }

    /// Opens the next chunk where the one at hand has been taken; `None` when there is nothing more.
    fn reach(&mut self) -> Option<Result<(), ReadError>> {
        while !self.over && self.taken >= self.plain.len() {
            match self.next_chunk() {
                Ok(more) => self.over = !more,
                Err(error) => {
                    self.over = true;
                    return Some(Err(error));
                }
            }
        }
        (!self.over).then_some(Ok(()))
    }

    /// Opens the next chunk; `false` at the end.
    fn next_chunk(&mut self) -> Result<bool, ReadError> {
        loop {
            let position = self.reader.position();
            if let Some(chunk) = self.reader.next_chunk()? {
                self.began_at = position;
                (self.plain, self.taken) = (chunk.into_plain(), 0);
                return Ok(true);
            }
            let portion = self.portions.next(&self.file)?;
            if portion.is_empty() {
                return Ok(false);
            }
            self.reader.push(portion);
        }
    }
}

impl Iterator for StoredFrames {
    type Item = Result<Frame<'static>, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Err(error) = self.reach()? {
            return Some(Err(error));
        }
        let mut frames = Frames::new(self.plain.get(self.taken..).unwrap_or_default());
        let frame = frames.next()?;
        self.taken = self.plain.len() - frames.rest_len();
        self.over = frame.is_err();
        Some(frame.map(Frame::into_owned).map_err(ReadError::from))
    }
}

/// What can be said of the recording in a file without its key: the digest that the ledger holds.
pub fn chain_of(path: &Path) -> Result<Chain, ReadError> {
    let file = File::open(path)?;
    let (mut chain, mut portions) = (ChainDigest::new(), Portions::new());
    loop {
        let portion = portions.next(&file)?;
        if portion.is_empty() {
            return Ok(chain.finish()?);
        }
        chain.push(portion)?;
    }
}

/// Reads a file from its beginning without moving the position that others share.
pub(crate) struct Portions {
    buffer: Vec<u8>,
    offset: u64,
}

impl Portions {
    pub(crate) fn new() -> Self {
        Self::from(0)
    }

    /// From a byte of the file on.
    pub(crate) fn from(offset: u64) -> Self {
        Self { buffer: vec![0; READ_LEN], offset }
    }

    /// Frees the buffer until it is needed.
    fn rest(&mut self) {
        self.buffer = Vec::new();
    }

    /// The next bytes; none at the end.
    pub(crate) fn next(&mut self, file: &File) -> std::io::Result<&[u8]> {
        if self.buffer.is_empty() {
            self.buffer = vec![0; READ_LEN];
        }
        let len = loop {
            match std::os::unix::fs::FileExt::read_at(file, &mut self.buffer, self.offset) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                result => break result?,
            }
        };
        self.offset += u64::try_from(len).unwrap_or(0);
        Ok(self.buffer.get(..len).unwrap_or_default())
    }
}
