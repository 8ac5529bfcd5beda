//! Alerts: the queue, and what people make of it; and the rules that raise them.

use std::time::Duration;

use postern_detect::{Detector, Observation, Rule, Seen};
use postern_domain::event::Event;
use postern_domain::permit::{Manage, Permit};
use postern_domain::{AlertId, SessionId, UserName};
use postern_store::{Alert, AlertComment, AlertFilter, Listed, Listing, RuleFigures, StoredRule, WaitingRule};
use postern_understand::Understanding;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::detection::{all_rules, response, severity};
use crate::detection_rule::over_everything;
use crate::ledger::event_in;
use crate::{Caller, Control, Error};

/// The longest comment, in characters.
const COMMENT_LEN_MAX: usize = 2000;
/// How many events and recordings a trial over the past looks at.
const EVENTS_MAX: u64 = 200_000;
const RECORDINGS_MAX: usize = 500;
const LOOKED_MAX: u32 = 1000;
/// How many findings of a trial are told one by one.
const TOLD_MAX: usize = 100;
/// Of a hundred alerts of a rule that people have closed, how many may be false.
pub const FALSE_BUDGET_PERCENT: u64 = 20;

/// An alert, and what was said of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AlertView {
    /// The alert.
    #[serde(flatten)]
    pub alert: Alert,
    /// The oldest first.
    pub comments: Vec<AlertComment>,
}

/// What is said of an alert when it is closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AlertClosing {
    /// `true`: it was what the rule says; `false`: it was not; `expected`: it was, and was meant to be.
    pub verdict: String,
    /// Why, in words.
    pub comment: String,
}

/// A detection rule as it is on this installation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RuleView {
    /// Its name.
    pub id: String,
    /// What it finds.
    pub title: String,
    /// How bad that is.
    pub severity: String,
    /// The technique of MITRE ATT&CK.
    pub attack: String,
    /// What is done.
    pub response: String,
    /// Whether it is on.
    pub enabled: bool,
    /// Whether it is the estate's own, or changed.
    pub own: bool,
    /// A change that weakens it and waits until somebody else makes it too; on its seventh day it is over.
    pub waiting: Option<WaitingRule>,
    /// What people made of its alerts.
    pub figures: RuleFigures,
    /// Of a hundred of its alerts that were closed, how many were false; none before there are any.
    pub false_percent: Option<u64>,
    /// How many may be.
    pub false_budget_percent: u64,
    /// How often it must see something, and what it takes as usual, in words; empty for a rule that finds whatever
    /// matches.
    pub basis: Vec<String>,
    /// The rule as text (JSON).
    pub rule: serde_json::Value,
}

/// What a rule would have said in the past.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BackTested {
    /// How many events were looked at.
    pub events: u64,
    /// How many recordings were looked at.
    pub recordings: u64,
    /// How many could not be read.
    pub unreadable: u64,
    /// How often the rule would have found something.
    pub found: u64,
    /// The first of them.
    pub findings: Vec<BackTestFinding>,
}

/// Something that a rule would have found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BackTestFinding {
    /// The person.
    pub user: String,
    /// The account.
    pub account: String,
    /// The session, where it was in one.
    pub session: Option<SessionId>,
    /// When in its recording, in milliseconds.
    pub deed_at: Option<u64>,
    /// What was seen.
    pub evidence: String,
    /// Why that is something.
    pub why: String,
}

impl Control {
    /// The alerts in the permit's scopes, the newest first unless asked otherwise.
    ///
    /// # Errors
    /// When it cannot be sorted by that, or the cursor is not one of ours.
    pub async fn alert_list(
        &self,
        permit: &Permit<Manage>,
        filter: &AlertFilter,
        listing: &Listing,
    ) -> Result<Listed<Alert>, Error> {
        Ok(self.store().read().await?.alerts(&permit.action().scopes, filter, listing).await?)
    }

    /// One of them.
    ///
    /// # Errors
    /// `NotFound` also when it does not lie in the permit's scopes.
    pub async fn alert_show(&self, permit: &Permit<Manage>, id: &AlertId) -> Result<AlertView, Error> {
        let mut rows = self.store().read().await?;
        let alert = rows.alert(id).await?.filter(|alert| permit.covers(&alert.scope));
        let alert = alert.ok_or_else(|| Error::not_found("alert", id))?;
        let comments = rows.alert_comments(id).await?;
        Ok(AlertView { alert, comments })
    }

