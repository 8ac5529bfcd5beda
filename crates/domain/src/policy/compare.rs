//! Whether a change of policies lets anybody do more than before.
//!
//! It is judged without a clock or an address, over every instant and network at once. What cannot be
//! proved to be no more than before counts as more.

use std::collections::BTreeSet;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::conditions::canonical;
use super::{Access, Accounts, Clipboard, Conditions, Day, Hours, Join, Obligations, Policy, Statements, Subjects};
use crate::id::PolicyId;
use crate::name::GroupName;
use crate::request::{ApprovalRule, Escalation};

const MINUTES_PER_DAY: usize = 24 * 60;
const MINUTES_PER_WEEK: usize = 7 * MINUTES_PER_DAY;

/// What a change does to somebody's rights on an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Shift {
    /// They may do something that they may not do without it.
    pub widened: bool,
    /// They may not do something that they may do without it.
    pub narrowed: bool,
}

impl Shift {
    /// Whether anything changes.
    #[must_use]
    pub const fn any(self) -> bool {
        self.widened || self.narrowed
    }
}

/// What becoming `after` does to somebody, given the policies that concern them and one account.
#[must_use]
pub fn shift(before: &[&Policy], after: &[&Policy]) -> Shift {
    if before == after {
        return Shift::default();
    }
    Shift { widened: gains(before, after), narrowed: gains(after, before) }
}

/// Whether a change from one policy to another may widen anything for anybody, whoever there is now and
/// whatever accounts there are; none means that there is no policy. Which others it uncovers is for
/// [`shift`].
#[must_use]
pub fn widens(before: Option<&Policy>, after: Option<&Policy>) -> bool {
    match (before, after) {
        (None, None) => false,
        (None, Some(after)) => after.allows(),
        (Some(before), None) => !before.allows(),
        (Some(before), Some(after)) => match (before.allows(), after.allows()) {
            (true, true) => !(reaches(before, after) && gives(before, after)),
            (false, false) => !(reaches(after, before) && covers_conditions(&after.conditions, &before.conditions)),
            (true, false) => false,
            (false, true) => true,
        },
    }
}

fn gains(before: &[&Policy], after: &[&Policy]) -> bool {
    let (given, denied): (Vec<&Policy>, Vec<&Policy>) = before.iter().copied().partition(|policy| policy.allows());
    let (gives_now, denies): (Vec<&Policy>, Vec<&Policy>) = after.iter().copied().partition(|policy| policy.allows());
    let always = |policy: &&Policy| policy.conditions == Conditions::default();
    if gives_now.is_empty() || denies.iter().any(always) {
        return false;
    }
    let held = |deny: &&Policy| denies.iter().any(|now| covers_conditions(&now.conditions, &deny.conditions));
    if !denied.iter().all(held) {
        return true;
    }
    let more = |policy: &&Policy| match same(&given, &policy.id) {
        Some(earlier) if same_place(earlier, policy) => !gives(earlier, policy),
        _ => {
            !given.iter().any(|earlier| gives(earlier, policy))
                || !given.iter().all(|earlier| covers_obligations(&earlier.obligations, &policy.obligations))
        }
    };
    gives_now.iter().any(more) || given.iter().any(|earlier| uncovers(earlier, &gives_now))
}

/// Whether others that stood behind `earlier` are used now and give more than it did.
fn uncovers(earlier: &Policy, now: &[&Policy]) -> bool {
    let steps_back = same(now, &earlier.id).is_none_or(|later| {
        !(same_place(earlier, later)
            && covers_conditions(&later.conditions, &earlier.conditions)
            && later.obligations.max_duration_seconds >= earlier.obligations.max_duration_seconds
            && later.obligations.checkout_seconds.is_some() == earlier.obligations.checkout_seconds.is_some()
            && unlimited(later) >= unlimited(earlier))
    });
    let more =
        |other: &&Policy| other.id != earlier.id && !covers_obligations(&earlier.obligations, &other.obligations);
    steps_back && now.iter().any(more)
}

fn unlimited(policy: &Policy) -> u32 {
    policy.obligations.concurrent_sessions.unwrap_or(u32::MAX)
}

fn same<'a>(among: &[&'a Policy], id: &PolicyId) -> Option<&'a Policy> {
    among.iter().copied().find(|policy| policy.id == *id)
}

