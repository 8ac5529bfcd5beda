//! One-time links: making the first administrator, enrolling, confirming a second factor.

use std::net::IpAddr;
use std::time::Duration;

use postern_domain::event::{Actor, Event};
use postern_domain::permission::RoleAssignment;
use postern_domain::user::{Profile, User, UserState};
use postern_domain::{LinkId, ScopePath, SecretBytes, SecretText, Timestamp, UserId, UserName};
use postern_store::{Link, LinkPurpose, StoredPasskey, TotpSeed, WriteTx};
use postern_vault::random;
use postern_vault::token::{self, Purpose};
use postern_vault::totp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::factor::FactorGiven;
use crate::{Caller, Control, Error, PasskeyAdd, PasskeyOffer, Visitor, factor};

/// How long a link for setting up or enrolling works.
pub(crate) const ENROL_LASTS: Duration = Duration::from_secs(24 * 3600);
/// How long a link for confirming a second factor works.
const FACTOR_LASTS: Duration = Duration::from_secs(600);
/// How long it is remembered that there was a link.
const LINK_REMEMBERED: Duration = Duration::from_secs(7 * 24 * 3600);
/// The role of the first user.
pub(crate) const ADMINISTRATOR: &str = "administrator";

/// A one-time link. It carries a secret and has no `Debug`.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
pub struct LinkIssued {
    /// Where to open it, shown once.
    pub url: String,
    /// When it stops working.
    pub expires_at: Timestamp,
    /// Whether it works only once somebody else has confirmed it.
    #[serde(default)]
    pub awaits_confirmation: bool,
    /// From when it works, where that is later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub works_from: Option<Timestamp>,
}

/// What a link is for and what it offers. It carries a secret and has no `Debug`.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct LinkView {
    /// What it is for.
    pub purpose: LinkPurpose,
    /// Whom it is for; nobody yet for set-up.
    pub user: Option<UserName>,
    /// When it stops working.
    pub expires_at: Timestamp,
    /// What to enter into a generator of one-time codes, for set-up and enrolment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub totp: Option<TotpOffer>,
    /// Whether a passkey can stand in its place.
    pub passkeys: bool,
}

/// A generator's seed, to be scanned or typed. It is a secret and has no `Debug`.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct TotpOffer {
    /// The seed in base32.
    pub secret: String,
    /// The same as the URI that apps scan.
    pub otpauth_uri: String,
}

/// Setting up or enrolling by a link.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkUse {
    /// The sign-in name, for set-up only.
    #[serde(default)]
    pub user: Option<UserName>,
    /// The password chosen.
    pub password: SecretText,
    /// A code of the generator that the link's seed was entered into.
    #[serde(default)]
    pub code: Option<SecretText>,
    /// A passkey made as the link's offer asks, beside the generator or in its place.
    #[serde(default)]
    pub passkey: Option<PasskeyAdd>,
}

/// Who is to have the passkey.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkPasskey {
    /// The sign-in name, for set-up only.
    #[serde(default)]
    pub user: Option<UserName>,
}

/// Somebody who has just enrolled. It carries secrets and has no `Debug`.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Enrolled {
    /// Who.
    pub user: User,
    /// The recovery codes, shown once.
    pub recovery_codes: Vec<String>,
}

/// The first administrator, made without a browser. It carries secrets and has no `Debug`.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct SetUp {
    /// Who.
    pub user: User,
    /// The generator's seed in base32, shown once.
    pub totp_secret: String,
    /// The same as the URI that apps scan.
    pub otpauth_uri: String,
    /// The recovery codes, shown once.
    pub recovery_codes: Vec<String>,
}

/// A link by which somebody confirms a second factor while a gateway waits.
pub struct FactorLink {
    /// Where to open it.
    pub url: String,
    /// What [`Control::factor_link_confirmed`] is asked with.
    pub token: SecretText,
}

/// What somebody enrols with.
struct Enrolment {
    password_hash: String,
    /// The generator's seed, and the step of the code that proved it.
    totp: Option<(SecretBytes, i64)>,
    /// A passkey, and the credential that it is known by.
    passkey: Option<(StoredPasskey, String)>,
}

