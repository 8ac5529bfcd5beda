//! Host keys: what an asset is known by. Trust comes from a decision, never from the first contact.

use std::collections::BTreeSet;

use postern_domain::asset::{Asset, HostKey, HostKeyState};
use postern_domain::event::Event;
use postern_domain::permission::Permission;
use postern_domain::permit::{Manage, Permit};
use postern_domain::{AssetId, AssetName, HostKeyId};
use postern_store::WriteTx;
use russh::keys::{HashAlg, PublicKey};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{Caller, Control, Error, visible};

/// Undecided keys that are kept of one asset; a hostile one could show a new one each time.
const SEEN_MAX: usize = 16;
/// The longest key that is read, in bytes.
const KEY_LEN_MAX: usize = 16 * 1024;

/// What is decided about a host key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HostKeyDecision {
    /// It is the asset's. A pinned key of the same algorithm is rejected by that.
    Pinned,
    /// It is not.
    Rejected,
}

/// What is known of a host key that an asset presented.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostKeySight {
    /// The asset is known by it.
    Pinned,
    /// Nobody has decided yet; it has been written down.
    Unknown {
        /// The key's fingerprint.
        fingerprint: String,
    },
    /// The asset is known by another key of the same algorithm.
    Changed {
        /// The fingerprint of the key presented.
        fingerprint: String,
        /// The fingerprint of the key that it is known by.
        pinned: String,
    },
    /// An administrator decided that it is not the asset's.
    Rejected {
        /// The key's fingerprint.
        fingerprint: String,
    },
}

impl Control {
    /// The host keys known of an asset.
    ///
    /// # Errors
    /// `NotFound` also where the caller may not know of the asset.
    pub async fn host_key_list(
        &self,
        caller: &Caller,
        permit: &Permit<Manage>,
        name: &AssetName,
    ) -> Result<Vec<HostKey>, Error> {
        let mut rows = self.store().read().await?;
        let asset = visible::asset(&mut rows, caller, name, &permit.action().scopes).await?;
        Ok(rows.host_keys(&asset.id).await?)
    }

    /// Decides whether an asset is known by a key that it presented or that was declared.
    ///
    /// # Errors
    /// When the asset or the key is not known, or the asset lies outside the permit.
    pub async fn host_key_decide(
        &self,
        caller: &Caller,
        permit: &Permit<Manage>,
        name: &AssetName,
        fingerprint: &str,
        decision: HostKeyDecision,
    ) -> Result<HostKey, Error> {
        let mut tx = self.store().write(self.now()).await?;
        let scopes = visible::readable(caller, permit, Permission::AssetRead);
        let asset = visible::asset(&mut tx, caller, name, &scopes).await?;
        visible::within(permit, &asset.scope)?;
        let keys = tx.host_keys(&asset.id).await?;
        let key = keys.iter().find(|key| key.fingerprint == fingerprint);
        let mut key = key.cloned().ok_or_else(|| Error::not_found("host key", fingerprint))?;
        let state = match decision {
            HostKeyDecision::Pinned => HostKeyState::Pinned,
            HostKeyDecision::Rejected => HostKeyState::Rejected,
        };
        if key.state == state {
            return Ok(key);
        }
        let event = match decision {
            HostKeyDecision::Pinned => pin(&mut tx, caller, &asset, &keys, &key).await?,
            HostKeyDecision::Rejected => {
                tx.host_key_decide(&key.id, state).await?;
                event(&tx, caller, "host_key.reject", &asset, &key).with("was", word(key.state))
            }
        };
        self.commit(tx, &[event]).await?;
        key.state = state;
        Ok(key)
    }

    /// Judges a key that an asset presented, and writes it down when it is new.
    ///
    /// # Errors
    /// When it is not a key, or the database fails.
    pub async fn host_key_seen(&self, asset: &AssetId, public_key: &str) -> Result<HostKeySight, Error> {
        let presented = parse(public_key)?;
        let keys = self.store().read().await?.host_keys(asset).await?;
        if keys.iter().any(|key| key.fingerprint == presented.fingerprint) {
            return Ok(judge(&keys, &presented));
        }
        let mut tx = self.store().write(self.now()).await?;
        let keys = tx.host_keys(asset).await?;
        let sight = judge(&keys, &presented);
        if keys.iter().any(|key| key.fingerprint == presented.fingerprint) {
            return Ok(sight);
        }
        let asset = tx.asset(asset).await?.ok_or_else(|| Error::not_found("asset", asset))?;
        let undecided: Vec<_> = keys.iter().filter(|key| key.state == HostKeyState::Seen).collect();
        if let Some(oldest) = undecided.first().filter(|_| undecided.len() >= SEEN_MAX) {
            tx.host_key_forget(&oldest.id).await?;
        }
        let key = new_key(&tx, &asset, &presented, HostKeyState::Seen);
        tx.host_key_insert(&asset.id, &key).await?;
        let mut event = Event::done(tx.now(), Self::system(), "host_key.see", asset.name.as_str(), asset.scope.clone())
            .with("fingerprint", presented.fingerprint.as_str())
            .with("algorithm", presented.algorithm.as_str());
        if let HostKeySight::Changed { pinned, .. } = &sight {
            event.action = "host_key.change".to_owned();
            event = event.with("pinned", pinned.as_str());
        }
        self.commit(tx, &[event]).await?;
        Ok(sight)
    }
}

