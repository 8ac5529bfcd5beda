//! Accounts, and storing their secrets. No route shows a secret.

use axum::http::Method;
use postern_control::{AccountFilter, AccountInput, Caller, Control, SecretInput};
use postern_domain::account::{Account, AccountState};
use postern_domain::permission::Permission;
use postern_domain::permit::{Manage, Permit};
use postern_domain::{AccountRef, AssetName};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::input::{self, Input, Nothing};
use crate::page::Page;
use crate::problem::Problem;
use crate::reply::{Done, Found};
use crate::route::Routes;

pub(crate) fn declare(routes: Routes) -> Routes {
    routes
        .holding(Permission::AssetRead, (Method::GET, "/v1/accounts", "account_list", "Accounts, by asset"), list)
        .holding(Permission::AssetRead, (Method::GET, "/v1/accounts/{account}", "account_show", "One account"), show)
        .holding(
            Permission::AssetWrite,
            (Method::PUT, "/v1/accounts/{account}", "account_put", "Create an account or change it"),
            put,
        )
        .holding(
            Permission::SecretWrite,
            (Method::PUT, "/v1/accounts/{account}/secret", "secret_put", "Store an account's secret"),
            secret,
        )
}

/// An account in the path.
#[derive(Deserialize, JsonSchema)]
struct Named {
    /// The account, `root@web-1`.
    account: AccountRef,
}

/// Which accounts are wanted.
#[derive(Default, Deserialize, JsonSchema)]
struct Wanted {
    /// The asset.
    asset: Option<AssetName>,
    /// A part of the account's or the asset's name, or of both: `root@web`.
    q: Option<String>,
    /// Where they stand in their life.
    state: Option<AccountState>,
    /// Where to go on.
    cursor: Option<String>,
    /// How many at most.
    limit: Option<u32>,
    /// By what to sort, with a minus for the other way round.
    sort: Option<String>,
    /// Whether to count all that match.
    #[serde(default)]
    count: bool,
}

async fn list(
    control: Control,
    _: Caller,
    permit: Permit<Manage>,
    input: Input<Nothing, Wanted>,
) -> Result<Found<Page<Account>>, Problem> {
    let Wanted { asset, q, state, cursor, limit, sort, count } = input.query;
    let listing = input::listing(cursor, limit, sort, count);
    Ok(Found(control.account_list(&permit, &AccountFilter { asset, q, state }, &listing).await?.into()))
}

async fn show(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Named>,
) -> Result<Found<Account>, Problem> {
    Ok(Found(control.account_show(&caller, &permit, &input.path.account).await?))
}

async fn put(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Named, Nothing, AccountInput>,
) -> Result<Found<Account>, Problem> {
    Ok(Found(control.account_put(&caller, &permit, &input.path.account, input.body).await?))
}

async fn secret(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Named, Nothing, SecretInput>,
) -> Result<Done, Problem> {
    control.secret_put(&caller, &permit, &input.path.account, input.body).await?;
    Ok(Done)
}
