//! Backups: a data folder in one file, and back.
//!
//! A backup is a zstd-compressed tar of the database (a consistent copy), the ledger, the recordings,
//! the sealed root key and the TLS authority, with the digest of each file in a manifest at its end.
//! The key file is never part of it: whoever finds a backup cannot open the vault with it alone.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Component, Path, PathBuf};

use aws_lc_rs::digest;
use postern_store::Store;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::data::DataFolder;

const MANIFEST: &str = "manifest.json";
const MANIFEST_LEN_MAX: u64 = 256 * 1024 * 1024;
/// Fast, and good enough for what is mostly compressed already.
const LEVEL: i32 = 3;

/// What a backup holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackedUp {
    /// Postern's version that made it.
    pub version: String,
    /// The files and the SHA-256 of each, hex.
    pub files: BTreeMap<String, String>,
}

/// Writes a backup of `folder` to `to`, which must not exist. The server may be running.
///
/// # Errors
/// When something cannot be read or written; then there is no file.
pub async fn backup(folder: &DataFolder, to: &Path) -> Result<BackedUp, Error> {
    if !folder.vault().exists() {
        return Err(Error::Unavailable(format!("{} is not a data folder of postern", folder.root().display())));
    }
    let scratch = tempfile_beside(to)?;
    let copy = scratch.join("postern.db");
    // The ledger first: a database that is newer than it publishes the rest at its next start, one
    // that is older would contradict what was signed.
    let ledger = LedgerFiles::read(folder)?;
    let store = Store::open_read_only(&folder.database()).await?;
    let copied = store.copy_to(&copy).await;
    store.close().await;
    let written = match copied {
        Ok(()) => {
            let (folder, to, copy) = (folder.clone(), to.to_owned(), copy.clone());
            tokio::task::spawn_blocking(move || write(&folder, &to, &copy, &ledger))
                .await
                .map_err(|_| Error::Unavailable("the backup was cut off".to_owned()))?
        }
        Err(error) => Err(error.into()),
    };
    fs::remove_dir_all(&scratch)?;
    written
}

/// How often the ledger is looked at until nothing was published in between.
const LEDGER_TRIES_MAX: u32 = 1000;
/// Where the newest checkpoint lies.
const CHECKPOINT: &str = "checkpoint";

/// The ledger's files as they belong together at one moment.
struct LedgerFiles {
    /// The newest checkpoint and the tiles that are not full yet, which are replaced as the log grows.
    held: Vec<(PathBuf, Vec<u8>)>,
    /// Files that never change and never go.
    lasting: Vec<PathBuf>,
}

impl LedgerFiles {
    /// Reads them while the server may be publishing.
    fn read(folder: &DataFolder) -> Result<Self, Error> {
        let path = folder.ledger().join(CHECKPOINT);
        for _ in 0..LEDGER_TRIES_MAX {
            let before = fs::read(&path).ok();
            let (passing, lasting): (Vec<_>, Vec<_>) =
                list(&folder.ledger())?.into_iter().partition(|file| *file == path || is_partial_tile(file));
            let held: io::Result<Vec<_>> =
                passing.into_iter().map(|file| fs::read(&file).map(|content| (file, content))).collect();
            match held {
                Ok(held) if fs::read(&path).ok() == before => return Ok(Self { held, lasting }),
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
                _ => {}
            }
        }
        Err(Error::Unavailable("the ledger grows too fast to be copied: try again when less happens".to_owned()))
    }
}

fn is_partial_tile(path: &Path) -> bool {
    path.parent().is_some_and(|parent| parent.extension().is_some_and(|extension| extension == "p"))
}

fn tempfile_beside(to: &Path) -> Result<PathBuf, Error> {
    if to.exists() {
        return Err(Error::Unavailable(format!("{} exists already: choose another name", to.display())));
    }
    let scratch = to.with_extension("partial");
    fs::DirBuilder::new().mode(0o700).create(&scratch)?;
    Ok(scratch)
}

fn write(folder: &DataFolder, to: &Path, database: &Path, ledger: &LedgerFiles) -> Result<BackedUp, Error> {
    let partial = database.with_extension("tar.zst");
    let file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&partial)?;
    let mut archive = tar::Builder::new(zstd::Encoder::new(file, LEVEL)?);
    let mut files = BTreeMap::new();
    let name_of = |path: &Path| path.strip_prefix(folder.root()).unwrap_or(path).to_string_lossy().into_owned();
    add(&mut archive, &mut files, database, "postern.db")?;
    for (path, content) in &ledger.held {
        add_content(&mut archive, &mut files, content.len() as u64, content.as_slice(), &name_of(path))?;
    }
    let fixed = [folder.vault(), folder.ledger_key(), folder.ca()];
    let more = [list(&folder.tls())?, list(&folder.recordings())?].concat();
    for path in fixed.iter().filter(|path| path.exists()).chain(&ledger.lasting).chain(&more) {
        add(&mut archive, &mut files, path, &name_of(path))?;
    }
    let manifest = BackedUp { version: env!("CARGO_PKG_VERSION").to_owned(), files };
    let text = serde_json::to_vec(&manifest).map_err(io::Error::other)?;
    let mut header = tar::Header::new_gnu();
    header.set_size(text.len() as u64);
    header.set_mode(0o600);
    archive.append_data(&mut header, MANIFEST, text.as_slice())?;
    let file = archive.into_inner()?.finish()?;
    file.sync_all()?;
    fs::rename(&partial, to)?;
    Ok(manifest)
}

