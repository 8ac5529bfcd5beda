//! Why something was refused, in words that say what to do next.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::name::{AccountRef, DutiesName, PolicyName, UserName};
use crate::risk::RiskLevel;
use crate::time::Timestamp;

/// Why not. Each says what to do next where there is something to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, thiserror::Error)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Reason {
    /// The user is disabled or has not enrolled.
    #[error("the user is not active")]
    UserInactive,
    /// The time for which a vendor was let in is over.
    #[error("access as a vendor ended at {at}: whoever sponsors them can have it made longer")]
    VendorEnded {
        /// When.
        at: Timestamp,
    },
    /// Nobody who may act answers for the vendor.
    #[error("{sponsor} no longer answers for this vendor: somebody else must become their sponsor")]
    SponsorMissing {
        /// Who did.
        sponsor: UserName,
    },
    /// It is not the hour for the vendor, or not their network.
    #[error("this vendor is let in at other hours or from other networks only")]
    VendorOutside,
    /// A vendor is not told secrets.
    #[error("a vendor does not check secrets out: open a session instead")]
    VendorSecret,
    /// The account is not governed or is disabled.
    #[error("the account is not in use")]
    AccountInactive,
    /// No policy gives it.
    #[error("no policy allows it")]
    NoPolicy,
    /// A policy takes it away.
    #[error("policy `{policy}` denies it")]
    DeniedBy {
        /// That policy.
        policy: PolicyName,
    },
    /// A policy would give it at another hour or from another place.
    #[error("policy `{policy}` allows it only at other hours, from other networks or by other clients")]
    OutsideConditions {
        /// That policy.
        policy: PolicyName,
    },
    /// A policy would give it at less risk.
    #[error("policy `{policy}` allows it at {} risk at most, and it is {}: ask in another way, or have looked at why",
        at_most.word(), level.word())]
    TooRisky {
        /// How risky it is.
        level: RiskLevel,
        /// How risky it may be.
        at_most: RiskLevel,
        /// That policy.
        policy: PolicyName,
    },
    /// It needs a request.
    #[error("it needs a request: postern request {account} --for 1h --reason \"...\"")]
    NeedsRequest {
        /// For what.
        account: AccountRef,
        /// The policy that it can be asked for under.
        policy: PolicyName,
    },
    /// It is given in an emergency only.
    #[error("policy `{policy}` gives it in an emergency only: postern request {account} --break-glass --ticket ...")]
    EmergencyOnly {
        /// What.
        account: AccountRef,
        /// That policy.
        policy: PolicyName,
    },
    /// It was asked for as an emergency, for which there is no policy.
    #[error("no policy gives it as break-glass: ask for it without --break-glass")]
    NoBreakGlass,
    /// It was asked for and needs no request.
    #[error("policy `{policy}` allows it without a request: connect to it")]
    NoRequestNeeded {
        /// That policy.
        policy: PolicyName,
    },
    /// A grant has been given but its window has not begun.
    #[error("the grant begins at {at}")]
    NotYet {
        /// When it begins.
        at: Timestamp,
        /// The policy that it was granted under.
        policy: PolicyName,
    },
    /// As many sessions are live as policy allows.
    #[error("{limit} sessions at once are allowed and are open already")]
    TooManySessions {
        /// The limit.
        limit: u32,
        /// The policy that sets it.
        policy: PolicyName,
    },
    /// The secret may not be seen.
    #[error("policy `{policy}` does not let the secret be checked out: open a session instead")]
    NoCheckout {
        /// That policy.
        policy: PolicyName,
    },
    /// A session may be opened, but not for this.
    #[error("policy `{policy}` allows a session without {action}")]
    NoCapability {
        /// What was wanted in it.
        action: String,
        /// That policy.
        policy: PolicyName,
    },
    /// More time was asked for than policy gives.
    #[error("duration: at most {} can be asked for", crate::period::Period::from_seconds(*max_seconds))]
    TooLong {
        /// The limit.
        max_seconds: u64,
        /// The policy that sets it.
        policy: PolicyName,
    },
    /// No time was asked for.
    #[error("duration: ask for at least 1 second")]
    TooShort,
    /// A reason must be given.
    #[error("reason: say what it is for")]
    ReasonRequired {
        /// The policy that asks for it.
        policy: PolicyName,
    },
    /// A ticket must be given.
    #[error("ticket: one that matches `{pattern}` is required")]
    TicketRequired {
        /// What it must look like.
        pattern: String,
        /// The policy that asks for it.
        policy: PolicyName,
    },
    /// The ticket system does not find the ticket good.
    #[error("ticket: {problem}")]
    TicketNotGood {
        /// What it says.
        problem: String,
        /// The policy that has it checked.
        policy: PolicyName,
    },
    /// The ticket does not stand as the policy wants it.
    #[error("ticket: policy `{policy}` wants one that is {wanted}, and {problem}")]
    TicketState {
        /// How it may stand.
        wanted: String,
        /// How it stands, or why that is not known.
        problem: String,
        /// That policy.
        policy: PolicyName,
    },
    /// A live session may do more than its policy now gives.
    #[error("policy `{policy}` now gives less than this session has: connect again")]
    ObligationsChanged {
        /// That policy.
        policy: PolicyName,
    },
    /// Nobody decides on their own request.
    #[error("nobody approves a request of their own")]
    OwnRequest,
    /// Nobody approves a change of policy of their own.
    #[error("nobody approves a change of policy of their own")]
    OwnProposal,
    /// Nobody confirms a link, a token or a key that they have made.
    #[error("you have made this yourself: somebody else has to confirm it")]
    OwnLink,
    /// Nobody approves what lets themselves do more.
    #[error("nobody approves a change that lets themselves do more")]
    GainsByIt,
    /// Whoever has made somebody's account, or given them rights, is not approved by them for a day.
    #[error("who asks has made your account or given you rights in the last day: somebody else must approve it")]
    MadeByAsker,
    /// Whoever has made a vendor's account or changed it does not approve for them for a day.
    #[error("you have made or changed this vendor's account in the last day: somebody else must approve it")]
    MadeByApprover,
    /// They have answered already.
    #[error("you have answered this request already")]
    AnsweredAlready,
    /// A passkey must be proved.
    #[error("policy `{policy}` asks for a passkey, proved in the last five minutes: prove one in the console")]
    PasskeyRequired {
        /// The policy that asks for it.
        policy: PolicyName,
    },
    /// Nobody reviews what they did themselves.
    #[error("nobody reviews a use of their own")]
    OwnUse,
    /// Somebody has reviewed it.
    #[error("it was reviewed already")]
    ReviewedAlready,
    /// They are not among those who review it.
    #[error("the policy asks for a reviewer from another group")]
    NotReviewer,
    /// The request is closed.
    #[error("the request is no longer pending")]
    NotPending,
    /// They hold what is kept apart, and this is a part of it.
    #[error("you hold both {one} and {other}, which `{duties}` keeps apart: give one of them up")]
    KeptApart {
        /// The separation of duties.
        duties: DutiesName,
        /// What they hold of one set.
        one: String,
        /// What they hold of another.
        other: String,
    },
    /// Another stage is asked first.
    #[error("others are asked first: you may answer once they have said yes")]
    EarlierStage,
    /// They are not among those who may say yes.
    #[error("the policy asks for an approver from another group")]
    NotApprover,
}

