//! Moving files, with several requests under way and none of the content kept.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use postern_domain::capability::Capability;
use postern_wire::recording::FileDigest;
use postern_wire::sftp::client::{Answer, Ask, OpenFor, StatusCode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

use crate::files::{FileError, FileKind, Files, Portion, checked, kind};
use crate::tab::Attends;

/// How many files one tab moves at once; more wait.
pub(crate) const TRANSFERS_MAX: usize = 2;
/// How much is read or written by one request.
const PIECE_LEN: usize = 32 * 1024;
/// How many requests of one transfer are under way.
const REQUESTS_MAX: usize = 16;
/// How many pieces of a file may wait for a browser to take them.
const PORTIONS_MAX: usize = 8;

/// A file that is being read. It stops being read when this is dropped.
pub struct Download {
    /// Its length, where the target says it.
    pub bytes: Option<u64>,
    portions: mpsc::Receiver<Portion>,
}

impl Download {
    /// The next bytes; none at the end. An error means that the file was not read whole.
    pub async fn next(&mut self) -> Option<Portion> {
        self.portions.recv().await
    }
}

/// A file that was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Uploaded {
    /// Its path.
    pub path: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// SHA-256 of its content, hex.
    pub sha256: String,
}

/// A file that is being written. Where it is dropped unfinished, what is there of it is removed again,
/// unless it took another one's place.
pub struct Upload {
    files: Arc<Files>,
    path: String,
    handle: Vec<u8>,
    replaces: bool,
    offset: u64,
    digest: FileDigest,
    under_way: VecDeque<oneshot::Receiver<Answer>>,
    finished: bool,
    _place: (OwnedPlace, Attends),
}

type OwnedPlace = OwnedSemaphorePermit;

impl Files {
    /// Reads a file.
    ///
    /// # Errors
    /// When policy or the target does not let it be read, or it is a folder.
    pub async fn download(self: &Arc<Self>, path: &str) -> Result<Download, FileError> {
        let name = checked(path)?;
        let place = (self.place().await?, self.attend()?);
        self.flows().await?;
        let handle = match self.ask(Ask::Open(name, OpenFor::Reading)).await? {
            Answer::Handle(handle) => handle,
            other => return Err(self.error(other, name, Capability::SftpRead)),
        };
        let attributes = match self.ask(Ask::Fstat(&handle)).await? {
            Answer::Attributes(attributes) => attributes,
            _ => Default::default(),
        };
        if kind(&attributes) == FileKind::Folder {
            self.ask(Ask::Close(&handle)).await?;
            return Err(FileError::Failed("it is a folder".to_owned()));
        }
        // What a file of /proc says of its length is not so.
        let bytes = attributes.bytes.filter(|bytes| *bytes > 0 && kind(&attributes) == FileKind::File);
        let (sender, portions) = mpsc::channel(PORTIONS_MAX);
        let files = Arc::clone(self);
        tokio::spawn(async move {
            let read = files.read_all(&handle, bytes.unwrap_or(0), &sender).await;
            // The session may be over, and with it the file.
            let _ = files.ask(Ask::Close(&handle)).await;
            if let Err(error) = read {
                let _ = sender.send(Err(error)).await;
            }
            drop(place);
        });
        Ok(Download { bytes, portions })
    }

    /// Reads on until the end or until nobody takes it any more; with several requests under way as
    /// far as the file is said to be long.
    async fn read_all(&self, handle: &[u8], len: u64, to: &mpsc::Sender<Portion>) -> Result<(), FileError> {
        let piece = u32::try_from(PIECE_LEN).unwrap_or(u32::MAX);
        let (mut asked, mut got) = (0, 0);
        let mut under_way = VecDeque::new();
        loop {
            while under_way.len() < REQUESTS_MAX && (asked < len || under_way.is_empty()) {
                self.flows().await?;
                under_way.push_back((asked, self.submit(Ask::Read(handle, asked, piece)).await?));
                asked += u64::from(piece);
            }
            let Some((offset, answer)) = under_way.pop_front() else { return Ok(()) };
            match answer.await.map_err(|_| FileError::Gone)? {
                Answer::Data(data) if offset == got && !data.is_empty() => {
                    got += u64::try_from(data.len()).unwrap_or(0);
                    if got < asked && data.len() < PIECE_LEN {
                        // Shorter than asked for: what follows it has to be asked for anew.
                        under_way.clear();
                        asked = got;
                    }
                    if to.send(Ok(Bytes::from(data))).await.is_err() {
                        return Ok(());
                    }
                }
                Answer::Status { code: StatusCode::Eof, .. } => return Ok(()),
                other => return Err(self.error(other, b"", Capability::SftpRead)),
            }
        }
    }

