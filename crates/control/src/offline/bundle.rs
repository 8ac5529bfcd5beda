//! Writing bundles, and keeping what is written true.
//!
//! What holds at every moment: a secret that the target may hold stands in a bundle that lies in at least
//! two places. So a rotation of such an account waits until a bundle with its candidate is durable, and
//! bundles hold what is current, what is being changed to, and what was before.

use std::path::{Path, PathBuf};
use std::time::Duration;

use postern_domain::account::CredentialKind;
use postern_domain::event::{Event, Outcome};
use postern_domain::permit::{Manage, Permit};
use postern_domain::rotation::VersionState;
use postern_domain::{AccountId, AccountRef, ScopePath};
use postern_ledger::note;
use postern_store::{ReadTx, SealedSecret, StoredBundle, WriteTx};
use postern_vault::offline::{self, Bundle, Contents, Entry, EntrySecret, Facts, RECORD_KEY_LEN};
use postern_vault::{Binding, Envelope, Vault, random};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::{BundleView, BundledAccount, OfflineView, PLACES_MIN, PLAN, Plan, kept};
use crate::{Caller, Control, Error, write_durably};

/// How old the newest bundle may become.
const AGE_MAX: Duration = Duration::from_secs(24 * 3600);
/// How often it is looked at whether the newest bundle is still true.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// How many bundles are kept in each place.
const KEPT: usize = 5;
/// How often it is told that bundles cannot be written.
const TOLD_EVERY: Duration = Duration::from_secs(3600);

/// What goes on about bundles in this process.
#[derive(Default)]
pub(crate) struct Bundling {
    /// One is written at a time.
    writing: tokio::sync::Mutex<Option<tokio::time::Instant>>,
    /// Told when there may be something to write.
    pub(super) changed: tokio::sync::Notify,
}

/// What is in a bundle, without a secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    /// The SHA-256 of the plan.
    plan: String,
    pub(super) accounts: Vec<Bundled>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Bundled {
    pub(super) id: AccountId,
    account: AccountRef,
    address: String,
    known_by: Vec<String>,
    versions: Vec<u32>,
}

impl Bundled {
    pub(super) fn account(&self) -> &AccountRef {
        &self.account
    }
}

impl Control {
    /// Writes a bundle now.
    ///
    /// # Errors
    /// `Conflict` where there is no plan; `Unavailable` where it did not become durable in two places.
    pub async fn offline_bundle(&self, caller: &Caller, permit: &Permit<Manage>) -> Result<OfflineView, Error> {
        super::plan::everywhere(permit)?;
        tracing::info!(by = %caller.user.name, "a bundle is asked for");
        let mut writing = self.0.bundling.writing.lock().await;
        self.write_bundle().await?;
        *writing = None;
        drop(writing);
        self.offline_show(permit).await
    }

