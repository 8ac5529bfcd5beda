//! From a bearer token to the person it stands for, with what they may do.

use std::time::Duration;

use postern_domain::permission::{Authority, Role, RoleAssignment, built_in_roles};
use postern_domain::user::{User, UserState};
use postern_domain::{SecretText, Timestamp, UserId};
use postern_store::ReadTx;
use postern_vault::token::{self, Purpose};

use crate::{Caller, Control, CredentialUsed, Error, Visitor};

/// How long a use of a credential may go unrecorded.
const USE_UNRECORDED_MAX: Duration = Duration::from_secs(60);
/// The role that every active user has in their own scope.
const ROLE_OF_ALL: &str = "user";

/// A credential that was found and is good.
struct Proof {
    user: UserId,
    credential: CredentialUsed,
    mfa_at: Option<Timestamp>,
    passkey: bool,
    last_used_at: Option<Timestamp>,
    cut: Option<postern_domain::user::ApiToken>,
}

impl Control {
    /// The caller whom `token`, of a login or for the API, proves.
    ///
    /// # Errors
    /// `Unauthenticated` when the token is unknown, ended, expired or its owner may not act; why is
    /// not told.
    pub async fn authenticate(&self, token: SecretText, visitor: Visitor) -> Result<Caller, Error> {
        let now = self.now();
        let mut rows = self.store().read().await?;
        let proof = proof(&mut rows, &token, now).await?.ok_or_else(unauthenticated)?;
        let user = rows.user(&proof.user).await?.ok_or_else(unauthenticated)?;
        if user.state != UserState::Active {
            return Err(unauthenticated());
        }
        admitted(&user, visitor.source, now)?;
        let mut authority = authority(&mut rows, &user).await?;
        drop(rows);
        if let Some(token) = &proof.cut {
            authority = authority.cut(&token.permissions, &token.scope);
        }
        if proof.last_used_at.is_none_or(|last| now.since(last) >= USE_UNRECORDED_MAX)
            && let Err(error) = self.used(&proof).await
        {
            // Reading must go on working when nothing can be written: a full disk, say.
            tracing::warn!(error = &error as &dyn std::error::Error, "cannot record that a credential was used");
        }
        let Proof { credential, mfa_at, passkey, .. } = proof;
        Ok(Caller { user, authority, source: visitor.source, credential, mfa_at, passkey })
    }

    async fn used(&self, proof: &Proof) -> Result<(), Error> {
        let mut tx = self.store().write(self.now()).await?;
        match &proof.credential {
            CredentialUsed::Login(id) => tx.login_used(id).await?,
            CredentialUsed::Token(id) => tx.token_used(id).await?,
        }
        let now = tx.now();
        tx.user_seen(&proof.user, now).await?;
        Ok(tx.commit_upkeep().await?)
    }
}

async fn proof(rows: &mut ReadTx, token: &SecretText, now: Timestamp) -> Result<Option<Proof>, Error> {
    if let Ok(hash) = token::parse(Purpose::Login, token) {
        let stored = rows.login_by_hash(&hash.to_string()).await?;
        return Ok(stored.filter(|stored| stored.alive(now)).map(|stored| Proof {
            user: stored.user,
            mfa_at: stored.login.mfa_at,
            passkey: stored.passkey,
            last_used_at: Some(stored.login.last_used_at),
            credential: CredentialUsed::Login(stored.login.id),
            cut: None,
        }));
    }
    let Ok(hash) = token::parse(Purpose::Api, token) else { return Ok(None) };
    let stored = rows.token_by_hash(&hash.to_string()).await?;
    Ok(stored.filter(|stored| stored.alive(now)).map(|stored| Proof {
        user: stored.user,
        mfa_at: None,
        passkey: false,
        last_used_at: stored.token.last_used_at,
        credential: CredentialUsed::Token(stored.token.id.clone()),
        cut: Some(stored.token),
    }))
}

/// What `user` may do: their own roles, those of their groups, and the one that all have.
pub(crate) async fn authority(rows: &mut ReadTx, user: &User) -> Result<Authority, Error> {
    if user.state != UserState::Active {
        return Ok(Authority::default());
    }
    let mut assignments = user.roles.clone();
    if let Ok(role) = ROLE_OF_ALL.parse() {
        assignments.push(RoleAssignment { role, scope: user.scope.clone() });
    }
    Ok(Authority::of(&assignments, &roles(rows).await?))
}

/// All roles: those that Postern ships, then the custom ones.
pub(crate) async fn roles(rows: &mut ReadTx) -> Result<Vec<Role>, Error> {
    let mut roles = built_in_roles();
    roles.extend(rows.roles_custom().await?);
    Ok(roles)
}

/// That a vendor's terms let them in from `source` at `now`.
///
/// # Errors
/// `Unauthenticated`, saying why: they have proved who they are.
pub(crate) fn admitted(user: &User, source: std::net::IpAddr, now: Timestamp) -> Result<(), Error> {
    match user.vendor().map_or(Ok(()), |vendor| vendor.admit(source, now)) {
        Ok(()) => Ok(()),
        Err(reason) => Err(Error::Unauthenticated { code: "vendor_not_admitted", message: reason.to_string() }),
    }
}

fn unauthenticated() -> Error {
    Error::Unauthenticated {
        code: "unauthenticated",
        message: "the sign-in has ended or the token is not valid: sign in again with postern login".to_owned(),
    }
}
