//! What gateways ask about the people at their door.

use std::net::IpAddr;

use postern_domain::event::{Actor, Event};
use postern_domain::user::{User, UserState};
use postern_domain::{SecretText, Timestamp, UserId, UserName};
use postern_store::ReadTx;

use crate::password::sign_in_failed;
use crate::ssh_key::is_named;
use crate::{Control, Error};

impl Control {
    /// Whose key this is, when they may act and are who the client says that it is. Nothing is proved
    /// yet by asking.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn key_owner(&self, fingerprint: &str, named: Option<&UserName>) -> Result<Option<User>, Error> {
        let mut rows = self.store().read().await?;
        let Some((_, owner)) = rows.ssh_key_by_fingerprint(fingerprint, self.now()).await? else { return Ok(None) };
        let user = rows.user(&owner).await?;
        Ok(user.filter(|user| user.state == UserState::Active && is_named(&user.name, named)))
    }

    /// Checks a password, taking the same time whether there is such a user or not.
    ///
    /// # Errors
    /// `Unauthenticated`, the same whatever was wrong; `Throttled` after too many failures.
    pub async fn check_password(&self, name: &UserName, password: SecretText, source: IpAddr) -> Result<User, Error> {
        let right = self.password_check(name, password, source).await?;
        let mut tx = self.store().write(self.now()).await?;
        right.accepted(&mut tx).await?;
        tx.commit_upkeep().await?;
        Ok(right.user)
    }

    /// Checks a one-time code or a recovery code of somebody who has proved who they are by a key (or
    /// a password: the empty fingerprint), and remembers that they did.
    ///
    /// # Errors
    /// `Unauthenticated` when it is wrong or was used; `Throttled` after too many of those.
    pub async fn prove_code(
        &self,
        user: &UserId,
        code: &SecretText,
        source: IpAddr,
        ssh_key: &str,
    ) -> Result<Timestamp, Error> {
        let user = self.user_facts(user).await?;
        if user.state != UserState::Active {
            return Err(sign_in_failed());
        }
        let right = self.code_check(&user, code, source).await?;
        let now = self.now();
        let mut tx = self.store().write(now).await?;
        if !right.spend(&mut tx, &user).await? {
            drop(tx);
            return Err(self.code_replayed(&right, &user).await?);
        }
        tx.factor_proved(&user.id, ssh_key, &source.to_canonical().to_string()).await?;
        let actor = Actor::User { name: user.name.to_string(), source: Some(source.to_string()) };
        let event = Event::done(now, actor, "login.factor", user.name.as_str(), user.scope.clone())
            .with("for_key", ssh_key)
            .with("factor", right.kind());
        self.commit(tx, &[event]).await?;
        Ok(now)
    }
}

/// When `user` last proved a second factor to a gateway, coming from `source` with this key (or a
/// password: the empty fingerprint).
pub(crate) async fn factor_proved_at(
    rows: &mut ReadTx,
    user: &UserId,
    ssh_key: &str,
    source: IpAddr,
) -> Result<Option<Timestamp>, Error> {
    Ok(rows.factor_proved_at(user, ssh_key, &source.to_canonical().to_string()).await?)
}

#[cfg(test)]
mod tests;
