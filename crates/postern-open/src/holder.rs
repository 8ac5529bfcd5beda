//! Holders' keys and passphrases.

use std::io::{BufRead as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::{Context as _, ensure};
use postern_domain::SecretText;
use postern_vault::offline::{HolderKeyFile, HolderSecret};

use crate::KeyArgs;

/// The longest line that is read.
const LINE_LEN_MAX: u64 = 4096;

/// Where passphrases and shares come from.
pub(crate) enum Asked {
    /// A person at the terminal.
    Terminal,
    /// Standard input, a line each.
    Lines,
}

impl Asked {
    pub(crate) const fn of(stdin: bool) -> Self {
        if stdin { Self::Lines } else { Self::Terminal }
    }

    /// One secret line.
    pub(crate) fn ask(&self, prompt: &str) -> anyhow::Result<SecretText> {
        match self {
            Self::Terminal => Ok(SecretText::new(rpassword::prompt_password(format!("{prompt}: "))?)),
            Self::Lines => {
                let mut line = String::with_capacity(256);
                let mut input = std::io::Read::take(std::io::stdin().lock(), LINE_LEN_MAX);
                ensure!(input.read_line(&mut line)? > 0, "standard input ended before: {prompt}");
                while line.ends_with(['\n', '\r']) {
                    line.pop();
                }
                Ok(SecretText::new(line))
            }
        }
    }
}

/// Makes a key.
pub(crate) fn make(args: &KeyArgs) -> anyhow::Result<()> {
    let asked = Asked::of(args.passphrase_stdin);
    let passphrase = asked.ask("Passphrase, at least 12 characters")?;
    if matches!(asked, Asked::Terminal) {
        let again = asked.ask("The same again")?;
        ensure!(passphrase.expose() == again.expose(), "the two are not the same");
    }
    let file = HolderKeyFile::generate(&passphrase)?;
    write_private(&args.out, &file.to_bytes())?;
    eprintln!("The key lies in {}. Keep it and its passphrase apart; give this to Postern:", args.out.display());
    println!("{}", file.public());
    Ok(())
}

/// A holder's key, its passphrase asked for.
pub(crate) fn unlock(path: &Path, asked: &Asked) -> anyhow::Result<HolderSecret> {
    let shown = path.display();
    let file = std::fs::read(path).with_context(|| format!("{shown}"))?;
    let file = HolderKeyFile::parse(&file).with_context(|| format!("{shown}"))?;
    let passphrase = asked.ask(&format!("Passphrase of {shown}"))?;
    file.unlock(&passphrase).map_err(|_| anyhow::anyhow!("{shown}: the passphrase is not the right one"))
}

/// Writes a file that only its owner can read and that was not there.
pub(crate) fn write_private(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    let file = std::fs::OpenOptions::new().create_new(true).write(true).mode(0o600).open(path);
    let mut file = file.with_context(|| format!("cannot write {}", path.display()))?;
    file.write_all(content)?;
    Ok(file.sync_all()?)
}