    /// Writes a bundle whenever the newest one is not true any more, until `stop`.
    pub async fn keep_bundle(self, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.0.bundling.changed.notified() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            if let Err(error) = self.renew_bundle().await
                && !matches!(error, Error::Sealed)
            {
                tracing::error!(error = &error as &dyn std::error::Error, "the break-glass bundle cannot be written");
            }
        }
    }

    /// Writes a bundle where there is a plan and the newest one is not true any more; says whether it did.
    ///
    /// # Errors
    /// When it did not become durable in two places.
    pub async fn renew_bundle(&self) -> Result<bool, Error> {
        if self.vault().status().sealed {
            return Err(Error::Sealed);
        }
        let mut rows = self.store().read().await?;
        let Some(plan) = kept(&mut rows, PLAN).await? else { return Ok(false) };
        let newest = rows.bundle_newest().await?;
        let wanted = manifest(&mut rows, &plan).await?;
        drop(rows);
        if let Some(newest) = &newest
            && self.now().since(newest.at) < AGE_MAX
            && read_manifest(newest)? == wanted
            && self.lies_in(newest).await >= PLACES_MIN
        {
            self.heal(newest).await;
            return Ok(false);
        }
        let mut told = self.0.bundling.writing.lock().await;
        match self.write_bundle().await {
            Ok(_) => {
                *told = None;
                Ok(true)
            }
            Err(error) => {
                if told.is_none_or(|at| at.elapsed() >= TOLD_EVERY) {
                    let event =
                        Event::done(self.now(), Self::system(), "break_glass.bundle", "bundle", ScopePath::root());
                    self.note(event.outcome(Outcome::Failed).with("detail", error.to_string())).await?;
                    *told = Some(tokio::time::Instant::now());
                }
                Err(error)
            }
        }
    }

    /// Makes sure, before the target of a rotation is told of the account's candidate, that a bundle with it
    /// is durable in two places. Nothing for accounts that are in no plan.
    ///
    /// # Errors
    /// When none is; then the target must not be told.
    pub(crate) async fn bundled_before_change(&self, account: &AccountId, candidate: u32) -> Result<(), Error> {
        let mut rows = self.store().read().await?;
        let Some(plan) = kept(&mut rows, PLAN).await? else { return Ok(()) };
        if !plan.accounts.contains(account) {
            return Ok(());
        }
        drop(rows);
        let _writing = self.0.bundling.writing.lock().await;
        let newest = self.store().read().await?.bundle_newest().await?;
        if let Some(newest) = &newest {
            let held = read_manifest(newest)?;
            let held = held.accounts.iter().find(|bundled| bundled.id == *account);
            if held.is_some_and(|held| held.versions.contains(&candidate)) && self.lies_in(newest).await >= PLACES_MIN {
                return Ok(());
            }
        }
        self.write_bundle().await?;
        Ok(())
    }

    /// Why the newest bundle does not hold what the plan wants.
    pub(super) async fn uncovered(
        &self,
        rows: &mut ReadTx,
        plan: &Plan,
        newest: Option<&StoredBundle>,
    ) -> Result<Vec<String>, Error> {
        let wanted = manifest(rows, plan).await?;
        let missing = plan.accounts.len() - wanted.accounts.iter().filter(|one| !one.versions.is_empty()).count();
        let mut problems = Vec::new();
        if missing > 0 {
            problems.push(format!("{missing} of the plan's accounts have no secret in the vault any more"));
        }
        match newest.map(read_manifest).transpose()? {
            Some(held) if held == wanted => {}
            Some(_) => {
                problems.push("the newest bundle is being replaced: accounts or the plan have changed".to_owned());
            }
            None => {}
        }
        Ok(problems)
    }

    /// In how many places the bundle lies, whole.
    async fn lies_in(&self, bundle: &StoredBundle) -> usize {
        let mut found = 0;
        for place in self.places() {
            found += usize::from(missing(place, bundle).await.is_none());
        }
        found
    }

    /// Writes a bundle of everything that the plan wants. To be called by one at a time.
    async fn write_bundle(&self) -> Result<StoredBundle, Error> {
        let mut rows = self.store().read().await?;
        let plan = kept(&mut rows, PLAN).await?;
        let plan = plan.ok_or_else(|| Error::Conflict("nobody has said who opens bundles: make a plan".to_owned()))?;
        if self.places().len() < PLACES_MIN {
            let why = "name at least two folders in [break_glass] places of the configuration file";
            return Err(Error::Unavailable(why.to_owned()));
        }
        let manifest = manifest(&mut rows, &plan).await?;
        let serial = rows.bundle_newest().await?.map_or(1, |newest| newest.serial + 1);
        let record_key = random::secret(RECORD_KEY_LEN);
        let sealed_key = self.vault().seal(&binding(serial), &record_key)?.to_bytes();
        let contents = Contents { record_key, entries: self.entries(&mut rows, &manifest).await? };
        let facts = Facts {
            serial,
            made_at: self.now(),
            server: self.settings().public_url.clone(),
            accounts: u32::try_from(contents.entries.len()).unwrap_or(u32::MAX),
        };
        let vault_id = crate::data::key_ring(&mut rows).await?.vault_id().clone();
        let body = Bundle::seal(&vault_id, facts, &plan.holders, plan.threshold, &contents)?.to_body();
        drop(contents);
        let signer = self.ledger_signer(&mut rows).await?;
        let note = note::sign(&offline::signed_text(&body, serial), &signer);
        let file = offline::file(&note.map_err(|error| Error::Unavailable(error.to_string()))?, &body);
        drop(rows);
        let bundle = StoredBundle {
            serial,
            digest: offline::sha256_hex(&file),
            manifest: serde_json::to_string(&manifest).map_err(|error| Error::Unavailable(error.to_string()))?,
            record_key: sealed_key,
            at: self.now(),
        };
        let event = |outcome| {
            let accounts: Vec<_> = manifest.accounts.iter().map(|one| one.account.to_string()).collect();
            Event::done(self.now(), Self::system(), "break_glass.bundle", format!("bundle {serial}"), ScopePath::root())
                .outcome(outcome)
                .with("digest", bundle.digest.as_str())
                .with("accounts", accounts)
        };
        self.note(event(Outcome::Intent)).await?;
        let written = self.put_bundle(&bundle, file).await;
        let (done, failed): (Vec<_>, Vec<_>) = written.into_iter().partition(|(_, problem)| problem.is_none());
        let failed: Vec<_> = failed
            .into_iter()
            .map(|(place, problem)| format!("{}: {}", place.display(), problem.unwrap_or_default()))
            .collect();
        if done.len() < PLACES_MIN {
            self.note(event(Outcome::Failed).with("detail", failed.join("; "))).await?;
            let why = format!("the break-glass bundle is not durable in two places: {}", failed.join("; "));
            return Err(Error::Unavailable(why));
        }
        let places: Vec<_> = done.iter().map(|(place, _)| place.display().to_string()).collect();
        let mut told = event(Outcome::Done).with("places", places);
        if !failed.is_empty() {
            told = told.with("detail", failed.join("; "));
        }
        let mut tx = self.store().write(self.now()).await?;
        tx.bundle_insert(&bundle).await?;
        self.commit(tx, &[told]).await?;
        self.prune(serial).await;
        Ok(bundle)
    }

    /// Everything in the manifest, with the secrets.
    async fn entries(&self, rows: &mut ReadTx, manifest: &Manifest) -> Result<Vec<Entry>, Error> {
        let mut entries = Vec::with_capacity(manifest.accounts.len());
        for Bundled { id, account, address, known_by, versions } in &manifest.accounts {
            let platform = match rows.account_asset(id).await? {
                Some(asset) => rows.asset(&asset).await?.map(|asset| asset.platform),
                None => None,
            };
            let platform = serde_json::to_value(platform).unwrap_or_default();
            let mut secrets = Vec::with_capacity(versions.len());
            for version in versions {
                let Some(sealed) = rows.secret_version(id, *version).await? else { continue };
                secrets.push(EntrySecret {
                    version: *version,
                    state: word(&sealed.state),
                    kind: word(&sealed.kind),
                    value: self.opened(&sealed)?,
                });
            }
            entries.push(Entry {
                account: account.to_string(),
                address: address.clone(),
                platform: platform.as_str().unwrap_or_default().to_owned(),
                known_by: known_by.clone(),
                secrets,
            });
        }
        Ok(entries)
    }

    /// Puts the file into every place, and reads it back; gives what went wrong where.
    async fn put_bundle(&self, bundle: &StoredBundle, file: Vec<u8>) -> Vec<(PathBuf, Option<String>)> {
        let mut written = Vec::new();
        for place in self.places() {
            let (path, content) = (path_of(place, bundle.serial), file.clone());
            let put = tokio::task::spawn_blocking(move || write_durably(&path, &content)).await;
            let problem = match put {
                Ok(Ok(())) => missing(place, bundle).await,
                Ok(Err(error)) => Some(error.to_string()),
                Err(_) => Some("writing was cut off".to_owned()),
            };
            written.push((place.clone(), problem));
        }
        written
    }

    /// Puts a bundle back into the places where it is missing, from one where it is whole.
    async fn heal(&self, bundle: &StoredBundle) {
        let (mut whole, mut lost) = (None, Vec::new());
        for place in self.places() {
            match missing(place, bundle).await {
                None => whole = Some(path_of(place, bundle.serial)),
                Some(_) => lost.push(path_of(place, bundle.serial)),
            }
        }
        let Some(whole) = whole.filter(|_| !lost.is_empty()) else { return };
        let copied = tokio::task::spawn_blocking(move || {
            let file = std::fs::read(whole)?;
            lost.iter().try_for_each(|path| write_durably(path, &file))
        });
        if let Ok(Err(error)) = copied.await {
            tracing::warn!(error = &error as &dyn std::error::Error, "a break-glass bundle is missing in a place");
        }
    }

    /// Removes bundles that newer ones have replaced.
    async fn prune(&self, serial: u64) {
        let oldest = serial.saturating_sub(KEPT as u64 - 1);
        for place in self.places().to_vec() {
            let removed = tokio::task::spawn_blocking(move || {
                for entry in std::fs::read_dir(&place)?.flatten() {
                    let old = entry.file_name().to_str().and_then(serial_of).is_some_and(|found| found < oldest);
                    if old {
                        std::fs::remove_file(entry.path())?;
                    }
                }
                Ok::<_, std::io::Error>(())
            });
            if let Ok(Err(error)) = removed.await {
                tracing::warn!(%error, "an old break-glass bundle cannot be removed");
            }
        }
    }
}

