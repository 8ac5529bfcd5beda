//! One-time links.

use axum::http::Method;
use postern_control::{Caller, Control, Enrolled, FactorGiven, LinkPasskey, LinkUse, LinkView, PasskeyOffer, Visitor};
use postern_domain::SecretText;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::input::{Input, Nothing};
use crate::problem::Problem;
use crate::reply::{Done, Found};
use crate::route::Routes;

pub(crate) fn declare(routes: Routes) -> Routes {
    routes
        .public((Method::GET, "/v1/links/{token}", "link_show", "What a one-time link is for"), show)
        .public((Method::POST, "/v1/links/{token}", "link_use", "Set up or enrol by a one-time link"), use_up)
        .public(
            (
                Method::POST,
                "/v1/links/{token}/passkey/options",
                "link_passkey_options",
                "Begin to make a passkey while setting up or enrolling",
            ),
            passkey,
        )
        .signed_in(
            (Method::POST, "/v1/links/{token}/confirm", "link_confirm", "Confirm a factor for a waiting gateway"),
            confirm,
        )
}

/// A link's token in the path.
#[derive(Deserialize, JsonSchema)]
struct Named {
    /// The token.
    token: SecretText,
}

async fn show(control: Control, _: Visitor, input: Input<Named>) -> Result<Found<LinkView>, Problem> {
    Ok(Found(control.link_show(&input.path.token).await?))
}

async fn use_up(
    control: Control,
    visitor: Visitor,
    input: Input<Named, Nothing, LinkUse>,
) -> Result<Found<Enrolled>, Problem> {
    Ok(Found(control.link_use(&visitor, &input.path.token, input.body).await?))
}

async fn passkey(
    control: Control,
    visitor: Visitor,
    input: Input<Named, Nothing, LinkPasskey>,
) -> Result<Found<PasskeyOffer>, Problem> {
    Ok(Found(control.link_passkey_offer(&visitor, &input.path.token, input.body).await?))
}

async fn confirm(control: Control, caller: Caller, input: Input<Named, Nothing, FactorGiven>) -> Result<Done, Problem> {
    control.link_confirm(&caller, &input.path.token, input.body).await?;
    Ok(Done)
}
