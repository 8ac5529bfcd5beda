//! `postern notices`: which notices of requests one gets, and where.

use clap::{Args, ValueEnum};
use postern_control::NoticeChoiceView;
use reqwest::Method;

use crate::client::Client;
use crate::exit::{DONE, Failure};
use crate::output::{self, Columns, Format};

/// Show, or choose, which notices of requests you get by mail and webhook, and at which address.
#[derive(Args)]
pub(crate) struct Notices {
    /// Your mail address for notices; an empty one stands for the one that you were given.
    #[arg(long)]
    address: Option<String>,
    /// Whether to be told of requests that wait for your answer.
    #[arg(long)]
    asked: Option<Switch>,
    /// Whether to be told what became of your own.
    #[arg(long)]
    answered: Option<Switch>,
}

/// Whether something is told.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Switch {
    /// It is.
    On,
    /// It is not.
    Off,
}

impl Columns for NoticeChoiceView {
    const HEADINGS: &'static [&'static str] = &["ADDRESS", "ASKED", "ANSWERED", "BY"];

    fn cells(&self) -> Vec<String> {
        let told = |on: bool| if on { "on" } else { "off" }.to_owned();
        vec![
            output::or_dash(self.choice.address.as_ref().or(self.given.as_ref())),
            told(self.choice.asked),
            told(self.choice.answered),
            output::or_dash(Some(self.ways.join(", ")).filter(|ways| !ways.is_empty())),
        ]
    }
}

impl Notices {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        let client = Client::signed_in()?;
        let mut view: NoticeChoiceView = client.get("/v1/notices").await?;
        let before = view.choice.clone();
        if let Some(address) = self.address {
            view.choice.address = Some(address).filter(|address| !address.is_empty());
        }
        view.choice.asked = self.asked.map_or(view.choice.asked, |asked| asked == Switch::On);
        view.choice.answered = self.answered.map_or(view.choice.answered, |answered| answered == Switch::On);
        if view.choice != before {
            view = client.send(Method::PUT, "/v1/notices", &view.choice).await?;
        }
        output::list(format, &[view])?;
        Ok(DONE)
    }
}
