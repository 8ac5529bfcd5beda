//! Reports on access: who can reach this, what can they reach, and why.

use std::net::IpAddr;

use axum::http::Method;
use postern_control::{
    AccessExplained, AccessFilter, AccessItem, Caller, Control, ReachAs, ReachItem, WhoCan, WhoCanWanted,
};
use postern_domain::document::PolicyDocument;
use postern_domain::permission::Permission;
use postern_domain::permit::{Manage, Permit};
use postern_domain::policy::Action;
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
            (
                Method::POST,
                "/v1/accounts/{account}/reach",
                "account_reach_as",
                "Who could reach an account or ask for it, were a policy as drafted",
            ),
            of_account_as,
        )
        .holding(
            Permission::PolicyRead,
            (Method::GET, "/v1/users/{name}/reach", "user_reach", "What somebody can reach or ask for"),
            of_user,
        )
        .holding(
            Permission::PolicyRead,
            (
                Method::GET,
                "/v1/access/who-can",
                "who_can",
                "Who can do something with an account, or with accounts of a label",
            ),
            who_can,
        )
        .holding(
            Permission::PolicyRead,
            (
                Method::POST,
                "/v1/access/who-can",
                "who_can_as",
                "Who could do something with an account, or with accounts of a label, were a policy as drafted",
            ),
            who_can_as,
        )
        .signed_in(
            (Method::GET, "/v1/access/explain", "access_explain", "Why somebody can or cannot open a session"),
            explain,
        )
        .signed_in(
            (
                Method::POST,
                "/v1/access/explain",
                "access_explain_as",
                "Why somebody could or could not open a session, were a policy as drafted",
            ),
            explain_as,
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

/// Which page is wanted.
#[derive(Default, Deserialize, JsonSchema)]
struct OnePage {
    /// Where to go on.
    cursor: Option<String>,
    /// How many at most.
    limit: Option<u32>,
}

/// Whose access to what is to be explained.
#[derive(Deserialize, JsonSchema)]
struct ExplainedAs {
    /// Who; oneself unless given.
    user: Option<UserName>,
    /// On what: `root@web-1`.
    account: AccountRef,
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
    /// To do what: `connect`, `request`, `checkout`, or what is done in a session, such as `shell`.
    action: Option<Action>,
    /// From which address, for somebody else; one's own unless given.
    #[schemars(with = "Option<String>")]
    source: Option<IpAddr>,
    /// By which kind of client; whichever takes them farthest unless given.
    client: Option<postern_domain::policy::Client>,
}

/// Who can do what is asked.
#[derive(Deserialize, JsonSchema)]
struct Asked {
    /// To do what: `connect`, `request`, `checkout`, or what is done in a session, such as `shell`.
    action: Action,
    /// With which account: `root@web-1`.
    account: Option<AccountRef>,
    /// With the accounts of these labels: `env=prod,tier=web`.
    label: Option<String>,
    /// Of those accounts, with this in the name.
    q: Option<String>,
    /// From which address; one's own unless given.
    #[schemars(with = "Option<String>")]
    source: Option<IpAddr>,
    /// Whether to tell also of those whom a policy concerns and who are refused.
    #[serde(default)]
    refused: bool,
    /// Where to go on.
    cursor: Option<String>,
    /// How many at most.
    limit: Option<u32>,
}

async fn of_account(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Account, Coming>,
) -> Result<Found<Page<ReachItem>>, Problem> {
    let Coming { source, cursor, limit } = input.query;
    let page = input::page(cursor, limit);
    let wanted = ReachAs { source, draft: None, action: None, client: None };
    Ok(Found(control.account_reach(&caller, &permit, &input.path.account, wanted, &page).await?.into()))
}

async fn of_account_as(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Account, OnePage, ReachAs>,
) -> Result<Found<Page<ReachItem>>, Problem> {
    let page = input::page(input.query.cursor, input.query.limit);
    Ok(Found(control.account_reach(&caller, &permit, &input.path.account, input.body, &page).await?.into()))
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

/// A policy that is not saved.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Drafted {
    /// Everything is as if it were, in place of the one of its name.
    #[serde(default)]
    draft: Option<PolicyDocument>,
}

async fn who_can(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Nothing, Asked>,
) -> Result<Found<Page<WhoCan>>, Problem> {
    answer_who_can(&control, &caller, &permit, input.query, None).await
}

async fn who_can_as(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Nothing, Asked, Drafted>,
) -> Result<Found<Page<WhoCan>>, Problem> {
    answer_who_can(&control, &caller, &permit, input.query, input.body.draft).await
}

async fn answer_who_can(
    control: &Control,
    caller: &Caller,
    permit: &Permit<Manage>,
    asked: Asked,
    draft: Option<PolicyDocument>,
) -> Result<Found<Page<WhoCan>>, Problem> {
    let Asked { action, account, label, q, source, refused, cursor, limit } = asked;
    let filter = AccessFilter { q, labels: label.as_deref().map(input::labels).unwrap_or_default() };
    let wanted = WhoCanWanted { action, account, filter, source, refused, draft };
    Ok(Found(control.who_can(caller, permit, &wanted, cursor.as_deref(), limit).await?.into()))
}

async fn explain(
    control: Control,
    caller: Caller,
    input: Input<Nothing, Explained>,
) -> Result<Found<AccessExplained>, Problem> {
    let Explained { user, account, action, source, client } = input.query;
    let wanted = ReachAs { source, draft: None, action, client };
    Ok(Found(control.access_explain(&caller, user.as_ref(), &account, wanted).await?))
}

async fn explain_as(
    control: Control,
    caller: Caller,
    input: Input<Nothing, ExplainedAs, ReachAs>,
) -> Result<Found<AccessExplained>, Problem> {
    let ExplainedAs { user, account } = input.query;
    Ok(Found(control.access_explain(&caller, user.as_ref(), &account, input.body).await?))
}