/// A public key, taken apart.
struct Presented {
    fingerprint: String,
    algorithm: String,
    line: String,
}

/// Reads a key in OpenSSH's one-line form; a comment is dropped.
fn parse(line: &str) -> Result<Presented, Error> {
    let refused = || Error::invalid("host_keys", "not a public key in the form that `ssh-keyscan` prints");
    if line.len() > KEY_LEN_MAX {
        return Err(refused());
    }
    let mut key = PublicKey::from_openssh(line.trim()).map_err(|_| refused())?;
    key.set_comment("");
    Ok(Presented {
        fingerprint: key.fingerprint(HashAlg::Sha256).to_string(),
        algorithm: key.algorithm().as_str().to_owned(),
        line: key.to_openssh().map_err(|_| refused())?.trim().to_owned(),
    })
}

fn algorithm(key: &HostKey) -> &str {
    key.public_key.split(' ').next().unwrap_or_default()
}

fn judge(keys: &[HostKey], presented: &Presented) -> HostKeySight {
    let fingerprint = presented.fingerprint.clone();
    let known = keys.iter().find(|key| key.fingerprint == fingerprint).map(|key| key.state);
    let pinned = keys
        .iter()
        .find(|key| key.state == HostKeyState::Pinned && algorithm(key) == presented.algorithm)
        .map(|key| key.fingerprint.clone());
    match (known, pinned) {
        (Some(HostKeyState::Pinned), _) => HostKeySight::Pinned,
        (Some(HostKeyState::Rejected), _) => HostKeySight::Rejected { fingerprint },
        (_, Some(pinned)) => HostKeySight::Changed { fingerprint, pinned },
        (_, None) => HostKeySight::Unknown { fingerprint },
    }
}

fn new_key(tx: &WriteTx, asset: &Asset, presented: &Presented, state: HostKeyState) -> HostKey {
    HostKey {
        id: HostKeyId::generate(tx.now(), postern_vault::random::bytes()),
        asset: asset.name.clone(),
        fingerprint: presented.fingerprint.clone(),
        public_key: presented.line.clone(),
        state,
        seen_at: tx.now(),
    }
}

fn word(state: HostKeyState) -> &'static str {
    match state {
        HostKeyState::Seen => "seen",
        HostKeyState::Pinned => "pinned",
        HostKeyState::Rejected => "rejected",
    }
}

fn event(tx: &WriteTx, caller: &Caller, action: &str, asset: &Asset, key: &HostKey) -> Event {
    Event::done(tx.now(), caller.actor(), action, asset.name.as_str(), asset.scope.clone())
        .with("fingerprint", key.fingerprint.as_str())
        .with("algorithm", algorithm(key))
}

/// Pins a key. Those of the same algorithm that were pinned are rejected, and the event names them.
async fn pin(
    tx: &mut WriteTx,
    caller: &Caller,
    asset: &Asset,
    keys: &[HostKey],
    key: &HostKey,
) -> Result<Event, Error> {
    let mut replaced = Vec::new();
    for other in keys {
        if other.id != key.id && other.state == HostKeyState::Pinned && algorithm(other) == algorithm(key) {
            tx.host_key_decide(&other.id, HostKeyState::Rejected).await?;
            replaced.push(other.fingerprint.clone());
        }
    }
    tx.host_key_decide(&key.id, HostKeyState::Pinned).await?;
    let event = event(tx, caller, "host_key.pin", asset, key).with("was", word(key.state));
    Ok(if replaced.is_empty() { event } else { event.with("replaces", replaced) })
}

/// Pins exactly the keys that are declared.
pub(crate) async fn declare(
    tx: &mut WriteTx,
    caller: &Caller,
    asset: &Asset,
    known: &[HostKey],
    declared: &BTreeSet<String>,
) -> Result<Vec<Event>, Error> {
    let declared = declared.iter().map(|line| parse(line)).collect::<Result<Vec<_>, _>>()?;
    let mut events = Vec::new();
    for key in known.iter().filter(|key| key.state == HostKeyState::Pinned) {
        if !declared.iter().any(|wanted| wanted.fingerprint == key.fingerprint) {
            tx.host_key_decide(&key.id, HostKeyState::Rejected).await?;
            events.push(event(tx, caller, "host_key.reject", asset, key).with("was", "pinned"));
        }
    }
    for wanted in &declared {
        match known.iter().find(|key| key.fingerprint == wanted.fingerprint) {
            Some(key) if key.state == HostKeyState::Pinned => {}
            Some(key) => {
                tx.host_key_decide(&key.id, HostKeyState::Pinned).await?;
                events.push(event(tx, caller, "host_key.pin", asset, key).with("was", word(key.state)));
            }
            None => {
                let key = new_key(tx, asset, wanted, HostKeyState::Pinned);
                tx.host_key_insert(&asset.id, &key).await?;
                events.push(event(tx, caller, "host_key.pin", asset, &key).with("was", "declared"));
            }
        }
    }
    if !events.is_empty() && !caller.authority.covers(Permission::HostKeyWrite, &asset.scope) {
        let scope = &asset.scope;
        return Err(Error::Forbidden(format!("host keys need the permission host_key:write in {scope}")));
    }
    Ok(events)
}

#[cfg(test)]
mod tests;