/// What the plan wants to be in a bundle, as things stand.
async fn manifest(rows: &mut ReadTx, plan: &Plan) -> Result<Manifest, Error> {
    let text = serde_json::to_vec(&(plan.threshold, &plan.holders)).unwrap_or_default();
    let mut manifest = Manifest { plan: offline::sha256_hex(&text), accounts: Vec::new() };
    for id in &plan.accounts {
        let Some(account) = rows.account(id).await? else { continue };
        let Some(asset) = rows.account_asset(id).await? else { continue };
        let Some(asset) = rows.asset(&asset).await? else { continue };
        let pinned = rows.host_keys(&asset.id).await?.into_iter();
        let pinned = pinned.filter(|key| key.state == postern_domain::asset::HostKeyState::Pinned);
        let known_by = pinned.map(|key| key.public_key).chain(asset.server_ca.clone()).collect();
        let versions = wanted(rows.secret_versions(id).await?, account.credential);
        let account = AccountRef { account: account.name, asset: account.asset };
        manifest.accounts.push(Bundled { id: id.clone(), account, address: asset.address, known_by, versions });
    }
    Ok(manifest)
}

/// The versions that the target may hold: what is current, what is being changed to, and what was before.
fn wanted(versions: Vec<SealedSecret>, kind: CredentialKind) -> Vec<u32> {
    let newest = |state: VersionState| {
        let of = versions.iter().filter(|one| one.state == state && one.kind == kind);
        of.map(|one| one.version).max()
    };
    let states = [VersionState::Current, VersionState::Candidate, VersionState::Previous];
    states.into_iter().filter_map(newest).collect()
}

