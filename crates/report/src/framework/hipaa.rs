//! The security rule of HIPAA: 45 CFR 164.308 to 164.312.

use super::{Control, not_covered, partly, shown};
use crate::check::Check as C;

#[rustfmt::skip]
pub(super) const CONTROLS: &[Control] = &[
    not_covered("164.308(a)(1)(ii)(A)", "Risk analysis", "The findings of discovery are a part of it; the analysis is yours."),
    partly("164.308(a)(1)(ii)(D)", "Activity is reviewed regularly", &[C::SessionsRecorded, C::AlertsLookedAt, C::UsesAttributed],
        "That somebody looks at it regularly is for your procedure to show."),
    partly("164.308(a)(3)(ii)(A)", "Workforce is authorised and supervised", &[C::GrantsApproved, C::SessionsRecorded],
        "Access to applications and records past Postern is not seen."),
    partly("164.308(a)(3)(ii)(C)", "Access ends with employment", &[C::LeaversCutOff, C::LeaversHandedOver],
        "When employment ended is known to your personnel records."),
    shown("164.308(a)(4)(ii)(B)", "Access is authorised", &[C::GrantsApproved, C::GrantsJustified]),
    shown("164.308(a)(4)(ii)(C)", "Access is established, reviewed and changed",
        &[C::AccessReviewed, C::ReviewsCarriedOut, C::ChangesLogged]),
    not_covered("164.308(a)(5)(ii)(B)", "Protection from malicious software", "Not about privileged access."),
    shown("164.308(a)(5)(ii)(C)", "Log-in is monitored", &[C::UsesAttributed, C::LogExported]),
    shown("164.308(a)(5)(ii)(D)", "Passwords are created, changed and safeguarded",
        &[C::SecretsVaulted, C::SecretsRotated, C::NoDefaultPasswords]),
    partly("164.308(a)(6)(ii)", "Incidents are responded to and documented", &[C::BreakGlassReviewed],
        "Only emergency access is documented here."),
    not_covered("164.308(a)(7)", "Contingency plan", "Backups and break-glass bundles are a part of it; the plan and its test are yours."),
    not_covered("164.308(b)", "Business associate contracts", "Contracts are yours to show."),
    not_covered("164.310", "Physical safeguards", "Postern sees no premises and no devices."),
    shown("164.312(a)(2)(i)", "Everybody has an identity of their own", &[C::UsesAttributed]),
    shown("164.312(a)(2)(ii)", "There is a procedure for emergency access", &[C::BreakGlassReviewed]),
    not_covered("164.312(a)(2)(iii)", "Automatic log-off",
        "Policies set how long a session may be idle; show the policies in force."),
    partly("164.312(a)(2)(iv)", "Encryption at rest", &[C::SecretsVaulted],
        "Secrets are encrypted in the vault; health records are not in Postern."),
    shown("164.312(b)", "Audit controls record and examine activity", &[C::SessionsRecorded, C::LogIntact]),
    partly("164.312(c)(1)", "Integrity: data is not altered unnoticed", &[C::LogIntact],
        "The log and recordings only; health records are not in Postern."),
    shown("164.312(d)", "People prove who they are", &[C::SecondFactor]),
    not_covered("164.312(e)(1)", "Transmission is protected",
        "Sessions through Postern are encrypted up to the gate, by design; other ways are not seen."),
];
