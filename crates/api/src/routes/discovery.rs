//! Discovery: what connectors are told of assets, runs, the inventory, findings and what is done about them.

use axum::http::Method;
use postern_control::{
    Acceptance, Caller, ConnectorInput, Control, DiscoveryInput, DiscoveryView, FindingAction, FindingFilter,
    OwnerInput,
};
use postern_domain::discovery::{DiscoveryRun, Inventory};
use postern_domain::finding::{Finding, FindingKind, FindingState};
use postern_domain::permission::Permission;
use postern_domain::permit::{Manage, Permit};
use postern_domain::{AssetName, DiscoveryId, FindingId};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::input::{self, Input, Nothing};
use crate::page::Page;
use crate::problem::Problem;
use crate::reply::{Created, Found};
use crate::route::Routes;

pub(crate) fn declare(routes: Routes) -> Routes {
    runs(assets(findings(routes)))
}

fn assets(routes: Routes) -> Routes {
    routes
        .holding(
            Permission::AssetRead,
            (Method::GET, "/v1/assets/{asset}/connector", "connector_show", "How an asset is discovered"),
            connector,
        )
        .holding(
            Permission::HostKeyWrite,
            (
                Method::PUT,
                "/v1/assets/{asset}/connector",
                "connector_put",
                "Say how an asset is discovered and what it is known by",
            ),
            connector_put,
        )
        .holding(
            Permission::AssetRead,
            (Method::GET, "/v1/inventory", "inventory_list", "Accounts that discovery has seen, by asset"),
            inventory,
        )
}

fn runs(routes: Routes) -> Routes {
    routes
        .holding(Permission::AssetWrite, (Method::POST, "/v1/discoveries", "discovery_start", "Look at assets"), start)
        .holding(
            Permission::AssetRead,
            (Method::GET, "/v1/discoveries", "discovery_list", "Discoveries, newest first"),
            list,
        )
        .holding(
            Permission::AssetRead,
            (Method::GET, "/v1/discoveries/{id}", "discovery_show", "One discovery, with its assets"),
            show,
        )
        .holding(
            Permission::AssetWrite,
            (Method::POST, "/v1/discoveries/{id}/cancel", "discovery_cancel", "Look at no more assets"),
            cancel,
        )
}

fn findings(routes: Routes) -> Routes {
    routes
        .holding(
            Permission::AssetRead,
            (Method::GET, "/v1/findings", "finding_list", "What discovery thinks is wrong, newest first"),
            finding_list,
        )
        .holding(Permission::AssetRead, (Method::GET, "/v1/findings/{id}", "finding_show", "One finding"), finding_show)
        .holding(
            Permission::AssetWrite,
            (Method::POST, "/v1/findings/{id}/adopt", "finding_adopt", "Govern the account from now on"),
            adopt,
        )
        .holding(
            Permission::AssetWrite,
            (Method::POST, "/v1/findings/{id}/own", "finding_own", "Say who answers for the account"),
            own,
        )
        .holding(
            Permission::AssetWrite,
            (Method::POST, "/v1/findings/{id}/accept", "finding_accept", "Accept it for a time"),
            accept,
        )
        .holding(
            Permission::AssetWrite,
            (Method::POST, "/v1/findings/{id}/disable", "finding_disable", "Lock the account on its target"),
            disable,
        )
        .holding(
            Permission::AssetWrite,
            (Method::POST, "/v1/findings/{id}/remove", "finding_remove", "Take the account away on its target"),
            remove,
        )
}

/// An asset in the path.
#[derive(Deserialize, JsonSchema)]
struct OfAsset {
    /// The asset.
    asset: AssetName,
}

/// A discovery in the path.
#[derive(Deserialize, JsonSchema)]
struct OfRun {
    /// The discovery.
    id: DiscoveryId,
}

/// A finding in the path.
#[derive(Deserialize, JsonSchema)]
struct OfFinding {
    /// The finding.
    id: FindingId,
}

