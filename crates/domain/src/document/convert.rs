//! Between documents and the nouns that they declare.

use super::{
    AccountDocument, AssetDocument, Document, GroupDocument, ObligationsDocument, PolicyDocument, RoleDocument,
};
use crate::account::Account;
use crate::asset::{Asset, HostKey, HostKeyState};
use crate::id::PolicyId;
use crate::name::AccountRef;
use crate::period::Period;
use crate::permission::Role;
use crate::policy::{Obligations, Policy};
use crate::rotation::RotationSetting;
use crate::user::Group;

impl From<&Obligations> for ObligationsDocument {
    fn from(obligations: &Obligations) -> Self {
        Self {
            capabilities: obligations.capabilities.clone(),
            mfa_max_age: Period::from_seconds(obligations.mfa_max_age_seconds),
            approval: obligations.approval.clone(),
            reason_required: obligations.reason_required,
            ticket_pattern: obligations.ticket_pattern.clone(),
            ticket_checked: obligations.ticket_checked,
            max_duration: Period::from_seconds(obligations.max_duration_seconds),
            idle: obligations.idle_seconds.map(Period::from_seconds),
            concurrent_sessions: obligations.concurrent_sessions,
            recording: obligations.recording,
            clipboard: obligations.clipboard,
            join: obligations.join,
            watched: obligations.watched,
            checkout: obligations.checkout_seconds.map(Period::from_seconds),
            rotate_after_use: obligations.rotate_after_use,
            provision: obligations.provision.clone(),
            statements: obligations.statements.clone(),
            break_glass: obligations.break_glass.clone(),
        }
    }
}

impl From<&ObligationsDocument> for Obligations {
    fn from(document: &ObligationsDocument) -> Self {
        Self {
            capabilities: document.capabilities.clone(),
            mfa_max_age_seconds: document.mfa_max_age.seconds(),
            approval: document.approval.clone(),
            reason_required: document.reason_required,
            ticket_pattern: document.ticket_pattern.clone(),
            ticket_checked: document.ticket_checked,
            max_duration_seconds: document.max_duration.seconds(),
            idle_seconds: document.idle.map(Period::seconds),
            concurrent_sessions: document.concurrent_sessions,
            recording: document.recording,
            clipboard: document.clipboard,
            join: document.join,
            watched: document.watched,
            checkout_seconds: document.checkout.map(Period::seconds),
            rotate_after_use: document.rotate_after_use,
            provision: document.provision.clone(),
            statements: document.statements.clone(),
            break_glass: document.break_glass.clone(),
        }
    }
}

impl PolicyDocument {
    /// The policy that the document declares.
    #[must_use]
    pub fn to_policy(&self, id: PolicyId, revision: u32) -> Policy {
        Policy {
            id,
            name: self.name.clone(),
            scope: self.scope.clone(),
            description: self.description.clone(),
            effect: self.effect,
            subjects: self.subjects.clone(),
            accounts: self.accounts.clone(),
            conditions: self.conditions.clone(),
            access: self.access,
            obligations: Obligations::from(&self.obligations),
            revision,
        }
    }
}

impl AssetDocument {
    /// The document that declares `asset` as it is, known by those of `keys` that are pinned, its
    /// secrets looked after as `rotation` says.
    #[must_use]
    pub fn of(asset: &Asset, keys: &[HostKey], rotation: &RotationSetting) -> Self {
        let pinned =
            keys.iter().filter(|key| key.state == HostKeyState::Pinned).map(|key| key.public_key.clone()).collect();
        Self {
            name: asset.name.clone(),
            scope: asset.scope.clone(),
            platform: asset.platform,
            address: asset.address.clone(),
            labels: asset.labels.clone(),
            host_keys: Some(pinned),
            rotation: Some(rotation.clone()),
            server_ca: asset.server_ca.clone(),
            column_tags: Some(asset.column_tags.clone()),
        }
    }
}

impl From<&Policy> for Document {
    fn from(policy: &Policy) -> Self {
        Self::Policy(PolicyDocument {
            name: policy.name.clone(),
            scope: policy.scope.clone(),
            description: policy.description.clone(),
            effect: policy.effect,
            subjects: policy.subjects.clone(),
            accounts: policy.accounts.clone(),
            conditions: policy.conditions.clone(),
            access: policy.access,
            obligations: ObligationsDocument::from(&policy.obligations),
        })
    }
}

impl From<&Account> for Document {
    fn from(account: &Account) -> Self {
        Self::Account(AccountDocument {
            account: AccountRef { account: account.name.clone(), asset: account.asset.clone() },
            credential: account.credential,
            owner: account.owner.clone(),
            rotation: Some(account.rotation.setting.clone()),
            dependents: Some(account.rotation.dependents.clone()),
        })
    }
}

impl From<&Group> for Document {
    fn from(group: &Group) -> Self {
        Self::Group(GroupDocument {
            name: group.name.clone(),
            scope: group.scope.clone(),
            description: group.description.clone(),
            members: Some(group.members.iter().cloned().collect()),
            roles: Some(group.roles.iter().cloned().collect()),
        })
    }
}

impl From<&Role> for Document {
    fn from(role: &Role) -> Self {
        Self::Role(RoleDocument { name: role.name.clone(), permissions: role.permissions.clone() })
    }
}
