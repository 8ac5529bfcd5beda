//! Rotations: asking for them, looking at them, stopping them, and what begins them by itself.

use std::collections::{BTreeMap, HashSet};

use postern_connectors::Capabilities;
use postern_domain::account::{Account, AccountState, CredentialKind};
use postern_domain::asset::Asset;
use postern_domain::event::Event;
use postern_domain::permission::Permission;
use postern_domain::permit::{Manage, Permit};
use postern_domain::rotation::ways::WaysFacts;
use postern_domain::rotation::{
    Input, Machine, PlannedRotation, Rotation, RotationRun, RotationRunState, RotationSetting, RotationState,
    RotationTrigger, Ways, schedule,
};
use postern_domain::{AccountId, AccountRef, RotationId, RotationRunId, ScopePath, Timestamp};
use postern_store::{Listed, Listing, NewRotation, Page, PageRequest, ReadTx, RotationFilter, Saved, WriteTx};
use postern_vault::random;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::request::REASON_LEN_MAX;
use crate::{Caller, Control, Error, text, visible};

mod candidate;
mod due;
mod work;

pub use work::Worker;

/// How many accounts one run rotates at most.
const RUN_ACCOUNTS_MAX: usize = 20_000;
const CONCURRENCY_DEFAULT: u32 = 4;
const CONCURRENCY_MAX: u32 = 32;
const FAILURES_DEFAULT: u32 = 3;
/// How quickly a run goes on: its own concurrency bounds it besides.
const RUN_PACE: schedule::Pace =
    schedule::Pace { per_asset: std::time::Duration::from_millis(500), overall: std::time::Duration::ZERO };

/// What is to be rotated: one of the two.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RotateTarget {
    /// One account.
    pub account: Option<AccountRef>,
    /// Every account of the assets that have all of these labels.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
}

/// A wish to rotate.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RotateInput {
    /// What.
    pub target: RotateTarget,
    /// Why; the ledger keeps it.
    #[serde(default)]
    pub reason: String,
    /// Whether to tell only what would be done.
    #[serde(default)]
    pub dry_run: bool,
    /// How many go on at once, at most; 4 unless said. The first one goes alone.
    pub concurrency: Option<u32>,
    /// After how many failures it stops itself; 3 unless said.
    pub failures_max: Option<u32>,
}

/// What is done, or would be.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RotatePlan {
    /// The run; none for a dry run.
    pub run: Option<RotationRun>,
    /// Account by account, in the order in which it is begun.
    pub rotations: Vec<PlannedRotation>,
}

impl Control {
    /// Rotates one account, or all of a label: durable at once, done by the workers. An account whose
    /// rotation is under way joins the run; one that is broken is tried again.
    ///
    /// # Errors
    /// When nothing is named, or what is named does not lie in the permit's scopes.
    pub async fn rotate(
        &self,
        caller: &Caller,
        permit: &Permit<Manage>,
        input: &RotateInput,
    ) -> Result<RotatePlan, Error> {
        let reason = text::words("reason", &input.reason, REASON_LEN_MAX)?;
        let bounded = |field, value: Option<u32>, default| match value.unwrap_or(default) {
            value @ 1..=CONCURRENCY_MAX => Ok(value),
            _ => Err(Error::invalid(field, format!("give 1 to {CONCURRENCY_MAX}"))),
        };
        let concurrency = bounded("concurrency", input.concurrency, CONCURRENCY_DEFAULT)?;
        let failures_max = bounded("failures_max", input.failures_max, FAILURES_DEFAULT)?;
        let mut rows = self.store().read().await?;
        let wanted = self.wanted(&mut rows, caller, permit, &input.target).await?;
        let planned = self.planned(&mut rows, &wanted).await?;
        drop(rows);
        let now = self.now();
        let shown: Vec<_> = planned.iter().map(|plan| plan.shown.clone()).collect();
        if input.dry_run {
            return Ok(RotatePlan { run: None, rotations: shown });
        }
        if let (Some(account), [Planned { shown: PlannedRotation { left_out: Some(why), .. }, .. }]) =
            (&input.target.account, planned.as_slice())
        {
            return Err(Error::Conflict(format!("{account} cannot be rotated: {why}")));
        }
        let run = RotationRun {
            id: RotationRunId::generate(now, random::bytes()),
            account: input.target.account.clone(),
            labels: input.target.labels.clone(),
            requested_by: caller.user.name.clone(),
            reason,
            state: RotationRunState::Running,
            concurrency,
            failures_max,
            tally: BTreeMap::new(),
            stopped_reason: None,
            created_at: now,
            ended_at: None,
        };
        let id = run.id.clone();
        self.begin_run(caller, run, &planned).await?;
        let run = self.store().read().await?.rotation_run(&id).await?.map(|(run, _)| run);
        Ok(RotatePlan { run, rotations: shown })
    }

