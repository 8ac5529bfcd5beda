//! API tokens.

use axum::http::Method;
use postern_control::{Caller, Control, TokenCreate, TokenCreated};
use postern_domain::TokenId;
use postern_domain::user::ApiToken;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::input::{Input, Nothing};
use crate::page::{Page, PageQuery};
use crate::problem::Problem;
use crate::reply::{CreatedOnce, Done, Found};
use crate::route::Routes;

pub(crate) fn declare(routes: Routes) -> Routes {
    routes
        .signed_in((Method::GET, "/v1/tokens", "token_list", "One's own API tokens"), list)
        .signed_in((Method::POST, "/v1/tokens", "token_create", "Make an API token"), create)
        .signed_in((Method::DELETE, "/v1/tokens/{id}", "token_revoke", "Revoke one of one's own API tokens"), revoke)
}

/// A token's id in the path.
#[derive(Deserialize, JsonSchema)]
struct Named {
    /// The token.
    id: TokenId,
}

async fn list(
    control: Control,
    caller: Caller,
    input: Input<Nothing, PageQuery>,
) -> Result<Found<Page<ApiToken>>, Problem> {
    Ok(Found(control.token_list(&caller, &input.query.into()).await?.into()))
}

async fn create(
    control: Control,
    caller: Caller,
    input: Input<Nothing, Nothing, TokenCreate>,
) -> Result<CreatedOnce<TokenCreated>, Problem> {
    Ok(CreatedOnce(control.token_create(&caller, input.body).await?))
}

async fn revoke(control: Control, caller: Caller, input: Input<Named>) -> Result<Done, Problem> {
    control.token_revoke(&caller, &input.path.id).await?;
    Ok(Done)
}
