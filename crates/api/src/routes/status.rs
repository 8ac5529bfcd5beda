//! The server's own state.

use axum::http::Method;
use postern_control::{ArchiveView, Caller, ChannelView, Control, Status, WitnessView};
use postern_domain::Permit;
use postern_domain::permission::Permission;
use postern_domain::permit::Manage;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::input::{Input, Nothing};
use crate::problem::Problem;
use crate::reply::Found;
use crate::route::Routes;

pub(crate) fn declare(routes: Routes) -> Routes {
    routes
        .holding(
            Permission::StatusRead,
            (Method::GET, "/v1/status", "status_show", "The server's state: vault, ledger, sessions, disk"),
            show,
        )
        .holding(
            Permission::StatusRead,
            (Method::GET, "/v1/channels", "channel_list", "Ways out for events, and how far each has come"),
            channels,
        )
        .holding(
            Permission::StatusRead,
            (
                Method::GET,
                "/v1/archive",
                "archive_show",
                "Where ledger and recordings are kept, and how far that has come",
            ),
            archive,
        )
        .holding(
            Permission::StatusRead,
            (Method::GET, "/v1/witnesses", "witness_list", "Who is shown the ledger, and how much each has seen"),
            witnesses,
        )
        .holding(
            Permission::ChannelWrite,
            (Method::POST, "/v1/channels/{name}/test", "channel_test", "Send something that every channel carries"),
            test,
        )
        .holding(
            Permission::ChannelWrite,
            (Method::POST, "/v1/channels/{name}/replay", "channel_replay", "Tell a channel again what it was told"),
            replay,
        )
}

/// A channel's name in the path.
#[derive(Deserialize, JsonSchema)]
struct Named {
    /// Its name in the configuration file.
    name: String,
}

/// From where on.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct From {
    /// The index of the first event.
    from: u64,
}

/// All of them.
#[derive(Serialize, JsonSchema)]
struct Channels {
    /// In the order of the configuration file.
    channels: Vec<ChannelView>,
}

async fn archive(control: Control, _: Caller, permit: Permit<Manage>, _: Input) -> Result<Found<ArchiveView>, Problem> {
    Ok(Found(control.archive_show(&permit).await?))
}

/// All of them.
#[derive(Serialize, JsonSchema)]
struct Witnesses {
    /// In the order of the configuration file.
    witnesses: Vec<WitnessView>,
}

async fn witnesses(control: Control, _: Caller, permit: Permit<Manage>, _: Input) -> Result<Found<Witnesses>, Problem> {
    Ok(Found(Witnesses { witnesses: control.witness_list(&permit) }))
}

async fn channels(control: Control, _: Caller, permit: Permit<Manage>, _: Input) -> Result<Found<Channels>, Problem> {
    Ok(Found(Channels { channels: control.channel_list(&permit).await? }))
}

async fn test(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Named>,
) -> Result<Found<Channels>, Problem> {
    control.channel_test(&caller, &permit, &input.path.name).await?;
    Ok(Found(Channels { channels: control.channel_list(&permit).await? }))
}

async fn replay(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Named, Nothing, From>,
) -> Result<Found<Channels>, Problem> {
    control.channel_replay(&caller, &permit, &input.path.name, input.body.from).await?;
    Ok(Found(Channels { channels: control.channel_list(&permit).await? }))
}

async fn show(control: Control, _: Caller, permit: Permit<Manage>, _: Input) -> Result<Found<Status>, Problem> {
    Ok(Found(control.status(&permit).await?))
}
