//! Alerts, and the detection rules that raise them.

use std::time::Duration;

use axum::http::Method;
use postern_control::{
    Alert, AlertClosing, AlertFilter, AlertView, BackTested, Caller, Control, RuleView, RulesChanged,
};
use postern_domain::permission::Permission;
use postern_domain::permit::{Manage, Permit};
use postern_domain::{AlertId, UserName};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::input::{self, Input, Nothing};
use crate::page::Page;
use crate::problem::Problem;
use crate::reply::Found;
use crate::route::Routes;

/// How far back a rule is tried unless the caller says, and at most, in days.
const DAYS: u32 = 30;
const DAYS_MAX: u32 = 366;

pub(crate) fn declare(routes: Routes) -> Routes {
    routes
        .holding(Permission::SessionRead, (Method::GET, "/v1/alerts", "alert_list", "What detection found"), list)
        .holding(Permission::SessionRead, (Method::GET, "/v1/alerts/{id}", "alert_show", "One alert"), show)
        .holding(
            Permission::SessionKill,
            (Method::POST, "/v1/alerts/{id}/assign", "alert_assign", "Say who looks at an alert"),
            assign,
        )
        .holding(
            Permission::SessionKill,
            (Method::POST, "/v1/alerts/{id}/comment", "alert_comment", "Say something of an alert"),
            comment,
        )
        .holding(
            Permission::SessionKill,
            (Method::POST, "/v1/alerts/{id}/close", "alert_close", "Close an alert, with what it was"),
            close,
        )
        .holding(
            Permission::PolicyRead,
            (Method::GET, "/v1/detection-rules", "detection_rule_list", "The detection rules"),
            rules,
        )
        .holding(
            Permission::PolicyWrite,
            (Method::POST, "/v1/detection-rules", "detection_rule_apply", "Take rules up as text; new ones are off"),
            apply,
        )
        .holding(
            Permission::PolicyWrite,
            (Method::POST, "/v1/detection-rules/{rule}/enable", "detection_rule_enable", "Switch a rule on"),
            enable,
        )
        .holding(
            Permission::PolicyWrite,
            (Method::POST, "/v1/detection-rules/{rule}/disable", "detection_rule_disable", "Switch a rule off"),
            disable,
        )
        .holding(
            Permission::RecordingRead,
            (Method::GET, "/v1/detection-rules/{rule}/test", "detection_rule_test", "What a rule would have said"),
            test,
        )
}

/// An alert's id in the path.
#[derive(Deserialize, JsonSchema)]
struct Named {
    /// The alert.
    id: AlertId,
}

/// A rule's name in the path.
#[derive(Deserialize, JsonSchema)]
struct Ruled {
    /// The rule.
    rule: String,
}

/// Which alerts.
#[derive(Default, Deserialize, JsonSchema)]
struct Which {
    /// `open`, `assigned`, `closed` or `noted`; all unless given.
    state: Option<String>,
    /// A part of what was found, the person's, the account's or the rule's name.
    q: Option<String>,
    /// Where to go on.
    cursor: Option<String>,
    /// How many at most.
    limit: Option<u32>,
    /// By what to sort, `raised_at` or `severity`, with a minus for the other way round.
    sort: Option<String>,
    /// Whether to count all that match.
    #[serde(default)]
    count: bool,
}

/// Who.
#[derive(Deserialize, JsonSchema)]
struct Assignee {
    /// Who looks at it from now on.
    to: UserName,
}

/// What is said.
#[derive(Deserialize, JsonSchema)]
struct Said {
    /// For others to read.
    text: String,
}

/// How far back.
#[derive(Default, Deserialize, JsonSchema)]
struct Since {
    /// Days; 30 unless given.
    days: Option<u32>,
}

/// Rules as text.
#[derive(Deserialize, JsonSchema)]
struct RulesText {
    /// A list in YAML.
    text: String,
}

async fn list(
    control: Control,
    _: Caller,
    permit: Permit<Manage>,
    input: Input<Nothing, Which>,
) -> Result<Found<Page<Alert>>, Problem> {
    let Which { state, q, cursor, limit, sort, count } = input.query;
    let listing = input::listing(cursor, limit, sort, count);
    Ok(Found(control.alert_list(&permit, &AlertFilter { state, q }, &listing).await?.into()))
}

async fn show(
    control: Control,
    _: Caller,
    permit: Permit<Manage>,
    input: Input<Named>,
) -> Result<Found<AlertView>, Problem> {
    Ok(Found(control.alert_show(&permit, &input.path.id).await?))
}

async fn assign(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Named, Nothing, Assignee>,
) -> Result<Found<AlertView>, Problem> {
    Ok(Found(control.alert_assign(&caller, &permit, &input.path.id, &input.body.to).await?))
}

async fn comment(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Named, Nothing, Said>,
) -> Result<Found<AlertView>, Problem> {
    Ok(Found(control.alert_comment(&caller, &permit, &input.path.id, &input.body.text).await?))
}

async fn close(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Named, Nothing, AlertClosing>,
) -> Result<Found<AlertView>, Problem> {
    Ok(Found(control.alert_close(&caller, &permit, &input.path.id, &input.body).await?))
}

async fn rules(
    control: Control,
    _: Caller,
    permit: Permit<Manage>,
    _: Input,
) -> Result<Found<Page<RuleView>>, Problem> {
    Ok(Found(Page::whole(control.rule_list(&permit).await?)))
}

async fn apply(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Nothing, Nothing, RulesText>,
) -> Result<Found<RulesChanged>, Problem> {
    Ok(Found(control.rule_apply(&caller, &permit, &input.body.text).await?))
}

async fn enable(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Ruled>,
) -> Result<Found<RulesChanged>, Problem> {
    Ok(Found(control.rule_switch(&caller, &permit, &input.path.rule, true).await?))
}

async fn disable(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Ruled>,
) -> Result<Found<RulesChanged>, Problem> {
    Ok(Found(control.rule_switch(&caller, &permit, &input.path.rule, false).await?))
}

async fn test(
    control: Control,
    _: Caller,
    permit: Permit<Manage>,
    input: Input<Ruled, Since>,
) -> Result<Found<BackTested>, Problem> {
    let days = input.query.days.unwrap_or(DAYS).clamp(1, DAYS_MAX);
    let since = Duration::from_secs(u64::from(days) * 86_400);
    Ok(Found(control.rule_test(&permit, &input.path.rule, since).await?))
}
