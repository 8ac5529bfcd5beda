use std::time::Duration;

use postern_domain::event::Outcome;
use postern_domain::rotation::{HeartbeatResult, RotationRunState, RotationState};

use super::*;
use crate::SecretInput;
use crate::estate::{Estate, reference};
use crate::testing::{Fault, Hosts};

pub(crate) mod crash;

/// An estate with targets in memory: `app@host-N` and `db@host-N`, which open with their vaulted
/// passwords, and `root@host-N`, which opens with a certificate and repairs the others where said.
pub(crate) struct Fleet {
    pub(crate) estate: Estate,
    pub(crate) hosts: Hosts,
}

pub(crate) const FIRST_PORT: u16 = 1_000;
pub(crate) const OLD: &str = "the old password";

impl Fleet {
    pub(crate) async fn new(count: u16, repaired: bool) -> Self {
        let estate = Estate::new().await;
        let hosts = Hosts::new(estate.world.clock.clone());
        estate
            .world
            .control
            .attach_connectors(postern_connectors::Connectors::default().with(std::sync::Arc::new(hosts.clone())));
        let fleet = Self { estate, hosts };
        for number in 0..count {
            fleet.host(number, repaired).await;
        }
        fleet
    }

    pub(crate) async fn host(&self, number: u16, repaired: bool) {
        let repairs = if repaired { "rotation: {reconcile: [root]}\n" } else { "" };
        let port = FIRST_PORT + number;
        let documents = format!(
            "kind: Asset\nname: host-{number}\nscope: /emea\nplatform: linux\naddress: 10.0.0.9:{port}\n\
             labels: {{fleet: a}}\n{repairs}---\nkind: Account\naccount: root@host-{number}\n\
             credential: ssh_certificate\n---\nkind: Account\naccount: app@host-{number}\ncredential: password\n"
        );
        self.estate.apply("ada", &documents).await.unwrap();
        let secret = SecretInput { password: Some(postern_domain::SecretText::new(OLD.to_owned())), private_key: None };
        self.estate.secret_put("ada", &format!("app@host-{number}"), secret).await.unwrap();
        self.hosts.at(port, |host| {
            host.accounts.insert("app".to_owned(), vec![OLD.to_owned()]);
            host.accounts.insert("root".to_owned(), vec![crate::testing::CERTIFIED.to_owned()]);
        });
    }

    pub(crate) fn control(&self) -> &Control {
        &self.estate.world.control
    }

    async fn rotate(&self, input: RotateInput) -> Result<RotatePlan, Error> {
        let (caller, permit) = self.estate.caller("ada", Permission::RotationWrite).await;
        self.control().rotate(&caller, &permit, &input).await
    }

    pub(crate) async fn rotate_one(&self, account: &str) -> Result<RotatePlan, Error> {
        let target = RotateTarget { account: Some(reference(account)), labels: BTreeMap::new() };
        self.rotate(RotateInput {
            target,
            reason: String::new(),
            dry_run: false,
            concurrency: None,
            failures_max: None,
        })
        .await
    }

    fn fleet_wide(dry_run: bool, failures_max: u32) -> RotateInput {
        let labels = BTreeMap::from([("fleet".to_owned(), "a".to_owned())]);
        RotateInput {
            target: RotateTarget { account: None, labels },
            reason: "somebody has left".to_owned(),
            dry_run,
            concurrency: Some(4),
            failures_max: Some(failures_max),
        }
    }

    /// Works until there is nothing to do at this time.
    async fn work(&self) {
        while Worker::new(self.control().clone()).work_once().await.unwrap() {}
    }

    /// Works, and lets time pass, until nothing is left that would be done by itself.
    pub(crate) async fn settle(&self) {
        for _ in 0..200 {
            self.work().await;
            let mut rows = self.control().store().read().await.unwrap();
            let open = RotationFilter { open: true, ..RotationFilter::default() };
            let page = PageRequest { cursor: None, limit: Some(500) };
            let rotations = rows.rotations(&[ScopePath::root()], &open, &page.into()).await.unwrap().items;
            let Some(next) = rotations.iter().filter_map(|rotation| rotation.next_at).min() else { return };
            let now = self.estate.world.now();
            self.estate.world.clock.set(next.max(now.after(Duration::from_secs(1))));
        }
        panic!("it does not come to an end");
    }

    /// The secret that the vault holds as the account's.
    pub(crate) async fn vaulted(&self, account: &str) -> String {
        let mut rows = self.control().store().read().await.unwrap();
        let id = self.id(account).await;
        let current = rows.secret_current(&id).await.unwrap().expect("a current secret");
        self.control().opened(&current).unwrap().expose().to_owned()
    }

    pub(crate) async fn id(&self, account: &str) -> AccountId {
        self.account(account).await.id
    }

    pub(crate) async fn account(&self, account: &str) -> Account {
        let (caller, permit) = self.estate.caller("ada", Permission::AssetRead).await;
        self.control().account_show(&caller, &permit, &reference(account)).await.unwrap()
    }

    pub(crate) fn opens(&self, number: u16, account: &str) -> Vec<String> {
        self.hosts.at(FIRST_PORT + number, |host| host.accounts.get(account).cloned().unwrap_or_default())
    }

