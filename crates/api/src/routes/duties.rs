//! What nobody may hold together.

use axum::http::Method;
use postern_control::{Caller, Control, DutiesView};
use postern_domain::duties::WaitingDuties;
use postern_domain::permission::Permission;
use postern_domain::permit::{Manage, Permit};
use postern_domain::{DutiesName, ScopePath};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::input::Input;
use crate::page::Page;
use crate::problem::Problem;
use crate::reply::Found;
use crate::route::Routes;

pub(crate) fn declare(routes: Routes) -> Routes {
    routes
        .holding(
            Permission::PolicyRead,
            (Method::GET, "/v1/duties", "duties_list", "What nobody may hold together, and who does"),
            list,
        )
        .holding(
            Permission::PolicyWrite,
            (Method::DELETE, "/v1/duties/{name}", "duties_delete", "No longer keep something apart"),
            delete,
        )
}

/// A separation's name in the path.
#[derive(Deserialize, JsonSchema)]
struct Named {
    /// The name.
    name: DutiesName,
}

/// Which one of a name that several tenants use.
#[derive(Default, Deserialize, JsonSchema)]
struct Which {
    /// A scope in the tenant that it belongs to; one's own unless given.
    scope: Option<ScopePath>,
}

/// What became of it.
#[derive(Serialize, JsonSchema)]
struct Deleted {
    /// That it waits until somebody else takes it away too; none where it is gone.
    waiting: Option<WaitingDuties>,
}

async fn list(
    control: Control,
    _: Caller,
    permit: Permit<Manage>,
    _: Input,
) -> Result<Found<Page<DutiesView>>, Problem> {
    Ok(Found(Page::whole(control.duties_list(&permit).await?)))
}

async fn delete(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Named, Which>,
) -> Result<Found<Deleted>, Problem> {
    let scope = input.query.scope.unwrap_or_else(|| caller.user.scope.clone());
    Ok(Found(Deleted { waiting: control.duties_delete(&caller, &permit, &input.path.name, &scope).await? }))
}
