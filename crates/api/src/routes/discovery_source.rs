//! Discovery sources: where hosts are looked for, and what was found there.

use axum::http::Method;
use postern_control::{Caller, Control, HostAdoption, HostFilter};
use postern_domain::asset::Asset;
use postern_domain::discovery::{DiscoveryRun, DiscoverySource, FoundHost, SourceDocument};
use postern_domain::permission::Permission;
use postern_domain::permit::{Manage, Permit};
use postern_domain::{HostId, SourceName};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::input::{self, Input, Nothing};
use crate::page::Page;
use crate::problem::Problem;
use crate::reply::{Created, Done, Found};
use crate::route::Routes;

pub(crate) fn declare(routes: Routes) -> Routes {
    sources(routes)
        .holding(
            Permission::AssetRead,
            (Method::GET, "/v1/hosts", "host_list", "Hosts that discovery sources found, newest first"),
            hosts,
        )
        .holding(
            Permission::AssetWrite,
            (Method::POST, "/v1/hosts/{id}/adopt", "host_adopt", "Make a found host an asset"),
            adopt,
        )
}

fn sources(routes: Routes) -> Routes {
    routes
        .holding(
            Permission::AssetRead,
            (Method::GET, "/v1/discovery-sources", "source_list", "Discovery sources, by name"),
            list,
        )
        .holding(
            Permission::AssetRead,
            (Method::GET, "/v1/discovery-sources/{name}", "source_show", "One discovery source"),
            show,
        )
        .holding(
            Permission::AssetWrite,
            (Method::PUT, "/v1/discovery-sources/{name}", "source_put", "Declare a discovery source or change it"),
            put,
        )
        .holding(
            Permission::AssetWrite,
            (Method::DELETE, "/v1/discovery-sources/{name}", "source_delete", "Take a discovery source out of use"),
            delete,
        )
        .holding(
            Permission::AssetWrite,
            (Method::POST, "/v1/discovery-sources/{name}/run", "source_start", "Look for the hosts of a source"),
            start,
        )
}

/// A source's name in the path.
#[derive(Deserialize, JsonSchema)]
struct Named {
    /// The source.
    name: SourceName,
}

/// A found host in the path.
#[derive(Deserialize, JsonSchema)]
struct OfHost {
    /// The host.
    id: HostId,
}

/// Which found hosts are wanted.
#[derive(Default, Deserialize, JsonSchema)]
struct Wanted {
    /// Found by this source.
    source: Option<SourceName>,
    /// At this `address:port`.
    address: Option<String>,
    /// Only those that no asset names and that still answer.
    #[serde(default)]
    unknown: bool,
    /// Where to go on.
    cursor: Option<String>,
    /// How many at most.
    limit: Option<u32>,
}

async fn list(
    control: Control,
    _: Caller,
    permit: Permit<Manage>,
    _: Input<Nothing>,
) -> Result<Found<Page<DiscoverySource>>, Problem> {
    Ok(Found(Page::whole(control.source_list(&permit).await?)))
}

async fn show(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Named>,
) -> Result<Found<DiscoverySource>, Problem> {
    Ok(Found(control.source_show(&caller, &permit, &input.path.name).await?))
}

async fn put(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Named, Nothing, SourceDocument>,
) -> Result<Found<DiscoverySource>, Problem> {
    Ok(Found(control.source_put(&caller, &permit, &input.path.name, input.body).await?))
}

async fn delete(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Named>,
) -> Result<Done, Problem> {
    control.source_delete(&caller, &permit, &input.path.name).await?;
    Ok(Done)
}

async fn start(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Named>,
) -> Result<Created<DiscoveryRun>, Problem> {
    Ok(Created(control.source_start(&caller, &permit, &input.path.name).await?))
}

async fn hosts(
    control: Control,
    _: Caller,
    permit: Permit<Manage>,
    input: Input<Nothing, Wanted>,
) -> Result<Found<Page<FoundHost>>, Problem> {
    let Wanted { source, address, unknown, cursor, limit } = input.query;
    let filter = HostFilter { source, address, is_unknown: unknown };
    Ok(Found(control.host_list(&permit, &filter, &input::page(cursor, limit)).await?.into()))
}

async fn adopt(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<OfHost, Nothing, HostAdoption>,
) -> Result<Created<Asset>, Problem> {
    Ok(Created(control.host_adopt(&caller, &permit, &input.path.id, input.body).await?))
}
