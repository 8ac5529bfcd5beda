//! `[archive]` in `postern.toml`.

use std::path::{Path, PathBuf};

use postern_domain::{SecretText, period::Period};
use serde::Deserialize;

/// The largest file with a key or certificates.
const FILE_LEN_MAX: u64 = 1 << 20;
/// The longest prefix.
const PREFIX_LEN_MAX: usize = 200;

/// Where the archive is, and how long it keeps.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArchiveConfig {
    /// The storage's address: `https://...`; `http://` is for this machine only.
    pub url: String,
    /// Its region.
    pub region: String,
    /// The bucket, made with object lock.
    pub bucket: String,
    /// What stands before all names in it, `gate-1/` for example.
    #[serde(default)]
    pub prefix: String,
    /// Whether the bucket is named in the path, as most storage but Amazon's wants it.
    #[serde(default)]
    pub path_style: bool,
    /// A file with the access key's id.
    pub access_key_file: PathBuf,
    /// A file with the secret access key.
    pub secret_key_file: PathBuf,
    /// Who can take something away before its time.
    #[serde(default)]
    pub lock: Lock,
    /// How long everything is kept.
    pub keep: Period,
    /// The authorities that the storage's certificate is trusted by, PEM; the public ones unless given.
    pub authority: Option<PathBuf>,
}

/// Who can take something away before its time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lock {
    /// Nobody.
    #[default]
    Compliance,
    /// Whoever the storage gives the right to.
    Governance,
}

impl Lock {
    /// As the storage's interface has it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Compliance => "COMPLIANCE",
            Self::Governance => "GOVERNANCE",
        }
    }
}

impl ArchiveConfig {
    /// What is wrong with it, in words that say what would do.
    pub(crate) fn check(&self) -> Result<(), String> {
        let sound = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/');
        if self.prefix.len() > PREFIX_LEN_MAX || !self.prefix.chars().all(sound) || self.prefix.starts_with('/') {
            return Err(format!("prefix: `{}`: at most {PREFIX_LEN_MAX} of A-Z a-z 0-9 . _ - /", self.prefix));
        }
        if self.keep.seconds() < 60 {
            return Err("keep: at least a minute".to_owned());
        }
        Ok(())
    }
}

/// What is in a file, without blanks around it.
pub(crate) fn secret(field: &str, path: &Path) -> Result<SecretText, String> {
    let text = file(field, path)?;
    match text.trim() {
        "" => Err(format!("{field}: {} is empty", path.display())),
        text => Ok(SecretText::new(text.to_owned())),
    }
}

/// What is in a file.
pub(crate) fn file(field: &str, path: &Path) -> Result<String, String> {
    let shown = path.display();
    let told = |error: std::io::Error| format!("{field}: {shown}: {error}");
    if std::fs::metadata(path).map_err(told)?.len() > FILE_LEN_MAX {
        return Err(format!("{field}: {shown} is larger than {FILE_LEN_MAX} bytes: is it the right file?"));
    }
    std::fs::read_to_string(path).map_err(told)
}
