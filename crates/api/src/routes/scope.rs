//! Scopes.

use axum::http::Method;
use postern_control::{Caller, Control, ScopeBody};
use postern_domain::permission::Permission;
use postern_domain::permit::{Manage, Permit};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::input::{self, Input, Nothing};
use crate::page::Page;
use crate::problem::Problem;
use crate::reply::{Created, Found};
use crate::route::Routes;

pub(crate) fn declare(routes: Routes) -> Routes {
    routes
        .signed_in((Method::GET, "/v1/scopes", "scope_list", "The scopes that one can see something of"), list)
        .holding(Permission::AssetWrite, (Method::POST, "/v1/scopes", "scope_create", "Make a scope"), create)
}

/// Which scopes are wanted.
#[derive(Default, Deserialize, JsonSchema)]
struct Wanted {
    /// A part of the path.
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
    caller: Caller,
    input: Input<Nothing, Wanted>,
) -> Result<Found<Page<ScopeBody>>, Problem> {
    let Wanted { q, cursor, limit, sort, count } = input.query;
    let listed = control.scope_list(&caller, q.as_deref(), &input::listing(cursor, limit, sort, count)).await?;
    Ok(Found(listed.map(|path| ScopeBody { path }).into()))
}

async fn create(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Nothing, Nothing, ScopeBody>,
) -> Result<Created<ScopeBody>, Problem> {
    Ok(Created(control.scope_create(&caller, &permit, &input.body.path).await?))
}
