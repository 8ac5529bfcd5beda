//! Who may do what in Postern itself: permissions, roles, and their delegation down the scopes.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::name::RoleName;
use crate::permit::{Manage, Permit};
use crate::scope::ScopePath;

macro_rules! permissions {
    ($($(#[$doc:meta])* $variant:ident = $text:literal, $changes:literal;)*) => {
        /// One thing that a role may allow. Every route of the API declares exactly one.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum Permission {
            $($(#[$doc])* #[serde(rename = $text)] $variant,)*
        }

        impl Permission {
            /// Every permission, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name used in role documents and messages, `noun:verb`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// Whether using it changes anything; an auditor holds none that does.
            #[must_use]
            pub const fn changes(self) -> bool {
                match self { $(Self::$variant => $changes,)* }
            }
        }
    };
}

permissions! {
    /// See users, groups and roles.
    UserRead = "user:read", false;
    /// Create, change, disable users; issue enrolment links.
    UserWrite = "user:write", true;
    /// Change groups and their members.
    GroupWrite = "group:write", true;
    /// Assign roles; never more than one holds oneself.
    RoleWrite = "role:write", true;
    /// See assets and accounts.
    AssetRead = "asset:read", false;
    /// Create and change assets and accounts.
    AssetWrite = "asset:write", true;
    /// Decide which host key an asset is known by.
    HostKeyWrite = "host_key:write", true;
    /// Store a secret for an account; reading one is not a permission.
    SecretWrite = "secret:write", true;
    /// See rotations, how secrets fare, and what is made on targets for sessions.
    RotationRead = "rotation:read", false;
    /// Change secrets, stop that, and say how secrets are looked after.
    RotationWrite = "rotation:write", true;
    /// See check-outs of everybody.
    CheckoutRead = "checkout:read", false;
    /// See policies.
    PolicyRead = "policy:read", false;
    /// Change policies.
    PolicyWrite = "policy:write", true;
    /// Ask for access for oneself.
    RequestCreate = "request:create", true;
    /// See everybody's requests and grants.
    RequestRead = "request:read", false;
    /// Decide on requests, within the policy's approver groups.
    RequestApprove = "request:approve", true;
    /// End grants early.
    GrantRevoke = "grant:revoke", true;
    /// See access reviews and their evidence; whoever is asked in one sees it without.
    ReviewRead = "review:read", false;
    /// Start, close and stop access reviews, which take rights away.
    ReviewWrite = "review:write", true;
    /// Have reports made, and see those that were; they tell of everything in their scope.
    ReportRead = "report:read", false;
    /// Have reports made again and again, and say that one was looked at.
    ReportWrite = "report:write", true;
    /// See sessions.
    SessionRead = "session:read", false;
    /// Watch live sessions and play recordings.
    RecordingRead = "recording:read", false;
    /// Pause and terminate sessions, and show messages in them.
    SessionKill = "session:kill", true;
    /// Type in somebody else's session, where the policy of the session lets others do so.
    SessionJoin = "session:join", true;
    /// Read the ledger and its proofs.
    AuditRead = "audit:read", false;
    /// Place holds on recordings, and release them with somebody else.
    HoldWrite = "hold:write", true;
    /// See the vault's state.
    VaultRead = "vault:read", false;
    /// Seal and unseal the vault, rotate its keys.
    VaultManage = "vault:manage", true;
    /// See the server's state.
    StatusRead = "status:read", false;
    /// Try channels, and have them told again.
    ChannelWrite = "channel:write", true;
}

/// A named set of permissions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Role {
    /// The role's name.
    pub name: RoleName,
    /// What it allows.
    pub permissions: BTreeSet<Permission>,
    /// Whether Postern ships it; such a role cannot be changed.
    #[serde(default)]
    pub built_in: bool,
}

/// The roles that Postern ships: administrator, operator, approver, auditor, user.
#[must_use]
pub fn built_in_roles() -> Vec<Role> {
    use Permission as P;
    let role = |name: &str, permissions: BTreeSet<Permission>| {
        name.parse().ok().map(|name| Role { name, permissions, built_in: true })
    };
    let user = BTreeSet::from([P::RequestCreate]);
    // Not `host_key:write`: whoever can both move an asset's address and say which key it is known by
    // could bring its password to a machine of their own.
    let operator = BTreeSet::from([
        P::UserRead,
        P::AssetRead,
        P::AssetWrite,
        P::SecretWrite,
        P::RotationRead,
        P::RotationWrite,
        P::CheckoutRead,
        P::PolicyRead,
        P::RequestCreate,
        P::RequestRead,
        P::GrantRevoke,
        P::SessionRead,
        P::RecordingRead,
        P::SessionKill,
        P::VaultRead,
        P::StatusRead,
    ]);
    let approver = BTreeSet::from([P::RequestCreate, P::RequestRead, P::RequestApprove, P::SessionRead]);
    let auditor = P::ALL.iter().copied().filter(|p| !p.changes()).collect();
    [
        role("administrator", P::ALL.iter().copied().collect()),
        role("operator", operator),
        role("approver", approver),
        role("auditor", auditor),
        role("user", user),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A role held by somebody in a scope and everything below it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleAssignment {
    /// The role.
    pub role: RoleName,
    /// Where it holds.
    pub scope: ScopePath,
}

impl RoleAssignment {
    /// The part of the assignment that lies in `scope`; none when nothing does.
    #[must_use]
    pub fn within(self, scope: &ScopePath) -> Option<Self> {
        let role = self.role;
        self.scope.meet(scope).map(|scope| Self { role, scope })
    }
}

/// What is known about somebody who wants to use a permission.
#[derive(Clone, Debug, Default)]
pub struct Authority {
    /// The permissions they hold, each with the scope that it holds in.
    pub held: Vec<(Permission, ScopePath)>,
}

impl Authority {
    /// The authority that `assignments` of `roles` add up to; unknown roles add nothing.
    #[must_use]
    pub fn of(assignments: &[RoleAssignment], roles: &[Role]) -> Self {
        let held = assignments
            .iter()
            .filter_map(|assignment| {
                roles.iter().find(|role| role.name == assignment.role).map(|role| (assignment, role))
            })
            .flat_map(|(assignment, role)| {
                role.permissions.iter().map(|permission| (*permission, assignment.scope.clone()))
            })
            .collect();
        Self { held }
    }

    /// The part of this that is among `permissions` and in `scope`: what a token carries.
    #[must_use]
    pub fn cut(&self, permissions: &[Permission], scope: &ScopePath) -> Self {
        let held = self
            .held
            .iter()
            .filter(|(permission, _)| permissions.contains(permission))
            .filter_map(|(permission, held)| held.meet(scope).map(|scope| (*permission, scope)))
            .collect();
        Self { held }
    }

    /// The scopes in which `permission` is held.
    #[must_use]
    pub fn scopes(&self, permission: Permission) -> Vec<ScopePath> {
        let mut scopes: Vec<_> =
            self.held.iter().filter(|(held, _)| *held == permission).map(|(_, scope)| scope.clone()).collect();
        scopes.sort();
        scopes.dedup();
        scopes
    }

    /// Whether `permission` is held in `scope`.
    #[must_use]
    pub fn covers(&self, permission: Permission, scope: &ScopePath) -> bool {
        self.held.iter().any(|(held, within)| *held == permission && within.contains(scope))
    }

    /// A permit to use `permission` in the scopes where it is held; none when it is held nowhere.
    ///
    /// The permit carries the scopes, so that a listing filters by them and a change to a thing
    /// checks that the thing lies in one.
    #[must_use]
    pub fn permit(&self, permission: Permission) -> Option<Permit<Manage>> {
        let scopes = self.scopes(permission);
        (!scopes.is_empty()).then(|| Permit::new(Manage { permission, scopes }))
    }

    /// Whether somebody holding this may hand out `role` in `scope`: each of its permissions must
    /// be held there, so that delegation only shrinks.
    #[must_use]
    pub fn may_delegate(&self, role: &Role, scope: &ScopePath) -> bool {
        role.permissions.iter().all(|permission| self.covers(*permission, scope))
    }
}
