//! `postern retention` and `postern hold ...`: how long recordings are kept, and what keeps them longer.

use clap::{Args, Subcommand};
use postern_control::{HoldInput, RetentionView};
use postern_domain::retention::Hold;
use postern_domain::{AccountRef, AssetName, HoldId, ScopePath, SessionId, Timestamp, UserName};
use serde_json::json;

use crate::client::Client;
use crate::exit::{DONE, Failure};
use crate::output::{self, Columns, Format};

/// Show how long recordings are kept, and how many there are.
#[derive(Args)]
pub(crate) struct RetentionCommand {}

/// Holds.
#[derive(Subcommand)]
pub(crate) enum HoldCommand {
    /// List holds: those in force first.
    List,
    /// Keep the recordings of every session that matches all that is given, whatever their age.
    Place(Box<Place>),
    /// Ask that a hold be released; when somebody else has asked, agree, which releases it.
    Release {
        /// The hold.
        id: HoldId,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Say no to the release that somebody asked for.
    Keep {
        /// The hold.
        id: HoldId,
    },
}

/// What is held.
#[derive(Args)]
pub(crate) struct Place {
    /// The matter that it is for.
    #[arg(long)]
    reason: String,
    /// Sessions in this place and below; your own scope unless given.
    #[arg(long)]
    scope: Option<ScopePath>,
    /// Of this person.
    #[arg(long)]
    user: Option<UserName>,
    /// On this asset.
    #[arg(long)]
    asset: Option<AssetName>,
    /// On this account.
    #[arg(long)]
    account: Option<AccountRef>,
    /// This session only.
    #[arg(long)]
    session: Option<SessionId>,
    /// That were not over before this time.
    #[arg(long, value_name = "TIME")]
    from: Option<Timestamp>,
    /// That had begun before this time.
    #[arg(long, value_name = "TIME")]
    until: Option<Timestamp>,
}

impl Columns for Hold {
    const HEADINGS: &'static [&'static str] = &["ID", "ON", "REASON", "PLACED BY", "AT", "STATE"];

    fn cells(&self) -> Vec<String> {
        let state = match (&self.released, &self.release_asked) {
            (Some(released), _) => format!("released by {}, {}", released.by, output::time(released.at)),
            (None, Some(asked)) => format!("in force; {} asks to release it: {}", asked.by, asked.reason),
            (None, None) => "in force".to_owned(),
        };
        vec![
            self.id.to_string(),
            on(self),
            self.reason.clone(),
            self.placed_by.to_string(),
            output::time(self.placed_at),
            state,
        ]
    }
}

/// What a hold is on, in words.
fn on(hold: &Hold) -> String {
    let mut parts = vec![hold.scope.to_string()];
    parts.extend(hold.user.as_ref().map(|user| format!("user {user}")));
    parts.extend(hold.asset.as_ref().map(|asset| format!("asset {asset}")));
    parts.extend(hold.account.as_ref().map(ToString::to_string));
    parts.extend(hold.session.as_ref().map(ToString::to_string));
    parts.extend(hold.from.map(|from| format!("from {}", output::time(from))));
    parts.extend(hold.until.map(|until| format!("until {}", output::time(until))));
    parts.join(", ")
}

impl RetentionCommand {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        let view: RetentionView = Client::signed_in()?.get("/v1/retention").await?;
        output::one(format, &view)?;
        Ok(DONE)
    }
}

impl HoldCommand {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        let client = Client::signed_in()?;
        match self {
            Self::List => {
                let holds: Vec<Hold> = client.all("/v1/holds", &[]).await?;
                output::list(format, &holds)?;
            }
            Self::Place(place) => {
                let Place { reason, scope, user, asset, account, session, from, until } = *place;
                let input = HoldInput { scope, user, asset, account, session, from, until, reason };
                let hold: Hold = client.post("/v1/holds", &input).await?;
                output::list(format, &[hold])?;
            }
            Self::Release { id, reason } => {
                let hold: Hold = client.post(&format!("/v1/holds/{id}/release"), &json!({ "reason": reason })).await?;
                output::list(format, &[hold])?;
            }
            Self::Keep { id } => {
                let hold: Hold = client.post(&format!("/v1/holds/{id}/keep"), &json!({})).await?;
                output::list(format, &[hold])?;
            }
        }
        Ok(DONE)
    }
}
