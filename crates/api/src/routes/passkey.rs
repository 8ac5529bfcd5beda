//! Passkeys: one's own, and signing in with one.

use axum::http::Method;
use postern_control::{Caller, Control, PasskeyAdd, PasskeyOffer, PasskeySignIn, Visitor};
use postern_domain::PasskeyId;
use postern_domain::user::Passkey;
use schemars::JsonSchema;
use serde::Deserialize;

use super::login::{Welcome, welcome};
use crate::input::{Input, Nothing};
use crate::page::Page;
use crate::problem::Problem;
use crate::reply::{Created, Done, Found};
use crate::route::Routes;

pub(crate) fn declare(routes: Routes) -> Routes {
    routes
        .signed_in((Method::GET, "/v1/passkeys", "passkey_list", "One's own passkeys"), list)
        .signed_in(
            (Method::POST, "/v1/passkeys/options", "passkey_options", "What a new passkey is to be made from"),
            options,
        )
        .signed_in((Method::POST, "/v1/passkeys", "passkey_add", "Register a passkey"), add)
        .signed_in((Method::DELETE, "/v1/passkeys/{id}", "passkey_remove", "Remove a passkey"), remove)
        .public(
            (
                Method::POST,
                "/v1/login/passkey/options",
                "login_passkey_options",
                "What a passkey is asked by which somebody signs in, alone or after a password",
            ),
            sign_in_options,
        )
        .public((Method::POST, "/v1/login/passkey", "login_passkey", "Sign in with a passkey alone"), sign_in)
        .signed_in(
            (
                Method::POST,
                "/v1/login/factor/options",
                "login_factor_options",
                "What one's own passkeys are asked that are to prove a second factor",
            ),
            factor_options,
        )
}

/// A passkey's id in the path.
#[derive(Deserialize, JsonSchema)]
struct Named {
    /// The passkey.
    id: PasskeyId,
}

async fn list(control: Control, caller: Caller, _: Input) -> Result<Found<Page<Passkey>>, Problem> {
    Ok(Found(Page::whole(control.passkey_list(&caller).await?)))
}

async fn options(control: Control, caller: Caller, _: Input) -> Result<Found<PasskeyOffer>, Problem> {
    Ok(Found(control.passkey_offer(&caller).await?))
}

async fn add(
    control: Control,
    caller: Caller,
    input: Input<Nothing, Nothing, PasskeyAdd>,
) -> Result<Created<Passkey>, Problem> {
    Ok(Created(control.passkey_add(&caller, input.body).await?))
}

async fn remove(control: Control, caller: Caller, input: Input<Named>) -> Result<Done, Problem> {
    control.passkey_remove(&caller, &input.path.id).await?;
    Ok(Done)
}

async fn sign_in_options(control: Control, visitor: Visitor, _: Input) -> Result<Found<PasskeyOffer>, Problem> {
    Ok(Found(control.passkey_sign_in_offer(&visitor)?))
}

async fn sign_in(
    control: Control,
    visitor: Visitor,
    input: Input<Nothing, Nothing, PasskeySignIn>,
) -> Result<Welcome, Problem> {
    let in_cookie = input.body.cookie;
    Ok(welcome(control.login_passkey(&visitor, input.body).await?, in_cookie))
}

async fn factor_options(control: Control, caller: Caller, _: Input) -> Result<Found<PasskeyOffer>, Problem> {
    Ok(Found(control.passkey_factor_offer(&caller).await?))
}
