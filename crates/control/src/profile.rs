//! What is known of a user beside who they are: attributes that policies choose by, the terms of a vendor,
//! and whose user for privileged work they are.

use std::collections::BTreeMap;
use std::time::Duration;

use ipnet::IpNet;
use postern_domain::permission::Permission;
use postern_domain::policy::Hours;
use postern_domain::user::{Profile, User, UserState};
use postern_domain::vendor::Vendor;
use postern_domain::{Timestamp, UserId, UserName};
use postern_store::{ReadTx, WriteTx};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Error, authenticate, text};

/// The longest time for which a vendor is let in at once.
const VENDOR_MAX: Duration = Duration::from_secs(366 * 86_400);
const COMPANY_LEN_MAX: usize = 120;
const NETWORKS_MAX: usize = 50;
const HOURS_MAX: usize = 21;
const ATTRIBUTES_MAX: usize = 32;
const ATTRIBUTE_LEN_MAX: usize = 63;
const VALUE_LEN_MAX: usize = 200;

/// On which terms a vendor is to be let in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VendorTerms {
    /// Who answers for them: somebody who may approve requests in their scope.
    pub sponsor: UserName,
    /// The company that they come from.
    #[serde(default)]
    pub company: String,
    /// When their access ends; at most a year ahead.
    pub ends_at: Timestamp,
    /// The networks that they come from, whatever they do; empty means any.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub networks: Vec<IpNet>,
    /// The hours in which they may do anything; empty means always.
    #[serde(default)]
    pub hours: Vec<Hours>,
}

/// What is to be known of a user; what is not given stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ProfileChange {
    pub(crate) attributes: Option<BTreeMap<String, String>>,
    pub(crate) vendor: Option<VendorTerms>,
    /// Empty for nobody's.
    pub(crate) identity: Option<String>,
}

/// Changes what is known of `user`; gives the fields that have changed.
pub(crate) async fn change(tx: &mut WriteTx, user: &User, wish: ProfileChange) -> Result<Vec<&'static str>, Error> {
    let mut profile = Profile { vendor: None, ..user.profile.clone() };
    let mut changed = Vec::new();
    if let Some(attributes) = wish.attributes {
        profile.attributes = attributes_checked(attributes)?;
        if profile.attributes != user.profile.attributes {
            changed.push("attributes");
        }
    }
    let identity = match wish.identity {
        Some(wanted) => identity_of(tx, user, &wanted).await?,
        None => match &user.profile.identity {
            Some(name) => tx.user_by_name(name).await?.map(|identity| (identity.id, identity.name)),
            None => None,
        },
    };
    profile.identity = identity.as_ref().map(|(_, name)| name.clone());
    if profile.identity != user.profile.identity {
        changed.push("identity");
    }
    let sponsor = match (wish.vendor, &user.profile.vendor) {
        (Some(terms), _) => {
            let (vendor, sponsor) = terms_checked(tx, user, terms).await?;
            profile.vendor = Some(vendor);
            Some(sponsor)
        }
        (None, Some(vendor)) => {
            profile.vendor = Some(vendor.clone());
            tx.user_by_name(&vendor.sponsor).await?.map(|sponsor| sponsor.id)
        }
        (None, None) => None,
    };
    if profile.vendor != user.profile.vendor {
        changed.push("vendor");
    }
    if !changed.is_empty() {
        let identity = identity.as_ref().map(|(id, _)| id);
        tx.user_profile_set(&user.id, &profile, sponsor.as_ref(), identity).await?;
    }
    Ok(changed)
}

fn attributes_checked(attributes: BTreeMap<String, String>) -> Result<BTreeMap<String, String>, Error> {
    if attributes.len() > ATTRIBUTES_MAX {
        return Err(Error::invalid("attributes", format!("give at most {ATTRIBUTES_MAX}")));
    }
    let mut checked = BTreeMap::new();
    for (name, value) in attributes {
        let sound = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'/'));
        if name.is_empty() || name.len() > ATTRIBUTE_LEN_MAX || !sound {
            let rule = format!("a name has 1 to {ATTRIBUTE_LEN_MAX} letters, digits, dots, dashes and slashes");
            return Err(Error::invalid("attributes", rule));
        }
        let value = text::line("attributes", &value, VALUE_LEN_MAX)?;
        checked.insert(name, value);
    }
    Ok(checked)
}

