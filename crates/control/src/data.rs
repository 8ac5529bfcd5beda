//! The data folder: what lies where, preparing a new one, opening one that exists.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use postern_domain::event::{Actor, Event};
use postern_domain::{ScopePath, SecretText, SessionId, Timestamp};
use postern_store::{ReadTx, Store};
use postern_vault::{KeyRing, Recipient, SealedRoot, SharePlan, Vault, key_file};

use crate::clock::{Clock, SystemClock};
use crate::{Control, Error, Settings, keys};

/// Where the key ring lies.
pub(crate) const KEY_RING: &str = "vault.key_ring";
/// How many of the recovery shares open the vault, and how many there are.
const SHARES: (u8, u8) = (3, 5);

/// The paths below a data folder.
#[derive(Clone, Debug)]
pub struct DataFolder {
    root: PathBuf,
}

impl DataFolder {
    /// The data folder at `root`.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The folder itself.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The database.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.root.join("postern.db")
    }

    /// The sealed root key; holds no secret in clear.
    #[must_use]
    pub fn vault(&self) -> PathBuf {
        self.root.join("vault.json")
    }

    /// The key file, unless the configuration puts it elsewhere.
    #[must_use]
    pub fn key_file(&self) -> PathBuf {
        self.root.join("vault.key")
    }

    /// The published ledger: tiles, entries, checkpoints.
    #[must_use]
    pub fn ledger(&self) -> PathBuf {
        self.root.join("ledger")
    }

    /// The key that the ledger's checkpoints are verified with.
    #[must_use]
    pub fn ledger_key(&self) -> PathBuf {
        self.root.join("ledger.pub")
    }

    /// The recordings.
    #[must_use]
    pub fn recordings(&self) -> PathBuf {
        self.root.join("recordings")
    }

    /// The recording of a session. The name is an identifier's, which leads nowhere else.
    #[must_use]
    pub fn recording(&self, session: &SessionId) -> PathBuf {
        self.recordings().join(format!("{session}.rec"))
    }

    /// The search index, which can be made anew from the recordings.
    #[must_use]
    pub fn search_index(&self) -> PathBuf {
        self.root.join("search.db")
    }

    /// The certificate of the internal authority.
    #[must_use]
    pub fn ca(&self) -> PathBuf {
        self.root.join("ca.pem")
    }

    /// The authority's key and the server's certificate and key.
    #[must_use]
    pub fn tls(&self) -> PathBuf {
        self.root.join("tls")
    }

    fn lock(&self) -> PathBuf {
        self.root.join("lock")
    }

    /// Creates what is missing, readable by its owner only, and takes the folder for this process.
    fn take(&self) -> Result<File, Error> {
        let mut folders = fs::DirBuilder::new();
        folders.recursive(true).mode(0o700);
        for folder in [self.root.clone(), self.ledger(), self.recordings(), self.tls()] {
            folders
                .create(&folder)
                .map_err(|error| Error::Unavailable(format!("cannot create {}: {error}", folder.display())))?;
        }
        let lock = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(self.lock())?;
        lock.try_lock().map_err(|_| {
            let shown = self.root.display();
            Error::Unavailable(format!("{shown} is in use by another postern: stop that one first"))
        })?;
        Ok(lock)
    }
}

/// How a data folder is to be opened.
#[derive(Clone, Debug, Default)]
pub struct Opening {
    /// The key file, when it is not in the data folder.
    pub key_file: Option<PathBuf>,
    /// Leave the vault sealed.
    pub start_sealed: bool,
}

/// An opened data folder.
pub struct Opened {
    /// The use cases over it.
    pub control: Control,
    /// The recovery shares, when the vault was made just now. They exist nowhere else.
    pub shares: Option<Vec<SecretText>>,
    /// Held as long as the folder is in use.
    pub lock: File,
}

/// Opens the data folder, preparing it when it is new: the vault is made, sealed to the key file and
/// to recovery shares; the database is made; Postern's own keys are made.
///
/// # Errors
/// When it is in use, damaged, or cannot be written.
pub async fn open(settings: Settings, options: Opening) -> Result<Opened, Error> {
    let folder = DataFolder::new(&settings.data);
    let lock = folder.take()?;
    let key_path = options.key_file.clone().unwrap_or_else(|| folder.key_file());
    let is_new = !folder.vault().exists();
    let store = Store::open(&folder.database()).await?;
    // A first start that was cut off leaves the making of the vault in the ledger and nothing else.
    if is_new && store.read().await?.ledger_tree().await?.size() > 1 {
        let shown = folder.vault().display().to_string();
        return Err(Error::Unavailable(format!("{shown} is missing: restore it from a backup")));
    }
    let (vault, shares) = if is_new {
        let (vault, shares) = make_vault(&folder, &key_path, &store).await?;
        (vault, Some(shares))
    } else {
        (open_vault(&folder, &key_path, &store, options.start_sealed).await?, None)
    };
    let floor = store.read().await?.ledger_latest().await?.unwrap_or(Timestamp::from_millis(0));
    let control = Control::new(store, vault, Arc::new(SystemClock::not_before(floor)), settings);
    control.make_own_keys().await?;
    Ok(Opened { control, shares, lock })
}