    /// Begins to write a file; over one that exists only where `replace` says so.
    ///
    /// # Errors
    /// When policy or the target does not let it be written.
    pub async fn upload(self: &Arc<Self>, path: &str, replace: bool) -> Result<Upload, FileError> {
        let name = checked(path)?;
        let place = (self.place().await?, self.attend()?);
        self.flows().await?;
        let purpose = if replace { OpenFor::Replacing } else { OpenFor::Creating };
        let handle = match self.ask(Ask::Open(name, purpose)).await? {
            Answer::Handle(handle) => handle,
            other if replace => return Err(self.error(other, name, Capability::SftpWrite)),
            other => return Err(self.failed_or_exists(other, name).await),
        };
        Ok(Upload {
            files: Arc::clone(self),
            path: path.to_owned(),
            handle,
            replaces: replace,
            offset: 0,
            digest: FileDigest::new(),
            under_way: VecDeque::new(),
            finished: false,
            _place: place,
        })
    }

    async fn place(self: &Arc<Self>) -> Result<OwnedPlace, FileError> {
        Arc::clone(&self.transfers).acquire_owned().await.map_err(|_| FileError::Gone)
    }
}

impl Upload {
    /// Writes the next bytes, waiting while too much is under way.
    ///
    /// # Errors
    /// When the target does not take them: the disk is full, say.
    pub async fn write(&mut self, data: &[u8]) -> Result<(), FileError> {
        for piece in data.chunks(PIECE_LEN) {
            self.files.flows().await?;
            if self.under_way.len() >= REQUESTS_MAX {
                self.written().await?;
            }
            let answer = self.files.submit(Ask::Write(&self.handle, self.offset, piece)).await?;
            self.under_way.push_back(answer);
            self.digest.update(piece);
            self.offset += u64::try_from(piece.len()).unwrap_or(0);
        }
        Ok(())
    }

    /// Waits for the oldest request under way.
    async fn written(&mut self) -> Result<(), FileError> {
        let Some(answer) = self.under_way.pop_front() else { return Ok(()) };
        match answer.await.map_err(|_| FileError::Gone)? {
            Answer::Status { code: StatusCode::Ok, .. } => Ok(()),
            other => Err(self.files.error(other, self.path.as_bytes(), Capability::SftpWrite)),
        }
    }

    /// Waits until the target has all of it.
    ///
    /// # Errors
    /// When it has not.
    pub async fn finish(mut self) -> Result<Uploaded, FileError> {
        while !self.under_way.is_empty() {
            self.written().await?;
        }
        let closed = self.files.ask(Ask::Close(&self.handle)).await?;
        self.finished = true;
        match closed {
            Answer::Status { code: StatusCode::Ok, .. } => Ok(Uploaded {
                path: self.path.clone(),
                bytes: self.offset,
                sha256: hex::encode(self.digest.clone().finish().0),
            }),
            other => Err(self.files.error(other, self.path.as_bytes(), Capability::SftpWrite)),
        }
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        if self.finished {
            return;
        }
        let (files, handle) = (Arc::clone(&self.files), std::mem::take(&mut self.handle));
        let path = (!self.replaces).then(|| self.path.clone());
        runtime.spawn(async move {
            // The session may be over; then the file stays as it is.
            let _ = files.ask(Ask::Close(&handle)).await;
            if let Some(path) = path {
                let _ = files.ask(Ask::Remove(path.as_bytes())).await;
            }
        });
    }
}