/// The person whose user for privileged work `user` is to be.
async fn identity_of(rows: &mut ReadTx, user: &User, wanted: &str) -> Result<Option<(UserId, UserName)>, Error> {
    if wanted.is_empty() {
        return Ok(None);
    }
    let no = |why: &str| Error::invalid("identity", why.to_owned());
    let name: UserName = wanted.parse().map_err(|error: postern_domain::InvalidName| no(&error.to_string()))?;
    let identity = rows.user_by_name(&name).await?.ok_or_else(|| Error::not_found("user", &name))?;
    if identity.id == user.id {
        return Err(no("is the user themselves: name the user that the person works as every day"));
    }
    if user.is_workload() || identity.is_workload() {
        return Err(no("links two users of one person, and a workload is none"));
    }
    if user.vendor().is_some() || identity.vendor().is_some() {
        return Err(no("links two users of one of your own people: a vendor has one user"));
    }
    if identity.profile.identity.is_some() || !rows.users_of_identity(&user.id).await?.is_empty() {
        return Err(no("one of the two is linked the other way round already: link every user to the everyday one"));
    }
    Ok(Some((identity.id, identity.name)))
}

async fn terms_checked(rows: &mut WriteTx, user: &User, terms: VendorTerms) -> Result<(Vendor, UserId), Error> {
    let no = |field: &str, why: String| Error::invalid(format!("vendor.{field}").as_str(), why);
    let VendorTerms { sponsor, company, ends_at, networks, hours } = terms;
    let linked = user.profile.identity.is_some() || !rows.users_of_identity(&user.id).await?.is_empty();
    if user.is_workload() || linked {
        return Err(no("sponsor", "is for people of another company, who have one user".to_owned()));
    }
    if user.vendor().is_none() && !user.roles.is_empty() {
        return Err(Error::Conflict(format!(
            "{} holds roles, and a vendor holds none: take them away first",
            user.name
        )));
    }
    let company = if company.trim().is_empty() {
        String::new()
    } else {
        text::line("vendor.company", &company, COMPANY_LEN_MAX)?
    };
    if ends_at > rows.now().after(VENDOR_MAX) {
        return Err(no("ends_at", "lies more than a year ahead: a vendor is let in for a year at most".to_owned()));
    }
    if networks.len() > NETWORKS_MAX || hours.len() > HOURS_MAX {
        return Err(no("networks", format!("give at most {NETWORKS_MAX} networks and {HOURS_MAX} hours")));
    }
    if let Some(network) = networks.iter().find(|network| network.trunc() != **network) {
        let why = format!("`{network}` is an address within a network: did you mean {}?", network.trunc());
        return Err(no("networks", why));
    }
    if let Some(error) = hours.iter().find_map(|hours| hours.check().err()) {
        return Err(no("hours", error.to_string()));
    }
    let found = sponsor_of(rows, user, &sponsor).await?;
    let vendor = Vendor { sponsor: found.name, sponsored: true, company, ends_at, networks, hours };
    Ok((vendor, found.id))
}

/// Somebody who can answer for a vendor: who may approve what they ask for.
pub(crate) async fn sponsor_of(rows: &mut ReadTx, user: &User, name: &UserName) -> Result<User, Error> {
    let no = |why: String| Error::invalid("vendor.sponsor", why);
    let sponsor = rows.user_by_name(name).await?.filter(|sponsor| sponsor.state == UserState::Active);
    let sponsor = sponsor.ok_or_else(|| no(format!("user `{name}` is not active")))?;
    if sponsor.id == user.id || sponsor.vendor().is_some() || sponsor.is_workload() {
        return Err(no("is somebody of your own, not a vendor and not a workload".to_owned()));
    }
    if !authenticate::authority(rows, &sponsor).await?.covers(Permission::RequestApprove, &user.scope) {
        let scope = &user.scope;
        return Err(no(format!("{name} may not approve requests in {scope}: give them the role approver first")));
    }
    Ok(sponsor)
}