impl Control {
    /// A link to make the first administrator with; none when there is a user. Those made before
    /// stop working.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn setup_link(&self) -> Result<Option<LinkIssued>, Error> {
        let mut tx = self.store().write(self.now()).await?;
        if tx.users_count().await? > 0 {
            return Ok(None);
        }
        tx.links_setup_end().await?;
        let (issued, id) = self.link_make(&mut tx, LinkPurpose::Setup, None).await?;
        let event = Event::done(tx.now(), Self::system(), "link.create", id.as_str(), ScopePath::root())
            .with("purpose", "setup");
        self.commit(tx, &[event]).await?;
        Ok(Some(issued))
    }

    /// Makes the first administrator without a browser.
    ///
    /// # Errors
    /// `Conflict` when there is a user already; `Invalid` when the password will not do.
    pub async fn setup_offline(&self, name: UserName, password: SecretText) -> Result<SetUp, Error> {
        let password_hash = self.password_hash(&name, password).await?;
        let seed = totp::generate();
        let offer = offer(&seed, name.as_str());
        let mut tx = self.store().write(self.now()).await?;
        let user = first_user(&mut tx, name, None).await?;
        let enrolment = Enrolment { password_hash, totp: Some((seed, 0)), passkey: None };
        let recovery_codes = self.enrol(&mut tx, &user, enrolment).await?;
        let user = reread(&mut tx, &user.id).await?;
        let event = Event::done(tx.now(), Actor::Console, "user.setup", user.name.as_str(), ScopePath::root());
        self.commit(tx, &[event]).await?;
        Ok(SetUp { user, totp_secret: offer.secret, otpauth_uri: offer.otpauth_uri, recovery_codes })
    }

    /// What a link is for; for set-up and enrolment with the generator's seed that it offers.
    ///
    /// # Errors
    /// `NotFound` when it is unknown, used or expired; which of these is not told.
    pub async fn link_show(&self, token: &SecretText) -> Result<LinkView, Error> {
        let (link, user) = self.link_alive(token).await?;
        let totp = match link.purpose {
            LinkPurpose::Setup | LinkPurpose::Enrol => {
                let seed = self.link_seed(&link.id).await?;
                Some(offer(&seed, user.as_ref().map_or(ADMINISTRATOR, |user| user.name.as_str())))
            }
            LinkPurpose::Factor => None,
        };
        let passkeys = totp.is_some() && self.passkey_party().is_some();
        let user = user.map(|user| user.name);
        Ok(LinkView { purpose: link.purpose, user, expires_at: link.expires_at, totp, passkeys })
    }

    /// What an authenticator is asked that is to hold a passkey of whom the link sets up or enrols.
    ///
    /// # Errors
    /// `NotFound` as [`Self::link_show`]; `Conflict` when the public address is no name.
    pub async fn link_passkey_offer(
        &self,
        visitor: &Visitor,
        token: &SecretText,
        given: LinkPasskey,
    ) -> Result<PasskeyOffer, Error> {
        let (link, user) = self.link_alive(token).await?;
        let name = link_name(&link, user.as_ref(), given.user)?;
        let id = user.map_or_else(|| UserId::generate(self.now(), random::bytes()), |user| user.id);
        self.passkey_enrol_offer(&link.id, id, &name, visitor.source)
    }

    /// Sets up or enrols by a link, which is used up by it.
    ///
    /// # Errors
    /// `NotFound` as [`Self::link_show`]; `Invalid` when the password will not do or the code is not
    /// one of the offered seed's.
    pub async fn link_use(&self, visitor: &Visitor, token: &SecretText, given: LinkUse) -> Result<Enrolled, Error> {
        let (link, user) = self.link_alive(token).await?;
        let name = link_name(&link, user.as_ref(), given.user)?;
        let totp = match given.code {
            Some(code) => Some(self.link_code(&link.id, &code).await?),
            None if given.passkey.is_some() => None,
            None => return Err(Error::invalid("code", "give a code of your authenticator app, or a passkey")),
        };
        let password_hash = self.password_hash(&name, given.password).await?;
        let passkey = given.passkey.map(|wish| self.passkey_enrolled(&link.id, wish)).transpose()?;
        if passkey.as_ref().zip(user.as_ref()).is_some_and(|((passkey, _), user)| passkey.user != user.id) {
            return Err(unknown_link());
        }
        let id = passkey.as_ref().map(|(passkey, _)| passkey.user.clone());

        let mut tx = self.store().write(self.now()).await?;
        if !tx.link_use(&link.id).await? {
            return Err(unknown_link());
        }
        let (user, action) = match user {
            Some(user) => (user, "user.enrol"),
            None => (first_user(&mut tx, name, id).await?, "user.setup"),
        };
        let factors = [totp.as_ref().map(|_| "totp"), passkey.as_ref().map(|_| "passkey")];
        let factors: Vec<_> = factors.into_iter().flatten().collect();
        let recovery_codes = self.enrol(&mut tx, &user, Enrolment { password_hash, totp, passkey }).await?;
        let user = reread(&mut tx, &user.id).await?;
        let actor = Actor::User { name: user.name.to_string(), source: Some(visitor.source.to_string()) };
        let event = Event::done(tx.now(), actor, action, user.name.as_str(), user.scope.clone())
            .with("link", link.id.as_str())
            .with("factors", factors);
        self.commit(tx, &[event]).await?;
        Ok(Enrolled { user, recovery_codes })
    }

    /// Confirms a second factor for the gateway that waits at this link.
    ///
    /// # Errors
    /// `NotFound` also when the link is somebody else's; `Unauthenticated` when the code is wrong.
    pub async fn link_confirm(&self, caller: &Caller, token: &SecretText, given: FactorGiven) -> Result<(), Error> {
        caller.login()?;
        let (link, user) = self.link_alive(token).await?;
        if link.purpose != LinkPurpose::Factor || user.is_none_or(|user| user.id != caller.user.id) {
            return Err(unknown_link());
        }
        let code = self.factor_check(&caller.user, given, caller.source).await?;
        let mut tx = self.store().write(self.now()).await?;
        if !tx.link_use(&link.id).await? {
            return Err(unknown_link());
        }
        if !code.spend(&mut tx, &caller.user).await? {
            drop(tx);
            return Err(self.code_replayed(&code, &caller.user).await?);
        }
        let (key, source) = (link.ssh_key.unwrap_or_default(), link.source.unwrap_or_default());
        tx.factor_proved(&caller.user.id, &key, &source).await?;
        let user = &caller.user;
        let event = Event::done(tx.now(), caller.actor(), "login.factor", link.id.as_str(), user.scope.clone())
            .with("for_source", source)
            .with("for_key", key)
            .with("factor", code.kind());
        self.commit(tx, &[event]).await?;
        Ok(())
    }

    /// A link by which `user` can confirm a second factor for the gateway that they wait at, having
    /// come from `source` with this key; an empty fingerprint stands for a password.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn factor_link(&self, user: &UserId, source: IpAddr, ssh_key: &str) -> Result<FactorLink, Error> {
        let mut tx = self.store().write(self.now()).await?;
        let token = token::generate(Purpose::Confirm);
        let now = tx.now();
        let link = Link {
            source: Some(source.to_canonical().to_string()),
            ssh_key: Some(ssh_key.to_owned()),
            expires_at: now.after(FACTOR_LASTS),
            ..Self::link_blank(now, LinkPurpose::Factor, Some(user))
        };
        tx.link_create(&link, &token.hash.to_string()).await?;
        tx.links_forget(now.before(LINK_REMEMBERED)).await?;
        tx.commit_upkeep().await?;
        let url = format!("{}/confirm/{}", self.settings().public_url, token.text.expose());
        Ok(FactorLink { url, token: token.text })
    }

    /// When the link was confirmed; none while it has not been.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn factor_link_confirmed(&self, token: &SecretText) -> Result<Option<Timestamp>, Error> {
        let Ok(hash) = token::parse(Purpose::Confirm, token) else { return Ok(None) };
        let link = self.store().read().await?.link_by_hash(&hash.to_string()).await?;
        Ok(link.filter(|link| link.purpose == LinkPurpose::Factor).and_then(|link| link.used_at))
    }

    /// A link for set-up or enrolment.
    pub(crate) async fn link_make(
        &self,
        tx: &mut WriteTx,
        purpose: LinkPurpose,
        user: Option<&UserId>,
    ) -> Result<(LinkIssued, LinkId), Error> {
        let link = Self::link_blank(tx.now(), purpose, user);
        Ok((self.link_keep(tx, &link).await?, link.id))
    }

    /// A link that works at once, for a day.
    pub(crate) fn link_blank(now: Timestamp, purpose: LinkPurpose, user: Option<&UserId>) -> Link {
        Link {
            id: LinkId::generate(now, random::bytes()),
            purpose,
            user: user.cloned(),
            source: None,
            ssh_key: None,
            created_at: now,
            expires_at: now.after(ENROL_LASTS),
            used_at: None,
            totp_sealed: None,
            made_by: None,
            awaits: false,
            works_from: None,
        }
    }

    /// Makes a link's token and keeps the link; gives where to open it.
    pub(crate) async fn link_keep(&self, tx: &mut WriteTx, link: &Link) -> Result<LinkIssued, Error> {
        let token = token::generate(Purpose::Link);
        tx.link_create(link, &token.hash.to_string()).await?;
        tx.links_forget(tx.now().before(LINK_REMEMBERED)).await?;
        let page = if link.purpose == LinkPurpose::Setup { "setup" } else { "enrol" };
        Ok(LinkIssued {
            url: format!("{}/{page}/{}", self.settings().public_url, token.text.expose()),
            expires_at: link.expires_at,
            awaits_confirmation: link.awaits,
            works_from: link.works_from,
        })
    }

    /// The link with this token that can be used, and whom it is for.
    async fn link_alive(&self, token: &SecretText) -> Result<(Link, Option<User>), Error> {
        let hash = token::parse(Purpose::Link, token).or_else(|_| token::parse(Purpose::Confirm, token));
        let hash = hash.map_err(|_| unknown_link())?;
        let mut rows = self.store().read().await?;
        let link = rows.link_by_hash(&hash.to_string()).await?;
        let link = link.filter(|link| link.alive(self.now())).ok_or_else(unknown_link)?;
        if link.waits(self.now()) {
            return Err(Error::Conflict(match link.works_from {
                Some(from) => format!("this link works from {from}, unless somebody says no to it before"),
                None => "this link works once somebody else has confirmed it: ask another administrator".to_owned(),
            }));
        }
        let user = match &link.user {
            Some(id) => Some(rows.user(id).await?.ok_or_else(unknown_link)?),
            None => None,
        };
        if user.as_ref().is_some_and(|user| user.state == UserState::Disabled) {
            return Err(unknown_link());
        }
        Ok((link, user))
    }

    /// The seed that a link offers and the step of the code that shows that it was entered.
    async fn link_code(&self, link: &LinkId, code: &SecretText) -> Result<(SecretBytes, i64), Error> {
        let seed = self.link_seed(link).await?;
        let step = totp::verify(&seed, code.expose(), self.now(), None)
            .map_err(|error| Error::invalid("code", error.to_string()))?;
        Ok((seed, i64::try_from(step).unwrap_or(i64::MAX)))
    }

    /// Gives a user a password, a second factor and recovery codes, in place of all that they had, passkeys
    /// included.
    async fn enrol(&self, tx: &mut WriteTx, user: &User, enrolment: Enrolment) -> Result<Vec<String>, Error> {
        let (codes, hashes) = factor::recovery_codes();
        tx.password_set(&user.id, &enrolment.password_hash).await?;
        match enrolment.totp {
            Some((seed, last_step)) => {
                let sealed = factor::seal_seed(self.vault(), &user.id, &seed)?;
                tx.totp_set(&user.id, &TotpSeed { sealed, last_step }).await?;
            }
            None => tx.totp_clear(&user.id).await?,
        }
        tx.recovery_codes_set(&user.id, &hashes).await?;
        tx.passkeys_remove(&user.id).await?;
        if let Some((passkey, credential)) = &enrolment.passkey {
            tx.passkey_add(passkey, credential).await?;
        }
        tx.logins_end(&user.id).await?;
        tx.links_end(&user.id).await?;
        tx.factor_proofs_forget(&user.id).await?;
        tx.user_change(&user.id, user.email.as_deref(), &user.scope, UserState::Active).await?;
        Ok(codes.iter().map(|code| code.expose().to_owned()).collect())
    }
}

