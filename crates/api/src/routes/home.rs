//! What somebody sees first, and how the server is set.

use axum::http::Method;
use postern_control::{Caller, Control, Counts, Home, SettingsView};
use postern_domain::permission::Permission;
use postern_domain::permit::{Manage, Permit};

use crate::input::Input;
use crate::problem::Problem;
use crate::reply::Found;
use crate::route::Routes;

pub(crate) fn declare(routes: Routes) -> Routes {
    routes
        .signed_in((Method::GET, "/v1/home", "home_show", "What one can reach, what waits and what is live"), home)
        .signed_in((Method::GET, "/v1/counts", "counts_show", "How much waits and is live"), counts)
        .holding(
            Permission::StatusRead,
            (Method::GET, "/v1/settings", "settings_show", "How the server is set"),
            settings,
        )
}

async fn home(control: Control, caller: Caller, _: Input) -> Result<Found<Home>, Problem> {
    Ok(Found(control.home(&caller).await?))
}

async fn counts(control: Control, caller: Caller, _: Input) -> Result<Found<Counts>, Problem> {
    Ok(Found(control.counts(&caller).await?))
}

async fn settings(
    control: Control,
    _: Caller,
    permit: Permit<Manage>,
    _: Input,
) -> Result<Found<SettingsView>, Problem> {
    Ok(Found(control.settings_view(&permit)))
}
