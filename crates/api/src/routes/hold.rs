//! How long recordings are kept, and the holds that keep them longer.

use axum::http::Method;
use postern_control::{Caller, Control, HoldInput, RecordingFate, RetentionView};
use postern_domain::permission::Permission;
use postern_domain::permit::{Manage, Permit};
use postern_domain::retention::Hold;
use postern_domain::{HoldId, SessionId};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::input::{Input, Nothing};
use crate::page::Page;
use crate::problem::Problem;
use crate::reply::{Created, Found};
use crate::route::Routes;

pub(crate) fn declare(routes: Routes) -> Routes {
    routes
        .holding(
            Permission::AuditRead,
            (Method::GET, "/v1/retention", "retention_show", "How long recordings are kept, and how many there are"),
            retention,
        )
        .holding(Permission::AuditRead, (Method::GET, "/v1/holds", "hold_list", "Holds, those in force first"), list)
        .holding(
            Permission::HoldWrite,
            (Method::POST, "/v1/holds", "hold_place", "Keep recordings whatever their age"),
            place,
        )
        .holding(
            Permission::HoldWrite,
            (
                Method::POST,
                "/v1/holds/{id}/release",
                "hold_release",
                "Ask that a hold be released, or agree to what somebody else asked",
            ),
            release,
        )
        .holding(
            Permission::HoldWrite,
            (Method::POST, "/v1/holds/{id}/keep", "hold_keep", "Say no to the release that somebody asked for"),
            keep,
        )
        .signed_in(
            (Method::GET, "/v1/sessions/{id}/retention", "recording_fate", "What becomes of a session's recording"),
            fate,
        )
}

/// A hold in the path.
#[derive(Deserialize, JsonSchema)]
struct Named {
    /// The hold.
    id: HoldId,
}

/// A session in the path.
#[derive(Deserialize, JsonSchema)]
struct NamedSession {
    /// The session.
    id: SessionId,
}

/// Why a hold is to be released.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Release {
    /// Why.
    reason: String,
}

async fn retention(
    control: Control,
    _: Caller,
    permit: Permit<Manage>,
    _: Input,
) -> Result<Found<RetentionView>, Problem> {
    Ok(Found(control.retention_show(&permit).await?))
}

async fn list(control: Control, _: Caller, permit: Permit<Manage>, _: Input) -> Result<Found<Page<Hold>>, Problem> {
    Ok(Found(Page::whole(control.hold_list(&permit).await?)))
}

async fn place(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Nothing, Nothing, HoldInput>,
) -> Result<Created<Hold>, Problem> {
    Ok(Created(control.hold_place(&caller, &permit, input.body).await?))
}

async fn release(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Named, Nothing, Release>,
) -> Result<Found<Hold>, Problem> {
    Ok(Found(control.hold_release(&caller, &permit, &input.path.id, &input.body.reason).await?))
}

async fn keep(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Named>,
) -> Result<Found<Hold>, Problem> {
    Ok(Found(control.hold_keep(&caller, &permit, &input.path.id).await?))
}

async fn fate(control: Control, caller: Caller, input: Input<NamedSession>) -> Result<Found<RecordingFate>, Problem> {
    Ok(Found(control.recording_fate(&caller, &input.path.id).await?))
}
