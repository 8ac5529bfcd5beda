//! What somebody can reach or ask for, and what it takes. Nothing appears here that no policy gives.

use std::collections::BTreeMap;
use std::net::IpAddr;

use postern_domain::account::Account;
use postern_domain::asset::{Asset, Platform};
use postern_domain::permission::{Authority, Permission};
use postern_domain::policy::{self, ConnectFacts, Decision, Policy, Reason, Subject, Target};
use postern_domain::request::{ApprovalRule, RequestState};
use postern_domain::user::User;
use postern_domain::{AccountRef, AssetName, GrantId, PolicyName, RequestId, ScopePath, Timestamp};
use postern_store::{AssetFilter, Listed, Listing, PageRequest, ReadTx};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::facts::{level, risk_of};
use crate::{Caller, Control, Error, visible};

/// How many portions of rows a listing looks through before it gives what it has.
/// How far what somebody can reach is counted.
const COUNTED_MAX: u32 = 500;
const PORTIONS_MAX: usize = 20;

/// How somebody stands towards an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AccessState {
    /// Can be connected to now, with a second factor as fresh as is demanded.
    Ready,
    /// Can be asked for.
    Request,
    /// Has been asked for and waits for approval.
    Pending,
    /// Not at the moment; the reasons say why.
    Unavailable,
}

/// The asset, as far as it concerns somebody who wants to use it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccessAsset {
    /// Its name.
    pub name: AssetName,
    /// What kind of system it is.
    pub platform: Platform,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
}

/// What the policy demands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Demands {
    /// How old the second factor may be, in seconds; 0 asks at every session.
    pub mfa_max_age_seconds: u64,
    /// Who must say yes to a request; none grants at once.
    pub approval: Option<ApprovalRule>,
    /// Whether a request must say why.
    pub reason_required: bool,
    /// What a ticket must look like; none asks for no ticket.
    pub ticket_pattern: Option<String>,
    /// The longest window that can be asked for, and the longest session, in seconds.
    pub max_duration_seconds: u64,
    /// For how long the secret can be checked out, in seconds; none where it cannot.
    pub checkout_seconds: Option<u64>,
    /// Whether who asks and who approves must have proved a passkey in the last five minutes.
    #[serde(default)]
    pub passkey: bool,
}

impl Demands {
    fn of(policy: &Policy) -> Self {
        let obligations = &policy.obligations;
        Self {
            mfa_max_age_seconds: obligations.mfa_max_age_seconds,
            approval: obligations.approval.clone(),
            reason_required: obligations.reason_required,
            ticket_pattern: obligations.ticket_pattern.clone(),
            max_duration_seconds: obligations.max_duration_seconds,
            checkout_seconds: obligations.checkout_seconds,
            passkey: obligations.break_glass.as_ref().is_some_and(|rule| rule.passkey),
        }
    }
}

/// Why not at the moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccessReason {
    /// For a program.
    pub code: String,
    /// For a person.
    pub message: String,
}

/// An account that somebody can reach or ask for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccessItem {
    /// The account: `root@web-1`.
    pub account: AccountRef,
    /// Its asset.
    pub asset: AccessAsset,
    /// How the caller stands towards it.
    pub state: AccessState,
    /// The grant that can be used.
    pub grant: Option<GrantId>,
    /// When that grant ends.
    pub ends_at: Option<Timestamp>,
    /// The request that waits.
    pub request: Option<RequestId>,
    /// The policy that gives it.
    pub policy: PolicyName,
    /// What that policy demands.
    pub demands: Demands,
    /// What is demanded of whoever asks in an emergency; none where no policy of break-glass gives it.
    pub break_glass: Option<Demands>,
    /// Why it cannot be used at the moment.
    pub reasons: Vec<AccessReason>,
    /// The command that connects to it; none where it is not reached by SSH.
    pub ssh: Option<String>,
    /// The protocol that a connect token opens it by, `postgresql`; none where it is reached without one.
    pub connect: Option<String>,
}

/// Which accounts are wanted; everything given must match.
#[derive(Clone, Debug, Default)]
pub struct AccessFilter {
    /// A part of the account's or the asset's name.
    pub q: Option<String>,
    /// Labels with their values.
    pub labels: BTreeMap<String, String>,
}

