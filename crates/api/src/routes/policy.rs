//! Policies, and access as text.

use axum::http::Method;
use postern_control::{
    Applied, ApplyInput, Caller, Control, DraftDiff, DraftInput, PolicyDeleted, PolicyFilter, PolicyInput, PolicyPut,
    PolicyRevision, Simulated,
};
use postern_domain::permission::Permission;
use postern_domain::permit::{Manage, Permit};
use postern_domain::policy::Policy;
use postern_domain::{PolicyName, ScopePath};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::input::{self, Input, Nothing};
use crate::page::Page;
use crate::problem::Problem;
use crate::reply::Found;
use crate::route::Routes;

pub(crate) fn declare(routes: Routes) -> Routes {
    routes
        .holding(Permission::PolicyRead, (Method::GET, "/v1/policies", "policy_list", "Policies, by name"), list)
        .holding(Permission::PolicyRead, (Method::GET, "/v1/policies/{name}", "policy_show", "One policy"), show)
        .holding(
            Permission::PolicyRead,
            (
                Method::GET,
                "/v1/policies/{name}/revisions",
                "policy_revisions",
                "What a policy said in each of its revisions, oldest first",
            ),
            revisions,
        )
        .holding(
            Permission::PolicyWrite,
            (Method::PUT, "/v1/policies/{name}", "policy_put", "Create a policy or change it"),
            put,
        )
        .holding(
            Permission::PolicyWrite,
            (Method::DELETE, "/v1/policies/{name}", "policy_delete", "Take a policy out of use, with its grants"),
            delete,
        )
        .holding(
            Permission::PolicyWrite,
            (
                Method::POST,
                "/v1/policies/{name}/rollback",
                "policy_rollback",
                "Make a policy say again what it said in an earlier revision",
            ),
            rollback,
        )
        .holding(
            Permission::PolicyRead,
            (Method::POST, "/v1/policies/diff", "policy_diff", "For whom drafted policies would change what"),
            diff,
        )
        .holding(
            Permission::PolicyRead,
            (
                Method::POST,
                "/v1/policies/simulate",
                "policy_simulate",
                "What drafted policies would have answered to the requests of the past",
            ),
            simulate,
        )
        .signed_in((Method::POST, "/v1/apply", "apply", "Make true what documents declare: all of them or none"), apply)
}

/// A policy's name in the path.
#[derive(Deserialize, JsonSchema)]
struct Named {
    /// The policy.
    name: PolicyName,
}

/// To which revision.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Rollback {
    /// The revision that the policy is to be again.
    revision: u32,
}

/// Which policies are wanted.
#[derive(Default, Deserialize, JsonSchema)]
struct Wanted {
    /// A part of the name.
    q: Option<String>,
    /// A scope, with everything below it.
    scope: Option<ScopePath>,
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
) -> Result<Found<Page<Policy>>, Problem> {
    let Wanted { q, scope, cursor, limit, sort, count } = input.query;
    let page = input::listing(cursor, limit, sort, count);
    Ok(Found(control.policy_list(&permit, &PolicyFilter { q, scope }, &page).await?.into()))
}

async fn show(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Named>,
) -> Result<Found<Policy>, Problem> {
    Ok(Found(control.policy_show(&caller, &permit, &input.path.name).await?))
}

async fn revisions(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Named>,
) -> Result<Found<Page<PolicyRevision>>, Problem> {
    let items = control.policy_revisions(&caller, &permit, &input.path.name).await?;
    Ok(Found(Page::whole(items)))
}

async fn put(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Named, Nothing, PolicyInput>,
) -> Result<Found<PolicyPut>, Problem> {
    Ok(Found(control.policy_put(&caller, &permit, &input.path.name, input.body).await?))
}

async fn delete(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Named>,
) -> Result<Found<PolicyDeleted>, Problem> {
    Ok(Found(control.policy_delete(&caller, &permit, &input.path.name).await?))
}

async fn rollback(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Named, Nothing, Rollback>,
) -> Result<Found<PolicyPut>, Problem> {
    Ok(Found(control.policy_rollback(&caller, &permit, &input.path.name, input.body.revision).await?))
}

async fn diff(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Nothing, Nothing, DraftInput>,
) -> Result<Found<DraftDiff>, Problem> {
    Ok(Found(control.policy_diff(&caller, &permit, &input.body).await?))
}

async fn simulate(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Nothing, Nothing, DraftInput>,
) -> Result<Found<Simulated>, Problem> {
    Ok(Found(control.policy_simulate(&caller, &permit, &input.body).await?))
}

async fn apply(
    control: Control,
    caller: Caller,
    input: Input<Nothing, Nothing, ApplyInput>,
) -> Result<Found<Applied>, Problem> {
    Ok(Found(control.apply(&caller, &input.body).await?))
}