    /// The accounts that are meant, with their assets.
    async fn wanted(
        &self,
        rows: &mut ReadTx,
        caller: &Caller,
        permit: &Permit<Manage>,
        target: &RotateTarget,
    ) -> Result<Vec<(Account, Asset)>, Error> {
        match (&target.account, target.labels.is_empty()) {
            (Some(reference), true) => {
                let scopes = visible::readable(caller, permit, Permission::AssetRead);
                let (account, asset) = visible::account(rows, caller, reference, &scopes).await?;
                visible::within(permit, &asset.scope)?;
                Ok(vec![(account, asset)])
            }
            (None, false) => {
                let found = rows.accounts_labelled(&permit.action().scopes, &target.labels, RUN_ACCOUNTS_MAX).await?;
                if found.is_empty() {
                    return Err(Error::invalid("target", "no account lies on an asset with these labels"));
                }
                Ok(found)
            }
            _ => Err(Error::invalid("target", "name one account, or the labels of assets")),
        }
    }

    /// What would be done about each, with reconcile accounts after those that they repair.
    async fn planned(&self, rows: &mut ReadTx, wanted: &[(Account, Asset)]) -> Result<Vec<Planned>, Error> {
        let assets: Vec<_> = wanted.iter().map(|(_, asset)| &asset.id).collect::<HashSet<_>>().into_iter().collect();
        let settings = rows.asset_rotations(&assets).await?;
        let mut repairers = rows.reconcile_accounts(&assets).await?;
        for (asset, found) in &mut repairers {
            // The one that is named first repairs first.
            let order = settings.get(asset).map(|setting| setting.reconcile.as_slice()).unwrap_or_default();
            found.sort_by_key(|account| order.iter().position(|name| *name == account.name));
        }
        let none = RotationSetting::default();
        let mut found = Vec::with_capacity(wanted.len());
        for (account, asset) in wanted {
            let setting = settings.get(&asset.id).unwrap_or(&none);
            let repairers = repairers.get(&asset.id).map(Vec::as_slice).unwrap_or_default();
            let can = self.connectors().of(asset.platform).map(|connector| connector.capabilities());
            let ways = match can {
                None => Err("postern cannot change secrets on this platform".to_owned()),
                Some(can) => ways(account, setting, repairers, can),
            };
            let repairs = setting.reconcile.contains(&account.name);
            found.push((repairs, account, asset, ways));
        }
        found.sort_by_key(|(repairs, ..)| *repairs);
        let now = self.now();
        let begun: Vec<_> = found
            .iter()
            .filter(|(.., ways)| ways.is_ok())
            .map(|(_, account, asset, _)| schedule::Due { account: account.id.clone(), asset: asset.id.clone() })
            .collect();
        let mut times = schedule::stagger(&begun, RUN_PACE, now).into_iter();
        Ok(found
            .into_iter()
            .map(|(_, account, asset, ways)| {
                let at = if ways.is_ok() { times.next().unwrap_or(now) } else { now };
                Planned::of(account, asset, ways, at)
            })
            .collect())
    }