impl Reason {
    /// The policy that decided; none where no policy did.
    #[must_use]
    pub const fn policy(&self) -> Option<&PolicyName> {
        match self {
            Self::DeniedBy { policy }
            | Self::OutsideConditions { policy }
            | Self::TooRisky { policy, .. }
            | Self::NeedsRequest { policy, .. }
            | Self::EmergencyOnly { policy, .. }
            | Self::NoRequestNeeded { policy }
            | Self::NotYet { policy, .. }
            | Self::TooManySessions { policy, .. }
            | Self::NoCheckout { policy }
            | Self::NoCapability { policy, .. }
            | Self::TooLong { policy, .. }
            | Self::ReasonRequired { policy }
            | Self::TicketRequired { policy, .. }
            | Self::PasskeyRequired { policy }
            | Self::TicketNotGood { policy, .. }
            | Self::TicketState { policy, .. }
            | Self::ObligationsChanged { policy } => Some(policy),
            Self::UserInactive
            | Self::VendorEnded { .. }
            | Self::SponsorMissing { .. }
            | Self::VendorOutside
            | Self::VendorSecret
            | Self::AccountInactive
            | Self::NoPolicy
            | Self::TooShort
            | Self::OwnRequest
            | Self::OwnProposal
            | Self::OwnLink
            | Self::GainsByIt
            | Self::MadeByAsker
            | Self::MadeByApprover
            | Self::AnsweredAlready
            | Self::NoBreakGlass
            | Self::OwnUse
            | Self::ReviewedAlready
            | Self::NotReviewer
            | Self::NotPending
            | Self::EarlierStage
            | Self::KeptApart { .. }
            | Self::NotApprover => None,
        }
    }
}
