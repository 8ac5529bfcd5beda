//! `postern archive`.

use clap::Args;
use postern_control::ArchiveView;

use crate::client::Client;
use crate::exit::{DONE, Failure};
use crate::output::{self, Columns, Format};

/// Show the archive, and how far it has come.
#[derive(Args)]
pub(crate) struct Archive {}

impl Columns for ArchiveView {
    const HEADINGS: &'static [&'static str] =
        &["BUCKET", "AT", "ARCHIVED", "BEHIND", "HELD", "LAST", "FAILS SINCE", "WHY"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.bucket.clone(),
            self.url.clone(),
            self.archived.to_string(),
            self.behind.to_string(),
            self.held.to_string(),
            output::or_dash(self.archived_at.map(output::time)),
            output::or_dash(self.failed_at.map(output::time)),
            self.failure.clone().unwrap_or_default(),
        ]
    }
}

impl Archive {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        let view: ArchiveView = Client::signed_in()?.get("/v1/archive").await?;
        output::one(format, &view)?;
        Ok(DONE)
    }
}