    async fn begin_run(&self, caller: &Caller, run: RotationRun, planned: &[Planned]) -> Result<(), Error> {
        let mut tx = self.store().write(self.now()).await?;
        let scope = common(planned.iter().map(|plan| &plan.scope));
        tx.rotation_run_insert(&run, &scope).await?;
        let accounts: Vec<_> = planned.iter().map(|plan| &plan.account).collect();
        let mut open = tx.rotations_open(&accounts).await?;
        let (mut begun, mut new) = (0_u64, Vec::new());
        for plan in planned {
            let Some(machine) = &plan.machine else { continue };
            if let Some((rotation, machine)) = open.remove(&plan.account) {
                taken_up(&mut tx, &rotation, machine, &run.id).await?;
            } else {
                let trigger = RotationTrigger::Demand;
                new.push(plan.rotation(machine.clone(), trigger, Some(run.id.clone()), tx.now()));
            }
            begun += 1;
        }
        tx.rotations_insert(&new).await?;
        let mut event = Event::done(tx.now(), caller.actor(), "rotation.request", run.id.as_str(), scope)
            .with("accounts", begun)
            .with("left_out", u64::try_from(planned.len()).unwrap_or(u64::MAX) - begun)
            .with("concurrency", run.concurrency)
            .with("failures_max", run.failures_max)
            .with("reason", run.reason.as_str());
        event = match &run.account {
            Some(account) => event.with("account", account.to_string()),
            None => event.with("labels", serde_json::json!(run.labels)),
        };
        if begun == 0 {
            tx.rotation_run_end(&run.id, RotationRunState::Done, None).await?;
        }
        self.commit(tx, &[event]).await?;
        self.0.work.notify_one();
        Ok(())
    }

    /// Rotations in the permit's scopes, newest first.
    ///
    /// # Errors
    /// When it cannot be sorted by that, or the cursor is not one of ours.
    pub async fn rotation_list(
        &self,
        permit: &Permit<Manage>,
        filter: &RotationFilter,
        listing: &Listing,
    ) -> Result<Listed<Rotation>, Error> {
        Ok(self.store().read().await?.rotations(&permit.action().scopes, filter, listing).await?)
    }

    /// One rotation.
    ///
    /// # Errors
    /// `NotFound` also where it does not lie in the permit's scopes.
    pub async fn rotation_show(&self, permit: &Permit<Manage>, id: &RotationId) -> Result<Rotation, Error> {
        let rotation = self.store().read().await?.rotation(id).await?;
        rotation.filter(|rotation| permit.covers(&rotation.scope)).ok_or_else(|| Error::not_found("rotation", id))
    }

