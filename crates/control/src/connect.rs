//! Connect tokens: what stands for a password where a client knows nothing else. A token opens one
//! account by one protocol, for a short time, and only under a second factor that policy accepts.

use std::net::IpAddr;
use std::time::Duration;

use postern_domain::asset::Platform;
use postern_domain::event::{Event, Outcome};
use postern_domain::policy::{self, Client, Decision, Obligations, Reason};
use postern_domain::user::UserState;
use postern_domain::{AccountRef, Capability, ConnectTokenId, LoginId, SecretText, Timestamp};
use postern_gateway::Identity;
use postern_store::StoredConnectToken;
use postern_vault::random;
use postern_vault::token::{self, Purpose};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::factor::RightFactor;
use crate::facts::Facts;
use crate::password::sign_in_failed;
use crate::{Caller, Control, Error};

const LASTS_DEFAULT: Duration = Duration::from_secs(300);
/// How long the SQL console has to sign in.
const CONSOLE_LASTS: Duration = Duration::from_secs(30);
const LASTS_MIN: u64 = 30;
const LASTS_MAX: u64 = 12 * 3600;
/// How many tokens one person may have that work.
const TOKENS_MAX: i64 = 1000;

/// A token to be made.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConnectWanted {
    /// The account that it opens: `app_admin@orders`.
    pub account: AccountRef,
    /// How long connections can be opened with it, in seconds: 30 to 43200, 300 unless given.
    #[serde(default)]
    pub expires_in_seconds: Option<u64>,
    /// Whether it works from the caller's address only.
    #[serde(default)]
    pub bind_source: bool,
    /// A one-time code or a recovery code, where policy asks for one at every session. The token works
    /// once then.
    #[serde(default)]
    pub code: Option<SecretText>,
}

/// A token that has just been made, and how to use it. It carries a secret and has no `Debug`.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct ConnectTicket {
    /// The token, shown once: the client's password.
    pub token: String,
    /// The account, which is the client's user name.
    pub account: AccountRef,
    /// The protocol: `postgresql`, `mysql` or `redis`.
    pub protocol: String,
    /// The gateway's host.
    pub host: String,
    /// The gateway's port.
    pub port: u16,
    /// Until when connections can be opened with it.
    pub expires_at: Timestamp,
    /// The authority that the gateway's certificate is signed by, PEM, where it is one of its own.
    #[serde(default)]
    pub authority: Option<String>,
}

/// What the SQL console signs in to the database gateway with. It carries a secret and has no `Debug`.
pub struct ConsoleToken {
    /// The login that it was made in.
    pub login: LoginId,
    /// The protocol: `postgresql` or `mysql`.
    pub protocol: &'static str,
    /// The token, for one connection.
    pub token: SecretText,
    /// The proof of a factor that a session uses up, where policy wants one for each.
    pub spends: Option<Timestamp>,
    /// Whether policy lets rows be taken out.
    pub may_export: bool,
}

/// A token that is to be made.
struct NewToken {
    protocol: &'static str,
    /// Whether it is for the SQL console.
    console: bool,
    /// The address that it works from; none for any.
    source: Option<IpAddr>,
    mfa_at: Option<Timestamp>,
    once: bool,
    lasts: Duration,
}

impl Control {
    /// Makes a token for an account that the caller may connect to now.
    ///
    /// # Errors
    /// `Refused` when policy says no, `StepUp` when it wants a fresher second factor, `Forbidden` for
    /// API tokens.
    pub async fn connect_create(&self, caller: &Caller, wish: ConnectWanted) -> Result<ConnectTicket, Error> {
        let login = caller.login()?.clone();
        let seconds = wish.expires_in_seconds.unwrap_or(LASTS_DEFAULT.as_secs());
        if !(LASTS_MIN..=LASTS_MAX).contains(&seconds) {
            return Err(Error::invalid("expires_in_seconds", format!("give {LASTS_MIN} to {LASTS_MAX}")));
        }
        let facts = self.connect_facts(&caller.user.id, &wish.account).await?;
        let facts = facts.ok_or_else(|| Error::not_found("account", &wish.account))?;
        let (protocol, host, port) = self.gateway_of(&facts)?;
        let code = match &wish.code {
            Some(code) => Some(self.code_check(&caller.user, code, caller.source).await?),
            None => None,
        };
        let now = self.now();
        let once = code.is_some();
        let mfa_at = if once { Some(now) } else { caller.mfa_at };
        self.decide_token(caller, &facts, mfa_at, (once, Client::DatabaseClient)).await?;
        let lasts = Duration::from_secs(if once { seconds.min(LASTS_DEFAULT.as_secs()) } else { seconds });
        let source = wish.bind_source.then(|| caller.source.to_canonical());
        let new = NewToken { protocol, console: false, source, mfa_at, once, lasts };
        let (token, expires_at) = self.token_make(caller, login, &facts, new, code.as_ref()).await?;
        let (token, protocol) = (token.expose().to_owned(), protocol.to_owned());
        let authority = match &self.settings().authority {
            Some(path) => tokio::fs::read_to_string(path).await.ok(),
            None => None,
        };
        Ok(ConnectTicket { token, account: wish.account, protocol, host, port, expires_at, authority })
    }

