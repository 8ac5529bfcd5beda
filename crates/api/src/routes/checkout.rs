//! Check-outs: the one route that shows a secret, once, to whom policy lets.

use axum::http::Method;
use postern_control::{Caller, CheckedOut, CheckoutInput, Control};
use postern_domain::CheckoutId;
use postern_domain::checkout::Checkout;
use postern_domain::permission::Permission;
use postern_domain::permit::{Manage, Permit};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::input::{self, Input, Nothing};
use crate::page::Page;
use crate::problem::Problem;
use crate::reply::{CreatedOnce, Found};
use crate::route::Routes;

pub(crate) fn declare(routes: Routes) -> Routes {
    routes
        .holding(
            Permission::RequestCreate,
            (Method::POST, "/v1/checkouts", "checkout_open", "See the secret of an account, for a while"),
            open,
        )
        .signed_in(
            (Method::GET, "/v1/checkouts", "checkout_list", "Check-outs: one's own, and those one may see"),
            list,
        )
        .signed_in(
            (Method::POST, "/v1/checkouts/{id}/checkin", "checkout_close", "Give a secret back; it is changed"),
            close,
        )
}

/// A check-out's id in the path.
#[derive(Deserialize, JsonSchema)]
struct Named {
    /// The check-out.
    id: CheckoutId,
}

/// Which check-outs are wanted.
#[derive(Default, Deserialize, JsonSchema)]
struct Wanted {
    /// Those only that are open.
    #[serde(default)]
    open: bool,
    /// A part of the account's name with its asset's, or of whose it is.
    q: Option<String>,
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

async fn open(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Nothing, Nothing, CheckoutInput>,
) -> Result<CreatedOnce<CheckedOut>, Problem> {
    Ok(CreatedOnce(control.checkout(&caller, &permit, &input.body).await?))
}

async fn list(
    control: Control,
    caller: Caller,
    input: Input<Nothing, Wanted>,
) -> Result<Found<Page<Checkout>>, Problem> {
    let Wanted { open, q, cursor, limit, sort, count } = input.query;
    let listing = input::listing(cursor, limit, sort, count);
    Ok(Found(control.checkout_list(&caller, open, q, &listing).await?.into()))
}

async fn close(control: Control, caller: Caller, input: Input<Named>) -> Result<Found<Checkout>, Problem> {
    Ok(Found(control.checkin(&caller, &input.path.id).await?))
}
