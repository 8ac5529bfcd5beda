//! Signing in and out.

use axum::http::{HeaderValue, Method, header};
use axum::response::{IntoResponse, Response};
use postern_control::{Caller, Control, FactorGiven, SignIn, SignedIn, Visitor, WhoAmI};
use postern_domain::LoginId;
use postern_domain::user::Login;
use schemars::{JsonSchema, SchemaGenerator};
use serde::Deserialize;

use crate::auth::COOKIE;
use crate::input::{Input, Nothing};
use crate::page::{Page, PageQuery};
use crate::problem::Problem;
use crate::reply::{Described, Done, Found, Reply};
use crate::route::Routes;

pub(crate) fn declare(routes: Routes) -> Routes {
    routes
        .public((Method::POST, "/v1/login", "login_create", "Sign in with a password and a one-time code"), create)
        .signed_in((Method::GET, "/v1/login", "login_show", "Who is calling, and what they may do"), show)
        .signed_in((Method::POST, "/v1/login/factor", "login_factor", "Prove a second factor again"), prove_factor)
        .signed_in((Method::DELETE, "/v1/login", "login_end", "Sign out"), end)
        .signed_in((Method::GET, "/v1/logins", "login_list", "One's own logins"), list)
        .signed_in((Method::DELETE, "/v1/logins/{id}", "login_end_one", "End one of one's own logins"), end_one)
        .signed_in((Method::DELETE, "/v1/logins", "login_end_all", "Sign out everywhere"), end_all)
}

/// A login's id in the path.
#[derive(Deserialize, JsonSchema)]
struct Named {
    /// The login.
    id: LoginId,
}

/// Somebody signed in; a browser keeps the token in a cookie that no script can read.
pub(super) struct Welcome {
    body: SignedIn,
    cookie: Option<HeaderValue>,
}

impl Reply for Welcome {
    fn describe(schemas: &mut SchemaGenerator) -> Described {
        Found::<SignedIn>::describe(schemas)
    }

    fn into_reply(self) -> Response {
        let mut response = Found(self.body).into_reply();
        if let Some(cookie) = self.cookie {
            response.headers_mut().insert(header::SET_COOKIE, cookie);
        }
        response
    }
}

/// Somebody signed out; a browser forgets the cookie.
struct Goodbye;

impl Reply for Goodbye {
    fn describe(schemas: &mut SchemaGenerator) -> Described {
        Done::describe(schemas)
    }

    fn into_reply(self) -> Response {
        let mut response = Done.into_reply();
        if let Some(cookie) = cookie("", "; Max-Age=0") {
            response.headers_mut().insert(header::SET_COOKIE, cookie);
        }
        response.into_response()
    }
}

async fn create(
    control: Control,
    visitor: Visitor,
    input: Input<Nothing, Nothing, SignIn>,
) -> Result<Welcome, Problem> {
    let in_cookie = input.body.cookie;
    Ok(welcome(control.login_create(&visitor, input.body).await?, in_cookie))
}

/// The answer to somebody who has just signed in.
pub(super) fn welcome(mut body: SignedIn, in_cookie: bool) -> Welcome {
    let cookie = if in_cookie { body.token.take().and_then(|token| cookie(&token, "")) } else { None };
    Welcome { body, cookie }
}

async fn show(control: Control, caller: Caller, _: Input) -> Result<Found<WhoAmI>, Problem> {
    Ok(Found(control.login_show(&caller).await?))
}

async fn prove_factor(
    control: Control,
    caller: Caller,
    input: Input<Nothing, Nothing, FactorGiven>,
) -> Result<Found<Login>, Problem> {
    Ok(Found(control.login_factor(&caller, input.body).await?))
}

async fn end(control: Control, caller: Caller, _: Input) -> Result<Goodbye, Problem> {
    control.login_end(&caller).await?;
    Ok(Goodbye)
}

async fn list(
    control: Control,
    caller: Caller,
    input: Input<Nothing, PageQuery>,
) -> Result<Found<Page<Login>>, Problem> {
    Ok(Found(control.login_list(&caller, &input.query.into()).await?.into()))
}

async fn end_one(control: Control, caller: Caller, input: Input<Named>) -> Result<Done, Problem> {
    control.login_end_one(&caller, &input.path.id).await?;
    Ok(Done)
}

async fn end_all(control: Control, caller: Caller, _: Input) -> Result<Goodbye, Problem> {
    control.login_end_all(&caller).await?;
    Ok(Goodbye)
}

/// The prefix `__Host-` makes browsers insist on the first two attributes.
fn cookie(value: &str, more: &str) -> Option<HeaderValue> {
    let text = format!("{COOKIE}={value}; Path=/; Secure; HttpOnly; SameSite=Strict{more}");
    HeaderValue::from_str(&text).ok()
}
