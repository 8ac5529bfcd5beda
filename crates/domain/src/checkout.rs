//! Check-outs: the exceptional reveal of a secret that cannot be brokered.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::{CheckoutId, GrantId, PolicyId, RotationId};
use crate::name::{AccountRef, UserName};
use crate::scope::ScopePath;
use crate::time::Timestamp;

/// Where a check-out stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CheckoutState {
    /// Somebody has the secret.
    Open,
    /// It was given back.
    CheckedIn,
    /// Its time was over.
    Expired,
}

/// One check-out of one account's secret. Nobody else checks the account out meanwhile, and the secret
/// is changed when it ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Checkout {
    /// Identifier.
    pub id: CheckoutId,
    /// Who has it.
    pub user: UserName,
    /// The account.
    pub account: AccountRef,
    /// The scope, which is its asset's.
    pub scope: ScopePath,
    /// The policy that allowed it.
    pub policy: PolicyId,
    /// The grant that was used; none where the policy gives standing access.
    pub grant: Option<GrantId>,
    /// Why.
    pub reason: String,
    /// The version of the secret that was shown.
    pub version: u32,
    /// Where it stands.
    pub state: CheckoutState,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When it ends by itself.
    pub ends_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// The rotation that its end began; none while it is open.
    pub rotation: Option<RotationId>,
}
