//! How an event is written down for those who collect events from everywhere: as the ledger holds it, in
//! CEF, in LEEF, or as OCSF has it.

mod cef;
mod leef;
mod ocsf;

use postern_domain::event::{Actor, Event, Outcome};
use serde::Deserialize;

use crate::{Numbered, Parcel, urgent};

/// Who made what writes events, in the formats that ask for it.
const PRODUCT: &str = "Postern";
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A format of events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// JSON, as the ledger holds it.
    #[default]
    Json,
    /// ArcSight's Common Event Format, version 0.
    Cef,
    /// QRadar's Log Event Extended Format, version 2.0.
    Leef,
    /// The Open Cybersecurity Schema Framework, version 1.8, as JSON.
    Ocsf,
}

impl Format {
    /// One event, on one line.
    pub(crate) fn event(self, server: &str, numbered: &Numbered) -> String {
        match self {
            Self::Json => serde_json::to_string(&numbered.event).unwrap_or_default(),
            Self::Cef => cef::event(numbered),
            Self::Leef => leef::event(numbered),
            Self::Ocsf => ocsf::event(server, numbered).to_string(),
        }
    }

    /// That all is well, on one line; none where the format has nothing to say it with.
    pub(crate) fn heartbeat(self, parcel: &Parcel) -> Option<String> {
        match self {
            Self::Json => None,
            Self::Cef => Some(cef::heartbeat(parcel)),
            Self::Leef => Some(leef::heartbeat(parcel)),
            Self::Ocsf => Some(ocsf::heartbeat(parcel).to_string()),
        }
    }
}

/// How much somebody should care, from least to most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Severity {
    /// It was done, as it should be.
    Information,
    /// It did not come out, or was refused.
    Warning,
    /// Somebody should look at it now.
    Alert,
}

impl Severity {
    pub(crate) fn of(event: &Event) -> Self {
        match event.outcome {
            _ if urgent(event) => Self::Alert,
            Outcome::Failed | Outcome::Refused | Outcome::Unknown => Self::Warning,
            Outcome::Done | Outcome::Intent => Self::Information,
        }
    }

    /// From 0 to 10, as CEF and LEEF have it.
    const fn of_ten(self) -> u8 {
        match self {
            Self::Information => 2,
            Self::Warning => 5,
            Self::Alert => 9,
        }
    }
}

/// Who did it, and from where: names for formats that have a field for each.
fn who(event: &Event) -> (Option<&str>, Option<&str>) {
    match &event.actor {
        Actor::User { name, source } => (Some(name), source.as_deref()),
        Actor::Unknown { source } => (None, Some(source)),
        Actor::System => (Some("postern"), None),
        Actor::Console => (Some("console"), None),
    }
}

const fn outcome(event: &Event) -> &'static str {
    match event.outcome {
        Outcome::Intent => "intent",
        Outcome::Done => "done",
        Outcome::Failed => "failed",
        Outcome::Refused => "refused",
        Outcome::Unknown => "unknown",
    }
}

/// The details as JSON.
fn details(event: &Event) -> String {
    serde_json::to_string(&event.details).unwrap_or_default()
}