    /// Runs in the permit's scopes and the caller's own, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn rotation_run_list(
        &self,
        caller: &Caller,
        permit: &Permit<Manage>,
        page: &PageRequest,
    ) -> Result<Page<RotationRun>, Error> {
        let own = caller.user.name.as_str();
        Ok(self.store().read().await?.rotation_runs(&permit.action().scopes, own, page).await?)
    }

    /// One run.
    ///
    /// # Errors
    /// `NotFound` also where it is neither in the permit's scopes nor the caller's own.
    pub async fn rotation_run_show(
        &self,
        caller: &Caller,
        permit: &Permit<Manage>,
        id: &RotationRunId,
    ) -> Result<RotationRun, Error> {
        let found = self.store().read().await?.rotation_run(id).await?;
        let seen = found.filter(|(run, scope)| permit.covers(scope) || run.requested_by == caller.user.name);
        seen.map(|(run, _)| run).ok_or_else(|| Error::not_found("rotation run", id))
    }

    /// Stops a run: what has not touched its target is not begun; what has is brought to its end.
    ///
    /// # Errors
    /// `NotFound` where it is not the caller's to stop.
    pub async fn rotation_run_stop(
        &self,
        caller: &Caller,
        permit: &Permit<Manage>,
        id: &RotationRunId,
        reason: &str,
    ) -> Result<RotationRun, Error> {
        let reason = text::words("reason", reason, REASON_LEN_MAX)?;
        self.rotation_run_show(caller, permit, id).await?;
        let mut tx = self.store().write(self.now()).await?;
        let scope = tx.rotation_run(id).await?.map_or_else(ScopePath::root, |(_, scope)| scope);
        let why = if reason.is_empty() { "stopped by a person" } else { &reason };
        let Some(cancelled) = tx.rotation_run_end(id, RotationRunState::Stopped, Some(why)).await? else {
            drop(tx);
            return self.rotation_run_show(caller, permit, id).await;
        };
        let waiting = RotationFilter { run: Some(id.clone()), open: true, ..RotationFilter::default() };
        let page = PageRequest { cursor: None, limit: Some(500) };
        for rotation in tx.rotations(&[ScopePath::root()], &waiting, &page.into()).await?.items {
            cancelled_if_untouched(&mut tx, &rotation).await?;
        }
        let event = Event::done(tx.now(), caller.actor(), "rotation.stop", id.as_str(), scope)
            .with("not_begun", cancelled)
            .with("reason", why);
        self.commit(tx, &[event]).await?;
        self.rotation_run_show(caller, permit, id).await
    }

    /// Begins the rotation that follows from a use or a check-in, in the transaction that tells of it.
    /// Nothing where the account cannot be rotated: the event says so.
    pub(crate) async fn rotation_follows(
        &self,
        tx: &mut WriteTx,
        account: &AccountId,
        trigger: RotationTrigger,
    ) -> Result<(Option<RotationId>, Event), Error> {
        let now = tx.now();
        let Some(found) = tx.account(account).await? else { return Err(Error::not_found("account", account)) };
        let Some(asset) = tx.account_asset(account).await? else { return Err(Error::not_found("account", account)) };
        let Some(asset) = tx.asset(&asset).await? else { return Err(Error::not_found("account", account)) };
        let pair = [(found, asset)];
        let planned = self.planned(tx, &pair).await?;
        let [(account, asset)] = pair;
        let target = format!("{}@{}", account.name, asset.name);
        let event = Event::done(now, Self::system(), "rotation.plan", target, asset.scope)
            .with("because", serde_json::json!(trigger));
        let Some(plan) = planned.first() else { return Ok((None, event)) };
        let Some(machine) = &plan.machine else {
            let why = plan.shown.left_out.clone().unwrap_or_default();
            return Ok((None, event.outcome(postern_domain::event::Outcome::Failed).with("detail", why)));
        };
        if let Some((open, _)) = tx.rotation_open(&plan.account).await? {
            return Ok((Some(open.id), event.with("rotation", "under way already")));
        }
        let new = plan.rotation(machine.clone(), trigger, None, now);
        tx.rotation_insert(&new).await?;
        self.0.work.notify_one();
        Ok((Some(new.id.clone()), event.with("rotation", new.id.as_str())))
    }
}

/// What is planned for one account.
struct Planned {
    account: AccountId,
    asset: postern_domain::AssetId,
    scope: ScopePath,
    shown: PlannedRotation,
    machine: Option<Machine>,
}

impl Planned {
    fn of(account: &Account, asset: &Asset, ways: Result<Ways, String>, at: Timestamp) -> Self {
        let (ways, left_out) = match ways {
            Ok(ways) => (Some(ways), None),
            Err(why) => (None, Some(why)),
        };
        let machine = ways.map(|ways| Machine::new(ways, additive(account.credential), account.ready));
        let shown = PlannedRotation {
            account: AccountRef { account: account.name.clone(), asset: asset.name.clone() },
            at,
            by: ways.and_then(|ways| ways.first(account.ready)),
            left_out,
        };
        let (account, asset_id) = (account.id.clone(), asset.id.clone());
        Self { account, asset: asset_id, scope: asset.scope.clone(), shown, machine }
    }

    fn rotation(
        &self,
        machine: Machine,
        trigger: RotationTrigger,
        run: Option<RotationRunId>,
        now: Timestamp,
    ) -> NewRotation {
        NewRotation {
            id: RotationId::generate(now, random::bytes()),
            account: self.account.clone(),
            asset: self.asset.clone(),
            scope: self.scope.clone(),
            trigger,
            run,
            machine,
            next_at: self.shown.at,
        }
    }
}

/// Keys are added beside the old one, which is removed at the end.
const fn additive(credential: CredentialKind) -> bool {
    matches!(credential, CredentialKind::SshKey)
}

