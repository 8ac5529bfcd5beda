//! The files of a tab: an SFTP channel of its session, on which Postern is the client. Every packet
//! passes the same judge and recorder as those of other clients.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use bytes::Bytes;
use postern_domain::Timestamp;
use postern_domain::capability::Capability;
use postern_domain::session::authorize;
use postern_gateway::RecorderFailed;
use postern_ssh_target::inbox::Item;
use postern_ssh_target::sftp::Sftp;
use postern_ssh_target::side::{Gone, Side};
use postern_ssh_target::text::plain;
use postern_wire::recording::FrameKind;
use postern_wire::sftp::client::{Answer, Ask, Attributes, Entry, StatusCode, ask, init};
use postern_wire::sftp::{PACKET_LEN_MAX, Splitter};
use russh::client;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::{Semaphore, SemaphorePermit, oneshot};
use tokio::time::timeout;

use crate::tab::{Attends, Tab};

/// The channel, as the recording numbers it.
const CHANNEL: u32 = 1;
/// How many operations on files one tab has at once; more wait.
const OPERATIONS_MAX: usize = 8;
/// How many names of one folder are listed.
const ENTRIES_MAX: usize = 10_000;
/// The longest path taken.
const PATH_LEN_MAX: usize = 4096;

/// Why something cannot be done with files. The texts are for the person.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// The policy does not give it.
    #[error("{0}")]
    Refused(String),
    /// There is no such file.
    #[error("{0} does not exist on the target")]
    NotFound(String),
    /// There is one already.
    #[error("{0} exists on the target already")]
    Exists(String),
    /// The path cannot be one.
    #[error("path: {0}")]
    Path(&'static str),
    /// The target does not do it.
    #[error("the target says: {0}")]
    Failed(String),
    /// Somebody holds the session's input.
    #[error("{0} has paused this session; wait until it is resumed")]
    Paused(String),
    /// The session is over, or not one of this sign-in.
    #[error("there is no such terminal; it may have ended")]
    Gone,
}

impl From<Gone> for FileError {
    fn from(_: Gone) -> Self {
        Self::Gone
    }
}

impl From<RecorderFailed> for FileError {
    fn from(_: RecorderFailed) -> Self {
        // Whoever governs the session waits for the same failure.
        Self::Gone
    }
}

/// What a name in a folder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FileKind {
    /// A file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link.
    Link,
    /// A device, a socket and so on.
    Other,
}

/// A name in a folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FileEntry {
    /// The name.
    pub name: String,
    /// What it is.
    pub kind: FileKind,
    /// Its length in bytes, where the target says it.
    pub bytes: Option<u64>,
    /// When it was last changed, where the target says it.
    pub modified_at: Option<Timestamp>,
    /// Its permissions, as `st_mode` has them, where the target says them.
    pub mode: Option<u32>,
}

/// A folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Folder {
    /// Its absolute path.
    pub path: String,
    /// What is in it, folders first, by name.
    pub entries: Vec<FileEntry>,
    /// Whether there is more in it than is listed.
    pub truncated: bool,
}

/// A tab's files.
pub struct Files {
    /// The tab holds this, and not the other way round.
    tab: Weak<Tab>,
    target: Side<client::Msg>,
    judge: Mutex<Sftp>,
    awaited: Mutex<Option<HashMap<u32, oneshot::Sender<Answer>>>>,
    next: AtomicU32,
    operations: Semaphore,
    pub(crate) transfers: Arc<Semaphore>,
}

