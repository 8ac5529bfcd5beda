//! People, and what they prove themselves with. No secret appears here.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::{GroupId, LoginId, PasskeyId, SshKeyId, TokenId, UserId};
use crate::name::{GroupName, UserName};
use crate::permission::{Permission, RoleAssignment};
use crate::scope::ScopePath;
use crate::time::Timestamp;
use crate::vendor::Vendor;

/// Whether a user may act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UserState {
    /// Created, has not used the enrolment link yet.
    Invited,
    /// May act.
    Active,
    /// May not act; nothing of theirs is deleted.
    Disabled,
}

/// Whether a user is a person or a program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UserKind {
    /// A person.
    #[default]
    Person,
    /// A program: a service, a pipeline. It has no password and proves no second factor; it comes with a
    /// token or a key that a person made for it, and only policies that name workloads are about it.
    Workload,
}

/// What is known of a user beside who they are; most people need none of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Profile {
    /// A person or a program.
    pub kind: UserKind,
    /// What policies may choose people by: `department: payments`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, String>,
    /// On which terms somebody of another company is let in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vendor: Option<Vendor>,
    /// The person's everyday user, where this one is for privileged work only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<UserName>,
    /// The person's users for privileged work, where this is their everyday one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub privileged_users: Vec<UserName>,
}

/// A person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct User {
    /// Identifier.
    pub id: UserId,
    /// Sign-in name.
    pub name: UserName,
    /// Where notices go.
    pub email: Option<String>,
    /// The scope that they belong to; they can be given rights at or below it only.
    pub scope: ScopePath,
    /// Whether they may act.
    pub state: UserState,
    /// The groups they are in.
    pub groups: Vec<GroupName>,
    /// The roles they hold, directly or by a group.
    pub roles: Vec<RoleAssignment>,
    /// Whether a one-time-code generator is enrolled.
    pub totp: bool,
    /// When they were created.
    pub created_at: Timestamp,
    /// When they last signed in or connected.
    pub last_seen_at: Option<Timestamp>,
    /// What else is known of them.
    #[serde(flatten)]
    pub profile: Profile,
}

impl User {
    /// Whether it is a program.
    #[must_use]
    pub fn is_workload(&self) -> bool {
        self.profile.kind == UserKind::Workload
    }

    /// On which terms they are let in, where they are a vendor.
    #[must_use]
    pub const fn vendor(&self) -> Option<&Vendor> {
        self.profile.vendor.as_ref()
    }
}

/// Which notices of requests somebody gets, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NoticeChoice {
    /// The mail address; the one that the user has where it is none.
    pub address: Option<String>,
    /// Whether to tell of requests that wait for their answer.
    pub asked: bool,
    /// Whether to tell what became of their own.
    pub answered: bool,
}

impl Default for NoticeChoice {
    fn default() -> Self {
        Self { address: None, asked: true, answered: true }
    }
}

/// A set of people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Group {
    /// Identifier.
    pub id: GroupId,
    /// Name, unique within the tenant.
    pub name: GroupName,
    /// The scope it belongs to.
    pub scope: ScopePath,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// Its members, sorted.
    pub members: Vec<UserName>,
    /// Roles of Postern that membership brings.
    pub roles: Vec<RoleAssignment>,
}

/// A public key that a person signs in to gateways with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SshKey {
    /// Identifier.
    pub id: SshKeyId,
    /// Whose it is.
    pub user: UserName,
    /// `SHA256:...` as OpenSSH prints it.
    pub fingerprint: String,
    /// The key's algorithm, `ssh-ed25519`, `sk-ssh-ed25519@openssh.com` and so on.
    pub algorithm: String,
    /// The public key in OpenSSH's one-line form, without the comment.
    pub public_key: String,
    /// The comment it was registered with.
    pub comment: String,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it last opened a session.
    pub last_used_at: Option<Timestamp>,
    /// Whether it waits for somebody else to confirm it: it is for a workload that may do more than whoever made it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub awaits: bool,
    /// From when it works, where it does not yet and nobody else can be asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub works_from: Option<Timestamp>,
}

/// A passkey: what somebody signs in with in a browser, and proves a second factor with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Passkey {
    /// Identifier.
    pub id: PasskeyId,
    /// What its owner calls it.
    pub name: String,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it was last used.
    pub last_used_at: Option<Timestamp>,
}

/// A bearer token for the API; the token itself is shown once, when it is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ApiToken {
    /// Identifier.
    pub id: TokenId,
    /// Whose rights it carries, at most.
    pub user: UserName,
    /// What it is for.
    pub name: String,
    /// The permissions it is cut down to.
    pub permissions: Vec<Permission>,
    /// The scope it is cut down to.
    pub scope: ScopePath,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops working.
    pub expires_at: Timestamp,
    /// When it was last used.
    pub last_used_at: Option<Timestamp>,
    /// Whether it waits for somebody else to confirm it: it is for a workload that may do more than whoever made it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub awaits: bool,
    /// From when it works, where it does not yet and nobody else can be asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub works_from: Option<Timestamp>,
}

/// A signed-in console or CLI.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Login {
    /// Identifier.
    pub id: LoginId,
    /// The address it was made from.
    pub source: String,
    /// What the client calls itself.
    pub client: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last used.
    pub last_used_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When a second factor was last proved in it.
    pub mfa_at: Option<Timestamp>,
}

/// Of somebody's groups, each with the scope it belongs to, those that count for a thing in `scope`:
/// the groups of its tenant and of the root. Names are unique within a tenant only, so that one of
/// another tenant must not be taken for them.
#[must_use]
pub fn groups_that_count(groups: &[(GroupName, ScopePath)], scope: &ScopePath) -> Vec<GroupName> {
    let tenant = scope.tenant();
    let counts = |group: &ScopePath| *group == ScopePath::root() || group.tenant() == tenant;
    groups.iter().filter(|(_, group)| counts(group)).map(|(name, _)| name.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_of_another_tenant_do_not_count() {
        let groups: Vec<(GroupName, ScopePath)> = [("sre", "/apac"), ("dba", "/"), ("ops", "/emea/prod")]
            .into_iter()
            .map(|(name, scope)| (name.parse().unwrap(), scope.parse().unwrap()))
            .collect();
        let counting: Vec<_> = groups_that_count(&groups, &"/emea/test".parse().unwrap());
        assert_eq!(counting.iter().map(GroupName::as_str).collect::<Vec<_>>(), ["dba", "ops"]);
        assert_eq!(groups_that_count(&groups, &ScopePath::root()).len(), 1);
    }
}
