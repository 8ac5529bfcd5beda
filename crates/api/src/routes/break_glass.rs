//! Break-glass: uses and their reviews, and the bundles for the hour in which Postern is dead.

use axum::http::Method;
use postern_control::{Caller, Control, OfflinePlanInput, OfflineView, OpenedInput, UseReview};
use postern_domain::BreakGlassUseId;
use postern_domain::break_glass::BreakGlassUse;
use postern_domain::permission::Permission;
use postern_domain::permit::{Manage, Permit};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::input::{self, Input, Nothing};
use crate::page::Page;
use crate::problem::Problem;
use crate::reply::{Created, Found};
use crate::route::Routes;

pub(crate) fn declare(routes: Routes) -> Routes {
    let routes = routes
        .signed_in(
            (
                Method::GET,
                "/v1/break-glass/uses",
                "break_glass_list",
                "Uses of break-glass that one may see, newest first",
            ),
            list,
        )
        .signed_in((Method::GET, "/v1/break-glass/uses/{id}", "break_glass_show", "One use of break-glass"), show)
        .signed_in(
            (Method::POST, "/v1/break-glass/uses/{id}/review", "break_glass_review", "Say what one found about a use"),
            review,
        );
    routes
        .holding(
            Permission::VaultRead,
            (Method::GET, "/v1/break-glass/offline", "offline_show", "How the offline tier stands"),
            offline,
        )
        .holding(
            Permission::VaultManage,
            (Method::PUT, "/v1/break-glass/offline/plan", "offline_plan", "Say who opens bundles and what is in them"),
            plan,
        )
        .holding(
            Permission::VaultManage,
            (
                Method::POST,
                "/v1/break-glass/offline/plan/approve",
                "offline_plan_approve",
                "Say yes to somebody's plan",
            ),
            approve,
        )
        .holding(
            Permission::VaultManage,
            (Method::POST, "/v1/break-glass/offline/plan/refuse", "offline_plan_refuse", "Say no to a plan that waits"),
            refuse,
        )
        .holding(
            Permission::VaultManage,
            (Method::POST, "/v1/break-glass/offline/bundle", "offline_bundle", "Write a bundle now"),
            bundle,
        )
        .holding(
            Permission::VaultManage,
            (Method::POST, "/v1/break-glass/offline/opened", "offline_opened", "Take down that a bundle was opened"),
            opened,
        )
}

/// A use's id in the path.
#[derive(Deserialize, JsonSchema)]
struct Used {
    /// The use.
    id: BreakGlassUseId,
}

/// Which uses are wanted.
#[derive(Default, Deserialize, JsonSchema)]
struct Wanted {
    /// Those only that nobody has reviewed.
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

async fn list(
    control: Control,
    caller: Caller,
    input: Input<Nothing, Wanted>,
) -> Result<Found<Page<BreakGlassUse>>, Problem> {
    let Wanted { open, cursor, limit, sort, count } = input.query;
    let listing = input::listing(cursor, limit, sort, count);
    Ok(Found(control.break_glass_list(&caller, open, &listing).await?.into()))
}

async fn show(control: Control, caller: Caller, input: Input<Used>) -> Result<Found<BreakGlassUse>, Problem> {
    Ok(Found(control.break_glass_show(&caller, &input.path.id).await?))
}

async fn review(
    control: Control,
    caller: Caller,
    input: Input<Used, Nothing, UseReview>,
) -> Result<Found<BreakGlassUse>, Problem> {
    Ok(Found(control.break_glass_review(&caller, &input.path.id, &input.body).await?))
}

async fn offline(control: Control, _: Caller, permit: Permit<Manage>, _: Input) -> Result<Found<OfflineView>, Problem> {
    Ok(Found(control.offline_show(&permit).await?))
}

async fn plan(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Nothing, Nothing, OfflinePlanInput>,
) -> Result<Found<OfflineView>, Problem> {
    Ok(Found(control.offline_plan(&caller, &permit, &input.body).await?))
}

async fn approve(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    _: Input,
) -> Result<Found<OfflineView>, Problem> {
    Ok(Found(control.offline_plan_approve(&caller, &permit).await?))
}

async fn refuse(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    _: Input,
) -> Result<Found<OfflineView>, Problem> {
    Ok(Found(control.offline_plan_refuse(&caller, &permit).await?))
}

async fn bundle(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    _: Input,
) -> Result<Found<OfflineView>, Problem> {
    Ok(Found(control.offline_bundle(&caller, &permit).await?))
}

async fn opened(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Nothing, Nothing, OpenedInput>,
) -> Result<Created<BreakGlassUse>, Problem> {
    Ok(Created(control.offline_opened(&caller, &permit, &input.body).await?))
}
