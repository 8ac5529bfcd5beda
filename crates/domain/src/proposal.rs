//! Changes of policies that let somebody do more, and wait for the yes of somebody else.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::document::PolicyDocument;
use crate::id::ProposalId;
use crate::name::{PolicyName, UserName};
use crate::policy::Reason;
use crate::scope::ScopePath;
use crate::time::Timestamp;
use crate::user::{User, UserState};

/// Where a proposal stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProposalState {
    /// Awaits somebody's answer.
    Waiting,
    /// Somebody said yes; the policy is as proposed.
    Approved,
    /// Somebody said no.
    Refused,
    /// Who made it took it back.
    Withdrawn,
}

/// A change of a policy that waits, or that was answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Proposal {
    /// Identifier.
    pub id: ProposalId,
    /// The policy.
    pub policy: PolicyName,
    /// Its scope, as proposed.
    pub scope: ScopePath,
    /// Who proposes it.
    pub author: UserName,
    /// What it is to say; none where it is to be taken out of use.
    pub document: Option<PolicyDocument>,
    /// The revision that it changes; 0 where there is none yet.
    pub base_revision: u32,
    /// Where it stands.
    pub state: ProposalState,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who answered.
    pub decided_by: Option<UserName>,
    /// When.
    pub decided_at: Option<Timestamp>,
    /// Why not; only of a no.
    pub reason: Option<String>,
}

/// What is known about somebody who wants to say yes to a proposal.
#[derive(Clone, Copy, Debug)]
pub struct Judge<'a> {
    /// Who.
    pub user: &'a User,
    /// The person who proposes it, whichever of their users they do so as.
    pub author: &'a UserName,
    /// Whether they hold `policy:write` in its scope.
    pub holds_permission: bool,
    /// Whether they could do more themselves with it.
    pub gains: bool,
    /// Whether its author made their account, or gave them rights, not long ago.
    pub made_by_author: bool,
}

/// Decides whether somebody may say yes to a proposal.
///
/// # Errors
/// Why not.
pub fn may_approve_proposal(judge: Judge<'_>, proposal: &Proposal) -> Result<(), Reason> {
    if judge.user.state != UserState::Active {
        Err(Reason::UserInactive)
    } else if !judge.holds_permission || !judge.user.scope.contains(&proposal.scope) {
        Err(Reason::NotApprover)
    } else if judge.user.person() == judge.author {
        Err(Reason::OwnProposal)
    } else if proposal.state != ProposalState::Waiting {
        Err(Reason::NotPending)
    } else if judge.gains {
        Err(Reason::GainsByIt)
    } else if judge.made_by_author {
        Err(Reason::MadeByAsker)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::fixture::{NOON, id, linked, name, user};

    fn proposal() -> Proposal {
        Proposal {
            id: id("prp", 1),
            policy: name("prod"),
            scope: name("/emea"),
            author: name("ada"),
            document: None,
            base_revision: 1,
            state: ProposalState::Waiting,
            created_at: NOON,
            decided_by: None,
            decided_at: None,
            reason: None,
        }
    }

    #[test]
    fn somebody_else_with_the_right_says_yes() {
        let max = user("max", &[], "/");
        let (ada, own) = (name("ada"), name("max"));
        let judge = Judge { user: &max, author: &ada, holds_permission: true, gains: false, made_by_author: false };
        assert_eq!(may_approve_proposal(judge, &proposal()), Ok(()));
        let over = Proposal { state: ProposalState::Withdrawn, ..proposal() };
        assert_eq!(may_approve_proposal(judge, &over), Err(Reason::NotPending));
        let refused = |judge| may_approve_proposal(judge, &proposal()).unwrap_err();
        assert_eq!(refused(Judge { gains: true, ..judge }), Reason::GainsByIt);
        assert_eq!(refused(Judge { made_by_author: true, ..judge }), Reason::MadeByAsker);
        assert_eq!(refused(Judge { holds_permission: false, ..judge }), Reason::NotApprover);
        let gone = User { state: UserState::Disabled, ..max.clone() };
        assert_eq!(refused(Judge { user: &gone, ..judge }), Reason::UserInactive);
        assert_eq!(refused(Judge { author: &own, ..judge }), Reason::OwnProposal);
        let other = User { scope: name("/"), ..linked("ada-priv", "ada") };
        assert_eq!(refused(Judge { user: &other, ..judge }), Reason::OwnProposal);
        let elsewhere = user("max", &[], "/apac");
        assert_eq!(refused(Judge { user: &elsewhere, ..judge }), Reason::NotApprover);
    }
}
