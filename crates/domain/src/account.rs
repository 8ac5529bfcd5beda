//! Privileged identities on assets.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::AccountId;
use crate::name::{AccountName, AssetName, UserName};
use crate::rotation::AccountRotation;
use crate::scope::ScopePath;
use crate::time::Timestamp;

/// How Postern proves the account to its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CredentialKind {
    /// A vaulted password.
    Password,
    /// A vaulted private key.
    SshKey,
    /// A certificate signed for each session by Postern's own SSH user CA; nothing is stored.
    SshCertificate,
}

/// Where an account stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AccountState {
    /// Found, not governed yet.
    Discovered,
    /// Governed by Postern.
    Managed,
    /// Its owner is gone.
    Orphaned,
    /// Not to be used.
    Disabled,
}

/// A privileged identity on an asset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Account {
    /// Identifier.
    pub id: AccountId,
    /// Its name on the target.
    pub name: AccountName,
    /// The asset it is on.
    pub asset: AssetName,
    /// The scope, which is its asset's.
    pub scope: ScopePath,
    /// How it is proved to the target.
    pub credential: CredentialKind,
    /// Who answers for it.
    pub owner: Option<UserName>,
    /// Where it stands in its life.
    pub state: AccountState,
    /// Whether the vault holds what is needed to use it.
    pub ready: bool,
    /// When it was created in Postern.
    pub created_at: Timestamp,
    /// When a session last used it.
    pub last_used_at: Option<Timestamp>,
    /// How its secret is looked after, and how it fares.
    #[serde(default)]
    pub rotation: AccountRotation,
}
