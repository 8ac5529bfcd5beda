//! Groups.

use axum::http::Method;
use postern_control::{Caller, Control, GroupBody};
use postern_domain::permission::Permission;
use postern_domain::permit::{Manage, Permit};
use postern_domain::user::Group;
use postern_domain::{GroupName, ScopePath};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::input::{self, Input, Nothing};
use crate::page::Page;
use crate::problem::Problem;
use crate::reply::{Done, Found};
use crate::route::Routes;

pub(crate) fn declare(routes: Routes) -> Routes {
    routes
        .holding(Permission::UserRead, (Method::GET, "/v1/groups", "group_list", "Groups"), list)
        .holding(Permission::UserRead, (Method::GET, "/v1/groups/{name}", "group_show", "One group"), show)
        .holding(
            Permission::GroupWrite,
            (Method::PUT, "/v1/groups/{name}", "group_put", "Make a group or change it"),
            put,
        )
        .holding(
            Permission::GroupWrite,
            (Method::DELETE, "/v1/groups/{name}", "group_delete", "Remove a group"),
            delete,
        )
}

/// A group's name in the path.
#[derive(Deserialize, JsonSchema)]
struct Named {
    /// The name.
    name: GroupName,
}

/// Which group of a name that several tenants use.
#[derive(Default, Deserialize, JsonSchema)]
struct Which {
    /// A scope in the tenant that it belongs to.
    scope: Option<ScopePath>,
}

/// Which groups are wanted.
#[derive(Default, Deserialize, JsonSchema)]
struct Wanted {
    /// A part of the name.
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

async fn list(
    control: Control,
    _: Caller,
    permit: Permit<Manage>,
    input: Input<Nothing, Wanted>,
) -> Result<Found<Page<Group>>, Problem> {
    let Wanted { q, cursor, limit, sort, count } = input.query;
    Ok(Found(control.group_list(&permit, q.as_deref(), &input::listing(cursor, limit, sort, count)).await?.into()))
}

async fn show(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Named, Which>,
) -> Result<Found<Group>, Problem> {
    Ok(Found(control.group_show(&caller, &permit, &input.path.name, input.query.scope.as_ref()).await?))
}

async fn put(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Named, Nothing, GroupBody>,
) -> Result<Found<Group>, Problem> {
    Ok(Found(control.group_put(&caller, &permit, &input.path.name, input.body).await?))
}

async fn delete(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Named, Which>,
) -> Result<Done, Problem> {
    control.group_delete(&caller, &permit, &input.path.name, input.query.scope.as_ref()).await?;
    Ok(Done)
}