impl Files {
    /// Opens the channel. Fails where policy gives neither reading nor writing.
    pub(crate) async fn begin(tab: &Arc<Tab>) -> Result<Arc<Self>, FileError> {
        let read = tab.authorize(Capability::SftpRead).await?.map_err(|refused| refused.to_string());
        let write = tab.authorize(Capability::SftpWrite).await?.map_err(|refused| refused.to_string());
        if let (Err(text), Err(_)) = (&read, &write) {
            return Err(FileError::Refused(text.clone()));
        }
        let failed = |error: russh::Error| FileError::Failed(plain(&error.to_string(), 200));
        let channel = tab.target.channel_open_session().await.map_err(failed)?;
        let (_, half) = channel.split();
        let id = half.id();
        let inbox = tab.inboxes.add(id);
        let files = Arc::new(Self {
            tab: Arc::downgrade(tab),
            target: Side::new(half, inbox, tab.limits.window),
            judge: Mutex::new(Sftp::new(CHANNEL, read, write)),
            awaited: Mutex::new(Some(HashMap::new())),
            next: AtomicU32::new(VERSION_ID + 1),
            operations: Semaphore::new(OPERATIONS_MAX),
            transfers: Arc::new(Semaphore::new(crate::transfer::TRANSFERS_MAX)),
        });
        files.target.write.request_subsystem(true, "sftp").await.map_err(failed)?;
        let version = files.submit_packet(VERSION_ID, &init()).await?;
        tab.tasks.spawn(Arc::clone(&files).listen(Arc::clone(tab)));
        match timeout(tab.limits.target_time, version).await {
            Ok(Ok(Answer::Version(_))) => Ok(files),
            _ => Err(FileError::Failed("no file transfer; is its SFTP server switched off?".to_owned())),
        }
    }

    /// Takes what the target says, until the channel closes.
    async fn listen(self: Arc<Self>, tab: Arc<Tab>) {
        let mut splitter = Splitter::default();
        loop {
            match self.target.inbox.next().await {
                Item::Data(data) => {
                    let Ok(step) = self.judge().replies(&data) else { break };
                    if self.record(&tab, step.frames).await.is_err()
                        || splitter.split(&step.forward, |packet| self.answered(packet)).is_err()
                        || self.target.passed_on(data.len()).await.is_err()
                    {
                        break;
                    }
                }
                Item::Extended(_, data) => match self.target.passed_on(data.len()).await {
                    Ok(()) => {}
                    Err(_) => break,
                },
                Item::Reply(false) | Item::Close => break,
                _ => {}
            }
        }
        // Nobody is answered any more.
        drop(self.awaited().take());
        self.target.close().await;
        let judge = std::mem::replace(&mut *self.judge(), Sftp::new(CHANNEL, Ok(()), Ok(())));
        // A recorder that fails ends the session by itself.
        let _ = self.record(&tab, judge.finish()).await;
    }

    fn answered(&self, packet: &[u8]) {
        if let Some((id, answer)) = Answer::read(packet) {
            // The version carries its own number where others carry the request's.
            let id = if matches!(answer, Answer::Version(_)) { VERSION_ID } else { id };
            let waiting = self.awaited().as_mut().and_then(|awaited| awaited.remove(&id));
            if let Some(waiting) = waiting {
                // Whoever asked may have gone.
                let _ = waiting.send(answer);
            }
        }
    }

    async fn record(&self, tab: &Tab, frames: Vec<FrameKind<'static>>) -> Result<(), RecorderFailed> {
        for frame in frames {
            tab.recorder.record(frame).await?;
        }
        Ok(())
    }

    /// Sends a request; the answer comes to what is returned.
    pub(crate) async fn submit(&self, what: Ask<'_>) -> Result<oneshot::Receiver<Answer>, FileError> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        self.submit_packet(id, &ask(id, what)).await
    }

    async fn submit_packet(&self, id: u32, packet: &[u8]) -> Result<oneshot::Receiver<Answer>, FileError> {
        debug_assert!(packet.len() <= PACKET_LEN_MAX, "only whole packets that a server takes");
        let tab = self.tab.upgrade().ok_or(FileError::Gone)?;
        let (sender, receiver) = oneshot::channel();
        self.awaited().as_mut().ok_or(FileError::Gone)?.insert(id, sender);
        let (step, answers) = {
            let mut judge = self.judge();
            let step = judge.requests(packet).map_err(|broken| FileError::Failed(broken.to_string()))?;
            (step, judge.answers())
        };
        tab.activity.mark();
        self.record(&tab, step.frames).await?;
        if !answers.is_empty() {
            self.answered(&answers);
        }
        if !step.forward.is_empty() {
            self.target.send(step.forward).await?;
        }
        Ok(receiver)
    }