    /// Makes a token for the SQL console of the caller's browser: for one connection, now. `spent` is the
    /// proof of a factor that has opened a session already under a policy that wants one for each.
    ///
    /// # Errors
    /// As [`Self::connect_create`]; `Invalid` for accounts that do not speak SQL.
    pub async fn console_create(
        &self,
        caller: &Caller,
        account: &AccountRef,
        spent: Option<Timestamp>,
    ) -> Result<ConsoleToken, Error> {
        let login = self.terminal_login(caller, account, spent).await?;
        let facts = self.connect_facts(&caller.user.id, account).await?;
        let facts = facts.ok_or_else(|| Error::not_found("account", account))?;
        let protocol = match self.gateway_of(&facts)?.0 {
            protocol @ ("postgresql" | "mysql") => protocol,
            other => return Err(Error::invalid("account", format!("no SQL is spoken with it, but {other}"))),
        };
        let obligations = self.decide_token(caller, &facts, caller.mfa_at, (true, Client::SqlConsole)).await?;
        let source = Some(caller.source.to_canonical());
        let new = NewToken { protocol, console: true, source, mfa_at: caller.mfa_at, once: true, lasts: CONSOLE_LASTS };
        let (token, _) = self.token_make(caller, login.clone(), &facts, new, None).await?;
        let spends = caller.mfa_at.filter(|_| obligations.mfa_max_age_seconds == 0);
        let may_export = obligations.capabilities.contains(&Capability::CopyOut);
        Ok(ConsoleToken { login, protocol, token, spends, may_export })
    }

    /// Makes a token that policy allows, and tells the ledger.
    async fn token_make(
        &self,
        caller: &Caller,
        login: LoginId,
        facts: &Facts,
        new: NewToken,
        code: Option<&RightFactor>,
    ) -> Result<(SecretText, Timestamp), Error> {
        let now = self.now();
        let NewToken { protocol, console, source, mfa_at, once, lasts } = new;
        let mut tx = self.store().write(now).await?;
        if let Some(code) = code
            && !code.spend(&mut tx, &caller.user).await?
        {
            drop(tx);
            return Err(self.code_replayed(code, &caller.user).await?);
        }
        tx.connect_tokens_forget().await?;
        if tx.connect_tokens_alive(&caller.user.id, now).await? >= TOKENS_MAX {
            return Err(Error::Conflict(format!("you have {TOKENS_MAX} connect tokens; wait until some have expired")));
        }
        let token = token::generate(Purpose::Connect);
        let stored = StoredConnectToken {
            id: ConnectTokenId::generate(now, random::bytes()),
            user: caller.user.id.clone(),
            login,
            account: facts.account.id.clone(),
            protocol: protocol.to_owned(),
            console,
            source,
            mfa_at,
            once,
            created_at: now,
            expires_at: now.after(lasts),
        };
        tx.connect_token_create(&stored, &token.hash.to_string()).await?;
        let scope = facts.asset.scope.clone();
        let event = Event::done(now, caller.actor(), "connect_token.create", stored.id.as_str(), scope)
            .with("account", facts.reference().to_string())
            .with("protocol", protocol)
            .with("once", once)
            .with("expires_at", stored.expires_at.to_string());
        self.commit(tx, &[event]).await?;
        Ok((token.text, stored.expires_at))
    }

