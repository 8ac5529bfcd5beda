//! Break-glass when Postern itself is dead: bundles of chosen accounts' secrets, written to several places
//! while it lives, and opened by some of several people without it.
//!
//! `plan` says who and what, and takes two people to change; `bundle` writes, and keeps what is written
//! true; `opening` is what follows once one was opened.

use std::path::PathBuf;

use postern_domain::permit::{Manage, Permit};
use postern_domain::{AccountId, AccountRef, Timestamp, UserName};
use postern_store::ReadTx;
use postern_vault::offline::Holder;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Control, Error};

mod bundle;
mod opening;
mod plan;

pub(crate) use bundle::{Bundling, rewrap};
pub use opening::OpenedInput;
pub use plan::OfflinePlanInput;

/// In how many places a bundle must lie before it counts as written.
pub const PLACES_MIN: usize = 2;
/// Where the plan is kept.
const PLAN: &str = "break_glass.plan";
/// Where the plan is kept that waits for somebody's yes.
const PROPOSED: &str = "break_glass.plan_proposed";

/// Who opens bundles, and what is in them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Plan {
    threshold: u8,
    holders: Vec<Holder>,
    accounts: Vec<AccountId>,
    author: UserName,
    approved_by: Option<UserName>,
    at: Timestamp,
}

/// A holder, as shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HolderView {
    /// Who.
    pub name: UserName,
    /// The public key that their share is sealed to.
    pub key: String,
}

/// A plan, as shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlanView {
    /// How many holders open a bundle together.
    pub threshold: u8,
    /// Of whom.
    pub holders: Vec<HolderView>,
    /// What is in it.
    pub accounts: Vec<AccountRef>,
    /// Who set it.
    pub author: UserName,
    /// Who said yes to it; none where nobody could, or has yet.
    pub approved_by: Option<UserName>,
    /// When it was set.
    pub at: Timestamp,
}

/// A place that bundles are written to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlaceView {
    /// The folder.
    pub path: String,
    /// Why the newest bundle is not to be had there; none where it is.
    pub problem: Option<String>,
}

/// An account in a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BundledAccount {
    /// Which.
    pub account: AccountRef,
    /// The versions of its secret: the current one, one that is being changed to, and the one before.
    pub versions: Vec<u32>,
}

/// A bundle, as shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BundleView {
    /// Its number.
    pub serial: u64,
    /// The SHA-256 of its file, hex.
    pub digest: String,
    /// When it was written.
    pub at: Timestamp,
    /// What is in it.
    pub accounts: Vec<BundledAccount>,
}

/// The offline tier, as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OfflineView {
    /// Where bundles are written.
    pub places: Vec<PlaceView>,
    /// Who opens them and what is in them; none before somebody has said.
    pub plan: Option<PlanView>,
    /// A plan that waits for somebody else's yes.
    pub proposed: Option<PlanView>,
    /// The newest bundle.
    pub bundle: Option<BundleView>,
    /// Why the tier would not help now; nothing where it would.
    pub problems: Vec<String>,
}

impl Control {
    /// How the offline tier stands: what is planned, what is written and where, and what is missing.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn offline_show(&self, permit: &Permit<Manage>) -> Result<OfflineView, Error> {
        plan::everywhere(permit)?;
        let mut rows = self.store().read().await?;
        let plan = kept(&mut rows, PLAN).await?;
        let proposed = kept(&mut rows, PROPOSED).await?;
        let newest = rows.bundle_newest().await?;
        let mut problems = Vec::new();
        let mut places = Vec::new();
        for path in self.places() {
            let problem = match &newest {
                Some(newest) => bundle::missing(path, newest).await,
                None => Some("no bundle was written".to_owned()),
            };
            problems.extend(problem.as_ref().map(|problem| format!("{}: {problem}", path.display())));
            places.push(PlaceView { path: path.display().to_string(), problem });
        }
        if places.len() < PLACES_MIN {
            problems.push("name at least two folders in [break_glass] places of the configuration file".to_owned());
        }
        match &plan {
            None => problems.push("nobody has said who opens a bundle and what is in it".to_owned()),
            Some(plan) => problems.extend(self.uncovered(&mut rows, plan, newest.as_ref()).await?),
        }
        let bundle = match newest {
            Some(newest) => Some(bundle::view(&newest)?),
            None => None,
        };
        let plan = shown(&mut rows, plan).await?;
        let proposed = shown(&mut rows, proposed).await?;
        Ok(OfflineView { places, plan, proposed, bundle, problems })
    }

    pub(crate) fn places(&self) -> &[PathBuf] {
        &self.settings().break_glass_places
    }
}

/// A plan that is kept under this name.
async fn kept(rows: &mut ReadTx, name: &'static str) -> Result<Option<Plan>, Error> {
    let text = rows.setting(name).await?.filter(|text| !text.is_empty());
    let damaged = |_| Error::Unavailable(format!("the setting {name} is damaged"));
    text.map(|text| serde_json::from_str(&text).map_err(damaged)).transpose()
}

async fn shown(rows: &mut ReadTx, plan: Option<Plan>) -> Result<Option<PlanView>, Error> {
    let Some(plan) = plan else { return Ok(None) };
    let mut accounts = Vec::new();
    for id in &plan.accounts {
        let account = rows.account(id).await?;
        accounts.extend(account.map(|account| AccountRef { account: account.name, asset: account.asset }));
    }
    let holders = plan.holders.iter();
    Ok(Some(PlanView {
        threshold: plan.threshold,
        holders: holders.map(|held| HolderView { name: held.name.clone(), key: held.key.to_string() }).collect(),
        accounts,
        author: plan.author,
        approved_by: plan.approved_by,
        at: plan.at,
    }))
}

#[cfg(test)]
mod tests;
