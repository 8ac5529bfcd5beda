//! `postern vault ...`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use postern_control::{DataFolder, VaultStatus};
use postern_domain::SecretText;
use serde_json::json;

use crate::client::Client;
use crate::exit::{DONE, Failure};
use crate::output::{self, Format};
use crate::terminal;

/// Show the key that targets trust for the gateway's user certificates.
#[derive(Args)]
pub(crate) struct SshCa {}

impl SshCa {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        let authority: serde_json::Value = Client::signed_in()?.get("/v1/ssh-ca").await?;
        if format == Format::Table {
            output::line(authority.get("public_key").and_then(serde_json::Value::as_str).unwrap_or_default())?;
        } else {
            output::one(format, &authority)?;
        }
        Ok(DONE)
    }
}

/// The vault.
#[derive(Subcommand)]
pub(crate) enum VaultCommand {
    /// Show its state.
    Status,
    /// Seal it: all keys leave memory and no session can begin.
    Seal,
    /// Unseal it.
    Unseal(Unseal),
    /// Make a new key-encryption key and re-wrap what is stored.
    RotateKey,
    /// Offline: open it with recovery shares and seal it to a new key file.
    Recover(Recover),
}

/// Offline: open it with recovery shares and seal it to a new key file.
#[derive(Args)]
pub(crate) struct Recover {
    /// The data folder; no server may be running on it.
    #[arg(long)]
    data: PathBuf,
    /// Read the recovery shares from standard input, a line each.
    #[arg(long, required = true)]
    shares_stdin: bool,
}

/// Unseal it.
#[derive(Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Unseal {
    /// With the key file that the server is configured with.
    #[arg(long)]
    key_file: bool,
    /// With the passphrase, on standard input.
    #[arg(long)]
    passphrase_stdin: bool,
    /// With recovery shares, on standard input, a line each.
    #[arg(long)]
    shares_stdin: bool,
}

impl VaultCommand {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        if let Self::Recover(args) = self {
            return args.run(format).await;
        }
        let client = Client::signed_in()?;
        let status: VaultStatus = match self {
            Self::Recover(_) => return Ok(DONE),
            Self::Status => client.get("/v1/vault").await?,
            Self::Seal => client.post("/v1/vault/seal", &json!({})).await?,
            Self::RotateKey => client.post("/v1/vault/rotate-key", &json!({})).await?,
            Self::Unseal(with) => {
                let body = if with.key_file {
                    json!({ "key_file": true })
                } else if with.passphrase_stdin {
                    json!({ "passphrase": terminal::password(true, "Passphrase")?.expose() })
                } else {
                    let shares = shares()?;
                    json!({ "shares": shares.iter().map(SecretText::expose).collect::<Vec<_>>() })
                };
                client.post("/v1/vault/unseal", &body).await?
            }
        };
        output::one(format, &status)?;
        Ok(DONE)
    }
}

impl Recover {
    async fn run(self, format: Format) -> Result<u8, Failure> {
        let shares = if self.shares_stdin { shares()? } else { Vec::new() };
        let status = postern_control::recover_vault(&DataFolder::new(&self.data), &shares).await?;
        output::one(format, &status)?;
        Ok(DONE)
    }
}

/// The recovery shares on standard input, a line each.
fn shares() -> Result<Vec<SecretText>, Failure> {
    let text = terminal::stdin()?;
    let lines = text.expose().lines().map(str::trim).filter(|line| !line.is_empty());
    Ok(lines.map(|line| SecretText::new(line.to_owned())).collect())
}
