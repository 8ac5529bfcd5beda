//! The rows of a report as tables: which columns there are, and what stands in them.

use postern_domain::Timestamp;
use postern_domain::report::{ReportFacts, ReportKind};
use serde::Serialize;
use serde_json::Value;

/// A table of evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "each is named for its rows")]
pub enum TableId {
    Accounts,
    Access,
    Uses,
    Alerts,
    Rotations,
    Reviews,
    BreakGlass,
    Duties,
    People,
    Changes,
    Exceptions,
    Channels,
}

/// A column: the field that it shows, its heading, and how wide it is on paper beside the others; 0 for one that
/// is left to the files for programs.
pub(crate) struct Column {
    pub(crate) field: &'static str,
    pub(crate) heading: &'static str,
    pub(crate) weight: u16,
}

const fn column(field: &'static str, heading: &'static str, weight: u16) -> Column {
    Column { field, heading, weight }
}

#[rustfmt::skip]
const USES: &[Column] = &[
    column("id", "Id", 0), column("kind", "Kind", 8), column("user", "Person", 9), column("asset", "Asset", 12),
    column("account", "Account", 10), column("scope", "Scope", 0), column("how", "How", 10),
    column("source", "From", 10), column("policy", "Policy", 11), column("grant", "Grant", 0),
    column("since", "Began", 12), column("until", "Ended", 12), column("end", "End", 10),
    column("recording", "Recording", 22), column("pruned_at", "Recording taken away", 0),
    column("rotated", "Changed after", 0),
];

#[rustfmt::skip]
const ALERTS: &[Column] = &[
    column("id", "Id", 0), column("at", "When", 12), column("rule", "Rule", 15), column("title", "Found", 24),
    column("severity", "Severity", 8), column("scope", "Scope", 0), column("user", "Person", 9),
    column("account", "Account", 12), column("response", "Done at once", 9), column("times", "Times", 5),
    column("state", "State", 8), column("assignee", "Looked at by", 0), column("closed_at", "Closed", 12),
    column("closed_by", "By", 9), column("verdict", "As", 8),
];

/// A table, filled.
pub(crate) struct Table {
    pub(crate) id: TableId,
    pub(crate) columns: &'static [Column],
    pub(crate) rows: Vec<Vec<String>>,
}

impl TableId {
    /// Every table, in the order in which reports have them.
    pub const ALL: [Self; 12] = [
        Self::Accounts,
        Self::Access,
        Self::Uses,
        Self::Alerts,
        Self::Rotations,
        Self::Reviews,
        Self::BreakGlass,
        Self::Duties,
        Self::People,
        Self::Changes,
        Self::Exceptions,
        Self::Channels,
    ];

