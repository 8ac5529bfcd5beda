//! Connecting with clients that know only passwords.

use axum::http::Method;
use postern_control::{Caller, ConnectTicket, ConnectWanted, Control};

use crate::input::{Input, Nothing};
use crate::problem::Problem;
use crate::reply::CreatedOnce;
use crate::route::Routes;

pub(crate) fn declare(routes: Routes) -> Routes {
    routes.signed_in(
        (Method::POST, "/v1/connect-tokens", "connect_token_create", "Make a token that opens one account, shortly"),
        create,
    )
}

async fn create(
    control: Control,
    caller: Caller,
    input: Input<Nothing, Nothing, ConnectWanted>,
) -> Result<CreatedOnce<ConnectTicket>, Problem> {
    Ok(CreatedOnce(control.connect_create(&caller, input.body).await?))
}
