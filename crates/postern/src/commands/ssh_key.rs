//! `postern ssh-key ...`.

use std::path::PathBuf;

use clap::Subcommand;
use postern_control::SshKeyAdd;
use postern_domain::link::WaitingCredential;
use postern_domain::user::SshKey;
use postern_domain::{SshKeyId, UserName};
use serde_json::json;

use super::token::print_waits;
use crate::client::Client;
use crate::exit::{DONE, Failure};
use crate::output::{self, Columns, Format};

/// Your own SSH keys.
#[derive(Subcommand)]
pub(crate) enum SshKeyCommand {
    /// Register a public key of yours.
    Add {
        /// The file, for example ~/.ssh/id_ed25519.pub.
        file: PathBuf,
        /// A comment; the key's own unless given.
        #[arg(long)]
        comment: Option<String>,
        /// The workload that it is for; yours unless given.
        #[arg(long = "for", value_name = "WORKLOAD")]
        user: Option<UserName>,
    },
    /// List your keys.
    List,
    /// Confirm the key that somebody else registered for a workload.
    Confirm {
        /// The key: `postern user waiting` lists them.
        id: SshKeyId,
    },
    /// Remove a key of yours, or of a workload that you look after; sessions that are live go on.
    Remove {
        /// The key.
        id: SshKeyId,
    },
}

impl Columns for SshKey {
    const HEADINGS: &'static [&'static str] = &["ID", "ALGORITHM", "FINGERPRINT", "COMMENT", "LAST USED"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.id.to_string(),
            self.algorithm.clone(),
            self.fingerprint.clone(),
            self.comment.clone(),
            self.last_used_at.map_or_else(|| "-".to_owned(), output::time),
        ]
    }
}

impl SshKeyCommand {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        let client = Client::signed_in()?;
        match self {
            Self::Add { file, comment, user } => {
                let public_key = std::fs::read_to_string(&file)
                    .map_err(|error| Failure::usage(format!("{}: cannot be read: {error}", file.display())))?;
                if public_key.contains("PRIVATE KEY") {
                    return Err(Failure::usage(format!(
                        "{} is a private key, which stays with you: give the .pub file",
                        file.display()
                    )));
                }
                let key: SshKey = client.post("/v1/ssh-keys", &SshKeyAdd { public_key, comment, user }).await?;
                let (awaits, from, id) = (key.awaits, key.works_from, key.id.clone());
                output::list(format, &[key])?;
                if format == Format::Table {
                    print_waits(awaits, from, &id, "ssh-key")?;
                }
            }
            Self::List => output::list(format, &client.all::<SshKey>("/v1/ssh-keys", &[]).await?)?,
            Self::Confirm { id } => {
                let path = format!("/v1/ssh-keys/{id}/confirm");
                let confirmed: WaitingCredential = client.post(&path, &json!({})).await?;
                output::list(format, &[confirmed])?;
            }
            Self::Remove { id } => {
                client.delete(&format!("/v1/ssh-keys/{id}")).await?;
                output::line(&format!("SSH key {id} removed"))?;
            }
        }
        Ok(DONE)
    }
}
