//! Which accounts a directory has, and why they are privileged.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use ldap3::SearchEntry;
use postern_domain::Timestamp;
use postern_domain::discovery::{AccountUse, Observation, PasswordSight, Privilege};
use tokio::sync::mpsc;

use super::{BASE, GROUPS, Session};
use crate::connector::{Coverage, Gap, Survey};
use crate::digest::keyed;
use crate::outcome::Failure;
use crate::target::Settings;

/// Names of groups that are privileged when the asset's settings name none.
const PRIVILEGED: &str = "admins,administrators,domain admins,ldapadmins,sudo,wheel,root";
const ACCOUNTS: &str =
    "(|(objectClass=posixAccount)(objectClass=inetOrgPerson)(objectClass=account)(objectClass=simpleSecurityObject))";
const ACCOUNT_ATTRIBUTES: &[&str] = &[
    "uid",
    "cn",
    "mail",
    "uidNumber",
    "userPassword",
    "description",
    "manager",
    "objectClass",
    "pwdChangedTime",
    "pwdAccountLockedTime",
    "authTimestamp",
    "pwdLastSuccess",
    "loginShell",
];
const GROUP_FILTER: &str = "(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)(objectClass=posixGroup))";
const GROUP_ATTRIBUTES: &[&str] = &["cn", "member", "uniqueMember", "memberUid"];

pub(super) async fn discover(
    session: &mut Session,
    settings: &Settings,
    survey: &Survey,
    found: &mpsc::Sender<Observation>,
) -> Result<Coverage, Failure> {
    let base = settings.require(BASE)?;
    let groups = session.search(base, GROUP_FILTER, GROUP_ATTRIBUTES).await?;
    let privileged: BTreeSet<String> =
        settings.get(GROUPS).unwrap_or(PRIVILEGED).split(',').map(|name| name.trim().to_lowercase()).collect();
    let groups = Groups::read(&groups, &privileged);
    let accounts = session.search(base, ACCOUNTS, ACCOUNT_ATTRIBUTES).await?;
    let mut coverage = Coverage::default();
    // Whoever may not read passwords may often read their own.
    if accounts.len() > 1 && accounts.iter().filter(|entry| hash(entry).is_some()).count() <= 1 {
        let why = "the discovery account may not read userPassword".to_owned();
        coverage.gaps.push(Gap { what: "userPassword", why });
    }
    for entry in &accounts {
        let Some(observation) = observe(entry, &groups, survey) else { continue };
        if !coverage.report(observation, survey, found).await {
            break;
        }
    }
    Ok(coverage)
}

/// Who is in which group, by DN and by name.
struct Groups {
    /// Of a member's DN in lower case, or `uid=` and a name, the groups: DN and name.
    of: BTreeMap<String, Vec<(String, String)>>,
    privileged: BTreeSet<String>,
}

impl Groups {
    fn read(entries: &[SearchEntry], privileged: &BTreeSet<String>) -> Self {
        let mut of: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
        for entry in entries {
            let Some(name) = first(entry, "cn") else { continue };
            let group = (entry.dn.to_lowercase(), name.to_owned());
            for member in values(entry, "member").chain(values(entry, "uniqueMember")) {
                of.entry(member.to_lowercase()).or_default().push(group.clone());
            }
            for member in values(entry, "memberUid") {
                of.entry(format!("uid={member}")).or_default().push(group.clone());
            }
        }
        Self { of, privileged: privileged.clone() }
    }

    /// The shortest way to each privileged group.
    fn chains(&self, dn: &str, name: &str) -> Vec<Privilege> {
        let mut found = Vec::new();
        let mut seen: BTreeSet<String> = BTreeSet::new();
        let start = [dn.to_lowercase(), format!("uid={name}")];
        let mut queue: VecDeque<(String, Vec<String>)> = start.into_iter().map(|at| (at, Vec::new())).collect();
        while let Some((at, chain)) = queue.pop_front() {
            for (dn, name) in self.of.get(&at).into_iter().flatten() {
                if !seen.insert(dn.clone()) {
                    continue;
                }
                let mut longer = chain.clone();
                longer.push(name.clone());
                if self.privileged.contains(&name.to_lowercase()) {
                    found.push(Privilege::Group { chain: longer.clone() });
                }
                queue.push_back((dn.clone(), longer));
            }
        }
        found
    }
}

fn values<'a>(entry: &'a SearchEntry, name: &str) -> impl Iterator<Item = &'a str> {
    let wanted = name.to_lowercase();
    let found = entry.attrs.iter().find(move |(known, _)| known.to_lowercase() == wanted);
    found.into_iter().flat_map(|(_, values)| values.iter().map(String::as_str))
}

fn first<'a>(entry: &'a SearchEntry, name: &str) -> Option<&'a str> {
    values(entry, name).next()
}

/// What is stored as a password; it may be kept as bytes.
fn hash(entry: &SearchEntry) -> Option<String> {
    let text = first(entry, "userPassword").map(str::to_owned);
    text.or_else(|| {
        let bytes = entry.bin_attrs.get("userPassword")?.first()?;
        Some(String::from_utf8_lossy(bytes).into_owned())
    })
}

fn observe(entry: &SearchEntry, groups: &Groups, survey: &Survey) -> Option<Observation> {
    let name = first(entry, "uid").or_else(|| first(entry, "cn"))?;
    let mut observation = Observation::named(name.chars().take(128).collect::<String>());
    let is_person = values(entry, "objectClass").any(|class| class.eq_ignore_ascii_case("inetOrgPerson"));
    observation.usage = if is_person { AccountUse::Person } else { AccountUse::Service };
    if first(entry, "uidNumber") == Some("0") {
        observation.privileges.push(Privilege::UidZero);
    }
    observation.privileges.extend(groups.chains(&entry.dn, name));
    observation.locked = first(entry, "pwdAccountLockedTime").is_some();
    observation.can_sign_in = !observation.locked;
    if let Some(stored) = hash(entry).map(zeroize::Zeroizing::new) {
        let scheme = stored.strip_prefix('{').and_then(|rest| rest.split_once('}')).map_or("clear", |(name, _)| name);
        observation.password = PasswordSight::Set {
            scheme: scheme.chars().take(32).collect(),
            digest: keyed(&stored, survey.digest_key.expose()),
        };
    }
    observation.password_changed_at = first(entry, "pwdChangedTime").and_then(time);
    observation.last_sign_in_at = first(entry, "authTimestamp").or(first(entry, "pwdLastSuccess")).and_then(time);
    observation.owner_hint = first(entry, "mail").map(str::to_owned);
    observation.notes = vec![entry.dn.chars().take(256).collect()];
    Some(observation)
}

/// Generalized time in UTC: `20261125071333Z`, with or without a fraction.
fn time(text: &str) -> Option<Timestamp> {
    let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
    let at = jiff::Timestamp::strptime("%Y%m%d%H%M%S %z", format!("{digits} +0000")).ok()?;
    Some(Timestamp::from_millis(at.as_millisecond()))
}
