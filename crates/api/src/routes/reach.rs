//! Reports on access: who can reach this, what can they reach, and why.

use std::net::IpAddr;

use axum::http::Method;
use postern_control::{AccessExplained, AccessFilter, AccessItem, Caller, Control, ReachItem};
use postern_domain::permission::Permission;
use postern_domain::permit::{Manage, Permit};
use postern_domain::{AccountRef, UserName};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::input::{self, Input, Nothing};
use crate::page::Page;
use crate::problem::Problem;
use crate::reply::Found;
use crate::route::Routes;

pub(crate) fn declare(routes: Routes) -> Routes {
    routes
        .holding(
            Permission::PolicyRead,
            (Method::GET, "/v1/accounts/{account}/reach", "account_reach", "Who can reach an account or ask for it"),
            of_account,
        )
        .holding(
            Permission::PolicyRead,
            (Method::GET, "/v1/users/{name}/reach", "user_reach", "What somebody can reach or ask for"),
            of_user,
        )
        .signed_in(
            (Method::GET, "/v1/access/explain", "access_explain", "Why somebody can or cannot open a session"),
            explain,
        )
}

/// An account in the path.
#[derive(Deserialize, JsonSchema)]
struct Account {
    /// The account: `root@web-1`.
    account: AccountRef,
}

/// A person in the path.
#[derive(Deserialize, JsonSchema)]
struct Person {
    /// Their sign-in name.
    name: UserName,
}

/// From where people would come.
#[derive(Default, Deserialize, JsonSchema)]
struct Coming {
    /// The address; one's own unless given.
    #[schemars(with = "Option<String>")]
    source: Option<IpAddr>,
    /// Where to go on.
    cursor: Option<String>,
    /// How many at most.
    limit: Option<u32>,
}

/// Which accounts are wanted.
#[derive(Default, Deserialize, JsonSchema)]
struct Reachable {
    /// A part of the account's or the asset's name.
    q: Option<String>,
    /// Labels: `env=prod,tier=web`.
    label: Option<String>,
    /// Where to go on.
    cursor: Option<String>,
    /// How many at most.
    limit: Option<u32>,
}

/// Whose access to what is to be explained.
#[derive(Deserialize, JsonSchema)]
struct Explained {
    /// Who; oneself unless given.
    user: Option<UserName>,
    /// On what: `root@web-1`.
    account: AccountRef,
    /// From which address, for somebody else; one's own unless given.
    #[schemars(with = "Option<String>")]
    source: Option<IpAddr>,
}

async fn of_account(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Account, Coming>,
) -> Result<Found<Page<ReachItem>>, Problem> {
    let Coming { source, cursor, limit } = input.query;
    let page = input::page(cursor, limit);
    Ok(Found(control.account_reach(&caller, &permit, &input.path.account, source, &page).await?.into()))
}

async fn of_user(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Person, Reachable>,
) -> Result<Found<Page<AccessItem>>, Problem> {
    let Reachable { q, label, cursor, limit } = input.query;
    let filter = AccessFilter { q, labels: label.as_deref().map(input::labels).unwrap_or_default() };
    let page = input::page(cursor, limit);
    Ok(Found(control.user_reach(&caller, &permit, &input.path.name, &filter, &page).await?.into()))
}

async fn explain(
    control: Control,
    caller: Caller,
    input: Input<Nothing, Explained>,
) -> Result<Found<AccessExplained>, Problem> {
    let Explained { user, account, source } = input.query;
    Ok(Found(control.access_explain(&caller, user.as_ref(), &account, source).await?))
}
