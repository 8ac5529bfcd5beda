//! Signing in and out, and proving a second factor again.

use std::time::Duration;

use postern_domain::event::{Actor, Event, Outcome};
use postern_domain::permission::Permission;
use postern_domain::user::{Login, User, UserState};
use postern_domain::{LoginId, ScopePath, SecretText, UserName};
use postern_store::{Page, PageRequest, StoredLogin, WriteTx};
use postern_vault::random;
use postern_vault::token::{self, Purpose};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::authenticate::admitted;
use crate::factor::{FactorGiven, RightFactor};
use crate::passkey::PasskeyAnswer;
use crate::password::sign_in_failed;
use crate::{Caller, Control, CredentialUsed, Error, Visitor};

/// How long a login lasts at most.
pub(crate) const LOGIN_LASTS: Duration = Duration::from_secs(12 * 3600);
/// How long the console may lie unused.
pub(crate) const CONSOLE_IDLE_MAX: Duration = Duration::from_secs(3600);
/// How long it is remembered that there was a login.
const LOGIN_REMEMBERED: Duration = Duration::from_secs(90 * 24 * 3600);
const CLIENT_LEN_MAX: usize = 120;

/// A sign-in with a password and, where one is enrolled, a second factor.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    /// The sign-in name.
    pub user: UserName,
    /// The password.
    pub password: SecretText,
    /// A one-time code.
    #[serde(default)]
    pub code: Option<SecretText>,
    /// A recovery code instead of a one-time code.
    #[serde(default)]
    pub recovery_code: Option<SecretText>,
    /// A passkey's answer instead.
    #[serde(default)]
    pub passkey: Option<PasskeyAnswer>,
    /// What the client calls itself.
    #[serde(default)]
    pub client: Option<String>,
    /// Whether the token is to be kept in the browser's cookie instead of being shown.
    #[serde(default)]
    pub cookie: bool,
}

/// Somebody who has just signed in. It carries a secret and has no `Debug`.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct SignedIn {
    /// The bearer token, shown once; absent when it is in the cookie.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// Who.
    pub user: User,
    /// The login.
    pub login: Login,
    /// Whether a second factor was proved.
    pub mfa: bool,
}

/// Who is calling.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct WhoAmI {
    /// The person.
    pub user: User,
    /// The login; none when an API token is used.
    pub login: Option<Login>,
    /// What they may do with this login or token.
    pub permissions: Vec<HeldPermission>,
    /// The scopes that they can see something of.
    pub scopes: Vec<ScopePath>,
    /// Whether they have a passkey to prove a factor with.
    #[serde(default)]
    pub passkeys: bool,
}

/// A permission and where it holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct HeldPermission {
    /// The permission.
    pub permission: Permission,
    /// Where it holds, with everything below.
    pub scope: ScopePath,
}

/// A sign-in with a passkey alone, which verifies the person by itself.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PasskeySignIn {
    /// The passkey's answer.
    pub passkey: PasskeyAnswer,
    /// What the client calls itself.
    #[serde(default)]
    pub client: Option<String>,
    /// Whether the token is to be kept in the browser's cookie instead of being shown.
    #[serde(default)]
    pub cookie: bool,
}

/// How a login begins.
struct Begun {
    client: Option<String>,
    cookie: bool,
    how: &'static str,
}

impl Caller {
    /// The login that is used.
    ///
    /// # Errors
    /// `Forbidden` for API tokens: what could outlive or widen a token takes a person signed in.
    pub fn login(&self) -> Result<&LoginId, Error> {
        match &self.credential {
            CredentialUsed::Login(id) => Ok(id),
            CredentialUsed::Token(_) => {
                Err(Error::Forbidden("an API token cannot do this: sign in with postern login".to_owned()))
            }
        }
    }
}

impl Control {
    /// Signs somebody in.
    ///
    /// # Errors
    /// `Unauthenticated` with `sign_in_failed`, the same whatever was wrong, or with `code_required`
    /// when the password is right and a code is missing; `Throttled` after too many failures.
    pub async fn login_create(&self, visitor: &Visitor, wish: SignIn) -> Result<SignedIn, Error> {
        let right = self.password_check(&wish.user, wish.password, visitor.source).await?;
        let user = &right.user;
        let given = FactorGiven { code: wish.code.or(wish.recovery_code), passkey: wish.passkey };
        let wanted = user.totp || self.store().read().await?.has_passkey(&user.id).await?;
        let factor = match (given.code.is_some() || given.passkey.is_some(), wanted) {
            (true, true) => Some(self.factor_check(user, given, visitor.source).await?),
            (false, true) => {
                return Err(Error::Unauthenticated {
                    code: "code_required",
                    message: "a one-time code is needed: postern login asks for it, or give --otp".to_owned(),
                });
            }
            (_, false) => None,
        };
        let begun = Begun { client: wish.client, cookie: wish.cookie, how: "password" };
        let mut tx = self.store().write(self.now()).await?;
        right.accepted(&mut tx).await?;
        self.login_begin(tx, visitor, user, factor, begun).await
    }

