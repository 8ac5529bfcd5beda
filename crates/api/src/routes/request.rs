//! Asking for access and answering; what one can reach; grants.

use axum::http::Method;
use postern_control::{
    AccessFilter, AccessItem, Caller, Control, ExtensionInput, GrantWanted, Listed, RequestContext, RequestInput,
    RequestWanted,
};
use postern_domain::grant::{Grant, GrantState};
use postern_domain::permission::Permission;
use postern_domain::permit::{Manage, Permit};
use postern_domain::request::{Request, RequestComment, RequestState};
use postern_domain::risk::WeighedRequest;
use postern_domain::{GrantId, RequestId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::input::{self, Input, Nothing};
use crate::page::Page;
use crate::problem::Problem;
use crate::reply::{Created, Found};
use crate::route::Routes;

pub(crate) fn declare(routes: Routes) -> Routes {
    let routes = routes
        .signed_in((Method::GET, "/v1/access", "access_list", "What one can reach or ask for"), access)
        .signed_in((Method::GET, "/v1/requests", "request_list", "Requests that one may see, newest first"), list)
        .holding(Permission::RequestCreate, (Method::POST, "/v1/requests", "request_create", "Ask for access"), create)
        .signed_in((Method::GET, "/v1/requests/{id}", "request_show", "One request"), show)
        .signed_in(
            (Method::GET, "/v1/requests/{id}/context", "request_context", "What an approver wants to know of it"),
            context,
        )
        .signed_in((Method::GET, "/v1/requests/{id}/comments", "request_comments", "What was said about it"), comments)
        .signed_in((Method::POST, "/v1/requests/{id}/comments", "request_comment", "Say something about it"), comment)
        .holding(
            Permission::RequestApprove,
            (Method::POST, "/v1/requests/{id}/approve", "request_approve", "Say yes to somebody's request"),
            approve,
        )
        .holding(
            Permission::RequestApprove,
            (Method::POST, "/v1/requests/{id}/deny", "request_deny", "Say no to somebody's request"),
            deny,
        )
        .signed_in(
            (
                Method::POST,
                "/v1/requests/{id}/withdraw",
                "request_withdraw",
                "Take one's own request back, or end one that recurs",
            ),
            withdraw,
        );
    routes
        .signed_in((Method::GET, "/v1/grants", "grant_list", "Grants that one may see, newest first"), grants)
        .signed_in((Method::GET, "/v1/grants/{id}", "grant_show", "One grant"), grant)
        .holding(
            Permission::RequestCreate,
            (Method::POST, "/v1/grants/{id}/extend", "grant_extend", "Ask for a longer window of one's own grant"),
            extend,
        )
        .signed_in(
            (Method::POST, "/v1/grants/{id}/revoke", "grant_revoke", "End a grant early, with its live sessions"),
            revoke,
        )
}

/// A request's id in the path.
#[derive(Deserialize, JsonSchema)]
struct Asked {
    /// The request.
    id: RequestId,
}

/// A grant's id in the path.
#[derive(Deserialize, JsonSchema)]
struct Granted {
    /// The grant.
    id: GrantId,
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
    /// By what to sort, with a minus for the other way round.
    sort: Option<String>,
    /// Whether to count all that match.
    #[serde(default)]
    count: bool,
}

/// Which requests are wanted.
#[derive(Default, Deserialize, JsonSchema)]
struct Wanted {
    /// In this state only.
    state: Option<RequestState>,
    /// One's own only.
    #[serde(default)]
    mine: bool,
    /// Those only that wait for one's own answer.
    #[serde(default)]
    waiting: bool,
    /// A part of the account's name with its asset's, or of who asks.
    q: Option<String>,
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

/// Which grants are wanted.
#[derive(Default, Deserialize, JsonSchema)]
struct Held {
    /// In this state only.
    state: Option<GrantState>,
    /// One's own only.
    #[serde(default)]
    mine: bool,
    /// A part of the account's name with its asset's, or of whose it is.
    q: Option<String>,
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

/// Why, if there is something to say.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Remark {
    /// For who asked, and for the ledger.
    #[serde(default)]
    reason: Option<String>,
}

/// Why.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Why {
    /// For the person concerned, and for the ledger.
    reason: String,
}

async fn access(
    control: Control,
    caller: Caller,
    input: Input<Nothing, Reachable>,
) -> Result<Found<Page<AccessItem>>, Problem> {
    let Reachable { q, label, cursor, limit, sort, count } = input.query;
    let listing = input::listing(cursor, limit, sort, count);
    let filter = AccessFilter { q, labels: label.as_deref().map(input::labels).unwrap_or_default() };
    Ok(Found(control.access_list(&caller, &filter, &listing).await?.into()))
}

async fn list(
    control: Control,
    caller: Caller,
    input: Input<Nothing, Wanted>,
) -> Result<Found<Page<WeighedRequest>>, Problem> {
    let Wanted { state, mine, waiting, q, cursor, limit, sort, count } = input.query;
    let wanted = RequestWanted { state, mine, waiting, q };
    let listing = input::listing(cursor, limit, sort, count);
    let Listed { items, next, total } = control.request_list(&caller, &wanted, &listing).await?;
    let items = control.request_weigh(&caller, items).await?;
    Ok(Found(Listed { items, next, total }.into()))
}

async fn create(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Nothing, Nothing, RequestInput>,
) -> Result<Created<Request>, Problem> {
    Ok(Created(control.request_create(&caller, &permit, &input.body).await?))
}

async fn show(control: Control, caller: Caller, input: Input<Asked>) -> Result<Found<Request>, Problem> {
    Ok(Found(control.request_show(&caller, &input.path.id).await?))
}

async fn context(control: Control, caller: Caller, input: Input<Asked>) -> Result<Found<RequestContext>, Problem> {
    Ok(Found(control.request_context(&caller, &input.path.id).await?))
}

/// Something that is said.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Said {
    /// Plain text of at most 2,000 characters; it stays, and is in the ledger too.
    text: String,
}

