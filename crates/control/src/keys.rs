//! Postern's own keys: what signs the ledger's checkpoints, what the SSH gateway is known by, and
//! what signs SSH user certificates, and what hides the words of the search index. They are made once and lie sealed beside the vault's key ring.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use postern_domain::{SecretBytes, SecretText};
use postern_ledger::note::Signer;
use postern_store::{ReadTx, WriteTx};
use postern_vault::{Binding, Envelope, random};
use russh::keys::ssh_key::private::{Ed25519Keypair, KeypairData};
use russh::keys::ssh_key::{LineEnding, PrivateKey};

use crate::{Control, Error};

/// One of Postern's own keys. Each is for one purpose and is bound to it when sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OwnKey {
    /// Signs the ledger's checkpoints.
    Ledger,
    /// The SSH gateway's host key.
    SshHost,
    /// Signs certificates that let the gateway sign in to targets.
    SshUserCa,
    /// Makes the words of recordings into the terms of the search index.
    SearchIndex,
}

impl OwnKey {
    pub(crate) const ALL: [Self; 4] = [Self::Ledger, Self::SshHost, Self::SshUserCa, Self::SearchIndex];

    pub(crate) const fn setting(self) -> &'static str {
        match self {
            Self::Ledger => "key.ledger",
            Self::SshHost => "key.ssh_host",
            Self::SshUserCa => "key.ssh_user_ca",
            Self::SearchIndex => "key.search_index",
        }
    }

    pub(crate) fn binding(self) -> Binding {
        Binding::new("own_key", self.setting(), 1)
    }
}

/// Makes those of Postern's own keys that do not exist yet.
pub(crate) async fn make_missing(tx: &mut WriteTx, vault: &postern_vault::Vault) -> Result<bool, Error> {
    let mut made = false;
    for key in OwnKey::ALL {
        if tx.setting(key.setting()).await?.is_none() {
            let sealed = vault.seal(&key.binding(), &random::secret(32))?;
            tx.setting_set(key.setting(), &STANDARD.encode(sealed.to_bytes())).await?;
            made = true;
        }
    }
    Ok(made)
}

/// A sealed value as it lies in a setting.
pub(crate) fn envelope(text: &str) -> Result<Envelope, Error> {
    let damaged = || Error::Unavailable("a key in the database is damaged: restore it from a backup".to_owned());
    let bytes = STANDARD.decode(text).map_err(|_| damaged())?;
    Ok(Envelope::parse(&bytes)?)
}

impl Control {
    pub(crate) async fn own_seed(&self, rows: &mut ReadTx, key: OwnKey) -> Result<SecretBytes, Error> {
        let text = rows.setting(key.setting()).await?;
        let text = text.ok_or_else(|| Error::Unavailable("the data folder has not been set up".to_owned()))?;
        Ok(self.vault().open(&key.binding(), &envelope(&text)?)?)
    }

    /// What signs the ledger's checkpoints.
    pub(crate) async fn ledger_signer(&self, rows: &mut ReadTx) -> Result<Signer, Error> {
        let seed = self.own_seed(rows, OwnKey::Ledger).await?;
        let name = crate::ledger::name(rows).await?;
        Signer::from_seed(&name, seed.expose()).map_err(|error| Error::Unavailable(error.to_string()))
    }

    /// The SSH gateway's host key, in OpenSSH's form.
    ///
    /// # Errors
    /// `Sealed` while the vault is.
    pub async fn ssh_host_key(&self) -> Result<SecretText, Error> {
        openssh(&self.ssh_key(OwnKey::SshHost).await?)
    }

    /// The key that targets trust for user certificates, in OpenSSH's one-line form.
    ///
    /// # Errors
    /// `Sealed` while the vault is.
    pub async fn ssh_user_ca(&self) -> Result<String, Error> {
        let key = self.ssh_key(OwnKey::SshUserCa).await?;
        let mut public = key.public_key().clone();
        public.set_comment("postern-user-ca");
        public.to_openssh().map_err(|error| Error::Unavailable(error.to_string()))
    }

    pub(crate) async fn ssh_key(&self, key: OwnKey) -> Result<PrivateKey, Error> {
        let seed = self.own_seed(&mut self.store().read().await?, key).await?;
        let seed: &[u8; 32] = seed
            .expose()
            .try_into()
            .map_err(|_| Error::Unavailable("a key in the database is damaged: restore it from a backup".to_owned()))?;
        ed25519(seed)
    }
}

/// The SSH key of a seed.
pub(crate) fn ed25519(seed: &[u8; 32]) -> Result<PrivateKey, Error> {
    PrivateKey::new(KeypairData::Ed25519(Ed25519Keypair::from_seed(seed)), "")
        .map_err(|error| Error::Unavailable(error.to_string()))
}

/// A private key in OpenSSH's form.
pub(crate) fn openssh(key: &PrivateKey) -> Result<SecretText, Error> {
    let pem = key.to_openssh(LineEnding::LF).map_err(|error| Error::Unavailable(error.to_string()))?;
    Ok(SecretText::new(pem.to_string()))
}