    /// Signs somebody in by a passkey alone.
    ///
    /// # Errors
    /// `Unauthenticated` with `sign_in_failed`, whatever was wrong.
    pub async fn login_passkey(&self, visitor: &Visitor, wish: PasskeySignIn) -> Result<SignedIn, Error> {
        let (user, factor) = self.passkey_owner(wish.passkey, visitor.source).await?;
        let begun = Begun { client: wish.client, cookie: wish.cookie, how: "passkey" };
        let tx = self.store().write(self.now()).await?;
        self.login_begin(tx, visitor, &user, Some(factor), begun).await
    }

    /// Makes the login of somebody who has proved who they are, using the factor up.
    async fn login_begin(
        &self,
        mut tx: WriteTx,
        visitor: &Visitor,
        user: &User,
        factor: Option<RightFactor>,
        begun: Begun,
    ) -> Result<SignedIn, Error> {
        let now = tx.now();
        if let Some(factor) = &factor
            && !factor.spend(&mut tx, user).await?
        {
            drop(tx);
            return Err(self.code_replayed(factor, user).await?);
        }
        let token = token::generate(Purpose::Login);
        let stored = StoredLogin {
            login: Login {
                id: LoginId::generate(now, random::bytes()),
                source: visitor.source.to_string(),
                client: client(begun.client.as_deref().unwrap_or(&visitor.client)),
                created_at: now,
                last_used_at: now,
                expires_at: now.after(LOGIN_LASTS),
                mfa_at: factor.is_some().then_some(now),
            },
            user: user.id.clone(),
            idle_max: begun.cookie.then_some(CONSOLE_IDLE_MAX),
            passkey: factor.as_ref().is_some_and(RightFactor::is_passkey),
            ended_at: None,
        };
        tx.login_create(&stored, &token.hash.to_string()).await?;
        tx.logins_forget(now.before(LOGIN_REMEMBERED)).await?;
        tx.user_seen(&user.id, now).await?;
        // What was true before the transaction began may not be any more: a user disabled meanwhile.
        let user = tx.user(&user.id).await?.filter(|user| user.state == UserState::Active);
        let user = user.ok_or_else(sign_in_failed)?;
        if let Err(refused) = admitted(&user, visitor.source, now) {
            drop(tx);
            return Err(self.note_not_admitted(&user, visitor, refused).await);
        }
        let actor = Actor::User { name: user.name.to_string(), source: Some(visitor.source.to_string()) };
        let event = Event::done(now, actor, "login.create", user.name.as_str(), user.scope.clone())
            .with("login", stored.login.id.as_str())
            .with("client", stored.login.client.as_str())
            .with("how", begun.how)
            .with("factor", factor.as_ref().map_or("none", RightFactor::kind));
        self.commit(tx, &[event]).await?;
        let token = Some(token.text.expose().to_owned());
        Ok(SignedIn { token, user, login: stored.login, mfa: factor.is_some() })
    }

    /// Tells the ledger that a vendor was not let in; gives the refusal.
    async fn note_not_admitted(&self, user: &User, visitor: &Visitor, refused: Error) -> Error {
        let actor = Actor::User { name: user.name.to_string(), source: Some(visitor.source.to_string()) };
        let event = Event::done(self.now(), actor, "login.create", user.name.as_str(), user.scope.clone())
            .outcome(Outcome::Refused)
            .with("reason", refused.to_string());
        self.note(event).await.err().unwrap_or(refused)
    }

