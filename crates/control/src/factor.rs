//! Second factors: one-time codes and recovery codes, which count once each, and passkeys.

use std::net::IpAddr;

use postern_domain::user::User;
use postern_domain::{LinkId, PasskeyId, SecretBytes, SecretText, UserId};
use postern_store::WriteTx;
use postern_vault::recovery::CodeHash;
use postern_vault::totp::TotpError;
use postern_vault::{Binding, Envelope, Vault, recovery, totp};

use schemars::JsonSchema;
use serde::Deserialize;

use crate::passkey::PasskeyAnswer;
use crate::throttle::{Attempt, Proving};
use crate::{Control, Error};

/// What apps show the code under.
const ISSUER: &str = "Postern";

/// A code, a recovery code or a passkey's answer.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FactorGiven {
    /// A one-time code or a recovery code.
    #[serde(default)]
    pub code: Option<SecretText>,
    /// A passkey's answer instead.
    #[serde(default)]
    pub passkey: Option<PasskeyAnswer>,
}

/// A factor that is right, to be used up in the transaction that relies on it.
pub(crate) struct RightFactor {
    attempt: Attempt,
    spend: Spend,
}

enum Spend {
    Step(i64),
    Recovery(String),
    Passkey { id: PasskeyId, body: String },
}

impl RightFactor {
    /// A passkey that has proved itself, with its credential as it is since.
    pub(crate) const fn passkey(attempt: Attempt, id: PasskeyId, body: String) -> Self {
        Self { attempt, spend: Spend::Passkey { id, body } }
    }

    /// What kind of factor it is, for the ledger.
    pub(crate) const fn kind(&self) -> &'static str {
        match self.spend {
            Spend::Step(_) => "totp",
            Spend::Recovery(_) => "recovery_code",
            Spend::Passkey { .. } => "passkey",
        }
    }

    /// Whether it is a passkey.
    pub(crate) const fn is_passkey(&self) -> bool {
        matches!(self.spend, Spend::Passkey { .. })
    }

    /// Uses the code up; false when somebody else just did.
    pub(crate) async fn spend(&self, tx: &mut WriteTx, user: &User) -> Result<bool, Error> {
        let spent = match &self.spend {
            Spend::Step(step) => tx.totp_step_use(&user.id, *step).await?,
            Spend::Recovery(hash) => tx.recovery_code_use(&user.id, hash).await?,
            Spend::Passkey { id, body } => tx.passkey_used(id, body).await?,
        };
        if spent {
            self.attempt.succeeded(tx, user).await?;
        }
        Ok(spent)
    }
}

impl Control {
    /// Checks a factor of somebody who has proved who they are otherwise.
    ///
    /// # Errors
    /// `Invalid` when none is given, or two are; otherwise as [`Self::code_check`].
    pub(crate) async fn factor_check(
        &self,
        user: &User,
        given: FactorGiven,
        source: IpAddr,
    ) -> Result<RightFactor, Error> {
        match (given.code, given.passkey) {
            (Some(code), None) => self.code_check(user, &code, source).await,
            (None, Some(answer)) => self.passkey_check(user, answer, source).await,
            _ => Err(Error::invalid("code", "give a code, or a passkey's answer")),
        }
    }

    /// Checks a one-time code or a recovery code of somebody who has proved who they are otherwise.
    ///
    /// # Errors
    /// `Throttled`, or `Unauthenticated` when the code is wrong or was used before; `Sealed` when it is
    /// a one-time code and the vault, which keeps the seeds, is sealed.
    pub(crate) async fn code_check(
        &self,
        user: &User,
        code: &SecretText,
        source: IpAddr,
    ) -> Result<RightFactor, Error> {
        let now = self.now();
        let mut rows = self.store().read().await?;
        let attempt = Attempt::begin(&mut rows, Proving::Code, &user.name, Some(user), source, now).await?;
        attempt.admit(&mut rows, now).await?;
        let (seed, stored) = (rows.proofs(&user.id).await?.totp, rows.recovery_hashes(&user.id).await?);
        drop(rows);
        let known = recovery_hashes(&stored);
        if let Some(hash) = recovery::find(&known, code).and_then(|index| known.get(index)) {
            return Ok(RightFactor { attempt, spend: Spend::Recovery(hex::encode(hash.0)) });
        }
        let Some(stored) = seed else { return Err(self.code_wrong(&attempt, user, TotpError::Wrong).await?) };
        let seed = open_seed(self.vault(), &user_binding(&user.id), &stored.sealed)?;
        let last = u64::try_from(stored.last_step).ok();
        match totp::verify(&seed, code.expose(), now, last) {
            Ok(step) => Ok(RightFactor { attempt, spend: Spend::Step(i64::try_from(step).unwrap_or(i64::MAX)) }),
            Err(error) => Err(self.code_wrong(&attempt, user, error).await?),
        }
    }

