//! IT general controls as auditors of financial reporting test them, by the usual domains.

use super::{Control, not_covered, partly, shown};
use crate::check::Check as C;

#[rustfmt::skip]
pub(super) const CONTROLS: &[Control] = &[
    shown("APD-1", "Access is requested, justified and approved before it is given", &[C::GrantsApproved, C::GrantsJustified]),
    partly("APD-2", "Access of people who leave or move is taken away in time", &[C::LeaversCutOff, C::LeaversHandedOver],
        "When somebody left or moved is known to your personnel records: compare with the table of people."),
    shown("APD-3", "Access is reviewed by those who answer for it, and the outcome carried out",
        &[C::AccessReviewed, C::ReviewsCarriedOut]),
    shown("APD-4", "Privileged access is limited to those who need it, for as long as they do",
        &[C::NoStandingPrivilege, C::AccountsManaged, C::AccountsOwned]),
    shown("APD-5", "Duties that must not meet are kept apart", &[C::DutiesKept]),
    shown("APD-6", "Authentication is strong", &[C::SecondFactor]),
    shown("APD-7", "Shared and system accounts are under control, and their passwords are changed",
        &[C::SecretsVaulted, C::SecretsRotated, C::CheckoutsRotated]),
    shown("APD-8", "Privileged activity is logged, attributed and kept", &[C::UsesAttributed, C::SessionsRecorded]),
    shown("APD-9", "Emergency access is controlled and reviewed", &[C::BreakGlassReviewed]),
    shown("APD-10", "Dormant access is taken away", &[C::PeopleActive, C::AccountsInUse]),
    partly("CHG-1", "Changes in production go with a ticket and an approval", &[C::GrantsApproved, C::GrantsJustified],
        "What was changed is in the recordings; the change itself is for your change management to show."),
    partly("CHG-2", "Changes of access rules are made by authorised people and logged", &[C::ChangesLogged],
        "Rules of systems themselves are not seen."),
    not_covered("CHG-3", "Development and production are kept apart", "Show your environments; duties can be kept apart in Postern."),
    shown("IPE-1", "The population is complete and accurate", &[C::DiscoveryRecent, C::HostsKnown, C::LogIntact]),
    shown("OPS-1", "Logs cannot be changed without being noticed", &[C::LogIntact, C::LogExported]),
    not_covered("OPS-2", "Backups are made and restoring is tried",
        "`postern backup` makes them; that you have restored one is yours to show."),
    not_covered("OPS-3", "Jobs and interfaces run and failures are followed up", "Not about privileged access."),
    not_covered("SDLC", "Programs are developed and bought under control", "Not about privileged access."),
];