    /// The protocol and the gateway that an account is reached by.
    fn gateway_of(&self, facts: &Facts) -> Result<(&'static str, String, u16), Error> {
        let settings = self.settings();
        let (protocol, address, flag) = match facts.asset.platform {
            Platform::Postgresql => ("postgresql", settings.postgresql_address.as_deref(), "--pg"),
            Platform::Mysql => ("mysql", settings.mysql_address.as_deref(), "--mysql"),
            Platform::Redis => ("redis", settings.redis_address.as_deref(), "--redis"),
            _ => {
                let told = format!("{} is not reached with a connect token: see postern access", facts.asset.name);
                return Err(Error::invalid("account", told));
            }
        };
        address
            .and_then(|address| address.rsplit_once(':'))
            .and_then(|(host, port)| Some((protocol, host.trim_matches(['[', ']']).to_owned(), port.parse().ok()?)))
            .ok_or_else(|| Error::Unavailable(format!("the {protocol} gateway is off: start postern with {flag}")))
    }

    /// The protocol that a connect token opens accounts of such assets by, where that is served.
    pub(crate) fn connect_protocol(&self, platform: Platform) -> Option<&'static str> {
        let settings = self.settings();
        let (protocol, address) = match platform {
            Platform::Postgresql => ("postgresql", &settings.postgresql_address),
            Platform::Mysql => ("mysql", &settings.mysql_address),
            Platform::Redis => ("redis", &settings.redis_address),
            _ => return None,
        };
        address.as_ref().map(|_| protocol)
    }

    /// What policy would bind the caller to who connects now, where it would let them.
    async fn decide_token(
        &self,
        caller: &Caller,
        facts: &Facts,
        mfa_at: Option<Timestamp>,
        (once, client): (bool, Client),
    ) -> Result<Obligations, Error> {
        let decide = |mfa_at| policy::connect(&facts.connect(caller.source, mfa_at).by(client), self.now());
        let decision = match decide(mfa_at) {
            Decision::Permit(permit) if permit.action().obligations.mfa_max_age_seconds == 0 && !once => decide(None),
            decision => decision,
        };
        let reasons = match decision {
            Decision::Permit(permit) => return Ok(permit.action().obligations.clone()),
            Decision::StepUp { max_age_seconds, .. } => return Err(Error::StepUp { max_age_seconds }),
            Decision::Deny(reasons) => reasons,
        };
        let told: Vec<_> = reasons.iter().map(Reason::to_string).collect();
        let (account, scope) = (facts.reference().to_string(), facts.asset.scope.clone());
        let event = Event::done(self.now(), caller.actor(), "connect_token.create", account, scope)
            .outcome(Outcome::Refused)
            .with("reasons", told);
        self.note(event).await?;
        Err(Error::Refused(reasons))
    }

    /// Who has shown this token at a gateway, when it opens this account by this protocol from there.
    ///
    /// # Errors
    /// `Unauthenticated`, the same whatever is wrong.
    pub(crate) async fn connect_token_owner(
        &self,
        token: &SecretText,
        account: &AccountRef,
        protocol: &str,
        source: IpAddr,
    ) -> Result<Identity, Error> {
        let now = self.now();
        let hash = token::parse(Purpose::Connect, token).map_err(|_| sign_in_failed())?;
        let mut rows = self.store().read().await?;
        let stored = rows.connect_token_by_hash(&hash.to_string()).await?.ok_or_else(sign_in_failed)?;
        let user = rows.user(&stored.user).await?.filter(|user| user.state == UserState::Active);
        let user = user.ok_or_else(sign_in_failed)?;
        let signed_in = rows.login(&stored.login).await?.is_some_and(|login| login.alive(now));
        drop(rows);
        let facts = self.connect_facts(&user.id, account).await?;
        let right = stored.expires_at > now
            && signed_in
            && stored.protocol == protocol
            && stored.source.is_none_or(|bound| bound == source.to_canonical())
            && facts.is_some_and(|facts| facts.account.id == stored.account);
        if !right {
            return Err(sign_in_failed());
        }
        if stored.once {
            let mut tx = self.store().write(now).await?;
            if !tx.connect_token_use(&stored.id).await? {
                return Err(sign_in_failed());
            }
            tx.commit_upkeep().await?;
        }
        let factor_at = stored.mfa_at.filter(|_| stored.once);
        Ok(Identity {
            id: user.id,
            name: user.name,
            key: None,
            factor_at,
            token_factor_at: stored.mfa_at,
            console: stored.console,
        })
    }
}

#[cfg(test)]
mod tests;
