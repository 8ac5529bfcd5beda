//! Statements of database sessions that wait until somebody has said yes.

use axum::http::Method;
use postern_control::{Caller, Control, StatementDecision, WaitingStatement};
use postern_domain::StatementId;
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
        .signed_in(
            (
                Method::GET,
                "/v1/statements",
                "statement_list",
                "Statements that wait: one's own, and those to decide on",
            ),
            list,
        )
        .holding(
            Permission::RequestApprove,
            (Method::POST, "/v1/statements/{id}/approve", "statement_approve", "Let a statement that waits run"),
            approve,
        )
        .holding(
            Permission::RequestApprove,
            (Method::POST, "/v1/statements/{id}/deny", "statement_deny", "Refuse a statement that waits"),
            deny,
        )
}

/// A statement's id in the path.
#[derive(Deserialize, JsonSchema)]
struct Named {
    /// The statement.
    id: StatementId,
}

async fn list(control: Control, caller: Caller, _: Input) -> Result<Found<Page<WaitingStatement>>, Problem> {
    Ok(Found(Page::whole(control.statement_list(&caller))))
}

async fn approve(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Named, Nothing, StatementDecision>,
) -> Result<Found<WaitingStatement>, Problem> {
    Ok(Found(control.statement_decide(&caller, &permit, &input.path.id, true, &input.body).await?))
}

async fn deny(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Named, Nothing, StatementDecision>,
) -> Result<Found<WaitingStatement>, Problem> {
    Ok(Found(control.statement_decide(&caller, &permit, &input.path.id, false, &input.body).await?))
}