async fn make_vault(folder: &DataFolder, key_path: &Path, store: &Store) -> Result<(Vault, Vec<SecretText>), Error> {
    let content = if key_path.exists() { key_file::read(key_path)? } else { key_file::create(key_path)? };
    let plan = SharePlan::new(SHARES.0, SHARES.1)?;
    let (root, shares, vault) = SealedRoot::create(&[Recipient::KeyFile(content)], plan)?;
    // The ring first: a vault.json without it could not be opened, a ring without vault.json is
    // replaced at the next start.
    let now = SystemClock::not_before(Timestamp::from_millis(0)).now();
    let mut tx = store.write(now).await?;
    tx.setting_set(KEY_RING, &ring_text(&vault.key_ring()?)).await?;
    let event = Event::done(now, Actor::System, "vault.create", root.vault_id().to_string(), ScopePath::root())
        .with("shares", u64::from(SHARES.1))
        .with("threshold", u64::from(SHARES.0));
    tx.commit(&[event]).await?;
    write_durably(&folder.vault(), &root.to_json())?;
    Ok((vault, shares.iter().map(|share| share.text().clone()).collect()))
}

async fn open_vault(folder: &DataFolder, key_path: &Path, store: &Store, sealed: bool) -> Result<Vault, Error> {
    let root = SealedRoot::from_json(&fs::read(folder.vault())?)?;
    let vault = Vault::sealed();
    vault.describe(&root)?;
    if sealed || !key_path.exists() {
        return Ok(vault);
    }
    let ring = key_ring(&mut store.read().await?).await?;
    vault.install(&root.unseal_with_key_file(&key_file::read(key_path)?, &ring)?)?;
    Ok(vault)
}

/// Opens the vault of a folder that no server uses with recovery shares, and seals it to a new key
/// file in the folder. The old key file, if it turns up again, no longer opens it.
///
/// # Errors
/// When the shares do not open it, or a key file is there already.
pub async fn recover_vault(folder: &DataFolder, shares: &[SecretText]) -> Result<crate::VaultStatus, Error> {
    let lock = folder.take()?;
    let store = Store::open(&folder.database()).await?;
    let root = SealedRoot::from_json(&fs::read(folder.vault())?)?;
    let ring = key_ring(&mut store.read().await?).await?;
    let vault = root.unseal_with_shares(shares, &ring).map_err(|error| Error::invalid("shares", error.to_string()))?;
    let content = key_file::create(&folder.key_file())?;
    let resealed = root.reseal(&vault, &[Recipient::KeyFile(content)])?;
    let floor = store.read().await?.ledger_latest().await?.unwrap_or(Timestamp::from_millis(0));
    let now = SystemClock::not_before(floor).now();
    let event = Event::done(now, Actor::Console, "vault.recover", root.vault_id().to_string(), ScopePath::root());
    store.write(now).await?.commit(&[event]).await?;
    write_durably(&folder.vault(), &resealed.to_json())?;
    let status = crate::vault::describe(&vault);
    store.close().await;
    drop(lock);
    Ok(status)
}

/// The stored key ring.
pub(crate) async fn key_ring(rows: &mut ReadTx) -> Result<KeyRing, Error> {
    let text = rows.setting(KEY_RING).await?;
    let text =
        text.ok_or_else(|| Error::Unavailable("the vault's key ring is missing: restore it from a backup".to_owned()))?;
    Ok(KeyRing::from_json(text.as_bytes())?)
}

/// The key ring as it is stored.
pub(crate) fn ring_text(ring: &KeyRing) -> String {
    String::from_utf8_lossy(&ring.to_json()).into_owned()
}

/// Writes a file that only its owner can read, so that after a crash it is whole or not there.
///
/// # Errors
/// When the file cannot be written.
pub fn write_durably(path: &Path, content: &[u8]) -> Result<(), Error> {
    let scratch = path.with_extension("new");
    let _ = fs::remove_file(&scratch);
    let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&scratch)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&scratch, path)?;
    if let Some(folder) = path.parent() {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

impl Control {
    /// Makes those of Postern's own keys that are missing, unless the vault is sealed, and writes the
    /// ledger's public key beside it.
    ///
    /// # Errors
    /// When the database or the folder fails.
    pub(crate) async fn make_own_keys(&self) -> Result<(), Error> {
        if self.vault().status().sealed {
            return Ok(());
        }
        let mut tx = self.store().write(self.now()).await?;
        if keys::make_missing(&mut tx, self.vault()).await? {
            let event = Event::done(self.now(), Self::system(), "vault.make_keys", "own_keys", ScopePath::root());
            self.commit(tx, &[event]).await?;
        } else {
            tx.commit_upkeep().await?;
        }
        let key = format!("{}\n", self.ledger_signer(&mut self.store().read().await?).await?.verifier());
        let path = DataFolder::new(&self.settings().data).ledger_key();
        if fs::read(&path).ok().as_deref() != Some(key.as_bytes()) {
            write_durably(&path, key.as_bytes())?;
        }
        Ok(())
    }
}