/// Whether two texts of a policy are chosen in the same order, and by the same kind of right.
fn same_place(one: &Policy, other: &Policy) -> bool {
    one.scope.depth() == other.scope.depth() && one.name == other.name && one.access == other.access
}

/// Whether everybody and every account that `narrow` is about, `wide` is about too.
fn reaches(wide: &Policy, narrow: &Policy) -> bool {
    wide.scope.contains(&narrow.scope)
        && covers_subjects(&wide.subjects, &narrow.subjects)
        && covers_accounts(&wide.accounts, &narrow.accounts)
}

fn covers_subjects(wide: &Subjects, narrow: &Subjects) -> bool {
    // Whoever has more attributes has fewer of them too.
    let fewer = || wide.attributes.iter().all(|(name, value)| narrow.attributes.get(name) == Some(value));
    wide.users.is_superset(&narrow.users)
        && wide.groups.is_superset(&narrow.groups)
        && (narrow.attributes.is_empty() || (!wide.attributes.is_empty() && fewer()))
        && wide.workloads.cover(&narrow.workloads)
}

fn covers_accounts(wide: &Accounts, narrow: &Accounts) -> bool {
    fn among<T: Ord>(wide: &BTreeSet<T>, narrow: &BTreeSet<T>) -> bool {
        wide.is_empty() || (!narrow.is_empty() && wide.is_superset(narrow))
    }
    among(&wide.names, &narrow.names)
        && among(&wide.assets, &narrow.assets)
        && among(&wide.platforms, &narrow.platforms)
        && among(&wide.kinds, &narrow.kinds)
        && wide.labels.iter().all(|(label, value)| narrow.labels.get(label) == Some(value))
}

/// Whether `wide` gives everything that `narrow` gives to somebody whom both concern.
fn gives(wide: &Policy, narrow: &Policy) -> bool {
    let way = match (wide.access, narrow.access) {
        (Access::Request, Access::Standing) => false,
        (Access::Standing, _) => true,
        (Access::Request, Access::Request) => {
            covers_approval(wide.obligations.approval.as_ref(), narrow.obligations.approval.as_ref())
        }
    };
    way && covers_conditions(&wide.conditions, &narrow.conditions)
        && covers_obligations(&wide.obligations, &narrow.obligations)
}

fn covers_approval(wide: Option<&ApprovalRule>, narrow: Option<&ApprovalRule>) -> bool {
    match (wide, narrow) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(wide), Some(narrow)) => covers_stages(wide, narrow) && covers_escalation(wide, narrow),
    }
}

/// Whether each stage of `wide` is no harder than one of `narrow`, in the same order.
fn covers_stages(wide: &ApprovalRule, narrow: &ApprovalRule) -> bool {
    let mut harder = narrow.stages();
    wide.stages().all(|(count, groups)| {
        harder
            .any(|(wanted, among)| count <= wanted && (groups.is_empty() || !among.is_empty() && holds(groups, among)))
    })
}

/// Whether everybody to whom `narrow` is escalated may answer under `wide` as soon.
fn covers_escalation(wide: &ApprovalRule, narrow: &ApprovalRule) -> bool {
    let Some(more) = &narrow.escalate else { return true };
    let as_soon = |also: &Escalation| also.after <= more.after && holds(&also.groups, &more.groups);
    wide.escalate.as_ref().is_some_and(as_soon)
        || wide.stages().all(|(_, groups)| groups.is_empty() || holds(groups, &more.groups))
}

fn holds(wide: &[GroupName], narrow: &[GroupName]) -> bool {
    narrow.iter().all(|group| wide.contains(group))
}

