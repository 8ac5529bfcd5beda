//! `postern checkout`, `postern checkin`, `postern checkouts`.

use clap::Args;
use postern_control::CheckedOut;
use postern_domain::checkout::Checkout;
use postern_domain::{AccountRef, CheckoutId};
use serde_json::json;

use crate::client::Client;
use crate::exit::{DONE, Failure};
use crate::output::{self, Columns, Format};

/// See the secret of an account, for what cannot be brokered. It is changed when it is given back.
#[derive(Args)]
pub(crate) struct Open {
    /// The account, account@asset.
    account: AccountRef,
    /// Why.
    #[arg(long)]
    reason: String,
}

/// Give a secret back: it is changed at once.
#[derive(Args)]
pub(crate) struct Close {
    /// The account, account@asset, or the check-out, chk_...
    what: String,
}

/// List check-outs: your own, and those you may see.
#[derive(Args)]
pub(crate) struct Checkouts {
    /// Those only that are open.
    #[arg(long)]
    open: bool,
}

impl Columns for Checkout {
    const HEADINGS: &'static [&'static str] = &["ID", "USER", "ACCOUNT", "STATE", "OPENED", "ENDS", "ENDED", "REASON"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.id.to_string(),
            self.user.to_string(),
            self.account.to_string(),
            output::word(&self.state),
            output::time(self.opened_at),
            output::time(self.ends_at),
            output::or_dash(self.ended_at.map(output::time)),
            self.reason.clone(),
        ]
    }
}

impl Open {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        let body = json!({ "account": self.account, "reason": self.reason });
        let opened: CheckedOut = Client::signed_in()?.post("/v1/checkouts", &body).await?;
        if format == Format::Table {
            let Checkout { id, account, ends_at, .. } = &opened.checkout;
            eprintln!(
                "{id}: {account} is yours until {}; then, or with postern checkin {account}, the secret is changed",
                output::time(*ends_at)
            );
            output::line(&opened.secret)?;
        } else {
            output::one(format, &opened)?;
        }
        Ok(DONE)
    }
}

impl Close {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        let client = Client::signed_in()?;
        let id = match self.what.parse::<CheckoutId>() {
            Ok(id) => id,
            Err(_) => {
                let account: AccountRef = self.what.parse().map_err(|error| Failure::usage(format!("{error}")))?;
                let open: Vec<Checkout> = client.all("/v1/checkouts", &[("open", Some("true".to_owned()))]).await?;
                let found = open.into_iter().find(|checkout| checkout.account == account);
                found.ok_or_else(|| Failure::usage(format!("{account} is not checked out")))?.id
            }
        };
        let checkout: Checkout = client.post(&format!("/v1/checkouts/{id}/checkin"), &json!({})).await?;
        if format == Format::Table {
            let next = checkout.rotation.as_ref().map_or_else(
                || "its secret CANNOT be changed by itself: see to it".to_owned(),
                |rotation| format!("its secret is being changed: postern rotation show {rotation}"),
            );
            output::line(&format!("{} given back; {next}", checkout.account))?;
        } else {
            output::one(format, &checkout)?;
        }
        Ok(DONE)
    }
}

impl Checkouts {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        let query = [("open", self.open.then(|| "true".to_owned()))];
        let checkouts: Vec<Checkout> = Client::signed_in()?.all("/v1/checkouts", &query).await?;
        output::list(format, &checkouts)?;
        Ok(DONE)
    }
}
