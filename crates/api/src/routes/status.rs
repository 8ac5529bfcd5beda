//! The server's own state.

use axum::http::Method;
use postern_control::{Caller, Control, Status};
use postern_domain::Permit;
use postern_domain::permission::Permission;
use postern_domain::permit::Manage;

use crate::input::Input;
use crate::problem::Problem;
use crate::reply::Found;
use crate::route::Routes;

pub(crate) fn declare(routes: Routes) -> Routes {
    routes.holding(
        Permission::StatusRead,
        (Method::GET, "/v1/status", "status_show", "The server's state: vault, ledger, sessions, disk"),
        show,
    )
}

async fn show(control: Control, _: Caller, permit: Permit<Manage>, _: Input) -> Result<Found<Status>, Problem> {
    Ok(Found(control.status(&permit).await?))
}
