//! Who is calling.

use std::net::IpAddr;
use std::time::Duration;

use postern_domain::event::Actor;
use postern_domain::permission::{Authority, Permission};
use postern_domain::permit::{Manage, Permit};
use postern_domain::user::User;
use postern_domain::{LoginId, Timestamp, TokenId};

use crate::Error;

/// Somebody who has not proved who they are.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// The address they come from.
    pub source: IpAddr,
    /// What their client calls itself.
    pub client: String,
}

/// What a caller proved themselves with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CredentialUsed {
    /// A signed-in console or CLI.
    Login(LoginId),
    /// An API token.
    Token(TokenId),
}

/// Somebody who has proved who they are.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The person, with their groups and roles.
    pub user: User,
    /// What they may do in Postern, already cut down to their token's limits.
    pub authority: Authority,
    /// The address they come from.
    pub source: IpAddr,
    /// What they proved themselves with.
    pub credential: CredentialUsed,
    /// When they last proved a second factor in this login; none for tokens.
    pub mfa_at: Option<Timestamp>,
    /// Whether that was a passkey.
    pub passkey: bool,
}

impl Caller {
    /// The caller as the ledger names them.
    #[must_use]
    pub fn actor(&self) -> Actor {
        Actor::User { name: self.user.name.to_string(), source: Some(self.source.to_string()) }
    }

    /// Whether they have proved a second factor in this login at most `age` ago.
    ///
    /// # Errors
    /// `StepUp` where they have not.
    pub(crate) fn factor_within(&self, age: Duration, now: Timestamp) -> Result<(), Error> {
        match self.mfa_at {
            Some(at) if now.since(at) <= age => Ok(()),
            _ => Err(Error::StepUp { max_age_seconds: age.as_secs() }),
        }
    }

    /// A permit for `permission`, when they hold it anywhere.
    #[must_use]
    pub fn permit(&self, permission: Permission) -> Option<Permit<Manage>> {
        self.authority.permit(permission)
    }
}
