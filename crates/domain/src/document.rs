//! Access as text: the documents of `access.yaml`, which teams keep in git and `postern apply` makes
//! true. One file holds any number of them. The published schema is generated from these types.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::account::CredentialKind;
use crate::asset::{ColumnTags, Platform, host_key_parts};
use crate::break_glass::BreakGlassRule;
use crate::capability::Capability;
use crate::discovery::SourceDocument;
use crate::duties::DutiesDocument;
use crate::name::{AccountRef, AssetName, GroupName, PolicyName, RoleName, UserName};
use crate::period::Period;
use crate::permission::{Permission, RoleAssignment};
use crate::policy::{
    Access, Accounts, Clipboard, Conditions, Effect, Join, Obligations, Recording, Statements, Subjects,
};
use crate::provision::ProvisionRule;
use crate::request::ApprovalRule;
use crate::rotation::{Dependent, RotationSetting};
use crate::scope::ScopePath;

mod check;
mod convert;
mod diff;
mod node;
mod parse;
mod read;

pub use diff::{Action, Change, FieldChange, diff};
pub use node::Position;
pub use parse::{DOCUMENTS_MAX, Invalid, Located, Problem, TEXT_LEN_MAX, parse, to_yaml};

/// Where the schema of the documents is published, as errors name it.
pub const SCHEMA_PATH: &str = "docs/reference/access.schema.json";

/// One document of `access.yaml`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind")]
#[expect(clippy::large_enum_variant, reason = "policies are most of a file, and a box would be in everybody's way")]
pub enum Document {
    /// A system with privileged accounts.
    Asset(AssetDocument),
    /// A privileged identity on an asset.
    Account(AccountDocument),
    /// A set of people.
    Group(GroupDocument),
    /// A rule on who may use what.
    Policy(PolicyDocument),
    /// A named set of permissions in Postern itself.
    Role(RoleDocument),
    /// Where hosts are looked for.
    DiscoverySource(SourceDocument),
    /// What nobody may hold together.
    SeparationOfDuties(DutiesDocument),
}

/// What a document is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[allow(missing_docs)]
pub enum Kind {
    Asset,
    Account,
    Group,
    Policy,
    Role,
    DiscoverySource,
    SeparationOfDuties,
}

impl Kind {
    /// Every kind, in an order in which documents can be applied one after the other.
    pub const ALL: [Self; 7] = [
        Self::Role,
        Self::Group,
        Self::Asset,
        Self::Account,
        Self::Policy,
        Self::SeparationOfDuties,
        Self::DiscoverySource,
    ];

    /// As it is written after `kind:`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Asset => "Asset",
            Self::Account => "Account",
            Self::Group => "Group",
            Self::Policy => "Policy",
            Self::Role => "Role",
            Self::DiscoverySource => "DiscoverySource",
            Self::SeparationOfDuties => "SeparationOfDuties",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Document {
    /// What it is about.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Asset(_) => Kind::Asset,
            Self::Account(_) => Kind::Account,
            Self::Group(_) => Kind::Group,
            Self::Policy(_) => Kind::Policy,
            Self::Role(_) => Kind::Role,
            Self::DiscoverySource(_) => Kind::DiscoverySource,
            Self::SeparationOfDuties(_) => Kind::SeparationOfDuties,
        }
    }

    /// The name of the thing it declares: `web-1`, `root@web-1`.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Asset(asset) => asset.name.to_string(),
            Self::Account(account) => account.account.to_string(),
            Self::Group(group) => group.name.to_string(),
            Self::Policy(policy) => policy.name.to_string(),
            Self::Role(role) => role.name.to_string(),
            Self::DiscoverySource(source) => source.name.to_string(),
            Self::SeparationOfDuties(duties) => duties.name.to_string(),
        }
    }

    /// The scope that it says; none for kinds that have none of their own.
    #[must_use]
    pub const fn scope(&self) -> Option<&ScopePath> {
        match self {
            Self::Asset(asset) => Some(&asset.scope),
            Self::Group(group) => Some(&group.scope),
            Self::Policy(policy) => Some(&policy.scope),
            Self::DiscoverySource(source) => Some(&source.scope),
            Self::SeparationOfDuties(duties) => Some(&duties.scope),
            Self::Account(_) | Self::Role(_) => None,
        }
    }

    /// The same once everything beyond the types of its fields has been found true, with host keys
    /// in the one spelling that can be compared. For documents that come in another form than text.
    ///
    /// # Errors
    /// With everything that is not true.
    pub fn checked(self) -> Result<Self, Vec<FieldProblem>> {
        let faults = check::check(&self);
        if faults.is_empty() {
            return Ok(self.canonical());
        }
        let problem = |fault: check::Fault| FieldProblem { field: node::dotted(&fault.path), message: fault.message };
        Err(faults.into_iter().map(problem).collect())
    }

    fn canonical(mut self) -> Self {
        if let Self::Asset(AssetDocument { host_keys: Some(keys), .. }) = &mut self {
            *keys = keys
                .iter()
                .filter_map(|key| host_key_parts(key).map(|(algorithm, text)| format!("{algorithm} {text}")))
                .collect();
        }
        self
    }

    /// What must not be declared twice: names are unique within a tenant.
    fn key(&self) -> (Kind, Option<ScopePath>, String) {
        (self.kind(), self.scope().map(ScopePath::tenant), self.name())
    }
}

