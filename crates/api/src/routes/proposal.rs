//! Changes of policies that wait for the yes of somebody else.

use axum::http::Method;
use postern_control::{Caller, Control, ProposalView};
use postern_domain::ProposalId;
use postern_domain::permission::Permission;
use postern_domain::permit::{Manage, Permit};
use postern_domain::proposal::{Proposal, ProposalState};
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
            (Method::GET, "/v1/proposals", "proposal_list", "Changes of policies that wait or were answered"),
            proposals,
        )
        .holding(
            Permission::PolicyRead,
            (
                Method::GET,
                "/v1/proposals/{id}",
                "proposal_show",
                "One change of a policy, and for whom it changes what",
            ),
            proposal,
        )
        .holding(
            Permission::PolicyWrite,
            (Method::POST, "/v1/proposals/{id}/approve", "proposal_approve", "Say yes to a change of a policy"),
            approve,
        )
        .holding(
            Permission::PolicyWrite,
            (
                Method::POST,
                "/v1/proposals/{id}/refuse",
                "proposal_refuse",
                "Say no to a change of a policy, or take one's own back",
            ),
            refuse,
        )
}

/// A proposal in the path.
#[derive(Deserialize, JsonSchema)]
struct Proposed {
    /// The proposal.
    id: ProposalId,
}

/// Which proposals are wanted.
#[derive(Default, Deserialize, JsonSchema)]
struct InState {
    /// Those in this state only.
    state: Option<ProposalState>,
}

/// Why not.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct WhyNot {
    /// The reason; one's own proposal needs none.
    #[serde(default)]
    reason: String,
}

async fn proposals(
    control: Control,
    _: Caller,
    permit: Permit<Manage>,
    input: Input<Nothing, InState>,
) -> Result<Found<Page<Proposal>>, Problem> {
    Ok(Found(Page::whole(control.proposal_list(&permit, input.query.state).await?)))
}

async fn proposal(
    control: Control,
    _: Caller,
    permit: Permit<Manage>,
    input: Input<Proposed>,
) -> Result<Found<ProposalView>, Problem> {
    Ok(Found(control.proposal_show(&permit, &input.path.id).await?))
}

async fn approve(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Proposed>,
) -> Result<Found<Proposal>, Problem> {
    Ok(Found(control.proposal_approve(&caller, &permit, &input.path.id).await?))
}

async fn refuse(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Proposed, Nothing, WhyNot>,
) -> Result<Found<Proposal>, Problem> {
    Ok(Found(control.proposal_refuse(&caller, &permit, &input.path.id, &input.body.reason).await?))
}
