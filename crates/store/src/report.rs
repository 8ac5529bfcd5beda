//! Reports that were made, and those that are made again and again.

use postern_domain::report::{Report, ReportFormat, ReportReview, ReportSchedule};
use postern_domain::{ReportId, ReportScheduleId, ScopePath, Timestamp, UserId};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::db::{ReadTx, WriteTx};
use crate::error::Error;
use crate::row;

mod facts;

pub use facts::ReportSpan;

/// How many reports are listed: the newest.
const LISTED_MAX: u32 = 200;

/// The files of a report.
pub struct ReportFiles {
    /// To be read.
    pub pdf: Vec<u8>,
    /// Every row.
    pub csv: Vec<u8>,
    /// Everything.
    pub json: Vec<u8>,
    /// The signed note over the three.
    pub note: Vec<u8>,
}

impl ReadTx {
    /// The newest reports in `scopes`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn reports(&mut self, scopes: &[ScopePath]) -> Result<Vec<Report>, Error> {
        let within = row::scope_clause("scope", "?1");
        let sql =
            format!("select body, review from report where {within} order by made_at desc, id desc limit {LISTED_MAX}");
        let rows =
            sqlx::query(sqlx::AssertSqlSafe(sql)).bind(row::scopes_json(scopes)).fetch_all(self.connection()).await?;
        rows.iter().map(report).collect()
    }

    /// One report.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn report(&mut self, id: &ReportId) -> Result<Option<Report>, Error> {
        let row = sqlx::query("select body, review from report where id = ?1")
            .bind(id.as_str())
            .fetch_optional(self.connection())
            .await?;
        row.as_ref().map(report).transpose()
    }

    /// A file of a report; none where there is no such report, or it has not been reviewed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn report_file(&mut self, id: &ReportId, format: ReportFormat) -> Result<Option<Vec<u8>>, Error> {
        let column = match format {
            ReportFormat::Pdf => "pdf",
            ReportFormat::Csv => "csv",
            ReportFormat::Json => "json",
            ReportFormat::Note => "note",
            ReportFormat::Review => "review_note",
        };
        let sql = format!("select {column} as file from report where id = ?1");
        let row = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id.as_str()).fetch_optional(self.connection()).await?;
        Ok(row.map(|row| row.try_get::<Option<Vec<u8>>, _>("file")).transpose()?.flatten())
    }

    /// The schedules in `scopes`, the next first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn report_schedules(&mut self, scopes: &[ScopePath]) -> Result<Vec<ReportSchedule>, Error> {
        let within = row::scope_clause("r.scope", "?1");
        let sql = format!("{SCHEDULES} where {within} order by r.next_at, r.id");
        let rows =
            sqlx::query(sqlx::AssertSqlSafe(sql)).bind(row::scopes_json(scopes)).fetch_all(self.connection()).await?;
        rows.iter().map(schedule).collect()
    }

    /// One schedule.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn report_schedule(&mut self, id: &ReportScheduleId) -> Result<Option<ReportSchedule>, Error> {
        let sql = format!("{SCHEDULES} where r.id = ?1");
        let row = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id.as_str()).fetch_optional(self.connection()).await?;
        row.as_ref().map(schedule).transpose()
    }

    /// A schedule by which a report is due, with who wants it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn report_due(&mut self, now: Timestamp) -> Result<Option<(ReportSchedule, UserId)>, Error> {
        let sql = format!("{SCHEDULES} where r.next_at <= ?1 order by r.next_at limit 1");
        let row = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(now.as_millis()).fetch_optional(self.connection()).await?;
        row.map(|row| Ok((schedule(&row)?, row::text(&row, "author_id")?))).transpose()
    }
}

impl WriteTx {
    /// Keeps a report that was made.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn report_insert(&mut self, report: &Report, files: &ReportFiles) -> Result<(), Error> {
        sqlx::query(
            "insert into report (id, kind, scope, body, made_at, pdf, csv, json, note) \
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )
        .bind(report.id.as_str())
        .bind(report.kind.as_str())
        .bind(report.scope.as_str())
        .bind(row::to_json(report, "report")?)
        .bind(report.made_at.as_millis())
        .bind(&files.pdf)
        .bind(&files.csv)
        .bind(&files.json)
        .bind(&files.note)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Says what whoever reviewed a report said; gives whether nobody had.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn report_reviewed(&mut self, id: &ReportId, review: &ReportReview, note: &[u8]) -> Result<bool, Error> {
        let done = sqlx::query("update report set review = ?2, review_note = ?3 where id = ?1 and review is null")
            .bind(id.as_str())
            .bind(row::to_json(review, "review")?)
            .bind(note)
            .execute(self.connection())
            .await?;
        Ok(done.rows_affected() > 0)
    }

    /// Has a report made again and again.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn report_schedule_insert(&mut self, wanted: &ReportSchedule, author: &UserId) -> Result<(), Error> {
        sqlx::query(
            "insert into report_schedule (id, kind, scope, every, next_at, author_id) values (?1, ?2, ?3, ?4, ?5, ?6)",
        )
        .bind(wanted.id.as_str())
        .bind(wanted.kind.as_str())
        .bind(wanted.scope.as_str())
        .bind(row::word(&wanted.every, "every")?)
        .bind(wanted.next_at.as_millis())
        .bind(author.as_str())
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Says when a schedule's next report is made, and why the last was not.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn report_schedule_next(
        &mut self,
        id: &ReportScheduleId,
        next_at: Timestamp,
        failure: Option<&str>,
    ) -> Result<(), Error> {
        sqlx::query("update report_schedule set next_at = ?2, failure = ?3 where id = ?1")
            .bind(id.as_str())
            .bind(next_at.as_millis())
            .bind(failure)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Has a report made no more.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn report_schedule_delete(&mut self, id: &ReportScheduleId) -> Result<(), Error> {
        sqlx::query("delete from report_schedule where id = ?1").bind(id.as_str()).execute(self.connection()).await?;
        Ok(())
    }
}

const SCHEDULES: &str = "select r.*, u.name as author from report_schedule r join user u on u.id = r.author_id";

fn report(row: &SqliteRow) -> Result<Report, Error> {
    let body: Report = row::json(row, "body")?;
    Ok(Report { review: row::json_opt(row, "review")?, ..body })
}

fn schedule(row: &SqliteRow) -> Result<ReportSchedule, Error> {
    Ok(ReportSchedule {
        id: row::text(row, "id")?,
        kind: row::from_word(row, "kind")?,
        scope: row::text(row, "scope")?,
        every: row::from_word(row, "every")?,
        next_at: row::time(row, "next_at")?,
        author: row::text(row, "author")?,
        failure: row.try_get("failure")?,
    })
}
