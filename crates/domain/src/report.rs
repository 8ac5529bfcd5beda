//! Reports: what is asked for, what is kept of each, and the rows that they are made from.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::{ReportId, ReportScheduleId};
use crate::name::UserName;
use crate::scope::ScopePath;
use crate::time::Timestamp;

mod rows;

pub use rows::*;

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = $text:literal, $title:literal, $framework:literal;)*) => {
        /// What a report is about: a framework's controls, or one subject.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum ReportKind {
            $($(#[$doc])* #[serde(rename = $text)] $variant,)*
        }

        impl ReportKind {
            /// Every kind, frameworks first.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Its name in the API and on the command line.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// Its title.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }

            /// Whether it goes through the controls of a framework.
            #[must_use]
            pub const fn is_framework(self) -> bool {
                match self { $(Self::$variant => $framework,)* }
            }
        }
    };
}

kinds! {
    /// Payment Card Industry Data Security Standard.
    PciDss = "pci-dss", "PCI DSS 4.0.1", true;
    /// IT general controls under the Sarbanes-Oxley Act.
    Sox = "sox", "SOX IT general controls", true;
    /// The security rule of HIPAA, 45 CFR part 164.
    Hipaa = "hipaa", "HIPAA security rule", true;
    /// ISO/IEC 27001, annex A.
    Iso27001 = "iso-27001", "ISO/IEC 27001:2022, annex A", true;
    /// NIST SP 800-53.
    Nist80053 = "nist-800-53", "NIST SP 800-53 revision 5", true;
    /// Trust services criteria of the AICPA.
    Soc2 = "soc-2", "SOC 2, trust services criteria", true;
    /// Who may reach what, and who said so.
    Access = "access", "Access", false;
    /// Who has used what.
    Use = "use", "Use of privileged accounts", false;
    /// Every privileged account that is known.
    Inventory = "inventory", "Inventory of privileged accounts", false;
    /// How secrets are changed.
    Rotation = "rotation", "Rotation of secrets", false;
    /// Reviews of access.
    Reviews = "reviews", "Access reviews", false;
    /// Uses of break-glass.
    BreakGlass = "break-glass", "Break-glass", false;
    /// Who holds together what is kept apart.
    Duties = "duties", "Separation of duties", false;
    /// What became of people who left.
    Leavers = "leavers", "Terminated users", false;
}

impl std::fmt::Display for ReportKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How a report can be had.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReportFormat {
    /// To be read and printed.
    #[default]
    Pdf,
    /// Every row, for spreadsheets.
    Csv,
    /// Everything, for programs.
    Json,
    /// The signed note over the three.
    Note,
    /// The signed note of whoever has reviewed it.
    Review,
}

impl ReportFormat {
    /// What a file of it ends with.
    #[must_use]
    pub const fn ending(self) -> &'static str {
        match self {
            Self::Pdf => "pdf",
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Note => "note",
            Self::Review => "review.note",
        }
    }
}

/// What a report says in sum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReportCounts {
    /// Controls that are met, as far as Postern sees.
    pub met: u32,
    /// Controls with exceptions.
    pub exceptions: u32,
    /// Controls for which there was nothing to look at.
    pub empty: u32,
    /// Controls that Postern has no evidence for.
    pub not_covered: u32,
    /// Privileged accounts that are known.
    pub found: u64,
    /// Those of them that Postern governs.
    pub managed: u64,
}

/// A report that was made. It does not change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// Identifier.
    pub id: ReportId,
    /// What it is about.
    pub kind: ReportKind,
    /// What lies here and below is in it.
    pub scope: ScopePath,
    /// The beginning of its period.
    pub since: Timestamp,
    /// The end of its period.
    pub until: Timestamp,
    /// When it was made.
    pub made_at: Timestamp,
    /// Who had it made.
    pub made_by: UserName,
    /// The schedule that it was made by.
    pub schedule: Option<ReportScheduleId>,
    /// What it says in sum.
    pub counts: ReportCounts,
    /// What whoever reviewed it said.
    pub review: Option<ReportReview>,
}

/// What somebody said of a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReportReview {
    /// Who.
    pub by: UserName,
    /// When.
    pub at: Timestamp,
    /// Whether it was accepted as it is.
    pub accepted: bool,
    /// In their words: what follows from it.
    pub comment: String,
}

/// How often a report is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReportEvery {
    /// Each day.
    Day,
    /// Each week.
    Week,
    /// Each month.
    Month,
    /// Every three months.
    Quarter,
    /// Each year.
    Year,
}

impl ReportEvery {
    /// The span of one period, in the calendar of UTC.
    #[must_use]
    pub fn span(self) -> jiff::Span {
        let span = jiff::Span::new();
        match self {
            Self::Day => span.days(1),
            Self::Week => span.weeks(1),
            Self::Month => span.months(1),
            Self::Quarter => span.months(3),
            Self::Year => span.years(1),
        }
    }

    /// One period after `from`, or before it.
    #[must_use]
    pub fn step(self, from: Timestamp, back: bool) -> Timestamp {
        let at = from.to_jiff().to_zoned_datetime(jiff::tz::TimeZone::UTC);
        let span = if back { self.span().negate() } else { self.span() };
        at.checked_add(span).map_or(from, |at| Timestamp::from_millis(at.timestamp().as_millisecond()))
    }
}

/// A report that is made again and again, each over the time since the last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReportSchedule {
    /// Identifier.
    pub id: ReportScheduleId,
    /// What it is about.
    pub kind: ReportKind,
    /// What lies here and below is in it.
    pub scope: ScopePath,
    /// How often.
    pub every: ReportEvery,
    /// When the next is made.
    pub next_at: Timestamp,
    /// Who wants it; it is made with what they may see then.
    pub author: UserName,
    /// Why the last one was not made.
    pub failure: Option<String>,
}
