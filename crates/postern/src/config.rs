//! The configuration file, and what it, the environment and the command line add up to.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use postern_tickets::TicketSettings;
use serde::Deserialize;

use crate::exit::Failure;

/// The largest configuration file that is read, in bytes.
const FILE_LEN_MAX: u64 = 1024 * 1024;

/// `postern.toml`. Everything has a default; the command line wins over the file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct File {
    /// The console and the API.
    pub https: Https,
    /// The SSH gateway.
    pub ssh: Ssh,
    /// The PostgreSQL gateway.
    pub postgresql: Database,
    /// The MySQL gateway.
    pub mysql: Mysql,
    /// The Redis gateway.
    pub redis: Database,
    /// The vault.
    pub vault: VaultFile,
    /// The ticket system; without it no ticket is checked.
    pub tickets: Option<TicketSettings>,
    /// Logs.
    pub log: Log,
    /// Bundles for the hour in which Postern itself is dead.
    pub break_glass: BreakGlass,
    /// Where ledger and recordings are kept so that nobody can take them away.
    pub archive: Option<postern_archive::ArchiveConfig>,
    /// How long recordings are kept.
    pub retention: postern_domain::retention::Retention,
    /// Who is shown the ledger's checkpoints.
    pub witnesses: Vec<postern_witnesses::WitnessConfig>,
    /// Ways out for events.
    pub channels: Vec<postern_channels::ChannelConfig>,
}

/// `[break_glass]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct BreakGlass {
    /// The folders that bundles are written to: at least two, which do not fail together.
    pub places: Vec<PathBuf>,
}

/// `[https]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Https {
    /// Where to listen, `127.0.0.1:8443`.
    pub listen: Option<SocketAddr>,
    /// How people reach it, when that is not where it listens.
    pub public_url: Option<String>,
    /// A certificate chain in PEM; without one Postern's own authority signs one.
    pub certificate: Option<PathBuf>,
    /// Its private key in PEM.
    pub key: Option<PathBuf>,
    /// More names and addresses for the certificate that Postern's own authority signs.
    pub names: Vec<String>,
}

/// `[ssh]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Ssh {
    /// Where to listen, `127.0.0.1:2222`.
    pub listen: Option<SocketAddr>,
    /// How people reach it, `host:port`, when that is not where it listens.
    pub public_address: Option<String>,
    /// The addresses or networks that targets see Postern come from: certificates for targets are good
    /// from there only. Anywhere unless given.
    pub source_addresses: Vec<ipnet::IpNet>,
    /// Off: no SSH gateway.
    pub off: bool,
}

/// `[postgresql]` and `[redis]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Database {
    /// Where to listen, for example `127.0.0.1:5433`; off unless given.
    pub listen: Option<SocketAddr>,
    /// How people reach it, `host:port`, when that is not where it listens.
    pub public_address: Option<String>,
}

/// `[mysql]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Mysql {
    /// Where to listen, for example `127.0.0.1:3307`; off unless given.
    pub listen: Option<SocketAddr>,
    /// How people reach it, `host:port`, when that is not where it listens.
    pub public_address: Option<String>,
    /// What clients are told to be the version; some choose their words by it.
    pub server_version: Option<String>,
}

/// `[vault]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct VaultFile {
    /// The key file that unseals the vault at start; `vault.key` in the data folder unless given.
    pub key_file: Option<PathBuf>,
    /// Do not unseal at start: an administrator does with `postern vault unseal`.
    pub start_sealed: bool,
}

/// `[log]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Log {
    /// A filter such as `info` or `postern=debug`.
    pub filter: Option<String>,
    /// JSON lines in place of text.
    pub json: bool,
}

/// Reads the file. A mistake is named with file, line and what would be accepted.
pub(crate) fn read(path: &Path) -> Result<File, Failure> {
    let shown = path.display();
    let length = std::fs::metadata(path).map_err(|error| anyhow!("{shown}: {error}"))?.len();
    if length > FILE_LEN_MAX {
        return Err(Failure::usage(format!("{shown}: larger than {FILE_LEN_MAX} bytes: is it the right file?")));
    }
    let text = std::fs::read_to_string(path).map_err(|error| anyhow!("{shown}: {error}"))?;
    toml::from_str(&text).map_err(|error| {
        let line = error.span().map_or(1, |span| text.get(..span.start).unwrap_or_default().matches('\n').count() + 1);
        Failure::usage(format!("{shown}:{line}: {}; see docs/reference/configuration.md", error.message()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistake(text: &str) -> String {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), text).expect("written");
        let message = read(file.path()).expect_err("a mistake").message();
        message.replace(&file.path().display().to_string(), "f.toml")
    }

    #[test]
    fn a_mistake_names_file_and_line_and_what_would_do() {
        let message = mistake("[https]\nlisten = \"127.0.0.1:8443\"\nport = 1\n");
        assert!(message.starts_with("f.toml:3: unknown field `port`, expected one of `listen`"), "{message}");
        let message = mistake("[ssh]\n\nlisten = \"nowhere\"\n");
        assert!(message.starts_with("f.toml:3: invalid socket address"), "{message}");
    }

    #[test]
    fn an_empty_file_is_all_defaults() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let read = read(file.path()).expect("defaults");
        assert!(read.https.listen.is_none() && !read.ssh.off);
    }
}
