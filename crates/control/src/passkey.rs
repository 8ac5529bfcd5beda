//! Passkeys (WebAuthn): registering them, and proving with one who somebody is or that they are there.
//!
//! What is asked of an authenticator is kept in memory for a few minutes and used up by the answer. The
//! relying party is the host of the public address; user verification is always demanded, so that a
//! passkey is two factors by itself.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use postern_domain::event::Event;
use postern_domain::user::{Passkey as Listed, User, UserState};
use postern_domain::{LinkId, PasskeyId, Timestamp, UserId, UserName};
use postern_store::StoredPasskey;
use postern_vault::random;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use webauthn_rs::prelude::{
    DiscoverableAuthentication, Passkey, PasskeyAuthentication, PasskeyRegistration, PublicKeyCredential,
    RegisterPublicKeyCredential, Url, Uuid, Webauthn, WebauthnBuilder, WebauthnError,
};

use crate::factor::RightFactor;
use crate::password::sign_in_failed;
use crate::throttle::{Attempt, Proving};
use crate::{Caller, Control, Error, Visitor};

/// What browsers show as the one who asks.
const RP_NAME: &str = "Postern";
/// How long an answer is waited for.
const ASKED_LASTS: Duration = Duration::from_secs(300);
/// How many questions are kept in all, and for one address.
const ASKED_MAX: usize = 4096;
const ASKED_PER_SOURCE_MAX: usize = 16;
/// How many passkeys one person may have.
const PASSKEYS_MAX: usize = 20;
const NAME_LEN_MAX: usize = 80;
/// How old the second factor may be with which a passkey is added or removed.
const FACTOR_AGE_MAX: Duration = Duration::from_secs(15 * 60);

/// What an authenticator is asked.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct PasskeyOffer {
    /// Names the question in the answer.
    pub id: String,
    /// For `navigator.credentials`, with byte strings in base64url: `{"publicKey": {...}}`.
    pub options: serde_json::Value,
}

/// An authenticator's answer.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PasskeyAnswer {
    /// The question's.
    pub id: String,
    /// What `navigator.credentials.get` gave, as `toJSON` writes it.
    pub credential: serde_json::Value,
}

/// A passkey to be registered.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PasskeyAdd {
    /// The question's.
    pub id: String,
    /// What to call it: `laptop`.
    pub name: String,
    /// What `navigator.credentials.create` gave, as `toJSON` writes it.
    pub credential: serde_json::Value,
}

/// What was asked, and of whom.
enum Asked {
    Register(UserId, PasskeyRegistration),
    /// Of somebody who sets up or enrols by a link, as whom they will be.
    Enrol(LinkId, UserId, PasskeyRegistration),
    /// Of somebody who is known.
    Prove(UserId, PasskeyAuthentication),
    /// Of anybody: the passkey says who it is.
    SignIn(DiscoverableAuthentication),
}

struct Question {
    asked: Asked,
    source: IpAddr,
    at: Timestamp,
}

/// The questions that have not been answered. Held in memory: whoever asked when Postern was stopped
/// asks again.
#[derive(Default)]
pub(crate) struct Questions(Mutex<HashMap<String, Question>>);

impl Questions {
    /// Keeps a question; the oldest ones from the same address, and those that are too old, are dropped.
    fn ask(&self, asked: Asked, source: IpAddr, now: Timestamp) -> Result<String, Error> {
        let mut questions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        questions.retain(|_, question| now.since(question.at) < ASKED_LASTS);
        let mut theirs: Vec<_> =
            questions.iter().filter(|(_, q)| q.source == source).map(|(id, q)| (q.at, id.clone())).collect();
        if theirs.len() >= ASKED_PER_SOURCE_MAX {
            theirs.sort();
            for (_, id) in theirs.into_iter().take(1) {
                questions.remove(&id);
            }
        }
        if questions.len() >= ASKED_MAX {
            return Err(Error::Throttled(Duration::from_secs(10)));
        }
        let id = hex::encode(random::bytes::<16>());
        questions.insert(id.clone(), Question { asked, source, at: now });
        Ok(id)
    }

    /// A question that is being answered; each is once.
    fn answered(&self, id: &str, now: Timestamp) -> Option<Asked> {
        let question = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(id)?;
        (now.since(question.at) < ASKED_LASTS).then_some(question.asked)
    }
}

