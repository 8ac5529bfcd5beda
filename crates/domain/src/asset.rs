//! Systems that have privileged accounts.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::{AssetId, HostKeyId};
use crate::name::{AssetName, InvalidName, TagName, shown};
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
    /// A directory reached by LDAP.
    Ldap,
}

impl Platform {
    /// Whether it keeps data in columns or under keys, which can be hidden in results.
    #[must_use]
    pub const fn is_database(self) -> bool {
        matches!(self, Self::Postgresql | Self::Mysql | Self::Redis)
    }
}

/// What columns of a database hold: tags, each with names of columns, `*` standing for any text; for
/// Redis, with patterns of keys.
pub type ColumnTags = BTreeMap<TagName, BTreeSet<String>>;

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
    /// The certificates, in PEM, that its TLS is verified by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_ca: Option<String>,
    /// What its columns hold, for policies that hide by tag.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub column_tags: ColumnTags,
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

const ADDRESS_LEN_MAX: usize = 261;
const HOST_KEY_LEN_MAX: usize = 16_384;
const SERVER_CA_LEN_MAX: usize = 65_536;

/// Takes `host:port` apart. The host is a name, an IPv4 address or an IPv6 address in brackets, and
/// is returned without them.
///
/// # Errors
/// When it is not of that form.
pub fn split_address(address: &str) -> Result<(&str, u16), InvalidName> {
    let parts = Some(address)
        .filter(|text| text.len() <= ADDRESS_LEN_MAX)
        .and_then(|text| text.rsplit_once(':'))
        .and_then(|(host, port)| {
            let port = Some(port).filter(|port| port.bytes().all(|b| b.is_ascii_digit()))?.parse::<u16>().ok()?;
            let host = match host.strip_prefix('[') {
                Some(rest) => rest.strip_suffix(']').filter(|six| six.parse::<std::net::Ipv6Addr>().is_ok())?,
                None => Some(host).filter(|host| is_host(host))?,
            };
            (port != 0).then_some((host, port))
        });
    parts.ok_or_else(|| InvalidName {
        field: "address",
        given: shown(address),
        remedy: "write it as host:port, for example web-1.example.com:22, 192.0.2.7:22 or [2001:db8::7]:22",
    })
}

pub(crate) fn is_host(text: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    text.len() <= 253 && text.strip_suffix('.').unwrap_or(text).split('.').all(is_label)
}

/// Whether a text is one or more certificates in PEM; whether they can be used only a parser can say.
#[must_use]
pub fn is_pem_certificates(text: &str) -> bool {
    let begun = text.matches("-----BEGIN CERTIFICATE-----").count();
    text.len() <= SERVER_CA_LEN_MAX
        && begun > 0
        && begun == text.matches("-----END CERTIFICATE-----").count()
        && !text.contains("PRIVATE KEY")
}

/// The algorithm and the base64 text of a public key in OpenSSH's one-line form; a comment may
/// follow. None when it is not of that form; whether it is a key only a parser can say.
#[must_use]
pub fn host_key_parts(line: &str) -> Option<(&str, &str)> {
    if line.len() > HOST_KEY_LEN_MAX {
        return None;
    }
    let mut words = line.split_ascii_whitespace();
    let (algorithm, key) = (words.next()?, words.next()?);
    let known = ["ssh-", "ecdsa-sha2-", "sk-"].iter().any(|prefix| algorithm.starts_with(prefix));
    let is_base64 = key.starts_with("AAAA")
        && key.trim_end_matches('=').bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/'));
    (line.lines().count() == 1 && known && is_base64).then_some((algorithm, key))
}