impl Control {
    /// What the caller can reach or ask for, by asset and account. Each is decided for itself, so that
    /// counting stops at 500.
    ///
    /// # Errors
    /// When it cannot be sorted by that, or the cursor is not one of ours.
    pub async fn access_list(
        &self,
        caller: &Caller,
        filter: &AccessFilter,
        listing: &Listing,
    ) -> Result<Listed<AccessItem>, Error> {
        let somebody = Somebody { user: &caller.user, authority: &caller.authority, source: caller.source };
        let mut rows = self.store().read().await?;
        let mut found = self.access_of(&mut rows, somebody, filter, listing, &|_| true).await?;
        if listing.count {
            found.total = if listing.page.cursor.is_none() && found.next.is_none() {
                u64::try_from(found.items.len()).ok()
            } else {
                let page = PageRequest { cursor: None, limit: Some(COUNTED_MAX) };
                let all = self.access_of(&mut rows, somebody, filter, &page.into(), &|_| true).await?;
                u64::try_from(all.items.len()).ok().filter(|_| all.next.is_none())
            };
        }
        Ok(found)
    }

    /// What somebody can reach or ask for, of the assets whose scopes are `shown`.
    pub(crate) async fn access_of(
        &self,
        rows: &mut ReadTx,
        somebody: Somebody<'_>,
        filter: &AccessFilter,
        listing: &Listing,
        shown: &(dyn Fn(&ScopePath) -> bool + Sync),
    ) -> Result<Listed<AccessItem>, Error> {
        let scope = &somebody.user.scope;
        let policies = rows.policies_reaching(scope).await?;
        // Here with the groups of every tenant; each account is judged with those of its own.
        let allowing: Vec<_> =
            policies.iter().filter(|policy| policy.allows() && policy.subjects.include(somebody.user)).collect();
        let wanted = AssetFilter { q: filter.q.clone(), labels: filter.labels.clone(), ..AssetFilter::default() };
        let limit = usize::try_from(listing.page.limit()).unwrap_or(1);
        let mut found = Listed { items: Vec::new(), next: listing.page.cursor.clone(), total: None };
        let mut looker = Looker::new(self, somebody, &policies);
        for _ in 0..PORTIONS_MAX {
            // What is missing and no more, so that the portion's own cursor is the page's.
            let missing = u32::try_from(limit - found.items.len()).unwrap_or(1);
            let page = PageRequest { cursor: found.next.take(), limit: Some(missing) };
            let portion = Listing { page, sort: listing.sort.clone(), count: false };
            let portion = rows.accounts_selected(scope, &allowing, &wanted, &portion).await?;
            for (account, asset) in portion.items.iter().filter(|(_, asset)| shown(&asset.scope)) {
                found.items.extend(looker.look(rows, account, asset).await?);
            }
            found.next = portion.next;
            if found.next.is_none() || found.items.len() >= limit {
                break;
            }
        }
        Ok(found)
    }
}

/// Whose access is looked at.
#[derive(Clone, Copy)]
pub(crate) struct Somebody<'a> {
    /// Who.
    pub(crate) user: &'a User,
    /// What they may do in Postern.
    pub(crate) authority: &'a Authority,
    /// From where they would come.
    pub(crate) source: IpAddr,
}

/// Somebody looking at what they can reach. What policies of a tenant see of them is kept.
pub(crate) struct Looker<'a> {
    control: &'a Control,
    somebody: Somebody<'a>,
    policies: &'a [Policy],
    by_tenant: BTreeMap<ScopePath, Option<User>>,
}

impl<'a> Looker<'a> {
    /// Somebody under these policies.
    pub(crate) fn new(control: &'a Control, somebody: Somebody<'a>, policies: &'a [Policy]) -> Self {
        Self { control, somebody, policies, by_tenant: BTreeMap::new() }
    }

