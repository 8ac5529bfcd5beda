//! SOC 2: trust services criteria, common criteria.

use super::{Control, not_covered, partly, shown};
use crate::check::Check as C;

#[rustfmt::skip]
pub(super) const CONTROLS: &[Control] = &[
    not_covered("CC1 to CC5", "Control environment, communication, risk assessment, monitoring, control activities",
        "These are about the organisation; Postern has no evidence for them."),
    shown("CC6.1", "Logical access is protected by identities, factors and a vault",
        &[C::SecondFactor, C::SecretsVaulted, C::SecretsRotated, C::AccountsManaged]),
    partly("CC6.2", "People are registered and authorised before they get in, and removed when they leave",
        &[C::GrantsApproved, C::LeaversCutOff, C::LeaversHandedOver],
        "When somebody joined or left is known to your personnel records."),
    shown("CC6.3", "Access is given by role and least privilege, kept apart and reviewed",
        &[C::NoStandingPrivilege, C::DutiesKept, C::AccessReviewed, C::ReviewsCarriedOut]),
    not_covered("CC6.4", "Physical access", "Postern sees no premises."),
    not_covered("CC6.5", "Disposal of assets", "Postern sees no disposal."),
    partly("CC6.6", "Threats from outside are kept out", &[C::SecondFactor, C::SessionsRecorded],
        "Networks and firewalls are not seen."),
    partly("CC6.7", "Movement of information is restricted", &[C::SessionsRecorded],
        "Files moved through sessions are recorded and held to policy; other ways are not seen."),
    not_covered("CC6.8", "Unauthorised software is kept out", "Not about privileged access."),
    partly("CC7.1", "Changes and weaknesses are detected", &[C::NoSeriousFindings, C::DiscoveryRecent],
        "Of accounts, keys and passwords only."),
    partly("CC7.2", "Anomalies are monitored", &[C::SessionsRecorded, C::AlertsLookedAt, C::LogIntact, C::LogExported],
        "That alerts are looked at is for your procedure to show."),
    partly("CC7.3", "Events are evaluated", &[C::AlertsLookedAt, C::ExceptionsCurrent], "Alerts and findings; incidents are kept elsewhere."),
    partly("CC7.4", "Incidents are responded to", &[C::BreakGlassReviewed], "Emergency access only."),
    not_covered("CC7.5", "Recovery from incidents", "Backups and their trial are yours to show."),
    partly("CC8.1", "Changes are authorised, tested and approved", &[C::GrantsApproved, C::GrantsJustified, C::ChangesLogged],
        "Access for a change is tied to a request and a ticket; its test is for your change management to show."),
    not_covered("CC9", "Risk mitigation and vendors", "Not about privileged access."),
    not_covered("A1, C1, PI1, P1 to P8", "Availability, confidentiality, processing integrity, privacy",
        "Beyond the common criteria; Postern has no evidence for them."),
];
