//! Watching a copy of the ledger, or the folder itself: what was seen once is remembered, and a head that shrinks,
//! forks, cannot be read or stands still is told.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use postern_ledger::note::{Checkpoint, Verifier};
use postern_ledger::tiles::Directory;

use crate::growth;

/// What is watched, and how.
pub struct Watch {
    /// The ledger.
    pub folder: PathBuf,
    /// Its key.
    pub key: Verifier,
    /// A file in which the newest checkpoint that was found good is kept.
    pub state: PathBuf,
    /// How long it may stand still.
    pub silence: Option<Duration>,
}

/// What a look came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// It grew by so many leaves to so many.
    Grew {
        /// How many came.
        by: u64,
        /// How many there are.
        size: u64,
    },
    /// It is as it was.
    Same {
        /// How many leaves there are.
        size: u64,
    },
}

impl Watch {
    /// Looks once. What was found good is remembered; what was not is never.
    ///
    /// # Errors
    /// What somebody should be told: it shrank, it forked, it is not signed, it stands still.
    pub fn look(&self) -> anyhow::Result<Seen> {
        let directory = Directory::new(&self.folder);
        let note = directory.checkpoint_note()?.context("THE LEDGER IS GONE: there is no checkpoint")?;
        let new = Checkpoint::open(&note, &self.key).context("THE CHECKPOINT IS NOT SIGNED by this ledger's key")?;
        let old = match std::fs::metadata(&self.state) {
            Ok(_) => {
                let kept = crate::note(&self.state)?;
                Some(Checkpoint::open(&kept, &self.key).with_context(|| self.state.display().to_string())?)
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(error).with_context(|| self.state.display().to_string()),
        };
        if let Some(old) = &old {
            growth::grown(old, &new, &directory)?;
        }
        let before = old.map_or(0, |old| old.size);
        if new.size > before {
            keep(&self.state, &note).with_context(|| self.state.display().to_string())?;
            return Ok(Seen::Grew { by: new.size - before, size: new.size });
        }
        self.stands_still()?;
        Ok(Seen::Same { size: new.size })
    }

    fn stands_still(&self) -> anyhow::Result<()> {
        let Some(silence) = self.silence else { return Ok(()) };
        let since = std::fs::metadata(&self.state)?.modified()?;
        let quiet = SystemTime::now().duration_since(since).unwrap_or_default();
        anyhow::ensure!(quiet <= silence, "THE LEDGER STANDS STILL for {} seconds", quiet.as_secs());
        Ok(())
    }
}

/// Runs `command` by the shell with `text` as its input.
///
/// # Errors
/// When it cannot be run or fails.
pub fn tell(command: &str, text: &str) -> anyhow::Result<()> {
    let mut child = Command::new("sh").args(["-c", command]).stdin(Stdio::piped()).spawn()?;
    if let Some(mut input) = child.stdin.take() {
        // One that reads nothing has been told all the same.
        let _ = writeln!(input, "{text}");
    }
    let status = child.wait()?;
    anyhow::ensure!(status.success(), "`{command}`: {status}");
    Ok(())
}

/// Writes a file so that it holds either what it held or all of `bytes`.
pub(crate) fn keep(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let new = PathBuf::from(name);
    let mut file = std::fs::File::create(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&new, path)?;
    match path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) => std::fs::File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}
