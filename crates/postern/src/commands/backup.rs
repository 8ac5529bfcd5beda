//! `postern backup` and `postern restore`.

use std::path::PathBuf;

use clap::Args;
use postern_control::DataFolder;

use crate::exit::{DONE, Failure};
use crate::output::{self, Format};

/// Write a backup of a data folder to one file. The server may be running.
#[derive(Args)]
pub(crate) struct Backup {
    /// The data folder.
    #[arg(long)]
    data: PathBuf,
    /// The file to write; must not exist. The vault's key file is not part of it: keep that apart.
    #[arg(long)]
    to: PathBuf,
}

/// Make a data folder from a backup.
#[derive(Args)]
pub(crate) struct Restore {
    /// The backup.
    #[arg(long)]
    from: PathBuf,
    /// The data folder to make; must not exist.
    #[arg(long)]
    data: PathBuf,
}

impl Backup {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        let written = postern_control::backup(&DataFolder::new(&self.data), &self.to).await?;
        if format == Format::Table {
            output::line(&format!("{}: {} files", self.to.display(), written.files.len()))?;
        } else {
            output::one(format, &written)?;
        }
        Ok(DONE)
    }
}

impl Restore {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        let restored = postern_control::restore(&self.from, &self.data)?;
        if format == Format::Table {
            output::line(&format!("{}: {} files, every digest compared", self.data.display(), restored.files.len()))?;
            output::line("next: put the vault's key file back as vault.key in it, or use `postern vault recover`")?;
        } else {
            output::one(format, &restored)?;
        }
        Ok(DONE)
    }
}