    /// Who is calling, and what they may do.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn login_show(&self, caller: &Caller) -> Result<WhoAmI, Error> {
        let mut rows = self.store().read().await?;
        let login = match &caller.credential {
            CredentialUsed::Login(id) => rows.login(id).await?.map(|stored| stored.login),
            CredentialUsed::Token(_) => None,
        };
        let mut permissions: Vec<_> = caller
            .authority
            .held
            .iter()
            .map(|(permission, scope)| HeldPermission { permission: *permission, scope: scope.clone() })
            .collect();
        permissions.sort();
        permissions.dedup();
        let scopes = rows.scopes(&visible_scopes(caller)).await?;
        let passkeys = rows.has_passkey(&caller.user.id).await?;
        Ok(WhoAmI { user: caller.user.clone(), login, permissions, scopes, passkeys })
    }

    /// Proves a second factor again in the login that is used.
    ///
    /// # Errors
    /// `Unauthenticated` when the code is wrong or was used, `Throttled` after too many of those.
    pub async fn login_factor(&self, caller: &Caller, given: FactorGiven) -> Result<Login, Error> {
        let id = caller.login()?;
        let code = self.factor_check(&caller.user, given, caller.source).await?;
        let now = self.now();
        let mut tx = self.store().write(now).await?;
        if !code.spend(&mut tx, &caller.user).await? {
            drop(tx);
            return Err(self.code_replayed(&code, &caller.user).await?);
        }
        tx.login_factor(id, code.is_passkey()).await?;
        let stored = tx.login(id).await?.filter(|stored| stored.alive(now)).ok_or_else(sign_in_failed)?;
        let event = Event::done(now, caller.actor(), "login.factor", id.as_str(), caller.user.scope.clone())
            .with("factor", code.kind());
        self.commit(tx, &[event]).await?;
        Ok(stored.login)
    }

    /// Ends the login that is used.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn login_end(&self, caller: &Caller) -> Result<(), Error> {
        let id = caller.login()?;
        let mut tx = self.store().write(self.now()).await?;
        tx.login_end(id).await?;
        let event = Event::done(tx.now(), caller.actor(), "login.end", id.as_str(), caller.user.scope.clone());
        self.commit(tx, &[event]).await?;
        Ok(())
    }

    /// Ends one of the caller's logins.
    ///
    /// # Errors
    /// `NotFound` also when it is somebody else's, or over.
    pub async fn login_end_one(&self, caller: &Caller, id: &LoginId) -> Result<(), Error> {
        caller.login()?;
        let mut tx = self.store().write(self.now()).await?;
        let now = tx.now();
        let theirs = tx.login(id).await?.filter(|stored| stored.user == caller.user.id && stored.alive(now));
        theirs.ok_or_else(|| Error::not_found("login", id))?;
        tx.login_end(id).await?;
        let event = Event::done(now, caller.actor(), "login.end", id.as_str(), caller.user.scope.clone());
        self.commit(tx, &[event]).await?;
        Ok(())
    }

    /// Whether a login goes on, and its person may act; when it is `used`, that is noted.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn login_goes_on(&self, id: &LoginId, used: bool) -> Result<bool, Error> {
        let now = self.now();
        let mut rows = self.store().read().await?;
        let Some(stored) = rows.login(id).await?.filter(|stored| stored.alive(now)) else { return Ok(false) };
        let there = |user: &User| match stored.login.source.parse() {
            Ok(source) => admitted(user, source, now).is_ok(),
            Err(_) => user.vendor().is_none(),
        };
        let active = rows.user(&stored.user).await?.is_some_and(|user| user.state == UserState::Active && there(&user));
        drop(rows);
        if active && used && now.since(stored.login.last_used_at) >= Duration::from_secs(60) {
            let mut tx = self.store().write(now).await?;
            tx.login_used(id).await?;
            tx.commit_upkeep().await?;
        }
        Ok(active)
    }

    /// The caller's logins that have not ended.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn login_list(&self, caller: &Caller, page: &PageRequest) -> Result<Page<Login>, Error> {
        Ok(self.store().read().await?.logins(&caller.user.id, self.now(), page).await?)
    }

    /// Ends all of the caller's logins: signs them out everywhere.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn login_end_all(&self, caller: &Caller) -> Result<(), Error> {
        caller.login()?;
        let mut tx = self.store().write(self.now()).await?;
        let ended = tx.logins_end(&caller.user.id).await?;
        let user = &caller.user;
        let event = Event::done(tx.now(), caller.actor(), "login.end_all", user.name.as_str(), user.scope.clone())
            .with("logins", ended);
        self.commit(tx, &[event]).await?;
        Ok(())
    }
}

/// The scopes in which the caller may see something, their own included.
pub(crate) fn visible_scopes(caller: &Caller) -> Vec<ScopePath> {
    let mut scopes: Vec<_> = caller.authority.held.iter().map(|(_, scope)| scope.clone()).collect();
    scopes.push(caller.user.scope.clone());
    scopes.sort();
    scopes.dedup();
    scopes
}

fn client(given: &str) -> String {
    given.chars().filter(|c| !c.is_control()).take(CLIENT_LEN_MAX).collect()
}

#[cfg(test)]
mod tests;
