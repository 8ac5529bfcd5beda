//! Users.

use axum::http::Method;
use postern_control::{Caller, Control, Leaving, LinkIssued, UserChange, UserCreate, UserCreated, UserFilter};
use postern_domain::link::WaitingCredential;
use postern_domain::permission::{Permission, RoleAssignment};
use postern_domain::permit::{Manage, Permit};
use postern_domain::user::{User, UserState};
use postern_domain::{ScopePath, UserName};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::input::{self, Input, Nothing};
use crate::page::Page;
use crate::problem::Problem;
use crate::reply::{CreatedOnce, Done, Found};
use crate::route::Routes;

pub(crate) fn declare(routes: Routes) -> Routes {
    routes
        .holding(Permission::UserRead, (Method::GET, "/v1/users", "user_list", "Users"), list)
        .holding(
            Permission::UserWrite,
            (Method::POST, "/v1/users", "user_create", "Make a user and their enrolment link"),
            create,
        )
        .holding(Permission::UserRead, (Method::GET, "/v1/users/{name}", "user_show", "One user"), show)
        .holding(
            Permission::UserWrite,
            (Method::PATCH, "/v1/users/{name}", "user_change", "Change, disable or enable a user"),
            change,
        )
        .holding(
            Permission::UserRead,
            (Method::GET, "/v1/users/{name}/leaving", "user_leaving", "What somebody answers for and knows"),
            leaving,
        )
        .holding(
            Permission::UserWrite,
            (Method::POST, "/v1/users/{name}/link", "user_link", "A new enrolment link for a user"),
            link,
        )
        .holding(
            Permission::UserRead,
            (
                Method::GET,
                "/v1/waiting-credentials",
                "credentials_waiting",
                "Enrolment links, and tokens and keys of workloads, that do not work yet",
            ),
            waiting,
        )
        .holding(
            Permission::UserWrite,
            (
                Method::POST,
                "/v1/users/{name}/link/confirm",
                "user_link_confirm",
                "Confirm the link that waits for a user",
            ),
            link_confirm,
        )
        .holding(
            Permission::UserWrite,
            (Method::POST, "/v1/users/{name}/link/refuse", "user_link_refuse", "End the link that waits for a user"),
            link_refuse,
        )
        .holding(
            Permission::RoleWrite,
            (Method::PUT, "/v1/users/{name}/roles", "user_roles_put", "The roles that a user holds directly"),
            roles_put,
        )
}

/// A user's name in the path.
#[derive(Deserialize, JsonSchema)]
struct Named {
    /// The sign-in name.
    name: UserName,
}

/// Which users are wanted.
#[derive(Default, Deserialize, JsonSchema)]
struct Wanted {
    /// A part of the name or of the address that notices go to.
    q: Option<String>,
    /// In this scope or below.
    scope: Option<ScopePath>,
    /// In this state.
    state: Option<UserState>,
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
) -> Result<Found<Page<User>>, Problem> {
    let Wanted { q, scope, state, cursor, limit, sort, count } = input.query;
    let filter = UserFilter { q, scope, state };
    Ok(Found(control.user_list(&permit, &filter, &input::listing(cursor, limit, sort, count)).await?.into()))
}

async fn create(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Nothing, Nothing, UserCreate>,
) -> Result<CreatedOnce<UserCreated>, Problem> {
    Ok(CreatedOnce(control.user_create(&caller, &permit, input.body).await?))
}

async fn show(
    control: Control,
    _: Caller,
    permit: Permit<Manage>,
    input: Input<Named>,
) -> Result<Found<User>, Problem> {
    Ok(Found(control.user_show(&permit, &input.path.name).await?))
}

async fn change(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Named, Nothing, UserChange>,
) -> Result<Found<User>, Problem> {
    Ok(Found(control.user_change(&caller, &permit, &input.path.name, input.body).await?))
}

async fn leaving(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Named>,
) -> Result<Found<Leaving>, Problem> {
    Ok(Found(control.user_leaving(&caller, &permit, &input.path.name).await?))
}

async fn link(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Named>,
) -> Result<CreatedOnce<LinkIssued>, Problem> {
    Ok(CreatedOnce(control.user_link(&caller, &permit, &input.path.name).await?))
}

async fn waiting(
    control: Control,
    _: Caller,
    permit: Permit<Manage>,
    _: Input<Nothing>,
) -> Result<Found<Page<WaitingCredential>>, Problem> {
    Ok(Found(Page::whole(control.credentials_waiting(&permit).await?)))
}

async fn link_confirm(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Named>,
) -> Result<Found<WaitingCredential>, Problem> {
    Ok(Found(control.user_link_confirm(&caller, &permit, &input.path.name).await?))
}

async fn link_refuse(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Named>,
) -> Result<Done, Problem> {
    control.user_link_refuse(&caller, &permit, &input.path.name).await?;
    Ok(Done)
}

async fn roles_put(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Named, Nothing, Vec<RoleAssignment>>,
) -> Result<Found<User>, Problem> {
    Ok(Found(control.user_roles_put(&caller, &permit, &input.path.name, input.body).await?))
}