    /// Sends a request and waits for the answer.
    pub(crate) async fn ask(&self, what: Ask<'_>) -> Result<Answer, FileError> {
        self.submit(what).await?.await.map_err(|_| FileError::Gone)
    }

    /// Waits for a turn; whoever has one is there. Not while the session is paused.
    async fn turn(&self) -> Result<(SemaphorePermit<'_>, Attends), FileError> {
        let tab = self.tab.upgrade().ok_or(FileError::Gone)?;
        if let Some(by) = tab.held.by() {
            return Err(FileError::Paused(by.to_string()));
        }
        let attends = Attends::new(&tab);
        let permit = self.operations.acquire().await.map_err(|_| FileError::Gone)?;
        Ok((permit, attends))
    }

    /// Somebody who moves a file.
    pub(crate) fn attend(&self) -> Result<Attends, FileError> {
        self.tab.upgrade().map(|tab| Attends::new(&tab)).ok_or(FileError::Gone)
    }

    /// Waits while the session is paused.
    pub(crate) async fn flows(&self) -> Result<(), FileError> {
        let held = self.tab.upgrade().ok_or(FileError::Gone)?.held.clone();
        if held.is_held() {
            held.released().await;
        }
        Ok(())
    }

    /// Lists a folder.
    ///
    /// # Errors
    /// When policy or the target does not let it be listed.
    pub async fn list(&self, path: &str) -> Result<Folder, FileError> {
        let _turn = self.turn().await?;
        let path = checked(if path.is_empty() { "." } else { path })?;
        let real = match self.ask(Ask::RealPath(path)).await? {
            Answer::Names(names) => names.into_iter().next().map(|entry| entry.name),
            other => return Err(self.error(other, path, Capability::SftpRead)),
        };
        let real = real.unwrap_or_else(|| path.to_vec());
        let handle = match self.ask(Ask::OpenDir(&real)).await? {
            Answer::Handle(handle) => handle,
            other => return Err(self.error(other, path, Capability::SftpRead)),
        };
        let mut found = Vec::new();
        let mut truncated = false;
        let listed = loop {
            match self.ask(Ask::ReadDir(&handle)).await? {
                Answer::Names(names) => found.extend(names),
                Answer::Status { code: StatusCode::Eof, .. } => break Ok(()),
                other => break Err(self.error(other, path, Capability::SftpRead)),
            }
            if found.len() > ENTRIES_MAX {
                found.truncate(ENTRIES_MAX);
                truncated = true;
                break Ok(());
            }
        };
        self.ask(Ask::Close(&handle)).await?;
        listed?;
        let mut entries: Vec<_> = found.into_iter().filter(|entry| !is_dots(&entry.name)).map(entry).collect();
        entries.sort_by(|a, b| (a.kind != FileKind::Folder, &a.name).cmp(&(b.kind != FileKind::Folder, &b.name)));
        Ok(Folder { path: String::from_utf8_lossy(&real).into_owned(), entries, truncated })
    }

    /// Makes a folder.
    ///
    /// # Errors
    /// When policy or the target does not let it be made.
    pub async fn make_folder(&self, path: &str) -> Result<(), FileError> {
        let _turn = self.turn().await?;
        let path = checked(path)?;
        match self.ask(Ask::MkDir(path)).await? {
            Answer::Status { code: StatusCode::Ok, .. } => Ok(()),
            other => Err(self.failed_or_exists(other, path).await),
        }
    }

    /// Renames something, not over something that exists.
    ///
    /// # Errors
    /// When policy or the target does not let it be renamed.
    pub async fn rename(&self, from: &str, to: &str) -> Result<(), FileError> {
        let _turn = self.turn().await?;
        let (from, to) = (checked(from)?, checked(to)?);
        match self.ask(Ask::Rename(from, to)).await? {
            Answer::Status { code: StatusCode::Ok, .. } => Ok(()),
            other @ Answer::Status { code: StatusCode::NoSuchFile, .. } => {
                Err(self.error(other, from, Capability::SftpWrite))
            }
            other => Err(self.failed_or_exists(other, to).await),
        }
    }

