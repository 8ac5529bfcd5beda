//! `postern template ...`: wishes that are kept; `postern attach` and `postern attachments`: files of requests.

use std::path::PathBuf;

use anyhow::{Context as _, anyhow};
use clap::{Args, Subcommand};
use postern_domain::request::{Attachment, RequestTemplate, TemplateWish};
use postern_domain::{AccountRef, Period, RequestId, ScopePath, TemplateId};
use serde_json::json;

use crate::client::{Client, segment};
use crate::exit::{DONE, Failure};
use crate::output::{self, Columns, Format};

/// Templates of requests.
#[derive(Subcommand)]
pub(crate) enum TemplateCommand {
    /// Keep a wish, to be made again: postern request --template NAME.
    Save {
        /// What to call it.
        name: String,
        /// What for; may be left to who asks.
        accounts: Vec<AccountRef>,
        /// How long: 30m, 8h, 1h30m.
        #[arg(long = "for", value_name = "DURATION")]
        duration: Period,
        /// Why.
        #[arg(long, default_value = "")]
        reason: String,
        /// The ticket that it belongs to.
        #[arg(long)]
        ticket: Option<String>,
        /// Share it with those of a scope; your own unless given.
        #[arg(long, value_name = "SCOPE")]
        share: Option<ScopePath>,
    },
    /// List yours and those that are shared with you.
    List,
    /// Forget one.
    Delete {
        /// The template.
        id: TemplateId,
    },
}

impl Columns for RequestTemplate {
    const HEADINGS: &'static [&'static str] = &["ID", "NAME", "OF", "SHARED", "ACCOUNTS", "FOR", "REASON"];

    fn cells(&self) -> Vec<String> {
        let accounts: Vec<_> = self.wish.accounts.iter().map(ToString::to_string).collect();
        vec![
            self.id.to_string(),
            self.name.clone(),
            self.user.to_string(),
            output::or_dash(self.scope.as_ref()),
            accounts.join(" "),
            Period::from_seconds(self.wish.duration_seconds).to_string(),
            self.wish.reason.clone(),
        ]
    }
}

impl TemplateCommand {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        let client = Client::signed_in()?;
        match self {
            Self::Save { name, accounts, duration, reason, ticket, share } => {
                let wish = TemplateWish { accounts, duration_seconds: duration.seconds(), reason, ticket };
                let body = json!({ "name": name, "scope": share, "wish": wish });
                let kept: RequestTemplate = client.post("/v1/request-templates", &body).await?;
                output::list(format, &[kept])?;
            }
            Self::List => output::list(format, &all(&client).await?)?,
            Self::Delete { id } => client.delete(&format!("/v1/request-templates/{id}")).await?,
        }
        Ok(DONE)
    }
}

async fn all(client: &Client) -> Result<Vec<RequestTemplate>, Failure> {
    client.all("/v1/request-templates", &[]).await
}

/// The wish of the template of this name or id: one's own before one that is shared.
pub(crate) async fn wish(client: &Client, called: &str) -> Result<TemplateWish, Failure> {
    let found = all(client).await?.into_iter().filter(|kept| kept.name == called || kept.id.as_str() == called);
    let found = found.min_by_key(|kept| kept.scope.is_some());
    found.map(|kept| kept.wish).ok_or_else(|| Failure::usage(format!("no template is called `{called}`")))
}

/// Put a file to a request that waits: at most 256 KiB, five to a request.
#[derive(Args)]
pub(crate) struct Attach {
    /// The request.
    id: RequestId,
    /// The file.
    file: PathBuf,
}

/// List the files of a request, or read one.
#[derive(Args)]
pub(crate) struct Attachments {
    /// The request.
    id: RequestId,
    /// The number of the one to read, which is written to standard output.
    #[arg(long, value_name = "NUMBER")]
    get: Option<u32>,
}

impl Columns for Attachment {
    const HEADINGS: &'static [&'static str] = &["NUMBER", "NAME", "BYTES", "SHA256", "BY", "AT"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.number.to_string(),
            self.name.clone(),
            self.bytes.to_string(),
            self.sha256.clone(),
            self.user.to_string(),
            output::time(self.at),
        ]
    }
}

impl Attach {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        let shown = self.file.display().to_string();
        let name =
            self.file.file_name().and_then(|name| name.to_str()).ok_or_else(|| anyhow!("{shown}: has no name"))?;
        let content = std::fs::read(&self.file).with_context(|| shown.clone())?;
        let path = format!("/v1/requests/{}/attachments?name={}", self.id, segment(name));
        let put: Attachment = Client::signed_in()?.upload(&path, content).await?;
        output::list(format, &[put])?;
        Ok(DONE)
    }
}

impl Attachments {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        let (client, path) = (Client::signed_in()?, format!("/v1/requests/{}/attachments", self.id));
        match self.get {
            Some(number) => {
                let response = client.stream(&format!("{path}/{number}"), &[]).await?;
                let content = response.bytes().await.context("the file did not arrive whole")?;
                std::io::Write::write_all(&mut std::io::stdout().lock(), &content)?;
            }
            None => {
                let all: Vec<Attachment> = client.all(&path, &[]).await?;
                output::list(format, &all)?;
            }
        }
        Ok(DONE)
    }
}