    /// Somebody looks at it from now on.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when it is closed.
    pub async fn alert_assign(
        &self,
        caller: &Caller,
        permit: &Permit<Manage>,
        id: &AlertId,
        to: &UserName,
    ) -> Result<AlertView, Error> {
        let AlertView { mut alert, .. } = self.alert_open(permit, id).await?;
        let mut tx = self.store().write(self.now()).await?;
        tx.user_by_name(to).await?.ok_or_else(|| Error::not_found("user", to))?;
        alert.state = "assigned".to_owned();
        alert.assignee = Some(to.to_string());
        tx.alert_put(&alert).await?;
        let event = Event::done(tx.now(), caller.actor(), "alert.assign", id.as_str(), alert.scope.clone());
        self.commit(tx, &[event.with("to", to.as_str())]).await?;
        self.alert_show(permit, id).await
    }

    /// Somebody says something of it.
    ///
    /// # Errors
    /// `NotFound`, `Invalid`.
    pub async fn alert_comment(
        &self,
        caller: &Caller,
        permit: &Permit<Manage>,
        id: &AlertId,
        text: &str,
    ) -> Result<AlertView, Error> {
        let text = said("text", text)?;
        let AlertView { alert, .. } = self.alert_show(permit, id).await?;
        let mut tx = self.store().write(self.now()).await?;
        tx.alert_comment(id, caller.user.name.as_str(), text).await?;
        let event = Event::done(tx.now(), caller.actor(), "alert.comment", id.as_str(), alert.scope);
        self.commit(tx, &[event]).await?;
        self.alert_show(permit, id).await
    }

    /// Closes it, with what it was.
    ///
    /// # Errors
    /// `NotFound`, `Invalid`; `Conflict` when it is closed already.
    pub async fn alert_close(
        &self,
        caller: &Caller,
        permit: &Permit<Manage>,
        id: &AlertId,
        closing: &AlertClosing,
    ) -> Result<AlertView, Error> {
        if !["true", "false", "expected"].contains(&closing.verdict.as_str()) {
            return Err(Error::invalid("verdict", "say true, false or expected"));
        }
        let comment = said("comment", &closing.comment)?;
        let AlertView { mut alert, .. } = self.alert_open(permit, id).await?;
        let mut tx = self.store().write(self.now()).await?;
        alert.state = "closed".to_owned();
        alert.closed_at = Some(tx.now());
        alert.closed_by = Some(caller.user.name.to_string());
        alert.verdict = Some(closing.verdict.clone());
        alert.comment = Some(comment.to_owned());
        tx.alert_put(&alert).await?;
        let event = Event::done(tx.now(), caller.actor(), "alert.close", id.as_str(), alert.scope.clone())
            .with("rule", alert.rule.as_str())
            .with("verdict", closing.verdict.as_str())
            .with("comment", comment);
        self.commit(tx, &[event]).await?;
        self.alert_show(permit, id).await
    }

    async fn alert_open(&self, permit: &Permit<Manage>, id: &AlertId) -> Result<AlertView, Error> {
        let view = self.alert_show(permit, id).await?;
        if view.alert.state == "closed" {
            return Err(Error::Conflict(format!("alert {id} is closed already")));
        }
        Ok(view)
    }

