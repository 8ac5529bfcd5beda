//! Reports, their files, and schedules.

use axum::body::Body;
use axum::http::Method;
use postern_control::{Caller, Control, ReportInput, ReportReviewInput, ReportScheduleInput};
use postern_domain::permission::Permission;
use postern_domain::permit::{Manage, Permit};
use postern_domain::report::{Report, ReportFormat, ReportSchedule};
use postern_domain::{ReportId, ReportScheduleId};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::input::{Input, Nothing};
use crate::page::Page;
use crate::problem::Problem;
use crate::reply::{Bytes, Created, Done, Found};
use crate::route::Routes;

pub(crate) fn declare(routes: Routes) -> Routes {
    routes
        .holding(Permission::ReportRead, (Method::GET, "/v1/reports", "report_list", "The newest reports"), list)
        .holding(
            Permission::ReportRead,
            (Method::POST, "/v1/reports", "report_run", "Make a report, sign it and keep it"),
            run,
        )
        .holding(Permission::ReportRead, (Method::GET, "/v1/reports/{id}", "report_show", "One report"), show)
        .holding(
            Permission::ReportRead,
            (
                Method::GET,
                "/v1/reports/{id}/file",
                "report_file",
                "A report as PDF, CSV or JSON, or a signed note over it",
            ),
            file,
        )
        .holding(
            Permission::ReportWrite,
            (Method::POST, "/v1/reports/{id}/review", "report_review", "Say that one has looked at a report"),
            review,
        )
        .holding(
            Permission::ReportRead,
            (Method::GET, "/v1/report-schedules", "report_schedule_list", "Reports that are made again and again"),
            schedules,
        )
        .holding(
            Permission::ReportWrite,
            (
                Method::POST,
                "/v1/report-schedules",
                "report_schedule_create",
                "Have a report made again and again, each over the time since the last",
            ),
            schedule,
        )
        .holding(
            Permission::ReportWrite,
            (Method::DELETE, "/v1/report-schedules/{id}", "report_schedule_delete", "Have a report made no more"),
            unschedule,
        )
}

/// A report in the path.
#[derive(Deserialize, JsonSchema)]
struct Named {
    /// The report.
    id: ReportId,
}

/// A schedule in the path.
#[derive(Deserialize, JsonSchema)]
struct NamedSchedule {
    /// The schedule.
    id: ReportScheduleId,
}

/// Which file is wanted.
#[derive(Default, Deserialize, JsonSchema)]
struct Part {
    /// `pdf` to be read; `csv` and `json` with every row; `note` is signed with the ledger's key and holds the
    /// digests of the three; `review` is the signed note of whoever reviewed it, over the first.
    #[serde(default)]
    format: ReportFormat,
}

async fn list(control: Control, _: Caller, permit: Permit<Manage>, _: Input) -> Result<Found<Page<Report>>, Problem> {
    Ok(Found(Page::whole(control.report_list(&permit).await?)))
}

async fn run(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Nothing, Nothing, ReportInput>,
) -> Result<Created<Report>, Problem> {
    Ok(Created(control.report_run(&caller, &permit, input.body).await?))
}

async fn show(
    control: Control,
    _: Caller,
    permit: Permit<Manage>,
    input: Input<Named>,
) -> Result<Found<Report>, Problem> {
    Ok(Found(control.report_show(&permit, &input.path.id).await?))
}

async fn file(
    control: Control,
    _: Caller,
    permit: Permit<Manage>,
    input: Input<Named, Part>,
) -> Result<Bytes, Problem> {
    let format = input.query.format;
    let bytes = control.report_file(&permit, &input.path.id, format).await?;
    let media = match format {
        ReportFormat::Pdf => "application/pdf",
        ReportFormat::Csv => "text/csv; charset=utf-8",
        ReportFormat::Json => "application/json",
        ReportFormat::Note | ReportFormat::Review => "text/plain; charset=utf-8",
    };
    let name = format!("attachment; filename=\"{}.{}\"", input.path.id, format.ending());
    let headers = axum::http::HeaderValue::try_from(name).map(|name| (axum::http::header::CONTENT_DISPOSITION, name));
    Ok(Bytes { media, headers: headers.into_iter().collect(), body: Body::from(bytes) })
}

async fn review(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Named, Nothing, ReportReviewInput>,
) -> Result<Found<Report>, Problem> {
    Ok(Found(control.report_review(&caller, &permit, &input.path.id, &input.body).await?))
}

async fn schedules(
    control: Control,
    _: Caller,
    permit: Permit<Manage>,
    _: Input,
) -> Result<Found<Page<ReportSchedule>>, Problem> {
    Ok(Found(Page::whole(control.report_schedules(&permit).await?)))
}

async fn schedule(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Nothing, Nothing, ReportScheduleInput>,
) -> Result<Created<ReportSchedule>, Problem> {
    Ok(Created(control.report_schedule_create(&caller, &permit, input.body).await?))
}

async fn unschedule(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<NamedSchedule>,
) -> Result<Done, Problem> {
    control.report_schedule_delete(&caller, &permit, &input.path.id).await?;
    Ok(Done)
}