/// Adds a file as it is long now: a recording may be growing.
fn add<W: Write>(
    archive: &mut tar::Builder<W>,
    files: &mut BTreeMap<String, String>,
    path: &Path,
    name: &str,
) -> Result<(), Error> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    add_content(archive, files, length, file.take(length), name)
}

fn add_content<W: Write>(
    archive: &mut tar::Builder<W>,
    files: &mut BTreeMap<String, String>,
    length: u64,
    content: impl Read,
    name: &str,
) -> Result<(), Error> {
    let mut header = tar::Header::new_gnu();
    header.set_size(length);
    header.set_mode(0o600);
    let mut reader = Digesting::new(content);
    archive.append_data(&mut header, name, &mut reader)?;
    files.insert(name.to_owned(), reader.hex());
    Ok(())
}

/// The files below a folder.
fn list(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                files.push(entry.path());
            }
        }
    }
    files.sort();
    Ok(files)
}

/// Makes the data folder `folder`, which must not exist, from the backup `from`. The vault is sealed
/// until its key file is put back or recovery shares are used.
///
/// # Errors
/// When the backup is damaged; then there is no folder.
pub fn restore(from: &Path, folder: &Path) -> Result<BackedUp, Error> {
    if folder.exists() {
        return Err(Error::Unavailable(format!("{} exists already: choose another folder", folder.display())));
    }
    let partial = folder.with_extension("partial");
    let restored = unpack(from, &partial);
    match restored {
        Ok(manifest) => {
            fs::rename(&partial, folder)?;
            Ok(manifest)
        }
        Err(error) => {
            let _ = fs::remove_dir_all(&partial);
            Err(error)
        }
    }
}

fn unpack(from: &Path, to: &Path) -> Result<BackedUp, Error> {
    let mut folders = fs::DirBuilder::new();
    folders.recursive(true).mode(0o700);
    folders.create(to)?;
    let mut archive = tar::Archive::new(zstd::Decoder::new(File::open(from)?)?);
    let mut found = BTreeMap::new();
    let mut manifest: Option<BackedUp> = None;
    for entry in archive.entries()? {
        let entry = entry?;
        let path = entry.path()?.into_owned();
        if !path.components().all(|part| matches!(part, Component::Normal(_))) || !entry.header().entry_type().is_file()
        {
            return Err(damaged(&format!("it names {}", path.display())));
        }
        let name = path.to_string_lossy().into_owned();
        if name == MANIFEST {
            let text = io::read_to_string(entry.take(MANIFEST_LEN_MAX))?;
            manifest = Some(serde_json::from_str(&text).map_err(|error| damaged(&error.to_string()))?);
            continue;
        }
        let target = to.join(&path);
        if let Some(parent) = target.parent() {
            folders.create(parent)?;
        }
        let mut reader = Digesting::new(entry);
        let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&target)?;
        io::copy(&mut reader, &mut file)?;
        file.sync_all()?;
        found.insert(name, reader.hex());
    }
    let manifest = manifest.ok_or_else(|| damaged("it breaks off"))?;
    if manifest.files != found {
        let differing = manifest.files.iter().find(|(name, digest)| found.get(*name) != Some(digest));
        let name = differing.map_or("a file", |(name, _)| name.as_str());
        return Err(damaged(&format!("{name} is not what was backed up")));
    }
    Ok(manifest)
}

fn damaged(how: &str) -> Error {
    Error::Unavailable(format!("the backup is damaged: {how}; use another one"))
}

/// Digests what is read through it.
struct Digesting<R> {
    inner: R,
    context: digest::Context,
}

impl<R> Digesting<R> {
    fn new(inner: R) -> Self {
        Self { inner, context: digest::Context::new(&digest::SHA256) }
    }

    fn hex(self) -> String {
        hex::encode(self.context.finish())
    }
}

impl<R: Read> Read for Digesting<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer)?;
        self.context.update(buffer.get(..length).unwrap_or_default());
        Ok(length)
    }
}
