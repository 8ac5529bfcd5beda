//! Assets and the host keys that they are known by.

use axum::http::Method;
use postern_control::{AssetFilter, AssetInput, Caller, Control, HostKeyDecision};
use postern_domain::asset::{Asset, HostKey, Platform};
use postern_domain::permission::Permission;
use postern_domain::permit::{Manage, Permit};
use postern_domain::{AssetName, ScopePath};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::input::{self, Input, Nothing};
use crate::page::Page;
use crate::problem::Problem;
use crate::reply::Found;
use crate::route::Routes;

pub(crate) fn declare(routes: Routes) -> Routes {
    routes
        .holding(Permission::AssetRead, (Method::GET, "/v1/assets", "asset_list", "Assets, by name"), list)
        .holding(Permission::AssetRead, (Method::GET, "/v1/assets/{name}", "asset_show", "One asset"), show)
        .holding(
            Permission::AssetWrite,
            (Method::PUT, "/v1/assets/{name}", "asset_put", "Create an asset or change it"),
            put,
        )
        .holding(
            Permission::AssetRead,
            (Method::GET, "/v1/assets/{name}/host-keys", "host_key_list", "The host keys that an asset presented"),
            host_keys,
        )
        .holding(
            Permission::HostKeyWrite,
            (
                Method::POST,
                "/v1/assets/{name}/host-keys/{fingerprint}",
                "host_key_decide",
                "Decide whether an asset is known by a host key",
            ),
            decide,
        )
}

/// An asset's name in the path.
#[derive(Deserialize, JsonSchema)]
struct Named {
    /// The asset.
    name: AssetName,
}

/// A host key in the path.
#[derive(Deserialize, JsonSchema)]
struct Key {
    /// The asset.
    name: AssetName,
    /// The key's fingerprint, `SHA256:...`, percent-encoded.
    fingerprint: String,
}

/// Which assets are wanted.
#[derive(Default, Deserialize, JsonSchema)]
struct Wanted {
    /// A part of the name or the address.
    q: Option<String>,
    /// Labels: `env=prod,tier=web`.
    label: Option<String>,
    /// The platform.
    platform: Option<Platform>,
    /// A scope, with everything below it.
    scope: Option<ScopePath>,
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

/// What is decided.
#[derive(Deserialize, JsonSchema)]
struct Decided {
    /// Whether it is the asset's.
    state: HostKeyDecision,
}

async fn list(
    control: Control,
    _: Caller,
    permit: Permit<Manage>,
    input: Input<Nothing, Wanted>,
) -> Result<Found<Page<Asset>>, Problem> {
    let Wanted { q, label, platform, scope, cursor, limit, sort, count } = input.query;
    let labels = label.as_deref().map(input::labels).unwrap_or_default();
    let filter = AssetFilter { q, labels, platform, scope };
    Ok(Found(control.asset_list(&permit, &filter, &input::listing(cursor, limit, sort, count)).await?.into()))
}

async fn show(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Named>,
) -> Result<Found<Asset>, Problem> {
    Ok(Found(control.asset_show(&caller, &permit, &input.path.name).await?))
}

async fn put(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Named, Nothing, AssetInput>,
) -> Result<Found<Asset>, Problem> {
    Ok(Found(control.asset_put(&caller, &permit, &input.path.name, input.body).await?))
}

async fn host_keys(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Named>,
) -> Result<Found<Page<HostKey>>, Problem> {
    let items = control.host_key_list(&caller, &permit, &input.path.name).await?;
    Ok(Found(Page::whole(items)))
}

async fn decide(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Key, Nothing, Decided>,
) -> Result<Found<HostKey>, Problem> {
    let Key { name, fingerprint } = input.path;
    Ok(Found(control.host_key_decide(&caller, &permit, &name, &fingerprint, input.body.state).await?))
}
