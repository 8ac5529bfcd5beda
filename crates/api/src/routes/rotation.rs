//! Rotations: asking for them, looking at them, stopping them; and what is made on targets for sessions.

use axum::http::Method;
use postern_control::{Caller, Control, RotateInput, RotatePlan, RotationFilter};
use postern_domain::permission::Permission;
use postern_domain::permit::{Manage, Permit};
use postern_domain::provision::Provisioning;
use postern_domain::rotation::{Rotation, RotationRun, RotationState};
use postern_domain::{AccountRef, RotationId, RotationRunId};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::input::{self, Input, Nothing};
use crate::page::Page;
use crate::problem::Problem;
use crate::reply::{Created, Found};
use crate::route::Routes;

pub(crate) fn declare(routes: Routes) -> Routes {
    routes
        .holding(
            Permission::RotationWrite,
            (
                Method::POST,
                "/v1/rotations",
                "rotation_request",
                "Change the secret of one account, or of all of a label",
            ),
            request,
        )
        .holding(
            Permission::RotationRead,
            (Method::GET, "/v1/rotations", "rotation_list", "Rotations, newest first"),
            list,
        )
        .holding(Permission::RotationRead, (Method::GET, "/v1/rotations/{id}", "rotation_show", "One rotation"), show)
        .holding(
            Permission::RotationRead,
            (Method::GET, "/v1/rotation-runs", "rotation_run_list", "What was asked for at once, newest first"),
            runs,
        )
        .holding(
            Permission::RotationRead,
            (Method::GET, "/v1/rotation-runs/{id}", "rotation_run_show", "One run of rotations"),
            run,
        )
        .holding(
            Permission::RotationWrite,
            (Method::POST, "/v1/rotation-runs/{id}/stop", "rotation_run_stop", "Begin no more rotations of a run"),
            stop,
        )
        .holding(
            Permission::RotationRead,
            (Method::GET, "/v1/provisions", "provision_list", "What was made on targets for sessions, newest first"),
            provisions,
        )
}

/// A rotation's id in the path.
#[derive(Deserialize, JsonSchema)]
struct Named {
    /// The rotation.
    id: RotationId,
}

/// A run's id in the path.
#[derive(Deserialize, JsonSchema)]
struct NamedRun {
    /// The run.
    id: RotationRunId,
}

/// Which rotations are wanted.
#[derive(Default, Deserialize, JsonSchema)]
struct Wanted {
    /// Of this account, `root@web-1`.
    account: Option<AccountRef>,
    /// In this state.
    state: Option<RotationState>,
    /// Of this run.
    run: Option<RotationRunId>,
    /// Those only that are not over.
    #[serde(default)]
    open: bool,
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

/// Which page is wanted.
#[derive(Default, Deserialize, JsonSchema)]
struct Paged {
    /// Where to go on.
    cursor: Option<String>,
    /// How many at most.
    limit: Option<u32>,
}

/// What of what was made is wanted.
#[derive(Default, Deserialize, JsonSchema)]
struct WantedProvisions {
    /// Only what is not known to be gone.
    #[serde(default)]
    live: bool,
    /// Where to go on.
    cursor: Option<String>,
    /// How many at most.
    limit: Option<u32>,
}

/// Why.
#[derive(Deserialize, JsonSchema)]
struct Why {
    /// The ledger keeps it.
    #[serde(default)]
    reason: String,
}

async fn request(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Nothing, Nothing, RotateInput>,
) -> Result<Created<RotatePlan>, Problem> {
    Ok(Created(control.rotate(&caller, &permit, &input.body).await?))
}

async fn list(
    control: Control,
    _: Caller,
    permit: Permit<Manage>,
    input: Input<Nothing, Wanted>,
) -> Result<Found<Page<Rotation>>, Problem> {
    let Wanted { account, state, run, open, cursor, limit, sort, count } = input.query;
    let filter = RotationFilter { account, state, run, open };
    Ok(Found(control.rotation_list(&permit, &filter, &input::listing(cursor, limit, sort, count)).await?.into()))
}

async fn show(
    control: Control,
    _: Caller,
    permit: Permit<Manage>,
    input: Input<Named>,
) -> Result<Found<Rotation>, Problem> {
    Ok(Found(control.rotation_show(&permit, &input.path.id).await?))
}

async fn runs(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Nothing, Paged>,
) -> Result<Found<Page<RotationRun>>, Problem> {
    let page = input::page(input.query.cursor, input.query.limit);
    Ok(Found(control.rotation_run_list(&caller, &permit, &page).await?.into()))
}

async fn run(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<NamedRun>,
) -> Result<Found<RotationRun>, Problem> {
    Ok(Found(control.rotation_run_show(&caller, &permit, &input.path.id).await?))
}

async fn stop(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<NamedRun, Nothing, Why>,
) -> Result<Found<RotationRun>, Problem> {
    Ok(Found(control.rotation_run_stop(&caller, &permit, &input.path.id, &input.body.reason).await?))
}

async fn provisions(
    control: Control,
    _: Caller,
    permit: Permit<Manage>,
    input: Input<Nothing, WantedProvisions>,
) -> Result<Found<Page<Provisioning>>, Problem> {
    let WantedProvisions { live, cursor, limit } = input.query;
    Ok(Found(control.provision_list(&permit, live, &input::page(cursor, limit)).await?.into()))
}
