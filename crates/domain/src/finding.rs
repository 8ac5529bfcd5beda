//! What discovery thinks is wrong, and why: decided from observations, what is known, and the time.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::asset::Platform;
use crate::discovery::{AccountUse, FoundHost, Observation, PasswordSight, Privilege};
use crate::id::{FindingId, HostId};
use crate::name::{AssetName, UserName};
use crate::scope::ScopePath;
use crate::time::Timestamp;

mod person;

pub use person::{PersonHolds, of_person};

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// A privileged account that Postern does not govern.
    Unmanaged,
    /// Whoever answered for it is gone.
    Orphaned,
    /// Nobody has used it for long.
    Stale,
    /// Its key or its password opens other accounts too.
    Shared,
    /// It is opened by a password that everybody knows.
    DefaultPassword,
    /// It is opened without a password.
    EmptyPassword,
    /// One of its keys is too short or of a broken kind.
    WeakKey,
    /// A person holds power all the time in place of for a task.
    StandingPrivilege,
    /// The everyday user of a person who has another user for privileged work holds power, or an account does that
    /// is named after them.
    EverydayPrivilege,
    /// It has more power than at the last run, and Postern did not give it.
    PrivilegeGained,
    /// Its secret was changed by somebody else than Postern.
    SecretChanged,
    /// Somebody signed in to it past Postern.
    UsedOutside,
    /// A host that no asset names.
    UnknownHost,
    /// A person holds together what is declared to be kept apart.
    KeptApart,
}

impl FindingKind {
    /// Whether it tells of a change, which stays worth knowing when the next run finds nothing new. The
    /// others are resolved as soon as a run no longer raises them.
    #[must_use]
    pub fn is_event(self) -> bool {
        matches!(self, Self::PrivilegeGained | Self::SecretChanged | Self::UsedOutside)
    }
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Untidy.
    Low,
    /// To be dealt with.
    Medium,
    /// To be dealt with soon.
    High,
    /// To be dealt with now.
    Critical,
}

/// How a finding stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FindingState {
    /// To be dealt with.
    Open,
    /// Somebody accepted it for a time.
    Accepted,
    /// It is so no longer, or was dealt with.
    Resolved,
}

/// Which found host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FoundHostRef {
    /// Identifier.
    pub id: HostId,
    /// `address:port`
    pub address: String,
}

/// Something that is wrong with an account on an asset, with a found host, or with what a user holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// Identifier.
    pub id: FindingId,
    /// The asset; none where it is about a found host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asset: Option<AssetName>,
    /// The found host that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<FoundHostRef>,
    /// The user that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<UserName>,
    /// The scope: the asset's or the user's, or that of the host's source.
    pub scope: ScopePath,
    /// The account, as the target spells it; empty where it is about a found host or a user.
    pub account: String,
    /// What is wrong.
    pub kind: FindingKind,
    /// How bad it is.
    pub severity: Severity,
    /// What was seen, one thing a line.
    pub evidence: Vec<String>,
    /// How it stands.
    pub state: FindingState,
    /// When it was first raised.
    pub raised_at: Timestamp,
    /// When a run last saw that it is so.
    pub seen_at: Timestamp,
    /// Who accepted it.
    pub accepted_by: Option<String>,
    /// Until when it is accepted.
    pub accepted_until: Option<Timestamp>,
    /// Why.
    pub note: Option<String>,
}

/// A finding that a run raises on an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raised {
    /// What is wrong.
    pub kind: FindingKind,
    /// How bad it is.
    pub severity: Severity,
    /// What was seen, one thing a line.
    pub evidence: Vec<String>,
}

/// What Postern knows of an account besides what was seen.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Whether Postern governs it.
    pub is_managed: bool,
    /// Who answers for it, and whether they can still sign in to Postern.
    pub owner: Option<(String, bool)>,
    /// When Postern last set its secret.
    pub secret_set_at: Option<Timestamp>,
    /// Whether Postern, or somebody by it, was on the account when the target saw the last sign-in.
    pub used_at_sign_in: bool,
    /// Whether a password that everybody knows was tried and opened it.
    pub has_default_password: bool,
    /// The person's users for privileged work, where it is named after the everyday user of one who has some.
    pub everyday: Vec<UserName>,
    /// Whether Postern itself provisioned it or what it was given.
    pub is_provisioned: bool,
}

