//! What somebody sees first, and how the server is set.

use axum::http::Method;
use postern_control::{Caller, Control, Counts, DayFigures, Home, SettingsView};
use postern_domain::permission::Permission;
use postern_domain::permit::{Manage, Permit};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::input::{Input, Nothing};
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
        .holding(
            Permission::StatusRead,
            (Method::GET, "/v1/history", "history_show", "What has happened day by day"),
            history,
        )
}

/// How far back.
#[derive(Default, Deserialize, JsonSchema)]
struct Back {
    /// How many days, today included: from 1 to 366, 30 unless given.
    days: Option<u32>,
}

/// What has happened.
#[derive(Serialize, JsonSchema)]
struct History {
    /// Each day in UTC, the oldest first.
    days: Vec<DayFigures>,
}

async fn history(
    control: Control,
    _: Caller,
    permit: Permit<Manage>,
    input: Input<Nothing, Back>,
) -> Result<Found<History>, Problem> {
    Ok(Found(History { days: control.history(&permit, input.query.days).await? }))
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
