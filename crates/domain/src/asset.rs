//! Systems that have privileged accounts.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::{AssetId, HostKeyId};
use crate::name::AssetName;
use crate::scope::ScopePath;
use crate::time::Timestamp;

/// What kind of system an asset is; decides which gateway brokers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Platform {
    /// A Unix-like server reached by SSH.
    Linux,
    /// A network device reached by SSH.
    NetworkDevice,
    /// PostgreSQL.
    Postgresql,
    /// MySQL or MariaDB.
    Mysql,
    /// Redis or Valkey.
    Redis,
}

/// A system with privileged accounts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Asset {
    /// Identifier.
    pub id: AssetId,
    /// Name, unique within the tenant.
    pub name: AssetName,
    /// The scope it belongs to.
    pub scope: ScopePath,
    /// What kind of system it is.
    pub platform: Platform,
    /// `host:port`.
    pub address: String,
    /// Free labels that policies select by.
    pub labels: BTreeMap<String, String>,
    /// When it was created.
    pub created_at: Timestamp,
}

/// Whether a host key is what the asset is known by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HostKeyState {
    /// The asset presented it; nobody has decided yet. No session is opened.
    Seen,
    /// An administrator decided that this is the asset.
    Pinned,
    /// An administrator decided that it is not.
    Rejected,
}

/// A host key that an asset presented or that was declared for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HostKey {
    /// Identifier.
    pub id: HostKeyId,
    /// The asset.
    pub asset: AssetName,
    /// `SHA256:...` as OpenSSH prints it.
    pub fingerprint: String,
    /// The public key in OpenSSH's one-line form.
    pub public_key: String,
    /// What was decided about it.
    pub state: HostKeyState,
    /// When it was first presented or declared.
    pub seen_at: Timestamp,
}
