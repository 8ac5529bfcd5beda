//! API tokens.

use axum::http::Method;
use postern_control::{Caller, Control, TokenCreate, TokenCreated};
use postern_domain::TokenId;
use postern_domain::link::{CredentialMade, WaitingCredential};
use postern_domain::permission::Permission;
use postern_domain::permit::{Manage, Permit};
use postern_domain::user::ApiToken;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::input::{self, Input, Nothing};
use crate::page::Page;
use crate::problem::Problem;
use crate::reply::{CreatedOnce, Done, Found};
use crate::route::Routes;

pub(crate) fn declare(routes: Routes) -> Routes {
    routes
        .signed_in((Method::GET, "/v1/tokens", "token_list", "One's own API tokens"), list)
        .signed_in((Method::POST, "/v1/tokens", "token_create", "Make an API token"), create)
        .signed_in((Method::DELETE, "/v1/tokens/{id}", "token_revoke", "Revoke one of one's own API tokens"), revoke)
        .holding(
            Permission::UserWrite,
            (Method::POST, "/v1/tokens/{id}/confirm", "token_confirm", "Confirm a workload's token that waits"),
            confirm,
        )
}

/// Which page is wanted.
#[derive(Default, Deserialize, JsonSchema)]
struct Wanted {
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

/// A token's id in the path.
#[derive(Deserialize, JsonSchema)]
struct Named {
    /// The token.
    id: TokenId,
}

async fn list(
    control: Control,
    caller: Caller,
    input: Input<Nothing, Wanted>,
) -> Result<Found<Page<ApiToken>>, Problem> {
    let Wanted { cursor, limit, sort, count } = input.query;
    Ok(Found(control.token_list(&caller, &input::listing(cursor, limit, sort, count)).await?.into()))
}

async fn create(
    control: Control,
    caller: Caller,
    input: Input<Nothing, Nothing, TokenCreate>,
) -> Result<CreatedOnce<TokenCreated>, Problem> {
    Ok(CreatedOnce(control.token_create(&caller, input.body).await?))
}

async fn confirm(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Named>,
) -> Result<Found<WaitingCredential>, Problem> {
    let id = input.path.id;
    Ok(Found(control.credential_confirm(&caller, &permit, CredentialMade::Token, id.as_str()).await?))
}

async fn revoke(control: Control, caller: Caller, input: Input<Named>) -> Result<Done, Problem> {
    control.token_revoke(&caller, &input.path.id).await?;
    Ok(Done)
}
