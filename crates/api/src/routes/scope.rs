//! Scopes.

use axum::http::Method;
use postern_control::{Caller, Control, ScopeBody};
use postern_domain::permission::Permission;
use postern_domain::permit::{Manage, Permit};

use crate::input::{Input, Nothing};
use crate::page::Page;
use crate::problem::Problem;
use crate::reply::{Created, Found};
use crate::route::Routes;

pub(crate) fn declare(routes: Routes) -> Routes {
    routes
        .signed_in((Method::GET, "/v1/scopes", "scope_list", "The scopes that one can see something of"), list)
        .holding(Permission::AssetWrite, (Method::POST, "/v1/scopes", "scope_create", "Make a scope"), create)
}

async fn list(control: Control, caller: Caller, _: Input) -> Result<Found<Page<ScopeBody>>, Problem> {
    let items = control.scope_list(&caller).await?.into_iter().map(|path| ScopeBody { path }).collect();
    Ok(Found(Page::whole(items)))
}

async fn create(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Nothing, Nothing, ScopeBody>,
) -> Result<Created<ScopeBody>, Problem> {
    Ok(Created(control.scope_create(&caller, &permit, &input.body.path).await?))
}