impl Control {
    /// The caller's passkeys.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn passkey_list(&self, caller: &Caller) -> Result<Vec<Listed>, Error> {
        let stored = self.store().read().await?.passkeys(&caller.user.id).await?;
        Ok(stored.into_iter().map(|stored| stored.passkey).collect())
    }

    /// What an authenticator is asked that is to hold a new passkey of the caller's.
    ///
    /// # Errors
    /// `StepUp` when they have a second factor and have not proved it lately; `Conflict` when they
    /// have as many as they may, or the public address is no name.
    pub async fn passkey_offer(&self, caller: &Caller) -> Result<PasskeyOffer, Error> {
        caller.login()?;
        let known = self.store().read().await?.passkeys(&caller.user.id).await?;
        self.passkey_change_allowed(caller, caller.user.totp || !known.is_empty())?;
        if known.len() >= PASSKEYS_MAX {
            return Err(Error::Conflict(format!("you have {PASSKEYS_MAX} passkeys; remove some first")));
        }
        let (options, state) = self.registration(&caller.user.id, &caller.user.name, &known)?;
        let asked = Asked::Register(caller.user.id.clone(), state);
        let id = self.questions().ask(asked, caller.source, self.now())?;
        Ok(PasskeyOffer { id, options })
    }

    /// What an authenticator is asked that is to hold the first passkey of `user`, who sets up or enrols
    /// by `link`.
    pub(crate) fn passkey_enrol_offer(
        &self,
        link: &LinkId,
        user: UserId,
        name: &UserName,
        source: IpAddr,
    ) -> Result<PasskeyOffer, Error> {
        let (options, state) = self.registration(&user, name, &[])?;
        let id = self.questions().ask(Asked::Enrol(link.clone(), user, state), source, self.now())?;
        Ok(PasskeyOffer { id, options })
    }

    /// The passkey that answers what was asked at `link`, and the credential that it is known by.
    pub(crate) fn passkey_enrolled(&self, link: &LinkId, wish: PasskeyAdd) -> Result<(StoredPasskey, String), Error> {
        let name = passkey_name(&wish.name)?;
        match self.questions().answered(&wish.id, self.now()) {
            Some(Asked::Enrol(asked, user, state)) if asked == *link => {
                self.registered(user, name, wish.credential, &state)
            }
            _ => Err(not_asked()),
        }
    }

    fn registration(
        &self,
        user: &UserId,
        name: &UserName,
        known: &[StoredPasskey],
    ) -> Result<(serde_json::Value, PasskeyRegistration), Error> {
        let exclude = credentials(known).iter().map(|passkey| passkey.cred_id().clone()).collect();
        let name = name.as_str();
        let (options, state) = self
            .webauthn()?
            .start_passkey_registration(handle(user), name, name, Some(exclude))
            .map_err(|error| failed(&error))?;
        let mut options = json(&options)?;
        // So that it can be found without a name being typed first. The library leaves it to the browser.
        if let Some(selection) =
            options.pointer_mut("/publicKey/authenticatorSelection").and_then(|s| s.as_object_mut())
        {
            selection.insert("residentKey".to_owned(), "required".into());
            selection.insert("requireResidentKey".to_owned(), true.into());
        }
        Ok((options, state))
    }

    fn registered(
        &self,
        user: UserId,
        name: String,
        credential: serde_json::Value,
        state: &PasskeyRegistration,
    ) -> Result<(StoredPasskey, String), Error> {
        let given: RegisterPublicKeyCredential = serde_json::from_value(credential)
            .map_err(|_| Error::invalid("credential", "not what navigator.credentials.create gives"))?;
        let passkey = self.webauthn()?.finish_passkey_registration(&given, state).map_err(|error| {
            Error::invalid("credential", format!("the authenticator's answer does not fit: {error}"))
        })?;
        let credential = hex::encode(passkey.cred_id().as_slice());
        let now = self.now();
        let id = PasskeyId::generate(now, random::bytes());
        let listed = Listed { id, name, created_at: now, last_used_at: None };
        let body = serde_json::to_string(&passkey).map_err(|_| cannot_be_written())?;
        Ok((StoredPasskey { passkey: listed, user, body }, credential))
    }

    /// Registers a passkey of the caller's.
    ///
    /// # Errors
    /// `Invalid` when the answer is not one to the question, or the question too old.
    pub async fn passkey_add(&self, caller: &Caller, wish: PasskeyAdd) -> Result<Listed, Error> {
        caller.login()?;
        let name = passkey_name(&wish.name)?;
        let (stored, credential) = match self.questions().answered(&wish.id, self.now()) {
            Some(Asked::Register(user, state)) if user == caller.user.id => {
                self.registered(user, name, wish.credential, &state)?
            }
            _ => return Err(not_asked()),
        };
        let mut tx = self.store().write(self.now()).await?;
        tx.passkey_add(&stored, &credential).await?;
        let listed = stored.passkey;
        let event = self.passkey_event(caller, "passkey.add", &listed, tx.now());
        self.commit(tx, &[event]).await?;
        Ok(listed)
    }

    /// Removes one of the caller's passkeys.
    ///
    /// # Errors
    /// `NotFound` also when it is somebody else's; `StepUp` when no factor was proved lately.
    pub async fn passkey_remove(&self, caller: &Caller, id: &PasskeyId) -> Result<(), Error> {
        caller.login()?;
        self.passkey_change_allowed(caller, true)?;
        let mut tx = self.store().write(self.now()).await?;
        let known = tx.passkeys(&caller.user.id).await?;
        let found = known.into_iter().find(|stored| stored.passkey.id == *id);
        let found = found.ok_or_else(|| Error::not_found("passkey", id))?;
        tx.passkey_remove(id).await?;
        let event = self.passkey_event(caller, "passkey.remove", &found.passkey, tx.now());
        self.commit(tx, &[event]).await?;
        Ok(())
    }

    /// What any authenticator is asked by which somebody is to sign in, who has said nothing yet.
    ///
    /// # Errors
    /// `Conflict` when the public address is no name; `Throttled` when too much was asked.
    pub fn passkey_sign_in_offer(&self, visitor: &Visitor) -> Result<PasskeyOffer, Error> {
        let (options, state) = self.webauthn()?.start_discoverable_authentication().map_err(|error| failed(&error))?;
        let mut options = json(&options)?;
        // The person has asked for it, so that the browser shows its own dialog.
        if let Some(options) = options.as_object_mut() {
            options.remove("mediation");
        }
        let id = self.questions().ask(Asked::SignIn(state), visitor.source, self.now())?;
        Ok(PasskeyOffer { id, options })
    }

    /// What the caller's authenticators are asked to prove that the caller is there.
    ///
    /// # Errors
    /// `Conflict` when they have no passkey.
    pub async fn passkey_factor_offer(&self, caller: &Caller) -> Result<PasskeyOffer, Error> {
        caller.login()?;
        let known = credentials(&self.store().read().await?.passkeys(&caller.user.id).await?);
        if known.is_empty() {
            return Err(Error::Conflict("you have no passkey yet; prove a one-time code".to_owned()));
        }
        let (options, state) = self.webauthn()?.start_passkey_authentication(&known).map_err(|error| failed(&error))?;
        let asked = Asked::Prove(caller.user.id.clone(), state);
        let id = self.questions().ask(asked, caller.source, self.now())?;
        Ok(PasskeyOffer { id, options: json(&options)? })
    }

    /// Whose passkey answered, when they may act and the answer is right.
    pub(crate) async fn passkey_owner(
        &self,
        answer: PasskeyAnswer,
        source: IpAddr,
    ) -> Result<(User, RightFactor), Error> {
        let given: PublicKeyCredential = read(answer.credential)?;
        let mut rows = self.store().read().await?;
        let stored = rows.passkey_by_credential(&hex::encode(given.get_credential_id())).await?;
        let user = match &stored {
            Some(stored) => rows.user(&stored.user).await?,
            None => None,
        };
        drop(rows);
        let (Some(stored), Some(user)) = (stored, user.filter(|user| user.state == UserState::Active)) else {
            return Err(sign_in_failed());
        };
        let right = self.passkey_prove(&user, &answer.id, &given, Some(stored), source).await?;
        Ok((user, right))
    }

    /// Checks the answer of one of `user`'s passkeys, who has proved who they are otherwise.
    pub(crate) async fn passkey_check(
        &self,
        user: &User,
        answer: PasskeyAnswer,
        source: IpAddr,
    ) -> Result<RightFactor, Error> {
        let given: PublicKeyCredential = read(answer.credential)?;
        let credential = hex::encode(given.get_credential_id());
        let stored = self.store().read().await?.passkey_by_credential(&credential).await?;
        self.passkey_prove(user, &answer.id, &given, stored, source).await
    }

    async fn passkey_prove(
        &self,
        user: &User,
        question: &str,
        given: &PublicKeyCredential,
        stored: Option<StoredPasskey>,
        source: IpAddr,
    ) -> Result<RightFactor, Error> {
        let now = self.now();
        let mut rows = self.store().read().await?;
        let attempt = Attempt::begin(&mut rows, Proving::Code, &user.name, Some(user), source, now).await?;
        attempt.admit(&mut rows, now).await?;
        drop(rows);
        match self.prove(user, question, given, stored, now) {
            Ok((id, body)) => Ok(RightFactor::passkey(attempt, id, body)),
            Err(cause) => {
                tracing::debug!(user = %user.id, cause, "a passkey was not accepted");
                self.attempt_failed(&attempt, Some(user), "passkey").await?;
                Err(Error::Unauthenticated {
                    code: "sign_in_failed",
                    message: "the passkey was not accepted".to_owned(),
                })
            }
        }
    }

    /// The passkey's id and its credential as it is since, or why not.
    fn prove(
        &self,
        user: &User,
        question: &str,
        given: &PublicKeyCredential,
        stored: Option<StoredPasskey>,
        now: Timestamp,
    ) -> Result<(PasskeyId, String), &'static str> {
        let stored = stored.filter(|stored| stored.user == user.id).ok_or("it is somebody else's")?;
        let mut passkey: Passkey = serde_json::from_str(&stored.body).map_err(|_| "it cannot be read")?;
        let webauthn = self.webauthn().map_err(|_| "there are none here")?;
        let proved = match self.questions().answered(question, now).ok_or("it was not asked")? {
            Asked::Register(..) | Asked::Enrol(..) => return Err("something else was asked"),
            Asked::Prove(asked, state) if asked == user.id => webauthn.finish_passkey_authentication(given, &state),
            Asked::Prove(..) => return Err("somebody else was asked"),
            Asked::SignIn(state) => {
                let (owner, _) = webauthn.identify_discoverable_authentication(given).map_err(|_| "it names nobody")?;
                if owner != handle(&user.id) {
                    return Err("it names somebody else");
                }
                webauthn.finish_discoverable_authentication_v2(given, state, &passkey)
            }
        };
        let proved = proved.map_err(|_| "the answer does not fit")?;
        if !proved.user_verified() {
            return Err("the person was not verified");
        }
        passkey.update_credential(&proved);
        let body = serde_json::to_string(&passkey).map_err(|_| "it cannot be written")?;
        Ok((stored.passkey.id, body))
    }

    /// Refuses somebody who has a second factor and has not proved it lately.
    fn passkey_change_allowed(&self, caller: &Caller, has_factor: bool) -> Result<(), Error> {
        if has_factor { caller.factor_within(FACTOR_AGE_MAX, self.now()) } else { Ok(()) }
    }

    fn passkey_event(&self, caller: &Caller, action: &str, passkey: &Listed, now: Timestamp) -> Event {
        Event::done(now, caller.actor(), action, passkey.id.as_str(), caller.user.scope.clone())
            .with("name", passkey.name.as_str())
    }

    /// The relying party: the public address, where it is a name.
    fn webauthn(&self) -> Result<Webauthn, Error> {
        let origin = Url::parse(&self.settings().public_url).map_err(|_| no_name())?;
        let host = origin.domain().ok_or_else(no_name)?;
        WebauthnBuilder::new(host, &origin).and_then(|builder| builder.rp_name(RP_NAME).build()).map_err(|_| no_name())
    }

    /// The name by which passkeys know this Postern; none where its public address is no name.
    pub(crate) fn passkey_party(&self) -> Option<String> {
        Url::parse(&self.settings().public_url).ok()?.domain().map(str::to_owned)
    }
}

