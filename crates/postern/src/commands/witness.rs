//! `postern witnesses`.

use clap::Args;
use postern_control::WitnessView;

use crate::client::Client;
use crate::exit::{DONE, Failure};
use crate::output::{self, Columns, Format};

/// List the witnesses, and how much of the ledger each has seen.
#[derive(Args)]
pub(crate) struct Witnesses {}

/// All witnesses, as the server tells them.
#[derive(serde::Deserialize)]
struct All {
    witnesses: Vec<WitnessView>,
}

impl Columns for WitnessView {
    const HEADINGS: &'static [&'static str] = &["NAME", "URL", "SEEN", "AT", "FAILS SINCE", "WHY"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.name.clone(),
            self.url.clone(),
            output::or_dash(self.size.map(|size| size.to_string())),
            output::or_dash(self.seen_at.map(output::time)),
            output::or_dash(self.failed_at.map(output::time)),
            self.failure.clone().unwrap_or_default(),
        ]
    }
}

impl Witnesses {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        let all: All = Client::signed_in()?.get("/v1/witnesses").await?;
        output::list(format, &all.witnesses)?;
        Ok(DONE)
    }
}