    async fn run(&self, plan: &RotatePlan) -> RotationRun {
        let (caller, permit) = self.estate.caller("ada", Permission::RotationRead).await;
        let id = plan.run.as_ref().unwrap().id.clone();
        self.control().rotation_run_show(&caller, &permit, &id).await.unwrap()
    }
}

#[tokio::test]
async fn a_rotated_secret_is_the_vaults_and_the_targets() {
    let fleet = Fleet::new(1, false).await;
    let plan = fleet.rotate_one("app@host-0").await.unwrap();
    fleet.settle().await;
    let new = fleet.vaulted("app@host-0").await;
    assert_ne!(new, OLD);
    assert_eq!(fleet.opens(0, "app"), [new]);
    assert_eq!(fleet.run(&plan).await.state, RotationRunState::Done);
    let account = fleet.account("app@host-0").await;
    assert_eq!((account.rotation.version, account.rotation.state), (Some(2), None));
    let outcomes: Vec<_> =
        fleet.estate.world.events("rotation.apply").await.iter().map(|event| event.outcome).collect();
    assert_eq!(outcomes, [Outcome::Intent, Outcome::Done], "the intent comes first");
    assert!(!fleet.estate.ledger().await.contains(OLD));
}

#[tokio::test]
async fn a_key_is_added_verified_and_only_then_the_old_one_removed() {
    let fleet = Fleet::new(1, false).await;
    let account = "kind: Account\naccount: key@host-0\ncredential: ssh_key\n";
    fleet.estate.apply("ada", account).await.unwrap();
    let old = keys_for_tests();
    let secret = SecretInput { password: None, private_key: Some(postern_domain::SecretText::new(old.clone())) };
    fleet.estate.secret_put("ada", "key@host-0", secret).await.unwrap();
    let held = fleet.vaulted("key@host-0").await;
    fleet.hosts.at(FIRST_PORT, |host| host.accounts.insert("key".to_owned(), vec![held.clone()]));
    fleet.rotate_one("key@host-0").await.unwrap();
    fleet.settle().await;
    let new = fleet.vaulted("key@host-0").await;
    assert_ne!(new, held);
    assert_eq!(fleet.opens(0, "key"), [new]);
}

pub(crate) fn keys_for_tests() -> String {
    crate::keys::openssh(&crate::keys::ed25519(&random::bytes()).unwrap()).unwrap().expose().to_owned()
}

#[tokio::test]
async fn a_dry_run_tells_and_changes_nothing() {
    let fleet = Fleet::new(3, false).await;
    let plan = fleet.rotate(Fleet::fleet_wide(true, 3)).await.unwrap();
    assert!(plan.run.is_none());
    let (left_out, done): (Vec<_>, Vec<_>) = plan.rotations.iter().partition(|one| one.left_out.is_some());
    assert_eq!((left_out.len(), done.len()), (3, 3), "certificates are nothing to rotate");
    fleet.work().await;
    assert_eq!(fleet.opens(0, "app"), [OLD]);
}

#[tokio::test]
async fn a_fleet_is_rotated_and_a_run_that_fails_stops_itself() {
    let fleet = Fleet::new(6, false).await;
    // They would not take a new secret, whatever it is.
    for number in 0..6 {
        fleet.hosts.at(FIRST_PORT + number, |host| host.faults = std::iter::repeat_n(Fault::Refused, 50).collect());
    }
    let plan = fleet.rotate(Fleet::fleet_wide(false, 2)).await.unwrap();
    fleet.settle().await;
    let run = fleet.run(&plan).await;
    assert_eq!(run.state, RotationRunState::Stopped);
    assert_eq!(run.tally.get(&RotationState::Refused), Some(&2), "{:?}", run.tally);
    assert_eq!(run.tally.get(&RotationState::Cancelled), Some(&4));
    for number in 0..6 {
        assert_eq!(fleet.opens(number, "app"), [OLD], "nobody is locked out");
        fleet.hosts.at(FIRST_PORT + number, |host| host.faults.clear());
    }
    let plan = fleet.rotate(Fleet::fleet_wide(false, 2)).await.unwrap();
    fleet.settle().await;
    assert_eq!(fleet.run(&plan).await.tally.get(&RotationState::Current), Some(&6));
    for number in 0..6 {
        assert_eq!(fleet.opens(number, "app"), [fleet.vaulted(&format!("app@host-{number}")).await]);
    }
}

#[tokio::test]
async fn a_stopped_run_begins_nothing_more() {
    let fleet = Fleet::new(4, false).await;
    let plan = fleet.rotate(Fleet::fleet_wide(false, 2)).await.unwrap();
    assert!(Worker::new(fleet.control().clone()).work_once().await.unwrap());
    let (caller, permit) = fleet.estate.caller("ada", Permission::RotationWrite).await;
    let id = plan.run.unwrap().id;
    let run = fleet.control().rotation_run_stop(&caller, &permit, &id, "enough").await.unwrap();
    assert_eq!((run.state, run.total()), (RotationRunState::Stopped, 4));
    fleet.settle().await;
    assert_eq!((0..4).filter(|number| fleet.opens(*number, "app") == [OLD]).count(), 3);
}