/// What an authenticator knows somebody as: nothing that could be recognised elsewhere.
fn handle(user: &UserId) -> Uuid {
    let hash = digest(&SHA256, format!("postern passkey of {user}").as_bytes());
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(hash.as_ref()).for_each(|(to, from)| *to = *from);
    Uuid::from_bytes(bytes)
}

/// The credentials that can be read; the library writes no others.
fn credentials(stored: &[StoredPasskey]) -> Vec<Passkey> {
    stored.iter().filter_map(|stored| serde_json::from_str(&stored.body).ok()).collect()
}

fn read(credential: serde_json::Value) -> Result<PublicKeyCredential, Error> {
    serde_json::from_value(credential)
        .map_err(|_| Error::invalid("passkey.credential", "not what navigator.credentials.get gives"))
}

fn json<T: Serialize>(options: &T) -> Result<serde_json::Value, Error> {
    serde_json::to_value(options).map_err(|_| cannot_be_written())
}

fn failed(error: &WebauthnError) -> Error {
    Error::Unavailable(format!("passkeys cannot be asked for: {error}"))
}

fn cannot_be_written() -> Error {
    Error::Unavailable("the passkey cannot be written down".to_owned())
}

fn passkey_name(given: &str) -> Result<String, Error> {
    let name = crate::text::words("name", given, NAME_LEN_MAX)?;
    if name.is_empty() {
        return Err(Error::invalid("name", "say what to call it: laptop, phone"));
    }
    Ok(name)
}

fn not_asked() -> Error {
    Error::invalid("id", "this was not asked, or too long ago: begin again")
}

fn no_name() -> Error {
    Error::Conflict("passkeys need Postern to have a name: set https.public_url to one, not to an address".to_owned())
}

#[cfg(test)]
mod tests;
