//! What is seen on a target: accounts, and why they are privileged.
//!
//! An observation is what one look at one account showed. It holds no secret and no hash: only a keyed
//! digest by which equal hashes are recognised.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

mod address;
pub mod greeting;
mod run;
mod source;

pub use address::Addresses;
pub use run::{DiscoveryRun, DiscoveryTarget, Inventory, RunState, TargetState};
pub use source::{ADDRESSES_MAX, Batch, DiscoverySource, FoundHost, Host, Plan, PortHint, SourceDocument};

/// Why an account is privileged.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "why")]
pub enum Privilege {
    /// Its user id is 0.
    UidZero,
    /// A sudo rule.
    Sudo {
        /// The rule, as sudo lists it: `(root) NOPASSWD: /usr/bin/systemctl`.
        rule: String,
        /// Whether it gives everything.
        all: bool,
        /// The group that the rule is for, when it is not for the account itself.
        group: Option<String>,
    },
    /// Membership of a privileged group, directly or through others.
    Group {
        /// From the group that the account is in to the one that is privileged.
        chain: Vec<String>,
    },
    /// Membership of a privileged role.
    Role {
        /// From the role that the account is in to the one that is privileged.
        chain: Vec<String>,
    },
    /// The platform's own mark of unlimited power: PostgreSQL's SUPERUSER, MySQL's ALL PRIVILEGES.
    Superuser,
    /// An attribute or right that leads to power over others: CREATEROLE, SUPER, `+@dangerous`.
    Attribute {
        /// As the platform spells it.
        name: String,
    },
    /// It may hand its rights on.
    GrantOption {
        /// On what.
        on: String,
    },
    /// One of its keys opens root.
    RootKey {
        /// The key's fingerprint.
        fingerprint: String,
    },
    /// A level of a network device.
    Level {
        /// 15 is everything on devices that count so.
        level: u8,
    },
}

/// What an account seems to be for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AccountUse {
    /// A person's, or one that people share.
    Person,
    /// A program's.
    Service,
    /// It came with the system.
    System,
}

/// How the account's password stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum PasswordSight {
    /// It could not be seen.
    Unseen,
    /// No password can open it.
    None,
    /// The empty one opens it.
    Empty,
    /// It has one.
    Set {
        /// How it is stored, as the platform names it: `yescrypt`, `SCRAM-SHA-256`.
        scheme: String,
        /// A keyed digest of what is stored; equal where the stored hashes are equal.
        digest: Option<String>,
    },
}

/// A public key that opens the account.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct KeySight {
    /// `SHA256:...` as OpenSSH prints it.
    pub fingerprint: String,
    /// `ssh-ed25519`, `ssh-rsa`, ...
    pub algorithm: String,
    /// Its size in bits, where the algorithm leaves a choice.
    pub bits: Option<u32>,
    /// Its comment.
    pub comment: String,
    /// Since when at the latest it is there: when its file was last changed.
    pub since: Option<Timestamp>,
}

/// What one look at one account showed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Observation {
    /// Its name, as the target spells it; at most 128 characters.
    pub name: String,
    /// What it seems to be for.
    pub usage: AccountUse,
    /// Why it is privileged; empty when it is not.
    pub privileges: Vec<Privilege>,
    /// Whether it can sign in at all.
    pub can_sign_in: bool,
    /// Whether it is locked or disabled.
    pub locked: bool,
    /// Its password.
    pub password: PasswordSight,
    /// When its password was last changed.
    pub password_changed_at: Option<Timestamp>,
    /// Whether its password never expires; None where that is not known.
    pub password_never_expires: Option<bool>,
    /// When the account ends.
    pub expires_at: Option<Timestamp>,
    /// When it last signed in, where the target remembers.
    pub last_sign_in_at: Option<Timestamp>,
    /// The keys that open it.
    pub keys: Vec<KeySight>,
    /// What the target says of whose it is: the comment field, the mail address.
    pub owner_hint: Option<String>,
    /// More that people want to see: the shell, the hosts it may come from.
    pub notes: Vec<String>,
}

impl Observation {
    /// An account of which nothing but its name is known.
    #[must_use]
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            usage: AccountUse::Person,
            privileges: Vec::new(),
            can_sign_in: true,
            locked: false,
            password: PasswordSight::Unseen,
            password_changed_at: None,
            password_never_expires: None,
            expires_at: None,
            last_sign_in_at: None,
            keys: Vec::new(),
            owner_hint: None,
            notes: Vec::new(),
        }
    }

    /// Whether it has power over others.
    #[must_use]
    pub fn is_privileged(&self) -> bool {
        !self.privileges.is_empty()
    }
}
