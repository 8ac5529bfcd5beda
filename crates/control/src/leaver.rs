//! People who leave: what they answered for is handed over, and what they knew is changed.

use postern_domain::account::Account;
use postern_domain::checkout::CheckoutState;
use postern_domain::event::Event;
use postern_domain::permission::Permission;
use postern_domain::permit::{Manage, Permit};
use postern_domain::rotation::RotationTrigger;
use postern_domain::user::{User, UserState};
use postern_domain::{AccountRef, UserName};
use postern_store::WriteTx;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Caller, Control, Error, profile, user};

/// What somebody who leaves answers for and knows; of accounts that the caller may see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Leaving {
    /// Who.
    pub user: UserName,
    /// The accounts that they answer for.
    pub owned: Vec<AccountRef>,
    /// The accounts whose secret, as it is now, they have seen by checking it out.
    pub known: Vec<AccountRef>,
    /// The vendors whom they sponsor, who have no access until somebody else does.
    #[serde(default)]
    pub sponsors: Vec<UserName>,
}

impl Control {
    /// What somebody answers for and knows, to be looked at before they are disabled.
    ///
    /// # Errors
    /// `NotFound` also where the caller may not know of them.
    pub async fn user_leaving(
        &self,
        caller: &Caller,
        permit: &Permit<Manage>,
        name: &UserName,
    ) -> Result<Leaving, Error> {
        let mut rows = self.store().read().await?;
        let person = user::visible(&mut rows, permit, name).await?;
        let seen = |accounts: Vec<Account>| {
            let visible = |account: &&Account| caller.authority.covers(Permission::AssetRead, &account.scope);
            accounts.iter().filter(visible).map(reference).collect()
        };
        let owned = seen(rows.accounts_owned(&person.id).await?);
        let known = seen(rows.accounts_known(&person.id).await?);
        let sponsors = rows.vendors_of(&person.id).await?;
        let sponsors = sponsors.into_iter().filter(|vendor| permit.covers(&vendor.scope)).map(|vendor| vendor.name);
        Ok(Leaving { user: person.name, owned, known, sponsors: sponsors.collect() })
    }

    /// Hands over what somebody answered for, where there is an heir, and changes what they know.
    pub(crate) async fn leave(
        &self,
        tx: &mut WriteTx,
        caller: &Caller,
        leaver: &User,
        heir: Option<&UserName>,
    ) -> Result<Vec<Event>, Error> {
        let mut events = Vec::new();
        if let Some(heir) = heir {
            events.extend(hand_over(tx, caller, leaver, heir).await?);
            events.extend(sponsor_instead(tx, caller, leaver, heir).await?);
        }
        for account in tx.accounts_known(&leaver.id).await? {
            let (_, event) = self.rotation_follows(tx, &account.id, RotationTrigger::Demand).await?;
            events.push(event.with("leaver", leaver.name.as_str()));
        }
        let open = match leaver.state {
            UserState::Disabled => tx.checkouts_open_of(&leaver.id).await?,
            UserState::Active | UserState::Invited => Vec::new(),
        };
        for (checkout, account) in open {
            let by = caller.actor();
            events.extend(self.checkout_ends(tx, &checkout, &account, CheckoutState::Expired, by).await?);
        }
        Ok(events)
    }
}

async fn hand_over(tx: &mut WriteTx, caller: &Caller, leaver: &User, heir: &UserName) -> Result<Vec<Event>, Error> {
    let found = tx.user_by_name(heir).await?.filter(|heir| heir.state == UserState::Active && heir.id != leaver.id);
    let found = found.ok_or_else(|| Error::invalid("heir", format!("user `{heir}` is not active")))?;
    let mut events = Vec::new();
    for account in tx.accounts_owned(&leaver.id).await? {
        let scope = &account.scope;
        if !caller.authority.covers(Permission::AssetWrite, scope) {
            let what = reference(&account);
            return Err(Error::Forbidden(format!("handing {what} over needs the permission asset:write in {scope}")));
        }
        if !found.scope.contains(scope) {
            let what = reference(&account);
            return Err(Error::invalid(
                "heir",
                format!("{heir} belongs to {}, and {what} lies elsewhere", found.scope),
            ));
        }
        tx.account_hand_over(&account, &found.id).await?;
        let event =
            Event::done(tx.now(), caller.actor(), "account.hand_over", reference(&account).to_string(), scope.clone());
        events.push(event.with("from", leaver.name.as_str()).with("to", heir.as_str()));
    }
    Ok(events)
}

/// Makes the heir the sponsor of the leaver's vendors, where they can be it.
async fn sponsor_instead(
    tx: &mut WriteTx,
    caller: &Caller,
    leaver: &User,
    heir: &UserName,
) -> Result<Vec<Event>, Error> {
    let vendors = tx.vendors_of(&leaver.id).await?;
    let Some(found) = tx.user_by_name(heir).await? else { return Ok(Vec::new()) };
    let mut events = Vec::new();
    for vendor in vendors {
        profile::sponsor_of(tx, &vendor, heir).await?;
        let event = Event::done(tx.now(), caller.actor(), "user.change", vendor.name.as_str(), vendor.scope);
        events.push(event.with("field", "vendor").with("sponsor", heir.as_str()));
    }
    tx.vendors_hand_over(&leaver.id, &found.id).await?;
    Ok(events)
}

fn reference(account: &Account) -> AccountRef {
    AccountRef { account: account.name.clone(), asset: account.asset.clone() }
}

#[cfg(test)]
mod tests;