fn word<T: Serialize>(value: &T) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn path_of(place: &Path, serial: u64) -> PathBuf {
    place.join(format!("postern-bundle-{serial:08}.txt"))
}

fn serial_of(name: &str) -> Option<u64> {
    name.strip_prefix("postern-bundle-")?.strip_suffix(".txt")?.parse().ok()
}

/// Why the bundle is not to be had in this place.
pub(super) async fn missing(place: &Path, bundle: &StoredBundle) -> Option<String> {
    let (path, digest) = (path_of(place, bundle.serial), bundle.digest.clone());
    let looked = tokio::task::spawn_blocking(move || match std::fs::read(&path) {
        Ok(file) if offline::sha256_hex(&file) == digest => None,
        Ok(_) => Some("the bundle there was altered".to_owned()),
        Err(error) => Some(error.to_string()),
    });
    looked.await.unwrap_or_else(|_| Some("looking was cut off".to_owned()))
}

pub(super) fn read_manifest(bundle: &StoredBundle) -> Result<Manifest, Error> {
    serde_json::from_str(&bundle.manifest)
        .map_err(|_| Error::Unavailable(format!("what is known of bundle {} is damaged", bundle.serial)))
}

pub(super) fn view(bundle: &StoredBundle) -> Result<BundleView, Error> {
    let accounts = read_manifest(bundle)?.accounts.into_iter();
    Ok(BundleView {
        serial: bundle.serial,
        digest: bundle.digest.clone(),
        at: bundle.at,
        accounts: accounts.map(|one| BundledAccount { account: one.account, versions: one.versions }).collect(),
    })
}

/// What the key of a bundle's record is sealed for.
pub(super) fn binding(serial: u64) -> Binding {
    Binding::new("break_glass_record", serial.to_string(), 1)
}

/// Seals the keys of all records again under the newest key of `vault`; gives how many.
pub(crate) async fn rewrap(vault: &Vault, tx: &mut WriteTx) -> Result<u64, Error> {
    let mut rewrapped = 0;
    for (serial, sealed) in tx.bundle_keys().await? {
        if let Some(fresh) = vault.rewrap(&binding(serial), &Envelope::parse(&sealed)?)? {
            tx.bundle_rewrap(serial, &fresh.to_bytes()).await?;
            rewrapped += 1;
        }
    }
    Ok(rewrapped)
}