#[tokio::test]
async fn what_somebody_else_changed_is_repaired_or_told_loudly() {
    let fleet = Fleet::new(2, true).await;
    fleet.hosts.at(FIRST_PORT, |host| host.accounts.insert("app".to_owned(), vec!["foreign".to_owned()]));
    fleet.rotate_one("app@host-0").await.unwrap();
    fleet.settle().await;
    assert_eq!(fleet.opens(0, "app"), [fleet.vaulted("app@host-0").await], "by the reconcile account");

    let alone = Fleet::new(1, false).await;
    alone.hosts.at(FIRST_PORT, |host| host.accounts.insert("app".to_owned(), vec!["foreign".to_owned()]));
    alone.rotate_one("app@host-0").await.unwrap();
    alone.settle().await;
    assert_eq!(alone.account("app@host-0").await.rotation.state, Some(RotationState::Broken));
    assert_eq!(alone.estate.world.events("rotation.broken").await.len(), 1);
    // A person sees to it, and says so by storing what they have set.
    alone.hosts.at(FIRST_PORT, |host| host.accounts.insert("app".to_owned(), vec!["by hand".to_owned()]));
    let secret =
        SecretInput { password: Some(postern_domain::SecretText::new("by hand".to_owned())), private_key: None };
    alone.estate.secret_put("ada", "app@host-0", secret).await.unwrap();
    assert_eq!(alone.account("app@host-0").await.rotation.state, None);
    alone.estate.world.clock.advance(Duration::from_secs(3600));
    alone.rotate_one("app@host-0").await.unwrap();
    alone.settle().await;
    assert_eq!(alone.opens(0, "app"), [alone.vaulted("app@host-0").await]);
}

#[tokio::test]
async fn a_reconcile_account_that_nothing_would_repair_is_not_rotated() {
    let fleet = Fleet::new(1, false).await;
    fleet.estate.apply("ada", "kind: Asset\nname: host-0\nscope: /emea\nplatform: linux\naddress: 10.0.0.9:1000\nlabels: {fleet: a}\nrotation: {reconcile: [app]}\n").await.unwrap();
    let refused = fleet.rotate_one("app@host-0").await.unwrap_err().to_string();
    assert!(refused.contains("second reconcile account"), "{refused}");
}

#[tokio::test]
async fn a_secret_that_has_become_too_old_is_rotated_by_itself() {
    let fleet = Fleet::new(1, false).await;
    fleet
        .estate
        .apply("ada", "kind: Account\naccount: app@host-0\ncredential: password\nrotation: {every: 30d}\n")
        .await
        .unwrap();
    assert_eq!(fleet.control().rotations_plan().await.unwrap(), 0);
    fleet.estate.world.clock.advance(Duration::from_secs(31 * 86_400));
    assert_eq!(fleet.control().rotations_plan().await.unwrap(), 1);
    assert_eq!(fleet.control().rotations_plan().await.unwrap(), 0, "once");
    fleet.settle().await;
    assert_eq!(fleet.opens(0, "app"), [fleet.vaulted("app@host-0").await]);
    assert_eq!(fleet.control().rotations_plan().await.unwrap(), 0);
}

#[tokio::test]
async fn a_secret_that_stops_working_is_noticed_and_told_once() {
    let fleet = Fleet::new(1, false).await;
    for _ in 0..3 {
        fleet.control().heartbeats().await.unwrap();
        fleet.estate.world.clock.advance(Duration::from_secs(86_401));
    }
    let found = |account: Account| account.rotation.heartbeat.map(|heartbeat| heartbeat.result);
    assert_eq!(found(fleet.account("app@host-0").await), Some(HeartbeatResult::Accepted));
    fleet.hosts.at(FIRST_PORT, |host| host.accounts.insert("app".to_owned(), vec!["foreign".to_owned()]));
    for _ in 0..10 {
        fleet.control().heartbeats().await.unwrap();
        fleet.control().heartbeats().await.unwrap();
        fleet.estate.world.clock.advance(Duration::from_secs(86_401));
    }
    assert_eq!(found(fleet.account("app@host-0").await), Some(HeartbeatResult::Rejected));
    assert_eq!(fleet.estate.world.events("heartbeat.change").await.len(), 1);
    assert!(fleet.hosts.at(FIRST_PORT, |host| host.locked.is_empty()), "never often enough to lock it");
}

#[tokio::test]
async fn only_the_fence_holder_writes() {
    let fleet = Fleet::new(1, false).await;
    fleet.rotate_one("app@host-0").await.unwrap();
    let control = fleet.control();
    let mut tx = control.store().write(control.now()).await.unwrap();
    let first = tx.rotation_claim(control.now()).await.unwrap().unwrap();
    tx.commit_upkeep().await.unwrap();
    fleet.settle().await;
    let mut tx = control.store().write(control.now()).await.unwrap();
    let saved = Saved { machine: &first.machine, next_at: None, lease_until: None };
    assert!(!tx.rotation_save(&first.id, first.fence, &saved).await.unwrap());
}