    /// The answer to a code that was right and was used up by somebody else in the meantime.
    pub(crate) async fn code_replayed(&self, code: &RightFactor, user: &User) -> Result<Error, Error> {
        self.code_wrong(&code.attempt, user, TotpError::Replayed).await
    }

    async fn code_wrong(&self, attempt: &Attempt, user: &User, error: TotpError) -> Result<Error, Error> {
        let cause = if error == TotpError::Replayed { "code replayed" } else { "code" };
        self.attempt_failed(attempt, Some(user), cause).await?;
        Ok(Error::Unauthenticated { code: "sign_in_failed", message: error.to_string() })
    }

    /// The seed that the link offers, made now unless it has one.
    pub(crate) async fn link_seed(&self, link: &LinkId) -> Result<SecretBytes, Error> {
        let binding = link_binding(link);
        let fresh = self.vault().seal(&binding, &totp::generate())?.to_bytes();
        let mut tx = self.store().write(self.now()).await?;
        let sealed = tx.link_offer(link, &fresh).await?;
        tx.commit_upkeep().await?;
        open_seed(self.vault(), &binding, &sealed)
    }
}

/// Seals all seeds again under the newest key of `vault`; gives how many.
pub(crate) async fn rewrap(vault: &Vault, tx: &mut WriteTx) -> Result<u64, Error> {
    let mut rewrapped = 0;
    for (user, sealed) in tx.totp_seeds().await? {
        if let Some(fresh) = vault.rewrap(&user_binding(&user), &Envelope::parse(&sealed)?)? {
            tx.totp_rewrap(&user, &fresh.to_bytes()).await?;
            rewrapped += 1;
        }
    }
    for (link, sealed) in tx.link_seeds().await? {
        if let Some(fresh) = vault.rewrap(&link_binding(&link), &Envelope::parse(&sealed)?)? {
            tx.link_rewrap(&link, &fresh.to_bytes()).await?;
            rewrapped += 1;
        }
    }
    Ok(rewrapped)
}

/// New recovery codes: what the person keeps, and the hashes that are stored.
pub(crate) fn recovery_codes() -> (Vec<SecretText>, Vec<String>) {
    recovery::generate().into_iter().map(|code| (code.text, hex::encode(code.hash.0))).unzip()
}

/// What apps scan to generate the codes of this seed.
pub(crate) fn otpauth_uri(seed: &SecretBytes, name: &str) -> SecretText {
    totp::uri(seed, ISSUER, name)
}

/// Seals a person's seed for storage.
pub(crate) fn seal_seed(vault: &Vault, user: &UserId, seed: &SecretBytes) -> Result<Vec<u8>, Error> {
    Ok(vault.seal(&user_binding(user), seed)?.to_bytes())
}

fn open_seed(vault: &Vault, binding: &Binding, sealed: &[u8]) -> Result<SecretBytes, Error> {
    Ok(vault.open(binding, &Envelope::parse(sealed)?)?)
}

fn user_binding(user: &UserId) -> Binding {
    Binding::new("totp", user.as_str(), 1)
}

fn link_binding(link: &LinkId) -> Binding {
    Binding::new("link_totp", link.as_str(), 1)
}

fn recovery_hashes(stored: &[String]) -> Vec<CodeHash> {
    stored
        .iter()
        .filter_map(|text| {
            let mut hash = [0; 32];
            hex::decode_to_slice(text, &mut hash).ok().map(|()| CodeHash(hash))
        })
        .collect()
}
