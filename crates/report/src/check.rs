//! What can be told from the rows: each check looks at one population and names who stands out of it.

use std::time::Duration;

use postern_domain::Timestamp;
use postern_domain::account::AccountState;
use postern_domain::report::{AccountRow, PersonRow, ReportFacts};
use serde::Serialize;

use crate::table::TableId;

/// After how long without use an account or a person is dormant.
const DORMANT: Duration = Duration::from_secs(90 * 86_400);
/// Within what time access must have been reviewed: six months.
const REVIEWED: Duration = Duration::from_secs(184 * 86_400);
/// For how long recordings must be kept: a year.
const KEPT: Duration = Duration::from_secs(365 * 86_400);
/// Within what time somebody must have closed a serious alert: a day.
const LOOKED_AT: Duration = Duration::from_secs(86_400);
/// How far a channel may lie behind, in events.
const BEHIND_MAX: u64 = 10_000;

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// Every privileged account that is known is governed.
    AccountsManaged,
    /// Every account that is governed has somebody who answers for it.
    AccountsOwned,
    /// What opens each governed account is in the vault.
    SecretsVaulted,
    /// Each secret has a greatest age, and is not older.
    SecretsRotated,
    /// No account is opened by a password that everybody knows, or by none.
    NoDefaultPasswords,
    /// The secret in the vault opens the account.
    SecretsVerified,
    /// Every account that is governed was used in the last 90 days.
    AccountsInUse,
    /// Nothing high or critical is left open.
    NoSeriousFindings,
    /// Assets were looked into in the last 30 days.
    DiscoveryRecent,
    /// Hosts that answer are known as assets.
    HostsKnown,
    /// Everybody who may sign in has a second factor.
    SecondFactor,
    /// Their second factor is a passkey, which cannot be phished.
    Passkeys,
    /// Everybody who may sign in was seen in the last 90 days.
    PeopleActive,
    /// Vendors have a sponsor, and their access has not ended.
    VendorsBounded,
    /// People who were disabled hold nothing that works.
    LeaversCutOff,
    /// Nobody who was disabled answers for an account or knows a secret that works.
    LeaversHandedOver,
    /// Every grant was approved by somebody.
    GrantsApproved,
    /// Every grant names why, or a ticket.
    GrantsJustified,
    /// Access to accounts ends by itself: nothing is given at any time.
    NoStandingPrivilege,
    /// Access was reviewed in the last six months, and no right stays that nobody answered for.
    AccessReviewed,
    /// What reviews decided was carried out.
    ReviewsCarriedOut,
    /// Every session that is over has a recording with a digest.
    SessionsRecorded,
    /// Recordings are there, or were taken away a year after their session or later.
    RecordingsKept,
    /// Alerts that are high or critical were closed by somebody within a day, or are younger.
    AlertsLookedAt,
    /// Every use is somebody's, by name.
    UsesAttributed,
    /// Secrets that were shown to somebody were changed afterwards.
    CheckoutsRotated,
    /// Changes of secrets came to an end.
    RotationsSucceeded,
    /// Nobody holds together what is kept apart.
    DutiesKept,
    /// Uses of break-glass were reviewed in time and found justified.
    BreakGlassReviewed,
    /// The log of the period is whole and part of the signed log.
    LogIntact,
    /// Events are told to somewhere else.
    LogExported,
    /// Changes of rights and policies are in the log with who made them.
    ChangesLogged,
    /// What is accepted as an exception has an owner and an end that lies ahead.
    ExceptionsCurrent,
}

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The check.
    pub check: Check,
    /// What was looked for, in a sentence.
    pub says: &'static str,
    /// How many were looked at.
    pub total: u64,
    /// How many are as they should be.
    pub good: u64,
    /// What stands out, by name.
    pub exceptions: Vec<String>,
    /// The rows that this was told from.
    pub evidence: TableId,
}

impl Finding {
    /// Whether there was anything to look at.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.total == 0
    }
}

