//! Reports: made for whoever asks or by schedule, signed with the ledger's key, kept as they were made, and
//! reviewed by somebody else.

use std::time::Duration;

use postern_domain::event::{Actor, Event, Outcome};
use postern_domain::permission::{Authority, Permission};
use postern_domain::permit::{Manage, Permit};
use postern_domain::report::{
    ChannelRow, Report, ReportCounts, ReportEvery, ReportFacts, ReportFormat, ReportKind, ReportReview, ReportSchedule,
};
use postern_domain::user::{User, UserState};
use postern_domain::{ReportId, ReportScheduleId, ScopePath, Timestamp, UserName};
use postern_ledger::statement::Statement;
use postern_store::{ReportFiles, ReportSpan};
use postern_vault::random;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Caller, Control, Error, authenticate, duties, ledger, text, visible};

/// The first line of the note over a report.
const HEADING: &str = "postern report v1";
/// The first line of the note of whoever reviewed one.
const REVIEW_HEADING: &str = "postern report review v1";
/// The time that a report is over unless said otherwise: 90 days.
const SPAN: Duration = Duration::from_secs(90 * 86_400);
/// The longest time that it can be over: five years.
const SPAN_MAX: Duration = Duration::from_secs(5 * 366 * 86_400);
/// How many rows of one kind a report may have: none is left out in silence.
const ROWS_MAX: u32 = 50_000;
const COMMENT_LEN_MAX: usize = 2_000;
/// How many schedules there may be in one place.
const SCHEDULES_MAX: usize = 100;
/// How long is waited for the newest events to be signed, and how often it is looked.
const SIGNED_WAIT: Duration = Duration::from_millis(100);
const SIGNED_LOOKS: usize = 30;

/// A report that is to be made.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportInput {
    /// What it is about.
    pub kind: ReportKind,
    /// What lies here and below is in it; the caller's own scope unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<ScopePath>,
    /// The beginning of its period; 90 days before its end unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// The end of its period; now unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// What somebody says of a report.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportReviewInput {
    /// Whether it is accepted as it is.
    pub accepted: bool,
    /// What follows from it.
    pub comment: String,
}

/// A report that is to be made again and again.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportScheduleInput {
    /// What it is about.
    pub kind: ReportKind,
    /// What lies here and below is in it; the caller's own scope unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<ScopePath>,
    /// How often, each over the time since the last.
    pub every: ReportEvery,
    /// When the first is made; one period from now unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_at: Option<Timestamp>,
}

/// What a report is made of, and for whom.
struct Wanted<'a> {
    kind: ReportKind,
    scope: ScopePath,
    since: Timestamp,
    until: Timestamp,
    by: &'a UserName,
    actor: Actor,
    schedule: Option<ReportScheduleId>,
}

