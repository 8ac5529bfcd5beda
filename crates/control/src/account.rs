//! Accounts.

use postern_domain::account::{Account, AccountState, CredentialKind};
use postern_domain::document::{AccountDocument, Action, Change, Document, FieldChange};
use postern_domain::event::Event;
use postern_domain::permission::Permission;
use postern_domain::permit::{Manage, Permit};
use postern_domain::rotation::{Dependent, RotationSetting};
use postern_domain::{AccountId, AccountRef, ScopePath, UserId, UserName};
use postern_store::{AccountFields, AccountFilter, Listed, Listing, ReadTx, WriteTx};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::apply::{changed, checked, event_of};
use crate::{Caller, Control, Error, visible};

/// What an account is to be.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountInput {
    /// How it is proved to its target.
    pub credential: CredentialKind,
    /// Who answers for it.
    pub owner: Option<UserName>,
    /// Where it stands in its life; where it is left out, it stays as it is, and a new one is managed.
    pub state: Option<AccountState>,
    /// How its secret is looked after; where it is left out, that stays as it is. Needs `rotation:write`.
    #[serde(default)]
    pub rotation: Option<RotationSetting>,
    /// What uses its secret and is told of a new one; where it is left out, they stay. Needs
    /// `rotation:write`.
    #[serde(default)]
    pub dependents: Option<Vec<Dependent>>,
}

impl Control {
    /// Accounts in the permit's scopes.
    ///
    /// # Errors
    /// When it cannot be sorted by that, or the cursor is not one of ours.
    pub async fn account_list(
        &self,
        permit: &Permit<Manage>,
        filter: &AccountFilter,
        listing: &Listing,
    ) -> Result<Listed<Account>, Error> {
        Ok(self.store().read().await?.accounts(&permit.action().scopes, filter, listing).await?)
    }

    /// One account.
    ///
    /// # Errors
    /// `NotFound` also where the caller may not know of it.
    pub async fn account_show(
        &self,
        caller: &Caller,
        permit: &Permit<Manage>,
        reference: &AccountRef,
    ) -> Result<Account, Error> {
        let mut rows = self.store().read().await?;
        Ok(visible::account(&mut rows, caller, reference, &permit.action().scopes).await?.0)
    }

    /// Creates an account on an asset, or changes it.
    ///
    /// # Errors
    /// When the asset or the owner is not known, or the asset lies outside the permit.
    pub async fn account_put(
        &self,
        caller: &Caller,
        permit: &Permit<Manage>,
        reference: &AccountRef,
        input: AccountInput,
    ) -> Result<Account, Error> {
        let mut tx = self.store().write(self.now()).await?;
        let AccountInput { credential, owner, state, rotation, dependents } = input;
        let document = AccountDocument { account: reference.clone(), credential, owner, rotation, dependents };
        let document = match checked(Document::Account(document))? {
            Document::Account(document) => document,
            _ => return Err(Error::not_found("account", reference)),
        };
        let (account, change, events) = put(&mut tx, caller, permit, &document, state).await?;
        if change.action != Action::Unchanged {
            self.commit(tx, &events).await?;
        }
        Ok(account)
    }
}

/// Makes the account what the document says.
pub(crate) async fn apply(
    tx: &mut WriteTx,
    caller: &Caller,
    permit: &Permit<Manage>,
    document: &AccountDocument,
) -> Result<(Change, Vec<Event>), Error> {
    let (_, change, events) = put(tx, caller, permit, document, None).await?;
    Ok((change, events))
}

async fn put(
    tx: &mut WriteTx,
    caller: &Caller,
    permit: &Permit<Manage>,
    document: &AccountDocument,
    state: Option<AccountState>,
) -> Result<(Account, Change, Vec<Event>), Error> {
    let scopes = visible::readable(caller, permit, Permission::AssetRead);
    let asset = visible::asset(tx, caller, &document.account.asset, &scopes).await?;
    visible::within(permit, &asset.scope)?;
    let current = tx.account_on(&asset.id, &document.account.account).await?;
    let mut change = changed(&Document::Account(document.clone()), current.as_ref().map(Document::from));
    let was = current.as_ref().map(|account| account.state);
    let state = state.or(was).unwrap_or(AccountState::Managed);
    if let (Some(current), true) = (&current, was.is_some_and(|was| was != state)) {
        let text = |state| serde_json::to_value(state).ok();
        change.action = Action::Update;
        change.fields.push(FieldChange { field: "state".to_owned(), old: text(current.state), new: text(state) });
    }
    let fields = AccountFields {
        credential: document.credential,
        owner: owner(tx, document.owner.as_ref(), &asset.scope).await?,
        state,
    };
    let id = match &current {
        Some(account) if change.action == Action::Unchanged => return Ok((account.clone(), change, Vec::new())),
        Some(account) => {
            tx.account_update(&account.id, &fields).await?;
            account.id.clone()
        }
        None => {
            let id = AccountId::generate(tx.now(), postern_vault::random::bytes());
            tx.account_insert(&id, &asset.id, &document.account.account, &fields).await?;
            id
        }
    };
    if document.rotation.is_some() || document.dependents.is_some() {
        looked_after(tx, caller, &asset.scope, &id, document).await?;
    }
    let account = tx.account(&id).await?.ok_or_else(|| Error::not_found("account", &document.account))?;
    let event = event_of(tx.now(), caller.actor(), "account", &change, &asset.scope);
    Ok((account, change, vec![event]))
}

/// Says how the account's secret is looked after, where that is not what holds already.
async fn looked_after(
    tx: &mut WriteTx,
    caller: &Caller,
    scope: &ScopePath,
    id: &AccountId,
    document: &AccountDocument,
) -> Result<(), Error> {
    let now = tx.account(id).await?.map(|account| account.rotation).unwrap_or_default();
    let setting = document.rotation.as_ref().unwrap_or(&now.setting);
    let dependents = document.dependents.as_ref().unwrap_or(&now.dependents);
    if *setting == now.setting && *dependents == now.dependents {
        return Ok(());
    }
    if !caller.authority.covers(Permission::RotationWrite, scope) {
        return Err(Error::Forbidden(format!("this needs the permission rotation:write in {scope}")));
    }
    let known: Vec<_> = caller.authority.scopes(Permission::AssetWrite);
    for dependent in dependents {
        // Its secret goes there and programs are run there, as root: only by who may change that asset.
        let on = visible::asset(tx, caller, &dependent.asset, &known).await;
        on.map_err(|_| Error::invalid("dependents", format!("asset `{}` is not one you may change", dependent.asset)))?;
    }
    tx.account_rotation_set(id, setting, dependents).await?;
    Ok(())
}

/// The person who is to answer for an account in `scope`.
async fn owner(rows: &mut ReadTx, name: Option<&UserName>, scope: &ScopePath) -> Result<Option<UserId>, Error> {
    let Some(name) = name else { return Ok(None) };
    let user = rows.user_by_name(name).await?.filter(|user| user.scope.contains(scope));
    match user {
        Some(user) => Ok(Some(user.id)),
        None => Err(Error::invalid("owner", format!("user `{name}` does not exist"))),
    }
}
