//! Roles.

use axum::http::Method;
use postern_control::{Caller, Control, RoleBody};
use postern_domain::RoleName;
use postern_domain::permission::{Permission, Role};
use postern_domain::permit::{Manage, Permit};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::input::{Input, Nothing};
use crate::page::Page;
use crate::problem::Problem;
use crate::reply::Found;
use crate::route::Routes;

pub(crate) fn declare(routes: Routes) -> Routes {
    routes.holding(Permission::UserRead, (Method::GET, "/v1/roles", "role_list", "Roles"), list).holding(
        Permission::RoleWrite,
        (Method::PUT, "/v1/roles/{name}", "role_put", "Define a custom role"),
        put,
    )
}

/// A role's name in the path.
#[derive(Deserialize, JsonSchema)]
struct Named {
    /// The name.
    name: RoleName,
}

async fn list(control: Control, _: Caller, permit: Permit<Manage>, _: Input) -> Result<Found<Page<Role>>, Problem> {
    Ok(Found(Page::whole(control.role_list(&permit).await?)))
}

async fn put(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Named, Nothing, RoleBody>,
) -> Result<Found<Role>, Problem> {
    Ok(Found(control.role_put(&caller, &permit, &input.path.name, input.body).await?))
}