impl Control {
    /// The newest reports in the permit's scopes.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn report_list(&self, permit: &Permit<Manage>) -> Result<Vec<Report>, Error> {
        Ok(self.store().read().await?.reports(&permit.action().scopes).await?)
    }

    /// One report.
    ///
    /// # Errors
    /// `NotFound` also where it is not the caller's to see.
    pub async fn report_show(&self, permit: &Permit<Manage>, id: &ReportId) -> Result<Report, Error> {
        let found = self.store().read().await?.report(id).await?;
        found.filter(|report| permit.covers(&report.scope)).ok_or_else(|| Error::not_found("report", id))
    }

    /// A file of a report, as it was when it was made.
    ///
    /// # Errors
    /// `NotFound` also where it is not the caller's to see; `Conflict` where the note of a review is wanted and
    /// nobody has reviewed it.
    pub async fn report_file(
        &self,
        permit: &Permit<Manage>,
        id: &ReportId,
        format: ReportFormat,
    ) -> Result<Vec<u8>, Error> {
        self.report_show(permit, id).await?;
        let file = self.store().read().await?.report_file(id, format).await?;
        file.ok_or_else(|| Error::Conflict(format!("nobody has reviewed report {id} yet")))
    }

    /// Makes a report, signs it and keeps it.
    ///
    /// # Errors
    /// `Invalid` for a period that cannot be; `Forbidden` outside the permit; `Conflict` where there are more rows
    /// than a report holds; `Sealed` while nothing can be signed.
    pub async fn report_run(
        &self,
        caller: &Caller,
        permit: &Permit<Manage>,
        input: ReportInput,
    ) -> Result<Report, Error> {
        let scope = input.scope.unwrap_or_else(|| caller.user.scope.clone());
        visible::within(permit, &scope)?;
        let now = self.now();
        let until = input.until.unwrap_or(now).min(now);
        let since = input.since.unwrap_or_else(|| until.before(SPAN));
        if since >= until {
            return Err(Error::invalid("since", format!("is {since}, not before the end {until}")));
        }
        if until.since(since) > SPAN_MAX {
            return Err(Error::invalid("since", "is more than five years before the end: ask for less"));
        }
        let (kind, by, actor) = (input.kind, &caller.user.name, caller.actor());
        self.report_make(Wanted { kind, scope, since, until, by, actor, schedule: None }).await
    }

    async fn report_make(&self, wanted: Wanted<'_>) -> Result<Report, Error> {
        let facts = self.report_facts(&wanted).await?;
        let now = self.now();
        let mut report = Report {
            id: ReportId::generate(now, random::bytes()),
            kind: wanted.kind,
            scope: wanted.scope.clone(),
            since: wanted.since,
            until: wanted.until,
            made_at: now,
            made_by: wanted.by.clone(),
            schedule: wanted.schedule,
            counts: ReportCounts::default(),
            review: None,
        };
        let (report, facts, files) = tokio::task::spawn_blocking(move || {
            let assessment = postern_report::assess(&report, &facts);
            report.counts = assessment.counts(&facts);
            let files = postern_report::write(&report, &facts, &assessment);
            (report, facts, files)
        })
        .await
        .map_err(|_| Error::Unavailable("the report was cut off".to_owned()))?;
        let files = files.map_err(|error| Error::Unavailable(error.to_string()))?;
        let range = &facts.ledger;
        let said = [
            ("report", report.id.to_string()),
            ("kind", report.kind.to_string()),
            ("scope", report.scope.to_string()),
            ("since", report.since.to_string()),
            ("until", report.until.to_string()),
            ("made", format!("{} by {}", report.made_at, report.made_by)),
            ("ledger", format!("{} {}", range.first, range.last)),
            ("root", format!("{} {}", range.size, range.root)),
        ];
        let parts = [("pdf", &*files.pdf), ("csv", &*files.csv), ("json", &*files.json)];
        let mut tx = self.store().write(now).await?;
        let signer = self.ledger_signer(&mut tx).await?;
        let note = Statement::sign(HEADING, &said, &parts, &signer);
        let note = note.map_err(|error| Error::Unavailable(error.to_string()))?.into_bytes();
        let event = Event::done(now, wanted.actor, "report.make", report.id.as_str(), report.scope.clone())
            .with("kind", report.kind.as_str())
            .with("since", report.since.to_string())
            .with("until", report.until.to_string())
            .with("note_sha256", postern_ledger::hash::sha256_hex(&note))
            .with("exceptions", report.counts.exceptions);
        tx.report_insert(&report, &ReportFiles { pdf: files.pdf, csv: files.csv, json: files.json, note }).await?;
        self.commit(tx, &[event]).await?;
        Ok(report)
    }

    async fn report_facts(&self, wanted: &Wanted<'_>) -> Result<ReportFacts, Error> {
        let span = ReportSpan {
            scope: wanted.scope.clone(),
            since: wanted.since,
            until: wanted.until,
            now: self.now(),
            rows_max: ROWS_MAX + 1,
        };
        let mut rows = self.store().read().await?;
        let mut facts = rows.report_facts(&span).await?;
        facts.duties = duties::rows_of(&mut rows, &wanted.scope).await?;
        facts.channels = self.report_channels(&wanted.scope).await?;
        let leaves = rows.report_leaves(span.since, span.until).await?;
        facts.ledger = self.report_ledger(leaves).await?;
        let most = [
            facts.accounts.len(),
            facts.access.len(),
            facts.uses.len(),
            facts.rotations.len(),
            facts.people.len(),
            facts.changes.len(),
            facts.exceptions.len(),
        ];
        if most.into_iter().any(|count| count > ROWS_MAX as usize) {
            return Err(Error::Conflict(format!(
                "there are more than {ROWS_MAX} rows of one kind, and a report leaves none out: ask for a shorter \
                 period or a narrower scope"
            )));
        }
        Ok(facts)
    }

    /// The events of the period in the signed log; those that happened just now are waited for.
    async fn report_ledger(
        &self,
        leaves: Option<(u64, u64, u64)>,
    ) -> Result<postern_domain::report::LedgerRange, Error> {
        let mut rows = self.store().read().await?;
        for _ in 0..SIGNED_LOOKS {
            match ledger::range(self, &mut rows, leaves).await {
                Err(Error::Conflict(_)) => tokio::time::sleep(SIGNED_WAIT).await,
                found => return found,
            }
        }
        ledger::range(self, &mut rows, leaves).await
    }

    /// The channels; how they are set up is for those to know who see everything.
    async fn report_channels(&self, scope: &ScopePath) -> Result<Vec<ChannelRow>, Error> {
        let whole = *scope == ScopePath::root();
        let row = |view: crate::ChannelView| ChannelRow {
            name: if whole { view.name } else { view.kind },
            behind: view.behind,
            delivered_at: view.delivered_at,
            failure: view.failed_at.and(view.failure).map(|why| if whole { why } else { "cannot deliver".to_owned() }),
        };
        Ok(self.channel_views().await?.into_iter().map(row).collect())
    }

    /// Says that one has looked at a report, which is signed too. Nobody reviews what they had made themselves.
    ///
    /// # Errors
    /// `Conflict` where it has been reviewed; `Forbidden` for one's own.
    pub async fn report_review(
        &self,
        caller: &Caller,
        permit: &Permit<Manage>,
        id: &ReportId,
        input: &ReportReviewInput,
    ) -> Result<Report, Error> {
        let comment = text::words("comment", &input.comment, COMMENT_LEN_MAX)?;
        if comment.is_empty() {
            return Err(Error::invalid("comment", "is empty: say what follows from the report"));
        }
        let mut tx = self.store().write(self.now()).await?;
        let report = tx.report(id).await?.filter(|report| permit.covers(&report.scope));
        let report = report.ok_or_else(|| Error::not_found("report", id))?;
        if report.schedule.is_none() && report.made_by == caller.user.name {
            return Err(Error::Forbidden("you had this report made: somebody else has to review it".to_owned()));
        }
        let review = ReportReview { by: caller.user.name.clone(), at: tx.now(), accepted: input.accepted, comment };
        let said = [
            ("report", id.to_string()),
            ("reviewer", review.by.to_string()),
            ("at", review.at.to_string()),
            ("accepted", if review.accepted { "yes" } else { "no" }.to_owned()),
            ("comment", review.comment.replace('\n', " ")),
        ];
        let signed = tx.report_file(id, ReportFormat::Note).await?.unwrap_or_default();
        let signer = self.ledger_signer(&mut tx).await?;
        let note = Statement::sign(REVIEW_HEADING, &said, &[("note", &signed)], &signer);
        let note = note.map_err(|error| Error::Unavailable(error.to_string()))?;
        if !tx.report_reviewed(id, &review, note.as_bytes()).await? {
            let by = report.review.map(|review| review.by.to_string()).unwrap_or_default();
            return Err(Error::Conflict(format!("report {id} was reviewed by {by} already")));
        }
        let event = Event::done(tx.now(), caller.actor(), "report.review", id.as_str(), report.scope.clone())
            .with("accepted", review.accepted)
            .with("comment", review.comment.as_str());
        self.commit(tx, &[event]).await?;
        Ok(Report { review: Some(review), ..report })
    }

    /// The schedules in the permit's scopes.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn report_schedules(&self, permit: &Permit<Manage>) -> Result<Vec<ReportSchedule>, Error> {
        Ok(self.store().read().await?.report_schedules(&permit.action().scopes).await?)
    }

    /// Has a report made again and again, each over the time since the last.
    ///
    /// # Errors
    /// `Forbidden` outside the permit, or where the caller may not see reports; `Conflict` where there are too many.
    pub async fn report_schedule_create(
        &self,
        caller: &Caller,
        permit: &Permit<Manage>,
        input: ReportScheduleInput,
    ) -> Result<ReportSchedule, Error> {
        let scope = input.scope.unwrap_or_else(|| caller.user.scope.clone());
        visible::within(permit, &scope)?;
        if !caller.authority.covers(Permission::ReportRead, &scope) {
            return Err(Error::Forbidden(format!("this needs the permission report:read in {scope} too")));
        }
        let mut tx = self.store().write(self.now()).await?;
        if tx.report_schedules(std::slice::from_ref(&scope)).await?.len() >= SCHEDULES_MAX {
            return Err(Error::Conflict(format!(
                "there are {SCHEDULES_MAX} schedules in {scope}: take one away first"
            )));
        }
        let now = tx.now();
        let next_at = input.first_at.unwrap_or_else(|| input.every.step(now, false));
        if next_at < now || next_at.since(now) > SPAN_MAX {
            return Err(Error::invalid("first_at", "must lie ahead, and within five years"));
        }
        let id = ReportScheduleId::generate(now, random::bytes());
        let author = caller.user.name.clone();
        let schedule =
            ReportSchedule { id, kind: input.kind, scope, every: input.every, next_at, author, failure: None };
        tx.report_schedule_insert(&schedule, &caller.user.id).await?;
        let event = Event::done(now, caller.actor(), "report.schedule", schedule.id.as_str(), schedule.scope.clone())
            .with("kind", schedule.kind.as_str())
            .with("next_at", schedule.next_at.to_string());
        self.commit(tx, &[event]).await?;
        Ok(schedule)
    }

    /// Has a report made no more; those that were made stay.
    ///
    /// # Errors
    /// `NotFound` also where it is not the caller's to see.
    pub async fn report_schedule_delete(
        &self,
        caller: &Caller,
        permit: &Permit<Manage>,
        id: &ReportScheduleId,
    ) -> Result<(), Error> {
        let mut tx = self.store().write(self.now()).await?;
        let schedule = tx.report_schedule(id).await?.filter(|schedule| permit.covers(&schedule.scope));
        let schedule = schedule.ok_or_else(|| Error::not_found("report schedule", id))?;
        tx.report_schedule_delete(id).await?;
        let event = Event::done(tx.now(), caller.actor(), "report.unschedule", id.as_str(), schedule.scope);
        self.commit(tx, &[event]).await?;
        Ok(())
    }

    /// Makes the report that is due, if one is. While nothing can be signed, it waits. To be called every second
    /// or so.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn keep_reports(&self) -> Result<(), Error> {
        let now = self.now();
        let Some((schedule, author)) = self.store().read().await?.report_due(now).await? else { return Ok(()) };
        let made = self.report_by_schedule(&schedule, &author).await;
        if matches!(made, Err(Error::Sealed)) {
            return Ok(());
        }
        // What was missed while nothing ran is not made up for one by one: the next lies ahead.
        let mut next = schedule.every.step(schedule.next_at, false);
        while next <= now {
            next = schedule.every.step(next, false).max(next.after(Duration::from_secs(1)));
        }
        let failure = made.as_ref().err().map(ToString::to_string);
        let mut tx = self.store().write(now).await?;
        tx.report_schedule_next(&schedule.id, next, failure.as_deref()).await?;
        let Some(failure) = failure else { return Ok(tx.commit_upkeep().await?) };
        let event = Event::done(now, Self::system(), "report.make", schedule.id.as_str(), schedule.scope)
            .outcome(Outcome::Failed)
            .with("kind", schedule.kind.as_str())
            .with("reason", failure);
        self.commit(tx, &[event]).await?;
        Ok(())
    }

    async fn report_by_schedule(
        &self,
        schedule: &ReportSchedule,
        author: &postern_domain::UserId,
    ) -> Result<(), Error> {
        let mut rows = self.store().read().await?;
        let user: Option<User> = rows.user(author).await?.filter(|user| user.state == UserState::Active);
        let authority = match &user {
            Some(user) => authenticate::authority(&mut rows, user).await?,
            None => Authority::default(),
        };
        drop(rows);
        if !authority.covers(Permission::ReportRead, &schedule.scope) {
            let who = &schedule.author;
            return Err(Error::Forbidden(format!("{who} may not see reports of {} any more", schedule.scope)));
        }
        self.report_make(Wanted {
            kind: schedule.kind,
            scope: schedule.scope.clone(),
            since: schedule.every.step(schedule.next_at, true),
            until: schedule.next_at,
            by: &schedule.author,
            actor: Self::system(),
            schedule: Some(schedule.id.clone()),
        })
        .await
        .map(|_| ())
    }
}

#[cfg(test)]
mod tests;