    /// Removes a file, a link or an empty folder.
    ///
    /// # Errors
    /// When policy or the target does not let it be removed.
    pub async fn remove(&self, path: &str) -> Result<(), FileError> {
        let _turn = self.turn().await?;
        let path = checked(path)?;
        let attributes = match self.ask(Ask::Lstat(path)).await? {
            Answer::Attributes(attributes) => attributes,
            other => return Err(self.error(other, path, Capability::SftpWrite)),
        };
        let what = if kind(&attributes) == FileKind::Folder { Ask::RmDir(path) } else { Ask::Remove(path) };
        match self.ask(what).await? {
            Answer::Status { code: StatusCode::Ok, .. } => Ok(()),
            other => Err(self.error(other, path, Capability::SftpWrite)),
        }
    }

    /// The error where something may stand in the way.
    pub(crate) async fn failed_or_exists(&self, answer: Answer, path: &[u8]) -> FileError {
        let failed = matches!(answer, Answer::Status { code: StatusCode::Failure, .. });
        if failed && matches!(self.ask(Ask::Lstat(path)).await, Ok(Answer::Attributes(_))) {
            return FileError::Exists(shown(path));
        }
        self.error(answer, path, Capability::SftpWrite)
    }

    /// The error that an answer means which is not the one that was wanted.
    pub(crate) fn error(&self, answer: Answer, path: &[u8], needs: Capability) -> FileError {
        match answer {
            Answer::Status { code: StatusCode::NoSuchFile, .. } => FileError::NotFound(shown(path)),
            Answer::Status { code, text } => {
                let refused = self.tab.upgrade().and_then(|tab| authorize(&tab.obligations, needs).err());
                match refused {
                    Some(refused) if code == StatusCode::PermissionDenied => FileError::Refused(refused.to_string()),
                    _ if text.is_empty() => FileError::Failed("it does not work".to_owned()),
                    _ => FileError::Failed(plain(&text, 200)),
                }
            }
            _ => FileError::Failed("an answer that does not fit".to_owned()),
        }
    }

    fn judge(&self) -> MutexGuard<'_, Sftp> {
        // What is behind it is changed by single calls that do not panic half way.
        self.judge.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn awaited(&self) -> MutexGuard<'_, Option<HashMap<u32, oneshot::Sender<Answer>>>> {
        // Each change is one operation of the map.
        self.awaited.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A path as it is sent.
pub(crate) fn checked(path: &str) -> Result<&[u8], FileError> {
    if path.is_empty() || path.len() > PATH_LEN_MAX {
        return Err(FileError::Path("1 to 4096 bytes"));
    }
    if path.contains('\0') {
        return Err(FileError::Path("no NUL in it"));
    }
    Ok(path.as_bytes())
}

fn shown(path: &[u8]) -> String {
    plain(&String::from_utf8_lossy(path), 200)
}

fn is_dots(name: &[u8]) -> bool {
    name == b"." || name == b".."
}

fn entry(entry: Entry) -> FileEntry {
    let Entry { name, attributes } = entry;
    FileEntry {
        name: String::from_utf8_lossy(&name).into_owned(),
        kind: kind(&attributes),
        bytes: attributes.bytes,
        modified_at: attributes.modified_at.map(|seconds| Timestamp::from_millis(i64::from(seconds) * 1000)),
        mode: attributes.mode.map(|mode| mode & 0o7777),
    }
}

/// The kind, from `st_mode`.
pub(crate) fn kind(attributes: &Attributes) -> FileKind {
    match attributes.mode.map(|mode| mode & 0o170_000) {
        Some(0o100_000) => FileKind::File,
        Some(0o040_000) => FileKind::Folder,
        Some(0o120_000) => FileKind::Link,
        _ => FileKind::Other,
    }
}

/// The number under which the version is awaited, which no request has.
const VERSION_ID: u32 = 0;

/// What a file is moved in.
pub(crate) type Portion = Result<Bytes, FileError>;
