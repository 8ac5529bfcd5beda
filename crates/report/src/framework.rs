//! Frameworks: their controls, and what Postern can show for each. The titles are in our words; the framework's
//! own text is what counts.

use postern_domain::report::ReportKind;

use crate::check::Check;

mod hipaa;
mod iso_27001;
mod nist_800_53;
mod pci_dss;
mod soc_2;
mod sox;

/// A control of a framework.
pub(crate) struct Control {
    /// Its number there.
    pub(crate) id: &'static str,
    /// What it wants, in our words.
    pub(crate) title: &'static str,
    /// What is looked at for it; nothing where Postern has no evidence.
    pub(crate) checks: &'static [Check],
    /// What Postern does not show, and who has to.
    pub(crate) not_covered: Option<&'static str>,
}

/// A control that the checks speak for whole.
pub(crate) const fn shown(id: &'static str, title: &'static str, checks: &'static [Check]) -> Control {
    Control { id, title, checks, not_covered: None }
}

/// A control of which a part is left to others.
pub(crate) const fn partly(
    id: &'static str,
    title: &'static str,
    checks: &'static [Check],
    rest: &'static str,
) -> Control {
    Control { id, title, checks, not_covered: Some(rest) }
}

/// A control that Postern has no evidence for.
pub(crate) const fn not_covered(id: &'static str, title: &'static str, why: &'static str) -> Control {
    Control { id, title, checks: &[], not_covered: Some(why) }
}

/// The controls of a framework; none for a report that is of no framework.
pub(crate) const fn controls(kind: ReportKind) -> &'static [Control] {
    match kind {
        ReportKind::PciDss => pci_dss::CONTROLS,
        ReportKind::Sox => sox::CONTROLS,
        ReportKind::Hipaa => hipaa::CONTROLS,
        ReportKind::Iso27001 => iso_27001::CONTROLS,
        ReportKind::Nist80053 => nist_800_53::CONTROLS,
        ReportKind::Soc2 => soc_2::CONTROLS,
        _ => &[],
    }
}

/// The checks that a report of no framework begins with.
pub(crate) const fn checks(kind: ReportKind) -> &'static [Check] {
    use Check as C;
    match kind {
        ReportKind::Access => &[C::GrantsApproved, C::GrantsJustified, C::NoStandingPrivilege],
        ReportKind::Use => &[C::UsesAttributed, C::SessionsRecorded, C::CheckoutsRotated],
        ReportKind::Inventory => &[
            C::AccountsManaged,
            C::AccountsOwned,
            C::SecretsVaulted,
            C::AccountsInUse,
            C::NoDefaultPasswords,
            C::NoSeriousFindings,
            C::HostsKnown,
            C::DiscoveryRecent,
            C::ExceptionsCurrent,
        ],
        ReportKind::Rotation => &[C::SecretsRotated, C::RotationsSucceeded, C::SecretsVerified, C::CheckoutsRotated],
        ReportKind::Reviews => &[C::AccessReviewed, C::ReviewsCarriedOut],
        ReportKind::BreakGlass => &[C::BreakGlassReviewed],
        ReportKind::Duties => &[C::DutiesKept],
        ReportKind::Leavers => &[C::LeaversCutOff, C::LeaversHandedOver, C::PeopleActive],
        _ => &[],
    }
}
