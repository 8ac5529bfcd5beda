//! Who opens bundles, and what is in them. It takes two people to change: whoever could name the holders
//! alone could give themselves every secret in the bundle.

use std::collections::BTreeSet;
use std::time::Duration;

use postern_domain::account::{Account, CredentialKind};
use postern_domain::break_glass::FACTOR_SECONDS_MAX;
use postern_domain::event::{Event, Outcome};
use postern_domain::permission::Permission;
use postern_domain::permit::{Manage, Permit};
use postern_domain::user::User;
use postern_domain::{AccountRef, ScopePath, UserName};
use postern_store::{ReadTx, WriteTx};
use postern_vault::offline::{Holder, HolderKey};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{OfflineView, PLAN, PROPOSED, Plan, kept};
use crate::{Caller, Control, Error, shared, visible};

/// The most accounts in a bundle: those without which nothing can be repaired.
const ACCOUNTS_MAX: usize = 500;
/// The most holders; a share's number is one character.
const HOLDERS_MAX: usize = 31;

/// A holder, as named.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HolderInput {
    /// Who.
    pub name: UserName,
    /// The public key that `postern-open key` has shown them, `pbk1...`.
    pub key: String,
}

/// Who is to open bundles, and what is to be in them.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OfflinePlanInput {
    /// How many holders open a bundle together; at least 2.
    pub threshold: u8,
    /// Of whom; at most 31.
    pub holders: Vec<HolderInput>,
    /// The accounts; at most 500, each with a password or a key in the vault.
    pub accounts: Vec<AccountRef>,
}

/// The offline tier is about secrets of everywhere.
pub(super) fn everywhere(permit: &Permit<Manage>) -> Result<(), Error> {
    if permit.covers(&ScopePath::root()) {
        return Ok(());
    }
    Err(Error::Forbidden("bundles are for those who look after everything".to_owned()))
}

impl Control {
    /// Says who opens bundles and what is in them. Where somebody else can be asked, it waits for their yes.
    ///
    /// # Errors
    /// `StepUp` without a fresh factor; `Invalid` with what is wrong.
    pub async fn offline_plan(
        &self,
        caller: &Caller,
        permit: &Permit<Manage>,
        input: &OfflinePlanInput,
    ) -> Result<OfflineView, Error> {
        everywhere(permit)?;
        caller.factor_within(Duration::from_secs(FACTOR_SECONDS_MAX), self.now())?;
        let holders = holders(input)?;
        let mut tx = self.store().write(self.now()).await?;
        different_people(&mut tx, &holders).await?;
        let mut accounts = Vec::new();
        for reference in &input.accounts {
            let scopes = visible::readable(caller, permit, Permission::AssetRead);
            let (account, _) = visible::account(&mut tx, caller, reference, &scopes).await?;
            has_secret(&account, reference)?;
            if !accounts.contains(&account.id) {
                accounts.push(account.id);
            }
        }
        let plan = Plan {
            threshold: input.threshold,
            holders,
            accounts,
            author: caller.user.name.clone(),
            approved_by: None,
            at: tx.now(),
        };
        let waits = shared::is_shared(&mut tx, &ScopePath::root()).await?;
        let (name, action) = if waits { (PROPOSED, "break_glass.plan_propose") } else { (PLAN, "break_glass.plan") };
        keep(&mut tx, name, Some(&plan)).await?;
        let event = event_of(&tx, caller, action, &plan).with("accounts", told(&input.accounts));
        self.commit(tx, &[event]).await?;
        self.0.bundling.changed.notify_one();
        self.offline_show(permit).await
    }

    /// Says yes to somebody else's plan, which puts it into force.
    ///
    /// # Errors
    /// `Conflict` where none waits; `Forbidden` for who proposed it, and for whom they have made.
    pub async fn offline_plan_approve(&self, caller: &Caller, permit: &Permit<Manage>) -> Result<OfflineView, Error> {
        everywhere(permit)?;
        caller.factor_within(Duration::from_secs(FACTOR_SECONDS_MAX), self.now())?;
        let mut tx = self.store().write(self.now()).await?;
        let Some(plan) = kept(&mut tx, PROPOSED).await? else {
            return Err(Error::Conflict("no plan waits for an answer".to_owned()));
        };
        let author = tx.user_by_name(&plan.author).await?;
        let refusal = if author.as_ref().map_or(&plan.author, User::person) == caller.user.person() {
            Some("nobody says yes to a plan of their own")
        } else if shared::made_by(&mut tx, &plan.author, &caller.user, self.now()).await? {
            Some(
                "who proposed it has made your account or given you rights in the last day: somebody else must say yes",
            )
        } else {
            None
        };
        if let Some(why) = refusal {
            let event = event_of(&tx, caller, "break_glass.plan", &plan).outcome(Outcome::Refused);
            drop(tx);
            self.note(event.with("detail", why)).await?;
            return Err(Error::Forbidden(why.to_owned()));
        }
        let plan = Plan { approved_by: Some(caller.user.name.clone()), ..plan };
        keep(&mut tx, PLAN, Some(&plan)).await?;
        keep(&mut tx, PROPOSED, None).await?;
        let event = event_of(&tx, caller, "break_glass.plan", &plan).with("author", plan.author.as_str());
        self.commit(tx, &[event]).await?;
        self.0.bundling.changed.notify_one();
        self.offline_show(permit).await
    }

