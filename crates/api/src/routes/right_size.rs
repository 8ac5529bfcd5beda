//! What policies give that nobody has used.

use axum::http::Method;
use postern_control::{Caller, Control, PolicyRightSize, PolicyRightSized};
use postern_domain::PolicyName;
use postern_domain::permission::Permission;
use postern_domain::permit::{Manage, Permit};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::input::{Input, Nothing};
use crate::page::Page;
use crate::problem::Problem;
use crate::reply::Found;
use crate::route::Routes;

pub(crate) fn declare(routes: Routes) -> Routes {
    routes
        .holding(
            Permission::PolicyRead,
            (Method::GET, "/v1/right-size", "right_size_list", "What was used of each policy, by name"),
            list,
        )
        .holding(
            Permission::PolicyRead,
            (
                Method::GET,
                "/v1/policies/{name}/right-size",
                "right_size_show",
                "What was used of a policy, and a narrower one that would have done",
            ),
            show,
        )
}

/// A policy's name in the path.
#[derive(Deserialize, JsonSchema)]
struct Named {
    /// The policy.
    name: PolicyName,
}

/// How far is looked back.
#[derive(Default, Deserialize, JsonSchema)]
struct LookedBack {
    /// How many days, 90 unless given.
    days: Option<u32>,
}

async fn list(
    control: Control,
    _: Caller,
    permit: Permit<Manage>,
    input: Input<Nothing, LookedBack>,
) -> Result<Found<Page<PolicyRightSize>>, Problem> {
    Ok(Found(Page::whole(control.right_size_list(&permit, input.query.days).await?)))
}

async fn show(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Named, LookedBack>,
) -> Result<Found<PolicyRightSized>, Problem> {
    Ok(Found(control.right_size_show(&caller, &permit, &input.path.name, input.query.days).await?))
}