/// What was said.
#[derive(Serialize, JsonSchema)]
struct Comments {
    /// In its order.
    comments: Vec<RequestComment>,
}

async fn comments(control: Control, caller: Caller, input: Input<Asked>) -> Result<Found<Comments>, Problem> {
    Ok(Found(Comments { comments: control.request_comments(&caller, &input.path.id).await? }))
}

async fn comment(
    control: Control,
    caller: Caller,
    input: Input<Asked, Nothing, Said>,
) -> Result<Found<Comments>, Problem> {
    Ok(Found(Comments { comments: control.request_comment(&caller, &input.path.id, &input.body.text).await? }))
}

async fn approve(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Asked, Nothing, Remark>,
) -> Result<Found<Request>, Problem> {
    let reason = input.body.reason.as_deref();
    Ok(Found(control.request_approve(&caller, &permit, &input.path.id, reason).await?))
}

async fn deny(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Asked, Nothing, Why>,
) -> Result<Found<Request>, Problem> {
    Ok(Found(control.request_deny(&caller, &permit, &input.path.id, &input.body.reason).await?))
}

async fn withdraw(control: Control, caller: Caller, input: Input<Asked>) -> Result<Found<Request>, Problem> {
    Ok(Found(control.request_withdraw(&caller, &input.path.id).await?))
}

async fn grants(control: Control, caller: Caller, input: Input<Nothing, Held>) -> Result<Found<Page<Grant>>, Problem> {
    let Held { state, mine, q, cursor, limit, sort, count } = input.query;
    let wanted = GrantWanted { state, mine, q };
    Ok(Found(control.grant_list(&caller, &wanted, &input::listing(cursor, limit, sort, count)).await?.into()))
}

async fn grant(control: Control, caller: Caller, input: Input<Granted>) -> Result<Found<Grant>, Problem> {
    Ok(Found(control.grant_show(&caller, &input.path.id).await?))
}

async fn extend(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Granted, Nothing, ExtensionInput>,
) -> Result<Created<Request>, Problem> {
    Ok(Created(control.grant_extend(&caller, &permit, &input.path.id, &input.body).await?))
}

async fn revoke(
    control: Control,
    caller: Caller,
    input: Input<Granted, Nothing, Why>,
) -> Result<Found<Grant>, Problem> {
    Ok(Found(control.grant_revoke(&caller, &input.path.id, &input.body.reason).await?))
}
