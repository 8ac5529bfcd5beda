//! `postern status`.

use clap::Args;

use crate::client::Client;
use crate::exit::{DONE, Failure};
use crate::output::{self, Format};

/// Show the server's state.
#[derive(Args)]
pub(crate) struct Status {}

impl Status {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        let status: postern_control::Status = Client::signed_in()?.get("/v1/status").await?;
        output::one(format, &status)?;
        Ok(DONE)
    }
}
