//! `postern account ...`.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use postern_domain::account::Account;
use postern_domain::{AccountRef, AssetName, SecretText};
use reqwest::Method;
use serde_json::json;

use crate::client::{Client, segment};
use crate::exit::{DONE, Failure};
use crate::output::{self, Columns, Format};
use crate::terminal;

/// The longest private key that is read, in bytes.
const KEY_LEN_MAX: u64 = 64 * 1024;

/// Accounts.
#[derive(Subcommand)]
pub(crate) enum AccountCommand {
    /// List accounts.
    List {
        /// The asset.
        #[arg(long)]
        asset: Option<AssetName>,
        /// A part of the account's or the asset's name.
        #[arg(long, value_name = "TEXT")]
        search: Option<String>,
    },
    /// Show one account.
    Show {
        /// The account, account@asset.
        account: AccountRef,
    },
    /// Store what proves the account to its target. It cannot be read back.
    SetSecret {
        /// The account, account@asset.
        account: AccountRef,
        /// Read the password from standard input.
        #[arg(long, conflicts_with = "key_file")]
        password_stdin: bool,
        /// Read a private key, without a passphrase, from this file; - is standard input.
        #[arg(long, value_name = "FILE")]
        key_file: Option<PathBuf>,
    },
}

impl Columns for Account {
    const HEADINGS: &'static [&'static str] =
        &["ACCOUNT", "SCOPE", "CREDENTIAL", "OWNER", "STATE", "READY", "LAST USED"];

    fn cells(&self) -> Vec<String> {
        vec![
            format!("{}@{}", self.name, self.asset),
            self.scope.to_string(),
            output::word(&self.credential),
            output::or_dash(self.owner.as_ref()),
            output::word(&self.state),
            if self.ready { "yes" } else { "no" }.to_owned(),
            output::or_dash(self.last_used_at.map(output::time)),
        ]
    }
}

impl AccountCommand {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        let client = Client::signed_in()?;
        match self {
            Self::List { asset, search } => {
                let query = [("asset", asset.map(|asset| asset.to_string())), ("q", search)];
                let accounts: Vec<Account> = client.all("/v1/accounts", &query).await?;
                output::list(format, &accounts)?;
            }
            Self::Show { account } => {
                let account: Account = client.get(&path_of(&account)).await?;
                output::one(format, &account)?;
            }
            Self::SetSecret { account, password_stdin, key_file } => {
                let body = match key_file {
                    Some(file) => json!({ "private_key": key(&file)?.expose() }),
                    None => {
                        let password = terminal::password(password_stdin, &format!("Password of {account}"))?;
                        json!({ "password": password.expose() })
                    }
                };
                client.tell(Method::PUT, &format!("{}/secret", path_of(&account)), &body).await?;
                output::line(&format!("secret of {account} stored"))?;
            }
        }
        Ok(DONE)
    }
}

fn path_of(account: &AccountRef) -> String {
    format!("/v1/accounts/{}", segment(&account.to_string()))
}

fn key(file: &Path) -> Result<SecretText, Failure> {
    if file == Path::new("-") {
        return terminal::stdin();
    }
    let mut text = String::new();
    File::open(file)
        .and_then(|opened| opened.take(KEY_LEN_MAX).read_to_string(&mut text))
        .map_err(|error| anyhow::anyhow!("cannot read {}: {error}", file.display()))?;
    Ok(SecretText::new(text))
}