/// Everything that findings on one account are decided from.
#[derive(Clone, Copy)]
pub struct Facts<'a> {
    /// What was seen now.
    pub seen: &'a Observation,
    /// What the last run saw, if there was one that looked at the whole asset; within it None when the
    /// account was not there.
    pub before: Option<Option<&'a Observation>>,
    /// When that run was.
    pub before_at: Option<Timestamp>,
    /// What Postern knows.
    pub known: &'a Known,
    /// The other accounts that share a secret with it.
    pub shared: &'a Sharing,
    /// The asset it is on, as the sharing names it.
    pub asset: &'a str,
    /// The time.
    pub now: Timestamp,
}

/// For how long an account may lie unused: 90 days.
pub const STALE_AFTER: Duration = Duration::from_secs(90 * 24 * 3600);
/// The most places that are named as evidence of sharing.
const PLACES_MAX: usize = 20;

/// Which secrets open several accounts.
#[derive(Clone, Debug, Default)]
pub struct Sharing {
    /// By a key's fingerprint or a password's digest, the accounts: `account@asset`.
    places: BTreeMap<String, Vec<String>>,
}

impl Sharing {
    /// Notes the secrets of an account.
    pub fn add(&mut self, asset: &str, seen: &Observation) {
        let place = format!("{}@{asset}", seen.name);
        for secret in secrets(seen) {
            let places = self.places.entry(secret).or_default();
            if !places.contains(&place) {
                places.push(place.clone());
            }
        }
    }

    /// The other accounts that a secret opens.
    fn others<'a>(&'a self, secret: &str, place: &'a str) -> impl Iterator<Item = &'a str> {
        let places = self.places.get(secret).into_iter().flatten();
        places.map(String::as_str).filter(move |other| *other != place)
    }
}

fn secrets(seen: &Observation) -> Vec<String> {
    let mut secrets: Vec<String> = seen.keys.iter().map(|key| key.fingerprint.clone()).collect();
    if let PasswordSight::Set { digest: Some(digest), .. } = &seen.password {
        secrets.push(format!("password {digest}"));
    }
    secrets
}

