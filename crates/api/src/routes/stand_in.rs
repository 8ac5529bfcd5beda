//! Who answers requests in the place of somebody who is away.

use axum::http::Method;
use postern_control::{Caller, Control, StandInInput};
use postern_domain::StandInId;
use postern_domain::permission::Permission;
use postern_domain::permit::{Manage, Permit};
use postern_domain::stand_in::StandIn;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::input::{Input, Nothing};
use crate::page::Page;
use crate::problem::Problem;
use crate::reply::{Created, Found};
use crate::route::Routes;

pub(crate) fn declare(routes: Routes) -> Routes {
    routes
        .signed_in((Method::GET, "/v1/stand-ins", "stand_in_list", "Who stands in for whom"), list)
        .holding(
            Permission::RequestApprove,
            (Method::POST, "/v1/stand-ins", "stand_in_create", "Name who answers requests in one's place"),
            create,
        )
        .signed_in((Method::POST, "/v1/stand-ins/{id}/end", "stand_in_end", "Be back early"), end)
}

/// A stand-in's id in the path.
#[derive(Deserialize, JsonSchema)]
struct Named {
    /// The stand-in.
    id: StandInId,
}

async fn list(control: Control, caller: Caller, _: Input) -> Result<Found<Page<StandIn>>, Problem> {
    Ok(Found(Page::whole(control.stand_in_list(&caller).await?)))
}

async fn create(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Nothing, Nothing, StandInInput>,
) -> Result<Created<StandIn>, Problem> {
    Ok(Created(control.stand_in_create(&caller, &permit, &input.body).await?))
}

async fn end(control: Control, caller: Caller, input: Input<Named>) -> Result<Found<StandIn>, Problem> {
    Ok(Found(control.stand_in_end(&caller, &input.path.id).await?))
}