impl Check {
    /// What is looked for.
    #[must_use]
    pub const fn says(self) -> &'static str {
        match self {
            Self::AccountsManaged => "Privileged accounts that were found are governed",
            Self::AccountsOwned => "Governed accounts have an active owner",
            Self::SecretsVaulted => "What opens governed accounts is in the vault",
            Self::SecretsRotated => "Secrets have a greatest age and are not older",
            Self::NoDefaultPasswords => "No known account is opened by a default or empty password",
            Self::SecretsVerified => "Secrets in the vault open their accounts when last tried",
            Self::AccountsInUse => "Governed accounts were used in the last 90 days",
            Self::NoSeriousFindings => "Known accounts have no open finding that is high or critical",
            Self::DiscoveryRecent => "Assets were looked into in the last 30 days",
            Self::HostsKnown => "Hosts that answer are known as assets",
            Self::SecondFactor => "People who may sign in have a second factor",
            Self::Passkeys => "People who may sign in have a passkey, which cannot be phished",
            Self::PeopleActive => "People who may sign in were seen in the last 90 days",
            Self::VendorsBounded => "Vendors who may sign in have a sponsor and an end that lies ahead",
            Self::LeaversCutOff => "Disabled people hold no session, grant, login or token",
            Self::LeaversHandedOver => "Disabled people answer for no account and know no current secret",
            Self::GrantsApproved => "Grants were approved by another person",
            Self::GrantsJustified => "Grants name a reason or a ticket",
            Self::NoStandingPrivilege => "Access to accounts is for a task and ends by itself",
            Self::AccessReviewed => {
                "Access was reviewed in the last six months, and no right stays that nobody answered for"
            }
            Self::ReviewsCarriedOut => "What reviews decided was carried out",
            Self::SessionsRecorded => "Sessions that are over have a recording whose digest is in the log",
            Self::RecordingsKept => "Recordings are kept, or were for a year at least",
            Self::AlertsLookedAt => {
                "Alerts that are high or critical were closed by somebody within a day, or are younger"
            }
            Self::UsesAttributed => "Each use of an account is attributed to one person",
            Self::CheckoutsRotated => "Secrets that were shown were changed afterwards",
            Self::RotationsSucceeded => "Changes of secrets that ended were successful",
            Self::DutiesKept => "Nobody holds together what is kept apart",
            Self::BreakGlassReviewed => "Uses of break-glass were reviewed in time and found justified",
            Self::LogIntact => "The log of the period is a proven part of the signed log",
            Self::LogExported => "Channels deliver events to other systems",
            Self::ChangesLogged => "Changes of rights, policies and accounts are in the log with who made them",
            Self::ExceptionsCurrent => "Accepted findings have an owner and an end that lies ahead",
        }
    }

    /// The rows that it looks at.
    #[must_use]
    pub const fn evidence(self) -> TableId {
        match self {
            Self::AccountsManaged
            | Self::AccountsOwned
            | Self::SecretsVaulted
            | Self::SecretsRotated
            | Self::NoDefaultPasswords
            | Self::SecretsVerified
            | Self::AccountsInUse
            | Self::NoSeriousFindings => TableId::Accounts,
            Self::DiscoveryRecent | Self::HostsKnown => TableId::Accounts,
            Self::SecondFactor
            | Self::Passkeys
            | Self::PeopleActive
            | Self::VendorsBounded
            | Self::LeaversCutOff
            | Self::LeaversHandedOver => TableId::People,
            Self::GrantsApproved | Self::GrantsJustified | Self::NoStandingPrivilege => TableId::Access,
            Self::AccessReviewed | Self::ReviewsCarriedOut => TableId::Reviews,
            Self::SessionsRecorded | Self::RecordingsKept | Self::UsesAttributed | Self::CheckoutsRotated => {
                TableId::Uses
            }
            Self::AlertsLookedAt => TableId::Alerts,
            Self::RotationsSucceeded => TableId::Rotations,
            Self::DutiesKept => TableId::Duties,
            Self::BreakGlassReviewed => TableId::BreakGlass,
            Self::LogIntact | Self::ChangesLogged => TableId::Changes,
            Self::LogExported => TableId::Channels,
            Self::ExceptionsCurrent => TableId::Exceptions,
        }
    }

    /// Looks at the rows, as of `now`.
    #[must_use]
    pub fn look(self, facts: &ReportFacts, now: Timestamp) -> Finding {
        let mut seen = Seen::default();
        match self.evidence() {
            TableId::Accounts => self.look_at_accounts(facts, now, &mut seen),
            TableId::People => self.look_at_people(facts, now, &mut seen),
            TableId::Access => self.look_at_access(facts, &mut seen),
            TableId::Uses => self.look_at_uses(facts, &mut seen),
            TableId::Alerts => look_at_alerts(facts, now, &mut seen),
            _ => self.look_at_rest(facts, now, &mut seen),
        }
        let Seen { total, good, exceptions } = seen;
        Finding { check: self, says: self.says(), total, good, exceptions, evidence: self.evidence() }
    }

    fn look_at_accounts(self, facts: &ReportFacts, now: Timestamp, seen: &mut Seen) {
        let hosts = facts.hosts;
        match self {
            Self::HostsKnown => return seen.counted(hosts.found, hosts.known, "hosts that answer and no asset names"),
            Self::DiscoveryRecent => {
                return seen.counted(hosts.assets, hosts.discovered, "assets not looked into for 30 days");
            }
            _ => {}
        }
        for row in &facts.accounts {
            let governed = row.state == AccountState::Managed;
            let everybody_knows = |row: &AccountRow| {
                row.findings.as_deref().is_some_and(|kinds| {
                    kinds.split(", ").any(|kind| matches!(kind, "default_password" | "empty_password"))
                })
            };
            let good = match self {
                Self::AccountsManaged => governed || row.state == AccountState::Disabled,
                Self::NoDefaultPasswords => !everybody_knows(row),
                Self::NoSeriousFindings => !row.serious,
                _ if !governed => continue,
                Self::AccountsOwned => row.owner.is_some() && row.owner_active,
                Self::SecretsVaulted => row.vaulted,
                // A certificate is made for each session and never grows old.
                Self::SecretsRotated if row.credential.is_some_and(is_certificate) => continue,
                Self::SecretsRotated => row.rotate_seconds.is_some() && !row.overdue,
                Self::SecretsVerified => match row.heartbeat.as_deref() {
                    None => continue,
                    Some(result) => result == "accepted",
                },
                Self::AccountsInUse => row.last_used_at.is_some_and(|at| now.since(at) <= DORMANT),
                _ => continue,
            };
            seen.one(good, || format!("{}@{}", row.account, row.asset));
        }
    }

    fn look_at_people(self, facts: &ReportFacts, now: Timestamp, seen: &mut Seen) {
        for row in &facts.people {
            let active = row.state == "active";
            let person = active && row.kind == "person";
            let left = row.state == "disabled";
            let fresh = |row: &PersonRow| now.since(row.last_seen_at.unwrap_or(row.created_at)) <= DORMANT;
            let good = match self {
                Self::SecondFactor if person => row.second_factor,
                Self::Passkeys if person => row.passkey,
                Self::PeopleActive if active => fresh(row),
                Self::VendorsBounded if active && row.vendor.is_some() => {
                    row.sponsor.is_some() && row.ends_at.is_some_and(|end| end > now)
                }
                Self::LeaversCutOff if left => row.grants + row.sessions + row.credentials == 0,
                Self::LeaversHandedOver if left => row.accounts + row.secrets_known == 0,
                _ => continue,
            };
            seen.one(good, || row.user.clone());
        }
    }

    fn look_at_access(self, facts: &ReportFacts, seen: &mut Seen) {
        for row in &facts.access {
            let good = match self {
                Self::NoStandingPrivilege if row.kind != "role" => row.kind == "grant",
                Self::GrantsApproved if row.kind == "grant" => row.approved_by.is_some(),
                Self::GrantsJustified if row.kind == "grant" => {
                    row.ticket.is_some() || row.reason.as_deref().is_some_and(|why| !why.trim().is_empty())
                }
                _ => continue,
            };
            seen.one(good, || format!("{}: {} ({})", row.holder, row.right, row.through));
        }
    }

    fn look_at_uses(self, facts: &ReportFacts, seen: &mut Seen) {
        for row in &facts.uses {
            let session = row.kind == "session";
            let good = match self {
                Self::UsesAttributed => !row.user.is_empty(),
                Self::SessionsRecorded if session && row.until.is_some() => row.recording.is_some(),
                Self::RecordingsKept if row.recording.is_some() => {
                    let kept = row.pruned_at.zip(row.until).map(|(gone, ended)| gone.since(ended));
                    kept.is_none_or(|kept| kept >= KEPT)
                }
                Self::CheckoutsRotated if !session && row.until.is_some() => row.rotated,
                _ => continue,
            };
            seen.one(good, || format!("{} {}: {}@{}", row.id, row.user, row.account, row.asset));
        }
    }

    fn look_at_rest(self, facts: &ReportFacts, now: Timestamp, seen: &mut Seen) {
        match self {
            Self::AccessReviewed => {
                // Reviews of the last six months that are over; where there is none, that is the exception.
                let recent = |at: Timestamp| now.since(at) <= REVIEWED;
                let over: Vec<_> = facts.reviews.iter().filter(|row| row.until.is_some_and(recent)).collect();
                if over.is_empty() && !facts.access.is_empty() {
                    seen.one(false, || "no review of access has ended in the last six months".to_owned());
                }
                for row in over {
                    let stay = row.items.saturating_sub(row.kept + row.reduced + row.revoked);
                    seen.one(stay == 0, || format!("{}: {stay} rights stay that nobody answered for", row.name));
                }
            }
            Self::ReviewsCarriedOut => {
                for row in facts.reviews.iter().filter(|row| row.until.is_some()) {
                    seen.one(row.failed == 0, || format!("{}: {} decisions failed", row.name, row.failed));
                }
            }
            Self::RotationsSucceeded => {
                for row in facts.rotations.iter().filter(|row| row.until.is_some()) {
                    let failed = matches!(row.state.as_str(), "broken" | "refused");
                    seen.one(!failed, || format!("{}@{}: {}", row.account, row.asset, row.state));
                }
            }
            Self::DutiesKept => {
                for row in &facts.duties {
                    let held = |part: &Option<String>| part.clone().unwrap_or_default();
                    seen.one(row.user.is_none(), || {
                        format!("{}: {} holds {} and {}", row.name, held(&row.user), held(&row.one), held(&row.other))
                    });
                }
            }
            Self::BreakGlassReviewed => {
                for row in &facts.break_glass {
                    let waits = row.reviewed_at.is_none() && now <= row.review_until;
                    let in_time = row.reviewed_at.is_some_and(|at| at <= row.review_until);
                    let good = waits || (in_time && row.justified == Some(true));
                    seen.one(good, || format!("{} {}: {}", row.id, row.user, row.target));
                }
            }
            Self::LogIntact if facts.ledger.events > 0 => {
                let good = if facts.ledger.proven { facts.ledger.events } else { 0 };
                seen.counted(facts.ledger.events, good, "events for which no proof could be made");
            }
            Self::LogExported => {
                if facts.channels.is_empty() {
                    seen.one(false, || "no channel is set up: the log is kept by Postern alone".to_owned());
                }
                for row in &facts.channels {
                    let good = row.failure.is_none() && row.behind <= BEHIND_MAX;
                    seen.one(good, || format!("{}: {} events behind", row.name, row.behind));
                }
            }
            Self::ChangesLogged => {
                for row in &facts.changes {
                    seen.one(!row.actor.is_empty(), || format!("{} {}", row.leaf, row.action));
                }
            }
            Self::ExceptionsCurrent => {
                for row in &facts.exceptions {
                    let good = row.owner.is_some() && row.until.is_some_and(|until| until > now);
                    seen.one(good, || format!("{}: {}", row.target, row.kind));
                }
            }
            _ => {}
        }
    }
}

/// Those that are serious: they are closed within a day, or younger.
fn look_at_alerts(facts: &ReportFacts, now: Timestamp, seen: &mut Seen) {
    for row in facts.alerts.iter().filter(|row| matches!(row.severity.as_str(), "high" | "critical")) {
        let good = row.closed_at.unwrap_or(now).since(row.at) <= LOOKED_AT;
        seen.one(good, || format!("{} {}: {}", row.id, row.rule, row.state));
    }
}

fn is_certificate(kind: postern_domain::account::CredentialKind) -> bool {
    kind == postern_domain::account::CredentialKind::SshCertificate
}

/// What has been counted so far.
#[derive(Default)]
struct Seen {
    total: u64,
    good: u64,
    exceptions: Vec<String>,
}

impl Seen {
    fn one(&mut self, good: bool, named: impl FnOnce() -> String) {
        self.total += 1;
        if good {
            self.good += 1;
        } else {
            self.exceptions.push(named());
        }
    }

    fn counted(&mut self, total: u64, good: u64, named: &str) {
        self.total = total;
        self.good = good.min(total);
        if total > self.good {
            self.exceptions.push(format!("{} {named}", total - self.good));
        }
    }
}