    /// Its name in files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accounts => "accounts",
            Self::Access => "access",
            Self::Uses => "uses",
            Self::Alerts => "alerts",
            Self::Rotations => "rotations",
            Self::Reviews => "reviews",
            Self::BreakGlass => "break_glass",
            Self::Duties => "duties",
            Self::People => "people",
            Self::Changes => "changes",
            Self::Exceptions => "exceptions",
            Self::Channels => "channels",
        }
    }

    /// What it is called on paper.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Accounts => "Privileged accounts",
            Self::Access => "Rights to accounts and roles",
            Self::Uses => "Sessions and check-outs",
            Self::Alerts => "Alerts",
            Self::Rotations => "Changes of secrets",
            Self::Reviews => "Access reviews",
            Self::BreakGlass => "Uses of break-glass",
            Self::Duties => "Separation of duties",
            Self::People => "People",
            Self::Changes => "Changes of rights, policies and accounts",
            Self::Exceptions => "Accepted findings",
            Self::Channels => "Channels for events",
        }
    }

    /// The tables that a report has, and whether all of them lie within its period; else they are as of now.
    #[must_use]
    pub fn of(kind: ReportKind) -> Vec<Self> {
        match kind {
            ReportKind::Access => vec![Self::Access],
            ReportKind::Use => vec![Self::Uses],
            ReportKind::Inventory => vec![Self::Accounts, Self::Exceptions],
            ReportKind::Rotation => vec![Self::Rotations, Self::Accounts, Self::Uses],
            ReportKind::Reviews => vec![Self::Reviews],
            ReportKind::BreakGlass => vec![Self::BreakGlass],
            ReportKind::Duties => vec![Self::Duties],
            ReportKind::Leavers => vec![Self::People],
            _ => Self::ALL.to_vec(),
        }
    }

    /// Whether its rows are those of the period; the others tell how things were when the report was made.
    #[must_use]
    pub const fn is_of_period(self) -> bool {
        matches!(
            self,
            Self::Uses
                | Self::Alerts
                | Self::Rotations
                | Self::Reviews
                | Self::BreakGlass
                | Self::Changes
                | Self::Access
        )
    }

    #[rustfmt::skip]
    pub(crate) const fn columns(self) -> &'static [Column] {
        match self {
            Self::Accounts => const { &[
                column("asset", "Asset", 14), column("account", "Account", 12), column("scope", "Scope", 12),
                column("platform", "Platform", 9), column("state", "State", 10), column("credential", "Credential", 0),
                column("owner", "Owner", 9), column("owner_active", "Owner active", 0), column("vaulted", "Vaulted", 7),
                column("last_used_at", "Last used", 12), column("secret_set_at", "Secret set", 12),
                column("rotate_seconds", "Greatest age (s)", 0), column("overdue", "Overdue", 7),
                column("heartbeat", "Opens", 9), column("findings", "Findings", 14), column("serious", "Serious", 0),
            ] },
            Self::Access => const { &[
                column("kind", "Kind", 7), column("holder", "Holder", 12), column("right", "Right", 18),
                column("scope", "Scope", 10), column("through", "Through", 12), column("approved_by", "Approved by", 10),
                column("needs_approval", "Asks for approval", 0), column("reason", "Reason", 18),
                column("ticket", "Ticket", 9), column("since", "Since", 12), column("until", "Until", 12),
            ] },
            Self::Uses => USES,
            Self::Alerts => ALERTS,
            Self::Rotations => const { &[
                column("id", "Id", 0), column("asset", "Asset", 13), column("account", "Account", 11),
                column("scope", "Scope", 10), column("cause", "Cause", 8), column("state", "State", 9),
                column("attempts", "Tries", 5), column("note", "Note", 24), column("since", "Due", 12),
                column("until", "Ended", 12),
            ] },
            Self::Reviews => const { &[
                column("id", "Id", 0), column("name", "Review", 20), column("scope", "Scope", 10),
                column("author", "Started by", 9), column("since", "Started", 12), column("due", "Due", 0),
                column("until", "Closed", 12), column("items", "Rights", 6), column("kept", "Kept", 6),
                column("reduced", "Reduced", 7), column("revoked", "Revoked", 7),
                column("unanswered", "Unanswered", 9), column("failed", "Failed", 6),
            ] },
            Self::BreakGlass => const { &[
                column("id", "Id", 0), column("at", "When", 12), column("tier", "Tier", 8), column("user", "Person", 9),
                column("target", "Target", 14), column("scope", "Scope", 0), column("incident", "Incident", 10),
                column("reason", "Reason", 18), column("review_until", "Review by", 12),
                column("reviewed_at", "Reviewed", 12), column("reviewed_by", "By", 9), column("justified", "Justified", 8),
            ] },
            Self::Duties => const { &[
                column("name", "Separation", 16), column("scope", "Scope", 10), column("user", "Held together by", 12),
                column("one", "One", 16), column("other", "Other", 16),
            ] },
            Self::People => const { &[
                column("user", "Person", 12), column("scope", "Scope", 10), column("state", "State", 8),
                column("kind", "Kind", 0), column("vendor", "Vendor of", 9),
                column("sponsor", "Sponsor", 0), column("ends_at", "Ends", 0), column("second_factor", "Second factor", 7), column("passkey", "Passkey", 7),
                column("last_seen_at", "Last seen", 12), column("created_at", "Created", 0),
                column("disabled_at", "Disabled", 12), column("disabled_by", "Disabled by", 9),
                column("grants", "Grants", 6), column("sessions", "Sessions", 7), column("credentials", "Logins, tokens", 7),
                column("accounts", "Accounts", 7), column("secrets_known", "Secrets known", 7),
            ] },
            Self::Changes => const { &[
                column("leaf", "Leaf", 6), column("at", "When", 12), column("actor", "Who", 10),
                column("action", "What", 14), column("target", "Of what", 20), column("scope", "Scope", 10),
                column("outcome", "Outcome", 8),
            ] },
            Self::Exceptions => const { &[
                column("target", "On what", 18), column("scope", "Scope", 10), column("kind", "What", 14),
                column("severity", "Severity", 8), column("owner", "Accepted by", 10), column("until", "Until", 12),
                column("note", "Why", 24),
            ] },
            Self::Channels => const { &[
                column("name", "Channel", 14), column("behind", "Behind", 7), column("delivered_at", "Delivered", 12), column("failure", "Failure", 30),
            ] },
        }
    }

    /// Takes its rows out of `facts`.
    pub(crate) fn clear(self, facts: &mut ReportFacts) {
        match self {
            Self::Accounts => facts.accounts.clear(),
            Self::Access => facts.access.clear(),
            Self::Uses => facts.uses.clear(),
            Self::Alerts => facts.alerts.clear(),
            Self::Rotations => facts.rotations.clear(),
            Self::Reviews => facts.reviews.clear(),
            Self::BreakGlass => facts.break_glass.clear(),
            Self::Duties => facts.duties.clear(),
            Self::People => facts.people.clear(),
            Self::Changes => facts.changes.clear(),
            Self::Exceptions => facts.exceptions.clear(),
            Self::Channels => facts.channels.clear(),
        }
    }

    /// The rows of it in `facts`.
    ///
    /// # Errors
    /// When a row cannot be written as JSON.
    pub(crate) fn fill(self, facts: &ReportFacts) -> Result<Table, serde_json::Error> {
        let rows = match self {
            Self::Accounts => serde_json::to_value(&facts.accounts)?,
            Self::Access => serde_json::to_value(&facts.access)?,
            Self::Uses => serde_json::to_value(&facts.uses)?,
            Self::Alerts => serde_json::to_value(&facts.alerts)?,
            Self::Rotations => serde_json::to_value(&facts.rotations)?,
            Self::Reviews => serde_json::to_value(&facts.reviews)?,
            Self::BreakGlass => serde_json::to_value(&facts.break_glass)?,
            Self::Duties => serde_json::to_value(&facts.duties)?,
            Self::People => serde_json::to_value(&facts.people)?,
            Self::Changes => serde_json::to_value(&facts.changes)?,
            Self::Exceptions => serde_json::to_value(&facts.exceptions)?,
            Self::Channels => serde_json::to_value(&facts.channels)?,
        };
        let Value::Array(rows) = rows else { return Ok(Table { id: self, columns: self.columns(), rows: Vec::new() }) };
        let cells = |row: &Value| self.columns().iter().map(|column| shown(row.get(column.field))).collect();
        Ok(Table { id: self, columns: self.columns(), rows: rows.iter().map(cells).collect() })
    }
}

fn shown(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Bool(true)) => "yes".to_owned(),
        Some(Value::Bool(false)) => "no".to_owned(),
        Some(other) => other.to_string(),
    }
}

/// A time to the minute, for paper.
pub(crate) fn minute(at: Timestamp) -> String {
    let text = at.to_string();
    match (text.get(..10), text.get(11..16)) {
        (Some(day), Some(time)) => format!("{day} {time}"),
        _ => text,
    }
}
