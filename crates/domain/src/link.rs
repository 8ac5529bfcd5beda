//! Enrolment links for users who exist already, and tokens and keys for workloads. Whoever has one is that user, so
//! that making one alone would be a way to everything that the user may do.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::name::UserName;
use crate::policy::Reason;
use crate::scope::ScopePath;
use crate::time::Timestamp;
use crate::user::{User, UserState};

/// How long a link waits that nobody else can confirm, where two people could once.
pub const NOTICE: Duration = Duration::from_secs(86_400);

/// From when a link, a token or a key works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LinkWorks {
    /// At once: it is for whoever makes it, or for somebody whom they have made and who has never enrolled, or for
    /// a workload that may do no more than they.
    AtOnce,
    /// At once, and loudly: there has never been anybody else who could be asked.
    Alone,
    /// Once somebody else has confirmed it.
    Confirmed,
    /// After a day in which everybody can hear of it: nobody else can be asked any more.
    Later,
}

impl LinkWorks {
    /// As it stands in the ledger.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AtOnce => "at_once",
            Self::Alone => "alone",
            Self::Confirmed => "confirmed",
            Self::Later => "later",
        }
    }
}

/// What is known about a link, a token or a key that is about to be made.
#[derive(Clone, Copy, Debug)]
pub struct LinkFacts {
    /// Whether it is for whoever makes it, or for somebody whom they have made and who has never enrolled, or for a
    /// workload that may do no more than they.
    pub own: bool,
    /// Whether there is another person who may confirm it.
    pub others: bool,
    /// Whether two people could change things there at any time.
    pub shared: bool,
}

/// From when a link works.
#[must_use]
pub const fn works(facts: LinkFacts) -> LinkWorks {
    match facts {
        LinkFacts { own: true, .. } => LinkWorks::AtOnce,
        LinkFacts { others: true, .. } => LinkWorks::Confirmed,
        LinkFacts { shared: true, .. } => LinkWorks::Later,
        LinkFacts { .. } => LinkWorks::Alone,
    }
}

/// What kind of thing it is that does not work yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CredentialMade {
    /// An enrolment link.
    Link,
    /// An API token of a workload.
    Token,
    /// An SSH key of a workload.
    SshKey,
}

/// A link, a token or a key that does not work yet. Its secret is known to whoever made it only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WaitingCredential {
    /// What it is.
    pub kind: CredentialMade,
    /// Its identifier.
    pub id: String,
    /// What it is called: a token by its name, a key by its fingerprint, a link by nothing.
    pub label: String,
    /// Whom it is for.
    pub user: UserName,
    /// Their scope.
    pub scope: ScopePath,
    /// Who made it.
    pub made_by: UserName,
    /// When.
    pub created_at: Timestamp,
    /// From when it works without anybody's word; none where somebody else has to confirm it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub works_from: Option<Timestamp>,
    /// When it stops working, or waiting; none for keys, which do not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// Somebody who wants to confirm what was made for a user.
#[derive(Clone, Copy, Debug)]
pub struct Confirmer<'a> {
    /// Who.
    pub user: &'a User,
    /// The person who made it, whichever of their users they did so as.
    pub maker: &'a UserName,
    /// Whether whoever made it made the confirmer's account, or gave them rights, not long ago.
    pub made_by_maker: bool,
}

/// Decides whether somebody, who may change the user that it is for, may confirm it.
///
/// # Errors
/// Why not.
pub fn may_confirm(confirmer: Confirmer<'_>) -> Result<(), Reason> {
    if confirmer.user.state != UserState::Active {
        Err(Reason::UserInactive)
    } else if confirmer.user.person() == confirmer.maker {
        Err(Reason::OwnLink)
    } else if confirmer.made_by_maker {
        Err(Reason::MadeByAsker)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::fixture::{linked, name, user};

    #[test]
    fn whoever_makes_a_link_is_alone_only_where_nobody_else_ever_was() {
        let facts = |own, others, shared| works(LinkFacts { own, others, shared });
        for (others, shared) in [(false, false), (false, true), (true, false), (true, true)] {
            assert_eq!(facts(true, others, shared), LinkWorks::AtOnce);
            let expected = match (others, shared) {
                (true, _) => LinkWorks::Confirmed,
                (false, true) => LinkWorks::Later,
                (false, false) => LinkWorks::Alone,
            };
            assert_eq!(facts(false, others, shared), expected);
        }
    }

    #[test]
    fn somebody_else_confirms_it() {
        let (max, ada): (_, UserName) = (user("max", &[], "/"), name("ada"));
        let by = |user: &User, made_by_maker| may_confirm(Confirmer { user, maker: &ada, made_by_maker });
        assert_eq!(by(&max, false), Ok(()));
        assert_eq!(by(&max, true), Err(Reason::MadeByAsker));
        assert_eq!(by(&user("ada", &[], "/"), false), Err(Reason::OwnLink));
        assert_eq!(by(&linked("ada-priv", "ada"), false), Err(Reason::OwnLink));
        assert_eq!(by(&User { state: UserState::Disabled, ..max.clone() }, false), Err(Reason::UserInactive));
    }
}