/// Whom a link sets up or enrols.
fn link_name(link: &Link, user: Option<&User>, given: Option<UserName>) -> Result<UserName, Error> {
    match (link.purpose, user, given) {
        (LinkPurpose::Setup, _, Some(name)) => Ok(name),
        (LinkPurpose::Setup, _, None) => Err(Error::invalid("user", "choose a sign-in name")),
        (LinkPurpose::Enrol, Some(user), None) => Ok(user.name.clone()),
        (LinkPurpose::Enrol, Some(_), Some(_)) => {
            Err(Error::invalid("user", "the link says whom it is for; leave the name out"))
        }
        _ => Err(Error::invalid("token", "this link is confirmed by signing in, not used here")),
    }
}

/// The first user, an administrator of everything.
async fn first_user(tx: &mut WriteTx, name: UserName, id: Option<UserId>) -> Result<User, Error> {
    if tx.users_count().await? > 0 {
        return Err(Error::Conflict("postern is set up already; an administrator creates further users".to_owned()));
    }
    let role = ADMINISTRATOR.parse().map_err(|_| Error::not_found("role", ADMINISTRATOR))?;
    let user = User {
        id: id.unwrap_or_else(|| UserId::generate(tx.now(), random::bytes())),
        name,
        email: None,
        scope: ScopePath::root(),
        state: UserState::Invited,
        groups: Vec::new(),
        roles: vec![RoleAssignment { role, scope: ScopePath::root() }],
        totp: false,
        created_at: tx.now(),
        last_seen_at: None,
        profile: Profile::default(),
    };
    tx.user_create(&user).await?;
    tx.user_roles_set(&user.id, &user.roles).await?;
    Ok(user)
}

async fn reread(tx: &mut WriteTx, id: &UserId) -> Result<User, Error> {
    tx.user(id).await?.ok_or_else(|| Error::not_found("user", id))
}

fn offer(seed: &SecretBytes, name: &str) -> TotpOffer {
    TotpOffer {
        secret: totp::to_base32(seed).expose().to_owned(),
        otpauth_uri: factor::otpauth_uri(seed, name).expose().to_owned(),
    }
}

/// One answer for a link that is unknown, used or expired.
fn unknown_link() -> Error {
    Error::Link
}

#[cfg(test)]
mod tests;