/// A field of a document that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FieldProblem {
    /// The field: `obligations.max_duration`.
    pub field: String,
    /// What is wrong and what would be accepted.
    pub message: String,
}

/// A system with privileged accounts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AssetDocument {
    /// Name, unique within the tenant: 1 to 63 of a-z 0-9 . _ -
    pub name: AssetName,
    /// The scope it belongs to; `/` unless given.
    #[serde(default)]
    pub scope: ScopePath,
    /// What kind of system it is.
    pub platform: Platform,
    /// Where it is reached, `host:port`; an IPv6 address goes in brackets: `[2001:db8::1]:22`.
    pub address: String,
    /// Free labels that policies select by.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// The host keys that it is known by, in OpenSSH's one-line form. Where none are given, what an
    /// administrator has pinned stays as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_keys: Option<BTreeSet<String>>,
    /// How the secrets of its accounts are looked after, where an account does not say otherwise, and its
    /// reconcile accounts. Where the field is not given, it stays as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotation: Option<RotationSetting>,
    /// The certificates, in PEM, that its TLS is verified by: of authorities, or its own. Without one
    /// no session is opened by a protocol that is spoken over TLS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_ca: Option<String>,
    /// What columns of a database hold: tags, each with names of columns, `*` standing for any text; for
    /// Redis, with patterns of keys. Policies hide by them. Where the field is not given, they stay as
    /// they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column_tags: Option<ColumnTags>,
}

/// A privileged identity on an asset. Its secret never stands in a document: it goes to the vault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountDocument {
    /// Which account on which asset: `root@web-1`.
    pub account: AccountRef,
    /// How Postern proves the account to its target.
    pub credential: CredentialKind,
    /// The person who answers for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<UserName>,
    /// How its secret is looked after, where its asset does not say so. Where the field is not given, it
    /// stays as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotation: Option<RotationSetting>,
    /// What uses its secret and is told of a new one. Where the field is not given, they stay as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dependents: Option<Vec<Dependent>>,
}

/// A set of people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupDocument {
    /// Name, unique within the tenant: 1 to 63 of a-z 0-9 . _ -
    pub name: GroupName,
    /// The scope it belongs to; `/` unless given.
    #[serde(default)]
    pub scope: ScopePath,
    /// What it is for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Its members. Where the field is not given, the members stay as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub members: Option<BTreeSet<UserName>>,
    /// Roles of Postern that membership brings. Where the field is not given, they stay as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roles: Option<BTreeSet<RoleAssignment>>,
}