fn covers_obligations(wide: &Obligations, narrow: &Obligations) -> bool {
    let longest = |limit: Option<u64>| limit.unwrap_or(u64::MAX);
    let paste = |clipboard: &Clipboard| match clipboard {
        Clipboard { paste: false, .. } => 0,
        Clipboard { paste_bytes_max, .. } => paste_bytes_max.map_or(u64::MAX, u64::from),
    };
    // A factor of zero seconds is proved at every session, which lets less pass than any age.
    wide.capabilities.is_superset(&narrow.capabilities)
        && wide.mfa_max_age_seconds >= narrow.mfa_max_age_seconds
        && (!wide.reason_required || narrow.reason_required)
        && (wide.ticket_pattern.is_none() || wide.ticket_pattern == narrow.ticket_pattern)
        && (!wide.ticket_checked || narrow.ticket_checked)
        && wide.max_duration_seconds >= narrow.max_duration_seconds
        && longest(wide.idle_seconds) >= longest(narrow.idle_seconds)
        && wide.concurrent_sessions.unwrap_or(u32::MAX) >= narrow.concurrent_sessions.unwrap_or(u32::MAX)
        && (wide.clipboard.copy || !narrow.clipboard.copy)
        && paste(&wide.clipboard) >= paste(&narrow.clipboard)
        && (wide.join == Join::Control || narrow.join == Join::Watch)
        && (!wide.watched || narrow.watched)
        && wide.checkout_seconds.unwrap_or(0) >= narrow.checkout_seconds.unwrap_or(0)
        && (!wide.rotate_after_use || narrow.rotate_after_use)
        && wide.provision == narrow.provision
        && (wide.break_glass.is_none() || wide.break_glass == narrow.break_glass)
        && covers_statements(wide.statements.as_ref(), narrow.statements.as_ref())
}

/// Whether `wide` lets every statement pass, and everything of its result, that `narrow` does.
pub(super) fn covers_statements(wide: Option<&Statements>, narrow: Option<&Statements>) -> bool {
    wide.is_none_or(|wide| narrow.is_some_and(|narrow| wide.covers(narrow)))
}

fn covers_conditions(wide: &Conditions, narrow: &Conditions) -> bool {
    let inside = |network: &IpNet| wide.networks.iter().any(|wider| canonical(wider).contains(&canonical(network)));
    let networks = wide.networks.is_empty() || (!narrow.networks.is_empty() && narrow.networks.iter().all(inside));
    let clients = wide.clients.is_empty() || (!narrow.clients.is_empty() && wide.clients.is_superset(&narrow.clients));
    let ticket = match (&wide.ticket, &narrow.ticket) {
        (None, _) => true,
        (Some(wide), Some(narrow)) => wide.covers(narrow),
        (Some(_), None) => false,
    };
    let risk = match (wide.risk, narrow.risk) {
        (None, _) => true,
        (Some(wide), Some(narrow)) => wide.covers(narrow),
        (Some(_), None) => false,
    };
    networks && clients && ticket && risk && covers_hours(&wide.hours, &narrow.hours)
}

/// Hours are laid over a week of minutes, zone by zone: two zones are not compared with one another.
fn covers_hours(wide: &[Hours], narrow: &[Hours]) -> bool {
    let covered = |hours: &Hours| {
        let mut open = vec![false; MINUTES_PER_WEEK];
        // A day that the wider leave out must be left out by the narrower, too.
        let as_open = |wider: &&Hours| wider.zone == hours.zone && hours.except.is_superset(&wider.except);
        for wider in wide.iter().filter(as_open) {
            lay(wider, |minute| {
                if let Some(open) = open.get_mut(minute) {
                    *open = true;
                }
            });
        }
        let mut all = true;
        lay(hours, |minute| all &= open.get(minute).copied().unwrap_or(false));
        wide.contains(hours) || (all && hours.minutes().is_some())
    };
    wide.is_empty() || (!narrow.is_empty() && narrow.iter().all(covered))
}

/// Tells each minute of a week, from Monday on, in which the hours hold; none where they cannot be understood.
fn lay(hours: &Hours, mut minute: impl FnMut(usize)) {
    const DAYS: [Day; 7] = [Day::Mon, Day::Tue, Day::Wed, Day::Thu, Day::Fri, Day::Sat, Day::Sun];
    let Some((from, to)) = hours.minutes() else { return };
    let length = if from < to { to - from } else { MINUTES_PER_DAY - from + to };
    for (number, _) in DAYS.iter().enumerate().filter(|(_, day)| hours.days.is_empty() || hours.days.contains(day)) {
        let begin = number * MINUTES_PER_DAY + from;
        (begin..begin + length).for_each(|at| minute(at % MINUTES_PER_WEEK));
    }
}

#[cfg(test)]
mod tests;