    /// How they stand towards an account; none when no policy gives it.
    pub(crate) async fn look(
        &mut self,
        rows: &mut ReadTx,
        account: &Account,
        asset: &Asset,
    ) -> Result<Option<AccessItem>, Error> {
        let now = self.control.now();
        let tenant = asset.scope.tenant();
        if !self.by_tenant.contains_key(&tenant) {
            let user = visible::subject(rows, &self.somebody.user.id, &tenant).await?;
            self.by_tenant.insert(tenant.clone(), user);
        }
        let Some(Some(user)) = self.by_tenant.get(&tenant) else { return Ok(None) };
        let over: Vec<_> = self.policies.iter().filter(|policy| policy.scope.contains(&asset.scope)).cloned().collect();
        let grants = rows.grants_for(&user.id, &account.id, now).await?;
        let risk = risk_of(rows, &over, user, (account, asset), now, now).await?;
        let facts = ConnectFacts {
            // As if a factor had just been proved: how fresh one must be is among the demands.
            subject: Subject {
                user,
                source: self.somebody.source,
                mfa_at: Some(now),
                client: None,
                risk: level(risk.as_ref()),
            },
            target: Target { account, asset },
            policies: (&over).into(),
            grants: &grants,
            live_sessions: rows.sessions_open_of(&user.id, &account.id).await?,
        };
        let (state, policy, grant, reasons) = match policy::connect(&facts, now) {
            Decision::Permit(permit) => {
                let connect = permit.action();
                (AccessState::Ready, Some(&connect.policy_name).cloned(), connect.grant.clone(), Vec::new())
            }
            Decision::StepUp { policy_name, .. } => (AccessState::Ready, Some(policy_name), None, Vec::new()),
            Decision::Deny(reasons) if given_up(&reasons) => return Ok(None),
            Decision::Deny(reasons) => {
                let asked = reasons.iter().any(|reason| matches!(reason, Reason::NeedsRequest { .. }));
                let state = if asked { AccessState::Request } else { AccessState::Unavailable };
                let policy = reasons.iter().find_map(Reason::policy).cloned();
                (state, policy, None, if asked { Vec::new() } else { reasons })
            }
        };
        let giving = over
            .iter()
            .filter(|candidate| candidate.allows() && candidate.concerns(user, account, asset))
            .find(|candidate| policy.as_ref().is_none_or(|name| candidate.name == *name));
        let Some(giving) = giving else { return Ok(None) };
        let ends_at = grants.iter().find(|held| Some(&held.id) == grant.as_ref()).map(|held| held.ends_at);
        let mut item = self.item(account, asset, giving, state, reasons);
        (item.grant, item.ends_at) = (grant, ends_at);
        if item.state != AccessState::Ready && account.ready {
            let emergency = over.iter().filter(|one| one.allows() && one.is_break_glass());
            let emergency = emergency.filter(|one| one.concerns(user, account, asset));
            item.break_glass = emergency.max_by_key(|one| one.scope.depth()).map(Demands::of);
        }
        self.pending(rows, account, &mut item).await?;
        Ok(Some(item))
    }

    fn item(
        &self,
        account: &Account,
        asset: &Asset,
        policy: &Policy,
        state: AccessState,
        reasons: Vec<Reason>,
    ) -> AccessItem {
        let reference = AccountRef { account: account.name.clone(), asset: asset.name.clone() };
        let mut reasons: Vec<_> = reasons.iter().map(reason).collect();
        let mut state = state;
        if !account.ready && state != AccessState::Unavailable {
            state = AccessState::Unavailable;
            let message = "the vault holds no secret for this account yet; ask who answers for it".to_owned();
            reasons.push(AccessReason { code: "not_ready".to_owned(), message });
        }
        if state == AccessState::Request && !self.somebody.authority.covers(Permission::RequestCreate, &asset.scope) {
            state = AccessState::Unavailable;
            let message = "this needs the permission request:create; ask an administrator".to_owned();
            reasons.push(AccessReason { code: "forbidden".to_owned(), message });
        }
        AccessItem {
            ssh: self.control.ssh_line(&reference, asset.platform),
            connect: self.control.connect_protocol(asset.platform).map(str::to_owned),
            account: reference,
            asset: AccessAsset { name: asset.name.clone(), platform: asset.platform, labels: asset.labels.clone() },
            state,
            grant: None,
            ends_at: None,
            request: None,
            policy: policy.name.clone(),
            demands: Demands::of(policy),
            break_glass: None,
            reasons,
        }
    }

    /// Where it can be asked for: whether it has been.
    async fn pending(&self, rows: &mut ReadTx, account: &Account, item: &mut AccessItem) -> Result<(), Error> {
        if item.state != AccessState::Request {
            return Ok(());
        }
        let now = self.control.now();
        let requests = rows.requests_for(&self.somebody.user.id, &account.id, now).await?;
        let waits = |request: &postern_domain::request::Request| {
            request.state == RequestState::Pending && now < request.expires_at
        };
        if let Some(waiting) = requests.into_iter().map(|stored| stored.request).find(waits) {
            item.state = AccessState::Pending;
            item.request = Some(waiting.id);
        }
        Ok(())
    }
}

impl Control {
    /// The command that connects to an account by SSH.
    fn ssh_line(&self, reference: &AccountRef, platform: Platform) -> Option<String> {
        if !matches!(platform, Platform::Linux | Platform::NetworkDevice) {
            return None;
        }
        let (host, port) = self.settings().ssh_address.as_deref()?.rsplit_once(':')?;
        let host = host.trim_matches(['[', ']']);
        Some(if port == "22" { format!("ssh {reference}@{host}") } else { format!("ssh -p {port} {reference}@{host}") })
    }
}

/// Whether these reasons mean that nothing is given at all.
fn given_up(reasons: &[Reason]) -> bool {
    reasons.iter().any(|reason| matches!(reason, Reason::NoPolicy | Reason::DeniedBy { .. } | Reason::UserInactive))
}

fn reason(reason: &Reason) -> AccessReason {
    let code = serde_json::to_value(reason)
        .ok()
        .and_then(|value| value.get("code").and_then(serde_json::Value::as_str).map(str::to_owned))
        .unwrap_or_default();
    AccessReason { code, message: reason.to_string() }
}

#[cfg(test)]
mod tests;