/// A named set of permissions in Postern itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleDocument {
    /// Name: 1 to 63 of a-z 0-9 . _ - and none of the built-in ones.
    pub name: RoleName,
    /// What it allows.
    pub permissions: BTreeSet<Permission>,
}

/// A rule on who may use what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyDocument {
    /// Name, unique within the tenant: 1 to 63 of a-z 0-9 . _ -
    pub name: PolicyName,
    /// The scope; it reaches assets here and below only. `/` unless given.
    #[serde(default)]
    pub scope: ScopePath,
    /// What it is for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Whether it gives or takes away; a deny wins over every allow. `allow` unless given.
    #[serde(default = "allow")]
    pub effect: Effect,
    /// Who: at least one user or group.
    pub subjects: Subjects,
    /// Which accounts; every one in the scope unless narrowed.
    #[serde(default)]
    pub accounts: Accounts,
    /// When and from where; always and from anywhere unless narrowed.
    #[serde(default)]
    pub conditions: Conditions,
    /// How one comes to a session. `request` unless given.
    #[serde(default = "request")]
    pub access: Access,
    /// What sessions are bound to; what is left out has its default. Without meaning in a deny.
    #[serde(default)]
    pub obligations: ObligationsDocument,
}

const fn allow() -> Effect {
    Effect::Allow
}

const fn request() -> Access {
    Access::Request
}

/// What a session under a policy is bound to. They come from the policy that granted, never from a
/// mixture of all that matched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ObligationsDocument {
    /// What sessions may do.
    pub capabilities: BTreeSet<Capability>,
    /// How old the second factor may be; `0s` asks at every session.
    pub mfa_max_age: Period,
    /// Who must say yes to a request; where it is left out, a request is granted at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval: Option<ApprovalRule>,
    /// Whether a request must say why.
    pub reason_required: bool,
    /// What a ticket must look like, as a regular expression over the whole of it; where it is left
    /// out, no ticket is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ticket_pattern: Option<String>,
    /// Whether the ticket system must say that the ticket exists, is open and names the asset, when it is asked and
    /// while access lasts; needs `ticket_pattern`.
    #[serde(skip_serializing_if = "is_default")]
    pub ticket_checked: bool,
    /// The longest window that can be asked for, and the longest session.
    pub max_duration: Period,
    /// After how long without input a session ends; where it is left out, none ends for that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle: Option<Period>,
    /// How many sessions one person may have on one account at once; any number where it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrent_sessions: Option<u32>,
    /// How sessions are recorded.
    pub recording: Recording,
    /// What may be copied and pasted in the browser's terminal; anything where it is left out.
    #[serde(skip_serializing_if = "is_default")]
    pub clipboard: Clipboard,
    /// What others who join a session may do in it; look on where it is left out.
    #[serde(skip_serializing_if = "is_default")]
    pub join: Join,
    /// Whether somebody else must be watching: a session waits for them, and ends when the last has left.
    #[serde(skip_serializing_if = "is_default")]
    pub watched: bool,
    /// For how long the account's secret may be checked out; where it is left out, it may not be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkout: Option<Period>,
    /// Whether the account's secret is changed after each session.
    #[serde(skip_serializing_if = "is_default")]
    pub rotate_after_use: bool,
    /// What is made on the target for each session and taken away after it; where it is left out, the
    /// account is used as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provision: Option<ProvisionRule>,
    /// What binds the statements of database sessions; where it is left out, nothing does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statements: Option<Statements>,
    /// What makes it break-glass: the ticket is the incident, every use is told on the channels at once and
    /// must be reviewed. Where it is left out, it is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub break_glass: Option<BreakGlassRule>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Default for ObligationsDocument {
    fn default() -> Self {
        Self::from(&Obligations::default())
    }
}

/// The JSON Schema of one document, as published in `docs/reference/access.schema.json`.
#[must_use]
pub fn access_schema() -> serde_json::Value {
    let mut schema = schemars::schema_for!(Document);
    schema.insert("title".to_owned(), "Postern access document".into());
    schema.to_value()
}

#[cfg(test)]
mod tests;