    /// The rules, shipped and own.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn rule_list(&self, _: &Permit<Manage>) -> Result<Vec<RuleView>, Error> {
        let mut rows = self.store().read().await?;
        let stored = rows.detection_rules().await?;
        let mut views = Vec::new();
        for (rule, enabled) in all_rules(&stored)? {
            let figures = rows.rule_figures(&rule.id).await?;
            let own = stored.iter().find(|one| one.id == rule.id);
            views.push(view(&rule, enabled, own, figures)?);
        }
        Ok(views)
    }

    /// What a rule would have said over the past `since`: of events and of recordings.
    ///
    /// # Errors
    /// `NotFound`; `Sealed` where recordings cannot be opened.
    pub async fn rule_test(&self, permit: &Permit<Manage>, id: &str, since: Duration) -> Result<BackTested, Error> {
        over_everything(permit)?;
        let stored = self.store().read().await?.detection_rules().await?;
        let rule = all_rules(&stored)?.into_iter().find(|(rule, _)| rule.id == id).map(|(rule, _)| rule);
        let rule = rule.ok_or_else(|| Error::not_found("detection rule", id))?;
        let mut detector = Detector::new(vec![rule]).map_err(|error| Error::invalid("rule", error.to_string()))?;
        let mut tested = BackTested::default();
        let from = self.now().before(since);
        let size = self.store().read().await?.ledger_tree().await?.size();
        let mut next = size.saturating_sub(EVENTS_MAX);
        let mut sessions = Vec::new();
        while next < size {
            let leaves = self.store().read().await?.leaves_from(next, LOOKED_MAX).await?;
            let Some(last) = leaves.last().map(|leaf| leaf.index) else { break };
            for event in leaves.iter().map(|leaf| event_in(&leaf.body)) {
                if event.action.starts_with("alert.") {
                    continue;
                }
                let seen = Observation::of_event(&event);
                let found = detector.observe(&seen);
                if event.at < from {
                    continue;
                }
                tested.events += 1;
                found.into_iter().for_each(|found| tested.add(&seen, None, found));
                if event.action == "session.end"
                    && let Ok(id) = event.target.parse::<SessionId>()
                {
                    sessions.push(id);
                }
            }
            next = last + 1;
        }
        for id in sessions.into_iter().rev().take(RECORDINGS_MAX) {
            self.test_recording(&mut detector, &id, &mut tested).await?;
        }
        Ok(tested)
    }

    async fn test_recording(
        &self,
        detector: &mut Detector,
        id: &SessionId,
        tested: &mut BackTested,
    ) -> Result<(), Error> {
        let Some(session) = self.store().read().await?.session(id).await? else { return Ok(()) };
        let deeds = match self.recording_deeds(&session).await {
            Ok(deeds) => deeds,
            Err(Error::Sealed) => return Err(Error::Sealed),
            Err(_) => {
                tested.unreadable += 1;
                return Ok(());
            }
        };
        tested.recordings += 1;
        let (user, account) = (session.user.to_string(), session.account.to_string());
        let source = session.source.to_string();
        for deed in &deeds {
            let at = session.started_at.as_millis().saturating_add(i64::try_from(deed.at).unwrap_or(0));
            let seen = Observation {
                at,
                user: &user,
                source: &source,
                account: &account,
                session: id.as_str(),
                seen: Seen::Deed(deed),
            };
            detector.observe(&seen).into_iter().for_each(|found| tested.add(&seen, Some(deed.at), found));
        }
        Ok(())
    }
}

impl BackTested {
    fn add(&mut self, seen: &Observation<'_>, deed_at: Option<u64>, found: postern_detect::Found) {
        self.found += 1;
        if self.findings.len() < TOLD_MAX {
            self.findings.push(BackTestFinding {
                user: seen.user.to_owned(),
                account: seen.account.to_owned(),
                session: seen.session.parse().ok(),
                deed_at,
                evidence: found.evidence,
                why: found.why,
            });
        }
    }
}

fn view(rule: &Rule, enabled: bool, own: Option<&StoredRule>, figures: RuleFigures) -> Result<RuleView, Error> {
    let closed = figures.true_alerts + figures.false_alerts + figures.expected;
    Ok(RuleView {
        id: rule.id.clone(),
        title: rule.title.clone(),
        severity: severity(rule.severity).to_owned(),
        attack: rule.attack.clone(),
        response: response(rule.respond).to_owned(),
        enabled,
        own: own.is_some_and(|own| own.body.is_some()),
        waiting: own.and_then(|own| own.waiting.clone()),
        figures,
        false_percent: (figures.false_alerts * 100).checked_div(closed),
        false_budget_percent: FALSE_BUDGET_PERCENT,
        basis: rule.basis(),
        rule: serde_json::to_value(rule).map_err(|error| Error::Unavailable(error.to_string()))?,
    })
}

fn said<'a>(field: &'static str, text: &'a str) -> Result<&'a str, Error> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > COMMENT_LEN_MAX {
        return Err(Error::invalid(field, format!("say something in 1 to {COMMENT_LEN_MAX} characters")));
    }
    Ok(text)
}

/// The deeds of frames that were recorded.
pub(crate) fn deeds_of(
    frames: impl Iterator<Item = postern_wire::recording::Frame<'static>>,
) -> Vec<postern_understand::Deed> {
    let (mut understanding, mut deeds) = (Understanding::new(), Vec::new());
    for frame in frames {
        understanding.frame(&frame, &mut |deed| deeds.push(deed));
    }
    understanding.finish(&mut |deed| deeds.push(deed));
    deeds
}
