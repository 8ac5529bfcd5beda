//! Bounded reads and atomic writes.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

use super::{Directory, Error};
use crate::tile::{Kind, TILE_WIDTH, TilePath};

/// How often a file that vanished between listing and opening is looked for again: a writer
/// replaces partial tiles while we read.
const LOOKS_MAX: usize = 4;

/// How many names of one directory are looked at.
const NAMES_MAX: usize = 10_000_000;

impl Directory {
    /// The bytes of a file; `None` when there is none.
    pub(super) fn read(&self, path: &str, max: usize) -> Result<Option<Vec<u8>>, Error> {
        let file = self.root.join(path);
        let meta = match fs::symlink_metadata(&file) {
            Ok(meta) => meta,
            Err(error) if is_absence(&error) => return Ok(None),
            Err(source) => return Err(io_error(path, source)),
        };
        let max = u64::try_from(max).unwrap_or(u64::MAX);
        if !meta.is_file() || meta.len() > max {
            return Err(Error::Unacceptable { path: path.to_owned() });
        }
        let opened = match File::open(&file) {
            Ok(opened) => opened,
            Err(error) if is_absence(&error) => return Ok(None),
            Err(source) => return Err(io_error(path, source)),
        };
        let mut bytes = Vec::new();
        let read = opened.take(max.saturating_add(1)).read_to_end(&mut bytes).map_err(|e| io_error(path, e))?;
        if u64::try_from(read).unwrap_or(u64::MAX) > max {
            return Err(Error::Unacceptable { path: path.to_owned() });
        }
        Ok(Some(bytes))
    }

    /// The names in a directory; none when there is no such directory.
    pub(super) fn list(&self, path: &str) -> Result<Vec<String>, Error> {
        let entries = match fs::read_dir(self.root.join(path)) {
            Ok(entries) => entries,
            Err(error) if is_absence(&error) => return Ok(Vec::new()),
            Err(source) => return Err(io_error(path, source)),
        };
        let mut names = Vec::new();
        for entry in entries.take(NAMES_MAX) {
            let entry = entry.map_err(|e| io_error(path, e))?;
            names.extend(entry.file_name().into_string().ok());
        }
        Ok(names)
    }

    /// The bytes that serve best as the first `width` items of a tile: the tile of that width, or
    /// else the narrowest wider one, or else the widest narrower one.
    pub(super) fn stored(
        &self,
        kind: Kind,
        index: u64,
        width: usize,
        max: usize,
    ) -> Result<Option<(TilePath, Vec<u8>)>, Error> {
        for _ in 0..LOOKS_MAX {
            let exact = TilePath::new(kind, index, width);
            if let Some(path) = exact
                && let Some(bytes) = self.read(&path.to_string(), max)?
            {
                return Ok(Some((path, bytes)));
            }
            let widths = self.widths(kind, index)?;
            let wider = widths.iter().filter(|stored| **stored > width).min();
            let Some(best) = wider.or_else(|| widths.iter().max()) else {
                return Ok(None);
            };
            let Some(path) = TilePath::new(kind, index, *best) else {
                return Ok(None);
            };
            if let Some(bytes) = self.read(&path.to_string(), max)? {
                return Ok(Some((path, bytes)));
            }
        }
        Ok(None)
    }

    /// The widths in which a tile is stored.
    pub(crate) fn widths(&self, kind: Kind, index: u64) -> Result<Vec<usize>, Error> {
        let Some(full) = TilePath::new(kind, index, TILE_WIDTH) else {
            return Ok(Vec::new());
        };
        let full = full.to_string();
        let mut widths: Vec<usize> = Vec::new();
        for name in self.list(&format!("{full}.p"))? {
            widths.extend(format!("{full}.p/{name}").parse::<TilePath>().map(|path| path.width()).ok());
        }
        if fs::symlink_metadata(self.root.join(&full)).is_ok() {
            widths.push(TILE_WIDTH);
        }
        Ok(widths)
    }

    /// Writes a file that must not change: when it exists, it must say the same.
    pub(super) fn write_new(&self, path: &str, bytes: &[u8]) -> Result<(), Error> {
        match self.read(path, bytes.len()) {
            Ok(None) => self.replace(path, bytes),
            Ok(Some(existing)) if existing == bytes => Ok(()),
            Ok(Some(_)) | Err(Error::Unacceptable { .. }) => Err(Error::Conflict { path: path.to_owned() }),
            Err(error) => Err(error),
        }
    }

    /// Puts a file in place whole or not at all, whatever was there.
    pub(super) fn replace(&self, path: &str, bytes: &[u8]) -> Result<(), Error> {
        self.replace_io(&self.root.join(path), bytes).map_err(|e| io_error(path, e))
    }

    fn replace_io(&self, file: &Path, bytes: &[u8]) -> io::Result<()> {
        let folder = file.parent().ok_or(io::ErrorKind::InvalidInput)?;
        self.make_folder(folder)?;
        let mut temporary = file.as_os_str().to_owned();
        temporary.push(".new");
        let mut opened = File::create(&temporary)?;
        opened.write_all(bytes)?;
        if self.sync {
            opened.sync_all()?;
        }
        fs::rename(&temporary, file)?;
        self.sync_folder(folder)
    }

    /// Makes a folder and those above it, each durable before something is put into it.
    fn make_folder(&self, folder: &Path) -> io::Result<()> {
        if folder.is_dir() {
            return Ok(());
        }
        if let Some(above) = folder.parent().filter(|above| !above.as_os_str().is_empty()) {
            self.make_folder(above)?;
            fs::create_dir(folder)?;
            return self.sync_folder(above);
        }
        fs::create_dir(folder)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        if self.sync { File::open(folder)?.sync_all() } else { Ok(()) }
    }

    /// Removes the partial tiles that wider ones have replaced. Failing to is harmless: readers
    /// prefer the wider ones.
    pub(super) fn sweep(&self, written: &[TilePath]) {
        for path in written {
            let folder = format!("{}.p", path.full());
            for width in self.widths(path.kind(), path.index()).unwrap_or_default() {
                if width < path.width() {
                    let _ = fs::remove_file(self.root.join(format!("{folder}/{width}")));
                }
            }
            if path.is_full() {
                let _ = fs::remove_dir(self.root.join(folder));
            }
        }
    }
}

fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn io_error(path: &str, source: io::Error) -> Error {
    Error::Io { path: path.to_owned(), source }
}
