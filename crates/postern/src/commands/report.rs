//! `postern report ...`.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, anyhow};
use clap::{Args, Subcommand};
use postern_control::{ReportInput, ReportReviewInput, ReportScheduleInput};
use postern_domain::report::{Report, ReportEvery, ReportFormat, ReportKind, ReportSchedule};
use postern_domain::{Period, ReportId, ReportScheduleId, ScopePath, Timestamp};
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::client::Client;
use crate::exit::{DONE, Failure};
use crate::output::{self, Columns, Format};

/// Reports.
#[derive(Subcommand)]
pub(crate) enum ReportCommand {
    /// List the kinds of reports that there are.
    Kinds,
    /// List the newest reports.
    List,
    /// Make a report, and write it with its signed note.
    Run(Run),
    /// Write a report that was made, with its signed note.
    Get(Get),
    /// Say that you have looked at a report that somebody else had made.
    Review(Review),
    /// Have a report made again and again, each over the time since the last.
    Schedule(Schedule),
    /// List the schedules.
    Schedules,
    /// Have a report made no more.
    Unschedule {
        /// Its identifier, rps_...
        id: ReportScheduleId,
    },
}

/// Make a report.
#[derive(Args)]
pub(crate) struct Run {
    /// Which: `postern report kinds` lists them.
    #[arg(value_parser = word::<ReportKind>)]
    kind: ReportKind,
    /// What lies here and below is in it; your own scope unless given.
    #[arg(long)]
    scope: Option<ScopePath>,
    /// The beginning of its period: 2026-01-01, a time, or 90d for so long ago; 90d unless given.
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    since: Option<Timestamp>,
    /// The end of its period; now unless given.
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    until: Option<Timestamp>,
    #[command(flatten)]
    files: Files,
}

/// Write a report that was made.
#[derive(Args)]
pub(crate) struct Get {
    /// Its identifier, rpt_...
    id: ReportId,
    #[command(flatten)]
    files: Files,
}

/// Which files are written, and where to.
#[derive(Args)]
struct Files {
    /// As what: pdf, csv, json; may be repeated; all three unless given. The signed note comes with them.
    #[arg(long = "format", value_name = "FORMAT", value_parser = word::<ReportFormat>)]
    formats: Vec<ReportFormat>,
    /// The folder to write to.
    #[arg(long, default_value = ".", value_name = "FOLDER")]
    out: PathBuf,
}

/// Say that you have looked at a report.
#[derive(Args)]
#[command(group = clap::ArgGroup::new("verdict").required(true).args(["accept", "reject"]))]
pub(crate) struct Review {
    /// Its identifier, rpt_...
    id: ReportId,
    /// It is accepted as it is.
    #[arg(long)]
    accept: bool,
    /// It is not.
    #[arg(long)]
    reject: bool,
    /// What follows from it.
    #[arg(long)]
    comment: String,
}

/// Have a report made again and again.
#[derive(Args)]
pub(crate) struct Schedule {
    /// Which: `postern report kinds` lists them.
    #[arg(value_parser = word::<ReportKind>)]
    kind: ReportKind,
    /// How often: day, week, month, quarter, year.
    #[arg(long, value_parser = word::<ReportEvery>)]
    every: ReportEvery,
    /// What lies here and below is in it; your own scope unless given.
    #[arg(long)]
    scope: Option<ScopePath>,
    /// When the first is made; one period from now unless given.
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    first: Option<Timestamp>,
}

fn word<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_value(json!(text)).map_err(|error| error.to_string())
}

/// A time: whole, as a day in UTC, or as how long ago.
fn moment(text: &str) -> Result<Timestamp, String> {
    let day = || format!("{text}T00:00:00Z").parse::<Timestamp>().ok();
    let ago = || {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
        let now = Timestamp::from_millis(i64::try_from(now.as_millis()).ok()?);
        Some(now.before(Duration::from_secs(text.parse::<Period>().ok()?.seconds())))
    };
    let found = text.parse().ok().or_else(day).or_else(ago);
    found.ok_or_else(|| "write it as 2026-01-01, 2026-01-01T12:00:00Z, or 90d for so long ago".to_owned())
}