    /// Says no to a plan that waits; its author takes it back by that.
    ///
    /// # Errors
    /// `Conflict` where none waits.
    pub async fn offline_plan_refuse(&self, caller: &Caller, permit: &Permit<Manage>) -> Result<OfflineView, Error> {
        everywhere(permit)?;
        let mut tx = self.store().write(self.now()).await?;
        let Some(plan) = kept(&mut tx, PROPOSED).await? else {
            return Err(Error::Conflict("no plan waits for an answer".to_owned()));
        };
        keep(&mut tx, PROPOSED, None).await?;
        let event = event_of(&tx, caller, "break_glass.plan_refuse", &plan);
        self.commit(tx, &[event]).await?;
        self.offline_show(permit).await
    }
}

fn holders(input: &OfflinePlanInput) -> Result<Vec<Holder>, Error> {
    let count = input.holders.len();
    if !(2..=HOLDERS_MAX).contains(&count) {
        return Err(Error::invalid("holders", format!("name 2 to {HOLDERS_MAX} people")));
    }
    if input.threshold < 2 || usize::from(input.threshold) > count {
        return Err(Error::invalid("threshold", format!("is {}: 2 to {count} of them", input.threshold)));
    }
    if input.accounts.is_empty() || input.accounts.len() > ACCOUNTS_MAX {
        return Err(Error::invalid("accounts", format!("name 1 to {ACCOUNTS_MAX}")));
    }
    let (mut names, mut keys, mut holders) = (BTreeSet::new(), BTreeSet::new(), Vec::with_capacity(count));
    for HolderInput { name, key } in &input.holders {
        let parsed: HolderKey = key.parse().map_err(|_| {
            Error::invalid("holders", format!("the key of {name} is mistyped: postern-open key shows it, pbk1..."))
        })?;
        if !names.insert(name) || !keys.insert(parsed.to_string()) {
            return Err(Error::invalid("holders", format!("{name} is named twice, or has somebody else's key")));
        }
        holders.push(Holder { name: name.clone(), key: parsed });
    }
    Ok(holders)
}

/// That no two holders are users of one person: their shares would be in one hand.
async fn different_people(rows: &mut ReadTx, holders: &[Holder]) -> Result<(), Error> {
    let mut people = BTreeSet::new();
    for Holder { name, .. } in holders {
        let person = rows.user_by_name(name).await?.map_or_else(|| name.clone(), |user| user.person().clone());
        if !people.insert(person.clone()) {
            return Err(Error::invalid(
                "holders",
                format!("{name} is another user of {person}: name different people"),
            ));
        }
    }
    Ok(())
}

fn has_secret(account: &Account, reference: &AccountRef) -> Result<(), Error> {
    if account.credential == CredentialKind::SshCertificate {
        let why = format!(
            "{reference} is proved by certificates that only a living Postern signs: name an account \
                           with a password or a key"
        );
        return Err(Error::invalid("accounts", why));
    }
    if !account.ready {
        return Err(Error::invalid("accounts", format!("the vault holds no secret for {reference}")));
    }
    Ok(())
}

async fn keep(tx: &mut WriteTx, name: &'static str, plan: Option<&Plan>) -> Result<(), Error> {
    let text = match plan {
        Some(plan) => serde_json::to_string(plan).map_err(|error| Error::Unavailable(error.to_string()))?,
        None => String::new(),
    };
    Ok(tx.setting_set(name, &text).await?)
}

fn told(accounts: &[AccountRef]) -> Vec<String> {
    accounts.iter().map(ToString::to_string).collect()
}

fn event_of(tx: &WriteTx, caller: &Caller, action: &str, plan: &Plan) -> Event {
    let holders: Vec<_> = plan.holders.iter().map(|holder| format!("{} {}", holder.name, holder.key)).collect();
    Event::done(tx.now(), caller.actor(), action, "offline plan", ScopePath::root())
        .with("threshold", plan.threshold)
        .with("holders", holders)
}
