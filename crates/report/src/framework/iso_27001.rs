//! ISO/IEC 27001:2022, annex A.

use super::{Control, not_covered, partly, shown};
use crate::check::Check as C;

#[rustfmt::skip]
pub(super) const CONTROLS: &[Control] = &[
    shown("A.5.3", "Segregation of duties", &[C::DutiesKept]),
    partly("A.5.9", "Inventory of information and other assets", &[C::HostsKnown, C::DiscoveryRecent, C::AccountsOwned],
        "Privileged accounts and the systems that they are on; other assets are not seen."),
    not_covered("A.5.14", "Information transfer", "Files moved through sessions are recorded; other ways are not seen."),
    shown("A.5.15", "Access control", &[C::GrantsApproved, C::NoStandingPrivilege]),
    shown("A.5.16", "Identity management", &[C::UsesAttributed, C::PeopleActive]),
    shown("A.5.17", "Authentication information", &[C::SecretsVaulted, C::SecretsRotated, C::NoDefaultPasswords]),
    shown("A.5.18", "Access rights are given, reviewed, changed and taken away",
        &[C::GrantsApproved, C::AccessReviewed, C::ReviewsCarriedOut, C::LeaversCutOff]),
    partly("A.5.19", "Information security in supplier relationships", &[C::VendorsBounded, C::SessionsRecorded],
        "Suppliers' people who are no vendors in Postern are not told apart."),
    partly("A.5.26", "Response to information security incidents", &[C::BreakGlassReviewed],
        "Emergency access only; incidents are kept elsewhere."),
    shown("A.5.28", "Collection of evidence", &[C::LogIntact, C::SessionsRecorded]),
    shown("A.5.33", "Protection of records", &[C::LogIntact, C::LogExported, C::RecordingsKept]),
    partly("A.5.36", "Compliance with policies is reviewed", &[C::ExceptionsCurrent, C::AccessReviewed],
        "Policies for access only."),
    partly("A.6.5", "Responsibilities after termination or change of employment", &[C::LeaversCutOff, C::LeaversHandedOver],
        "When employment ended is known to your personnel records."),
    not_covered("A.7", "Physical controls", "Postern sees no premises and no devices."),
    shown("A.8.2", "Privileged access rights",
        &[C::AccountsManaged, C::AccountsOwned, C::NoStandingPrivilege, C::GrantsApproved]),
    partly("A.8.3", "Information access restriction", &[C::GrantsApproved],
        "What an account may read on its own system is that system's to show."),
    shown("A.8.5", "Secure authentication", &[C::SecondFactor, C::Passkeys]),
    partly("A.8.8", "Management of technical vulnerabilities", &[C::NoSeriousFindings],
        "Weak accounts, keys and passwords only; software is not looked at."),
    not_covered("A.8.13", "Information backup", "`postern backup` makes them; that you have restored one is yours to show."),
    shown("A.8.15", "Logging", &[C::LogIntact, C::ChangesLogged, C::LogExported]),
    partly("A.8.16", "Monitoring activities", &[C::SessionsRecorded, C::AlertsLookedAt, C::LogExported],
        "Of what comes through Postern; other ways into systems are not seen."),
    not_covered("A.8.17", "Clock synchronisation", "Show the time synchronisation of the servers."),
    shown("A.8.18", "Use of privileged utility programs", &[C::SessionsRecorded, C::UsesAttributed]),
    not_covered("A.8.24", "Use of cryptography", "The vault's keys are described in its reference; a policy on them is yours."),
    not_covered("A.8.25 to A.8.34", "Secure development, testing and audit tests", "Not about privileged access."),
];