/// Which of the inventory is wanted.
#[derive(Default, Deserialize, JsonSchema)]
struct WantedAccounts {
    /// On this asset.
    asset: Option<AssetName>,
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

/// Which findings are wanted.
#[derive(Default, Deserialize, JsonSchema)]
struct WantedFindings {
    /// On this asset.
    asset: Option<AssetName>,
    /// Of this kind.
    kind: Option<FindingKind>,
    /// In this state; the open ones when left out.
    state: Option<FindingState>,
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

/// Which page of the discoveries is wanted.
#[derive(Default, Deserialize, JsonSchema)]
struct WantedRuns {
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

async fn connector(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<OfAsset>,
) -> Result<Found<ConnectorInput>, Problem> {
    Ok(Found(control.connector_show(&caller, &permit, &input.path.asset).await?))
}

async fn connector_put(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<OfAsset, Nothing, ConnectorInput>,
) -> Result<Found<ConnectorInput>, Problem> {
    Ok(Found(control.connector_put(&caller, &permit, &input.path.asset, input.body).await?))
}

async fn inventory(
    control: Control,
    _: Caller,
    permit: Permit<Manage>,
    input: Input<Nothing, WantedAccounts>,
) -> Result<Found<Page<Inventory>>, Problem> {
    let WantedAccounts { asset, cursor, limit, sort, count } = input.query;
    let listing = input::listing(cursor, limit, sort, count);
    Ok(Found(control.inventory_list(&permit, asset.as_ref(), &listing).await?.into()))
}

async fn start(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Nothing, Nothing, DiscoveryInput>,
) -> Result<Created<DiscoveryRun>, Problem> {
    Ok(Created(control.discovery_start(&caller, &permit, input.body).await?))
}

async fn list(
    control: Control,
    _: Caller,
    permit: Permit<Manage>,
    input: Input<Nothing, WantedRuns>,
) -> Result<Found<Page<DiscoveryRun>>, Problem> {
    let WantedRuns { cursor, limit, sort, count } = input.query;
    Ok(Found(control.discovery_list(&permit, &input::listing(cursor, limit, sort, count)).await?.into()))
}

async fn show(
    control: Control,
    _: Caller,
    permit: Permit<Manage>,
    input: Input<OfRun>,
) -> Result<Found<DiscoveryView>, Problem> {
    Ok(Found(control.discovery_show(&permit, &input.path.id).await?))
}

async fn cancel(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<OfRun>,
) -> Result<Found<DiscoveryRun>, Problem> {
    Ok(Found(control.discovery_cancel(&caller, &permit, &input.path.id).await?))
}

async fn finding_list(
    control: Control,
    _: Caller,
    permit: Permit<Manage>,
    input: Input<Nothing, WantedFindings>,
) -> Result<Found<Page<Finding>>, Problem> {
    let WantedFindings { asset, kind, state, cursor, limit, sort, count } = input.query;
    let listing = input::listing(cursor, limit, sort, count);
    let filter = FindingFilter { asset, kind, state };
    Ok(Found(control.finding_list(&permit, &filter, &listing).await?.into()))
}

async fn finding_show(
    control: Control,
    _: Caller,
    permit: Permit<Manage>,
    input: Input<OfFinding>,
) -> Result<Found<Finding>, Problem> {
    Ok(Found(control.finding_show(&permit, &input.path.id).await?))
}

async fn adopt(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<OfFinding, Nothing, OwnerInput>,
) -> Result<Found<Finding>, Problem> {
    Ok(Found(control.finding_adopt(&caller, &permit, &input.path.id, input.body).await?))
}

async fn own(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<OfFinding, Nothing, OwnerInput>,
) -> Result<Found<Finding>, Problem> {
    Ok(Found(control.finding_own(&caller, &permit, &input.path.id, input.body).await?))
}

async fn accept(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<OfFinding, Nothing, Acceptance>,
) -> Result<Found<Finding>, Problem> {
    Ok(Found(control.finding_accept(&caller, &permit, &input.path.id, input.body).await?))
}

async fn disable(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<OfFinding>,
) -> Result<Found<Finding>, Problem> {
    Ok(Found(control.finding_act(&caller, &permit, &input.path.id, FindingAction::Disable).await?))
}

async fn remove(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<OfFinding>,
) -> Result<Found<Finding>, Problem> {
    Ok(Found(control.finding_act(&caller, &permit, &input.path.id, FindingAction::Remove).await?))
}