impl Columns for Report {
    const HEADINGS: &'static [&'static str] =
        &["ID", "KIND", "SCOPE", "SINCE", "UNTIL", "MADE", "BY", "MET", "EXCEPTIONS", "NOT COVERED", "REVIEWED BY"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.id.to_string(),
            self.kind.to_string(),
            self.scope.to_string(),
            output::time(self.since),
            output::time(self.until),
            output::time(self.made_at),
            self.made_by.to_string(),
            self.counts.met.to_string(),
            self.counts.exceptions.to_string(),
            self.counts.not_covered.to_string(),
            output::or_dash(self.review.as_ref().map(|review| {
                if review.accepted { review.by.to_string() } else { format!("{} (not accepted)", review.by) }
            })),
        ]
    }
}

impl Columns for ReportSchedule {
    const HEADINGS: &'static [&'static str] = &["ID", "KIND", "SCOPE", "EVERY", "NEXT", "BY", "FAILURE"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.id.to_string(),
            self.kind.to_string(),
            self.scope.to_string(),
            output::word(&self.every),
            output::time(self.next_at),
            self.author.to_string(),
            output::or_dash(self.failure.as_ref()),
        ]
    }
}

impl ReportCommand {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        if let Self::Kinds = self {
            for kind in ReportKind::ALL {
                output::line(&format!("{:<12}  {}", kind.as_str(), kind.title()))?;
            }
            return Ok(DONE);
        }
        let client = Client::signed_in()?;
        match self {
            Self::Kinds => {}
            Self::List => output::list::<Report>(format, &client.all("/v1/reports", &[]).await?)?,
            Self::Run(Run { kind, scope, since, until, files }) => {
                let body = ReportInput { kind, scope, since, until };
                let report: Report = client.post("/v1/reports", &body).await?;
                output::list(format, std::slice::from_ref(&report))?;
                write(&client, &report, &files).await?;
            }
            Self::Get(Get { id, files }) => {
                let report: Report = client.get(&format!("/v1/reports/{id}")).await?;
                write(&client, &report, &files).await?;
            }
            Self::Review(Review { id, accept, reject: _, comment }) => {
                let body = ReportReviewInput { accepted: accept, comment };
                let report: Report = client.post(&format!("/v1/reports/{id}/review"), &body).await?;
                output::list(format, &[report])?;
            }
            Self::Schedule(Schedule { kind, every, scope, first }) => {
                let body = ReportScheduleInput { kind, scope, every, first_at: first };
                let schedule: ReportSchedule = client.post("/v1/report-schedules", &body).await?;
                output::list(format, &[schedule])?;
            }
            Self::Schedules => {
                output::list::<ReportSchedule>(format, &client.all("/v1/report-schedules", &[]).await?)?;
            }
            Self::Unschedule { id } => client.delete(&format!("/v1/report-schedules/{id}")).await?,
        }
        Ok(DONE)
    }
}

/// Writes the files, and the notes over them. What was written is said on standard error, so that standard output
/// is the report's line alone.
async fn write(client: &Client, report: &Report, files: &Files) -> Result<(), Failure> {
    let Files { formats, out } = files;
    let mut wanted = match formats.as_slice() {
        [] => vec![ReportFormat::Pdf, ReportFormat::Csv, ReportFormat::Json],
        some => some.to_vec(),
    };
    wanted.push(ReportFormat::Note);
    if report.review.is_some() {
        wanted.push(ReportFormat::Review);
    }
    wanted.dedup();
    fs::create_dir_all(out).with_context(|| format!("cannot create {}", out.display()))?;
    for format in wanted {
        let query = [("format", Some(output::word(&format)))];
        let response = client.stream(&format!("/v1/reports/{}/file", report.id), &query).await?;
        let path = out.join(format!("{}.{}", report.id, format.ending()));
        put(&path, &response.bytes().await?)?;
    }
    Ok(())
}

fn put(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    fs::write(path, bytes).map_err(|error| anyhow!("cannot write {}: {error}", path.display()))?;
    eprintln!("{}", path.display());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_day_or_so_long_ago() {
        let day: Timestamp = "2026-01-31T00:00:00Z".parse().expect("a time");
        assert_eq!(moment("2026-01-31"), Ok(day));
        assert_eq!(moment("2026-01-31T12:00:00Z"), Ok(day.after(Duration::from_secs(12 * 3600))));
        assert!(moment("90d").is_ok_and(|ago| ago > day.before(Duration::from_secs(400 * 86_400))));
        assert!(moment("yesterday").is_err());
    }
}
