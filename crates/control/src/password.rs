//! Passwords: choosing one, and checking one.

use std::net::IpAddr;

use postern_domain::user::{User, UserState};
use postern_domain::{SecretText, UserName};
use postern_vault::password;
use tokio::sync::Semaphore;

use crate::throttle::{Attempt, Proving};
use crate::{Control, Error};

/// The shortest password, in characters.
const PASSWORD_LEN_MIN: usize = 12;
/// Each check takes 19 MiB and a core for tens of milliseconds: those who wait are cheap.
static CHECKS: Semaphore = Semaphore::const_new(2);

/// Somebody whose password is right.
pub(crate) struct RightPassword {
    /// Who.
    pub(crate) user: User,
    attempt: Attempt,
}

impl RightPassword {
    /// Forgets the failures before it.
    pub(crate) async fn accepted(&self, tx: &mut postern_store::WriteTx) -> Result<(), Error> {
        self.attempt.succeeded(tx, &self.user).await
    }
}

impl Control {
    /// Checks a password. Whether there is nobody of this name, or they may not act, or the password
    /// is wrong, cannot be told from the answer nor from the time that it takes.
    ///
    /// # Errors
    /// `Throttled`, or `Unauthenticated`.
    pub(crate) async fn password_check(
        &self,
        name: &UserName,
        password: SecretText,
        source: IpAddr,
    ) -> Result<RightPassword, Error> {
        let now = self.now();
        let mut rows = self.store().read().await?;
        let user = rows.user_by_name(name).await?;
        let attempt = Attempt::begin(&mut rows, Proving::Password, name, user.as_ref(), source, now).await?;
        attempt.admit(&mut rows, now).await?;
        let stored = match &user {
            Some(user) => rows.proofs(&user.id).await?.password_hash,
            None => None,
        };
        drop(rows);
        let turn = CHECKS.acquire().await.map_err(|_| cut_off())?;
        // Failures may have been counted while this one waited for its turn.
        attempt.admit(&mut self.store().read().await?, self.now()).await?;
        let right = tokio::task::spawn_blocking(move || password::verify_or_dummy(stored.as_deref(), &password))
            .await
            .map_err(|_| cut_off())?;
        let active = user.as_ref().is_some_and(|user| user.state == UserState::Active);
        match user {
            Some(user) if right && active => Ok(RightPassword { user, attempt }),
            user => {
                let cause = if right { "not active" } else { "password" };
                self.attempt_failed(&attempt, user.as_ref(), cause).await?;
                drop(turn);
                Err(sign_in_failed())
            }
        }
    }

    /// The hash to store of a password that somebody chose.
    ///
    /// # Errors
    /// `Invalid` when it is too short, too long or contains the name.
    pub(crate) async fn password_hash(&self, name: &UserName, chosen: SecretText) -> Result<String, Error> {
        let text = chosen.expose();
        if text.chars().count() < PASSWORD_LEN_MIN || text.len() > password::PASSWORD_LEN_MAX {
            let bounds =
                format!("use {PASSWORD_LEN_MIN} characters or more, at most {} bytes", password::PASSWORD_LEN_MAX);
            return Err(Error::invalid("password", bounds));
        }
        let rest = text.to_lowercase().replace(name.as_str(), "");
        if rest.chars().count() < PASSWORD_LEN_MIN / 2 {
            return Err(Error::invalid("password", "choose one that is not made of the user name"));
        }
        let _turn = CHECKS.acquire().await.map_err(|_| cut_off())?;
        Ok(tokio::task::spawn_blocking(move || password::hash(&chosen)).await.map_err(|_| cut_off())??)
    }
}

/// One answer for everything that can be wrong with a sign-in.
pub(crate) fn sign_in_failed() -> Error {
    Error::Unauthenticated {
        code: "sign_in_failed",
        message: "the user name, the password or the code is wrong, or the user may not sign in".to_owned(),
    }
}

fn cut_off() -> Error {
    Error::Unavailable("postern is stopping".to_owned())
}
