//! Vendors: people of another company, who come in under a sponsor's eyes only.
//!
//! What holds for a vendor holds whatever policies say: the end of their time, their hours and networks,
//! a yes of somebody else to each session, and somebody who watches it.

use std::net::IpAddr;

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::name::UserName;
use crate::policy::conditions;
use crate::policy::{Hours, Obligations, Reason};
use crate::request::ApprovalRule;
use crate::time::Timestamp;

/// On which terms a vendor is let in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Vendor {
    /// Who answers for them. While that is nobody who may act, they have no access.
    pub sponsor: UserName,
    /// Whether the sponsor can answer for them: active, and no vendor themselves.
    pub sponsored: bool,
    /// The company they come from.
    #[serde(default)]
    pub company: String,
    /// When their access ends.
    pub ends_at: Timestamp,
    /// The networks that they come from, whatever they do; empty means any.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub networks: Vec<IpNet>,
    /// The hours in which they may do anything; empty means always.
    #[serde(default)]
    pub hours: Vec<Hours>,
}

impl Vendor {
    /// Whether they may do anything at all from `source` at `now`, signing in included.
    ///
    /// # Errors
    /// Why not.
    pub fn admit(&self, source: IpAddr, now: Timestamp) -> Result<(), Reason> {
        if now >= self.ends_at {
            return Err(Reason::VendorEnded { at: self.ends_at });
        }
        if !self.sponsored {
            return Err(Reason::SponsorMissing { sponsor: self.sponsor.clone() });
        }
        match conditions::reached(&self.networks, source) && conditions::within(&self.hours, now).unwrap_or(false) {
            true => Ok(()),
            false => Err(Reason::VendorOutside),
        }
    }
}

/// What binds a vendor's session under a policy that says `given`: somebody else says yes to it and
/// somebody watches it, and the secret is not shown.
#[must_use]
pub fn bound(given: &Obligations) -> Obligations {
    Obligations {
        approval: Some(given.approval.clone().unwrap_or_else(|| ApprovalRule::of(1, Vec::new()))),
        watched: true,
        checkout_seconds: None,
        ..given.clone()
    }
}

#[cfg(test)]
mod tests;
