//! Detection: rules over what is done in sessions and what the ledger says.
//!
//! A rule is text that people can review: what it is called, how bad that is, which technique of ATT&CK it
//! is about, what it matches, what is done then, and cases that it must match and must not.
//! [`Detector::observe`] takes observations in their order and gives what was found. What is counted, and
//! what is usual for somebody, is kept within bounds.
//!
//! Nothing here does I/O or reads a clock.

mod baseline;
mod case;
mod detector;
mod explain;
mod keeps;
mod matcher;
mod observation;
mod rule;
mod shipped;
mod sieve;
mod sums;
mod window;

pub use baseline::Baselines;
pub use case::{Case, CaseFault};
pub use detector::{Detector, Found};
pub use observation::{Observation, Seen};
pub use rule::{Invalid, Match, On, Respond, Rule, Severity, Unusual, Within, parse};
pub use shipped::shipped;