/// By whom an account's secret can be changed and repaired, or why it cannot. `repairers` are the asset's
/// reconcile accounts.
fn ways(
    account: &Account,
    setting: &RotationSetting,
    repairers: &[Account],
    can: Capabilities,
) -> Result<Ways, String> {
    if account.credential == CredentialKind::SshCertificate {
        return Err("it is proved by certificates: there is nothing to rotate".to_owned());
    }
    if account.state != AccountState::Managed {
        return Err("it is not in use".to_owned());
    }
    let usable: Vec<_> = repairers
        .iter()
        .filter(|one| {
            let in_doubt = one.rotation.state.is_some_and(RotationState::touched);
            can.reconcile && one.state == AccountState::Managed && one.ready && !in_doubt
        })
        .map(|one| one.id.clone())
        .collect();
    let facts = WaysFacts {
        account: &account.id,
        can_itself: can.change_own && account.ready,
        reconcile: &usable,
        repairs_others: setting.reconcile.contains(&account.name),
        additive: additive(account.credential),
    };
    Ways::of(&facts).map(|(ways, _)| ways).map_err(|no_way| no_way.to_string())
}

/// The deepest scope that all of them lie in.
fn common<'a>(mut scopes: impl Iterator<Item = &'a ScopePath>) -> ScopePath {
    let Some(first) = scopes.next() else { return ScopePath::root() };
    let mut above: Vec<ScopePath> = first.ancestors();
    for scope in scopes {
        above.retain(|path| path.contains(scope));
    }
    above.into_iter().max_by_key(ScopePath::depth).unwrap_or_default()
}

/// A rotation that is under way joins a run; one that is broken is tried again.
async fn taken_up(tx: &mut WriteTx, rotation: &Rotation, machine: Machine, run: &RotationRunId) -> Result<(), Error> {
    let now = tx.now();
    let machine = match rotation.state {
        RotationState::Broken => machine.handle(Input::Retry, now).0,
        _ => machine,
    };
    tx.rotation_overrule(&rotation.id, &Saved { machine: &machine, next_at: Some(now), lease_until: None }).await?;
    tx.rotation_joins(&rotation.id, run).await?;
    Ok(())
}

/// Ends a rotation whose target was never told.
async fn cancelled_if_untouched(tx: &mut WriteTx, rotation: &Rotation) -> Result<(), Error> {
    let now = tx.now();
    let Some(account) = tx.rotation_account(&rotation.id).await? else { return Ok(()) };
    let Some((open, machine)) = tx.rotation_open(&account).await? else { return Ok(()) };
    let (machine, effect) = machine.handle(Input::Cancel, now);
    if open.id == rotation.id && effect == postern_domain::rotation::Effect::GiveUp {
        let saved = Saved { machine: &machine, next_at: None, lease_until: None };
        if tx.rotation_overrule(&rotation.id, &saved).await? {
            tx.secret_candidate_dropped(&account, postern_domain::rotation::VersionState::Rejected).await?;
        }
    }
    Ok(())
}

/// A person stores a secret by hand: a rotation that waits for one, or has not touched its target, ends.
///
/// # Errors
/// `Conflict` where one is under way: it knows better which secret the target holds.
pub(crate) async fn overruled(tx: &mut WriteTx, account: &AccountId) -> Result<Option<RotationId>, Error> {
    let Some((rotation, machine)) = tx.rotation_open(account).await? else { return Ok(None) };
    if rotation.state != RotationState::Broken && rotation.state.touched() {
        let (id, state) = (&rotation.id, serde_json::json!(rotation.state));
        let state = state.as_str().unwrap_or_default();
        return Err(Error::Conflict(format!(
            "its secret is being changed ({id}, {state}): wait until that is over; postern rotation show {id}"
        )));
    }
    let machine = machine.superseded();
    let saved = Saved { machine: &machine, next_at: None, lease_until: None };
    if !tx.rotation_overrule(&rotation.id, &saved).await? {
        return Err(Error::Conflict(format!("its secret is being changed ({}): try again", rotation.id)));
    }
    // The target may hold it nevertheless: it stays among what is known.
    tx.secret_candidate_dropped(account, postern_domain::rotation::VersionState::Previous).await?;
    Ok(Some(rotation.id))
}

#[cfg(test)]
pub(crate) mod tests;