/// What is wrong with one account.
#[must_use]
pub fn findings(facts: Facts<'_>) -> Vec<Raised> {
    let rules: [fn(Facts<'_>) -> Option<Raised>; 12] = [
        unmanaged,
        orphaned,
        stale,
        shared,
        default_password,
        empty_password,
        weak_key,
        standing_privilege,
        everyday_privilege,
        privilege_gained,
        secret_changed,
        used_outside,
    ];
    if facts.known.is_provisioned {
        return Vec::new();
    }
    rules.iter().filter_map(|rule| rule(facts)).collect()
}

/// Whether a privilege is power over everything.
#[must_use]
pub fn is_total(privilege: &Privilege) -> bool {
    match privilege {
        Privilege::UidZero | Privilege::Superuser | Privilege::RootKey { .. } => true,
        Privilege::Sudo { all, .. } => *all,
        Privilege::Level { level } => *level >= 15,
        Privilege::Group { .. }
        | Privilege::Role { .. }
        | Privilege::Attribute { .. }
        | Privilege::GrantOption { .. } => false,
    }
}

/// A privilege in words.
#[must_use]
pub fn words(privilege: &Privilege) -> String {
    match privilege {
        Privilege::UidZero => "its user id is 0".to_owned(),
        Privilege::Sudo { rule, group: Some(group), .. } => format!("sudo by group {group}: {rule}"),
        Privilege::Sudo { rule, group: None, .. } => format!("sudo: {rule}"),
        Privilege::Group { chain } => format!("member of {}", chain.join(", which is in ")),
        Privilege::Role { chain } => format!("has role {}", chain.join(", which has ")),
        Privilege::Superuser => "unlimited by the platform's own mark".to_owned(),
        Privilege::Attribute { name } => name.clone(),
        Privilege::GrantOption { on } => format!("may hand on {on}"),
        Privilege::RootKey { fingerprint } => format!("its key {fingerprint} opens root"),
        Privilege::Level { level } => format!("privilege level {level}"),
    }
}

fn by_power(seen: &Observation, total: Severity, other: Severity) -> Severity {
    if seen.privileges.iter().any(is_total) { total } else { other }
}

fn reasons(seen: &Observation) -> Vec<String> {
    seen.privileges.iter().map(words).collect()
}

fn unmanaged(Facts { seen, known, .. }: Facts<'_>) -> Option<Raised> {
    (seen.is_privileged() && seen.can_sign_in && !known.is_managed).then(|| Raised {
        kind: FindingKind::Unmanaged,
        severity: by_power(seen, Severity::High, Severity::Medium),
        evidence: reasons(seen),
    })
}

fn orphaned(Facts { seen, known, .. }: Facts<'_>) -> Option<Raised> {
    let (owner, _) = known.owner.as_ref().filter(|(_, is_active)| !is_active)?;
    seen.can_sign_in.then(|| Raised {
        kind: FindingKind::Orphaned,
        severity: if seen.is_privileged() { Severity::High } else { Severity::Medium },
        evidence: vec![format!("{owner}, who answers for it, cannot sign in to Postern any more")],
    })
}

fn stale(Facts { seen, now, .. }: Facts<'_>) -> Option<Raised> {
    let last = seen.last_sign_in_at?;
    let unused = now.since(last);
    (seen.can_sign_in && unused > STALE_AFTER).then(|| Raised {
        kind: FindingKind::Stale,
        severity: if seen.is_privileged() { Severity::Medium } else { Severity::Low },
        evidence: vec![format!("last signed in {} days ago, on {last}", unused.as_secs() / 86_400)],
    })
}

fn shared(Facts { seen, shared, asset, .. }: Facts<'_>) -> Option<Raised> {
    let place = format!("{}@{asset}", seen.name);
    let mut evidence = Vec::new();
    let mut has_password = false;
    for secret in secrets(seen) {
        let what = if secret.starts_with("password ") { "the same password hash" } else { "the same key" };
        let others: Vec<&str> = shared.others(&secret, &place).take(PLACES_MAX).collect();
        if !others.is_empty() {
            has_password |= secret.starts_with("password ");
            evidence.push(format!("{what} opens {}", others.join(", ")));
        }
    }
    (!evidence.is_empty() && seen.can_sign_in).then(|| Raised {
        kind: FindingKind::Shared,
        severity: if has_password || seen.is_privileged() { Severity::High } else { Severity::Medium },
        evidence,
    })
}

fn default_password(Facts { known, .. }: Facts<'_>) -> Option<Raised> {
    known.has_default_password.then(|| Raised {
        kind: FindingKind::DefaultPassword,
        severity: Severity::Critical,
        evidence: vec!["a password that everybody knows opened it".to_owned()],
    })
}

fn empty_password(Facts { seen, .. }: Facts<'_>) -> Option<Raised> {
    (seen.password == PasswordSight::Empty && seen.can_sign_in).then(|| Raised {
        kind: FindingKind::EmptyPassword,
        severity: Severity::Critical,
        evidence: vec!["it is opened without a password".to_owned()],
    })
}

fn weak_key(Facts { seen, .. }: Facts<'_>) -> Option<Raised> {
    let weak =
        |key: &&crate::discovery::KeySight| key.algorithm.contains("dss") || key.bits.is_some_and(|bits| bits < 2048);
    let evidence: Vec<String> = seen
        .keys
        .iter()
        .filter(weak)
        .map(|key| match key.bits {
            Some(bits) => format!("{} of {bits} bits, {}", key.algorithm, key.fingerprint),
            None => format!("{}, {}", key.algorithm, key.fingerprint),
        })
        .collect();
    (!evidence.is_empty()).then_some(Raised { kind: FindingKind::WeakKey, severity: Severity::High, evidence })
}

fn standing_privilege(Facts { seen, .. }: Facts<'_>) -> Option<Raised> {
    let is_persons = seen.usage == AccountUse::Person && !seen.privileges.contains(&Privilege::UidZero);
    (is_persons && seen.can_sign_in && seen.is_privileged() && seen.expires_at.is_none()).then(|| Raised {
        kind: FindingKind::StandingPrivilege,
        severity: by_power(seen, Severity::Medium, Severity::Low),
        evidence: reasons(seen),
    })
}

fn everyday_privilege(Facts { seen, known, .. }: Facts<'_>) -> Option<Raised> {
    let other = known.everyday.first()?;
    (seen.can_sign_in && seen.is_privileged()).then(|| Raised {
        kind: FindingKind::EverydayPrivilege,
        severity: by_power(seen, Severity::High, Severity::Medium),
        evidence: std::iter::once(format!(
            "it is named after the everyday user {}, whose user for privileged work is {other}",
            seen.name
        ))
        .chain(reasons(seen))
        .collect(),
    })
}

fn privilege_gained(Facts { seen, before, .. }: Facts<'_>) -> Option<Raised> {
    let before = before?;
    let held = before.map(|before| before.privileges.as_slice()).unwrap_or_default();
    let gained: Vec<&Privilege> = seen.privileges.iter().filter(|privilege| !held.contains(privilege)).collect();
    (!gained.is_empty()).then(|| Raised {
        kind: FindingKind::PrivilegeGained,
        severity: if gained.iter().any(|privilege| is_total(privilege)) { Severity::Critical } else { Severity::High },
        evidence: gained.into_iter().map(words).collect(),
    })
}

fn secret_changed(Facts { seen, before, before_at, known, .. }: Facts<'_>) -> Option<Raised> {
    let (before, before_at) = (before??, before_at?);
    let (PasswordSight::Set { digest: Some(now), .. }, PasswordSight::Set { digest: Some(then), .. }) =
        (&seen.password, &before.password)
    else {
        return None;
    };
    let is_ours = known.secret_set_at.is_some_and(|at| at >= before_at);
    (known.is_managed && now != then && !is_ours).then(|| Raised {
        kind: FindingKind::SecretChanged,
        severity: Severity::High,
        evidence: vec![format!("what is stored of its password is not what it was on {before_at}")],
    })
}

/// Only of sign-ins after the last look: earlier ones may be from a time when nobody governed the account.
fn used_outside(Facts { seen, before, before_at, known, .. }: Facts<'_>) -> Option<Raised> {
    let (before, before_at, last) = (before??, before_at?, seen.last_sign_in_at?);
    let is_new = last > before_at && before.last_sign_in_at != Some(last);
    (known.is_managed && is_new && !known.used_at_sign_in).then(|| Raised {
        kind: FindingKind::UsedOutside,
        severity: if seen.is_privileged() { Severity::High } else { Severity::Medium },
        evidence: vec![format!("the target saw a sign-in on {last}; Postern had nobody on the account then")],
    })
}

impl Finding {
    /// What it is about, for people: `root@web-1`, `10.1.2.3:22`, `ben`.
    #[must_use]
    pub fn subject(&self) -> String {
        match (&self.asset, &self.host, &self.user) {
            (Some(asset), ..) => format!("{}@{asset}", self.account),
            (None, Some(host), _) => host.address.clone(),
            (None, None, Some(user)) => user.to_string(),
            (None, None, None) => self.account.clone(),
        }
    }
}

/// What is wrong with a host that no asset names.
#[must_use]
pub fn unknown_host(host: &FoundHost) -> Raised {
    let what = if host.is_recognised { "it says" } else { "its port suggests" };
    let mut evidence = vec![format!("no asset is at {}; {what} {}", host.address, platform_word(host.platform))];
    evidence.extend(host.name.as_ref().map(|name| format!("its name is {name}")));
    evidence.extend(host.banner.as_ref().map(|banner| format!("it answers: {banner}")));
    evidence.extend(host.host_key.as_ref().map(|key| format!("its host key is {key}")));
    Raised { kind: FindingKind::UnknownHost, severity: Severity::Medium, evidence }
}

const fn platform_word(platform: Platform) -> &'static str {
    match platform {
        Platform::Linux => "Linux",
        Platform::NetworkDevice => "a network device",
        Platform::Postgresql => "PostgreSQL",
        Platform::Mysql => "MySQL",
        Platform::Redis => "Redis",
        Platform::Ldap => "LDAP",
    }
}

/// Passwords that systems come with, by platform: each is tried at most once per account, and only where
/// an administrator allows it.
#[must_use]
pub fn default_passwords(platform: Platform, account: &str) -> Option<&'static str> {
    match (platform, account) {
        (Platform::Linux, "root") => Some("root"),
        (Platform::Linux, "pi") => Some("raspberry"),
        (Platform::Linux, "ubnt") => Some("ubnt"),
        (Platform::Linux | Platform::NetworkDevice, "admin") => Some("admin"),
        (Platform::NetworkDevice, "cisco") => Some("cisco"),
        (Platform::Postgresql, "postgres") => Some("postgres"),
        (Platform::Mysql, "root") => Some("root"),
        (Platform::Redis, "default") => Some("foobared"),
        (Platform::Ldap, "admin") => Some("admin"),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
