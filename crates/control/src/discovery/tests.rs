use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use postern_connectors::{Capabilities, Cause, Change, Outcome as Became, Provision, Provisioned, Verdict};
use postern_domain::account::CredentialKind;
use postern_domain::asset::Platform;
use postern_domain::discovery::{PasswordSight, Privilege};
use postern_domain::finding::{Finding, FindingKind};
use postern_domain::secret_rules::SecretRules;
use postern_store::FindingFilter;

use super::*;
use crate::estate::Estate;
use crate::{Acceptance, FindingAction, OwnerInput, SecretInput};

/// A platform on which is seen what a test says.
#[derive(Clone, Default)]
struct Stage(Arc<Mutex<Said>>);

#[derive(Default)]
struct Said {
    seen: Vec<Observation>,
    fails: bool,
    tried: Vec<String>,
    disabled: Vec<String>,
}

impl Stage {
    fn with<T>(&self, act: impl FnOnce(&mut Said) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn never<T>() -> Became<T> {
    Became::NotApplied(Failure::unsupported("do that"))
}

#[async_trait]
impl Connector for Stage {
    fn platform(&self) -> Platform {
        Platform::Linux
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { discover: true, ..Capabilities::default() }
    }

    fn secret_rules(&self, _: CredentialKind) -> Option<SecretRules> {
        None
    }

    async fn discover(
        &self,
        _: &Target,
        _: &Login,
        _: &Survey,
        found: &mpsc::Sender<Observation>,
    ) -> Result<Coverage, Failure> {
        let (seen, fails) = self.with(|said| (said.seen.clone(), said.fails));
        if fails {
            return Err(Failure::new(Cause::Unreachable, "nobody is there"));
        }
        for observation in seen {
            let _ = found.send(observation).await;
        }
        Ok(Coverage::default())
    }

    async fn verify(&self, _: &Target, account: &AccountName, _: &postern_connectors::Secret) -> Verdict {
        self.with(|said| said.tried.push(account.to_string()));
        Verdict::Works
    }

    async fn change(&self, _: &Target, _: &Login, _: Change<'_>) -> Became {
        never()
    }

    async fn reconcile(&self, _: &Target, _: &Login, _: &AccountName, _: &postern_connectors::Secret) -> Became {
        never()
    }

    async fn disable(&self, _: &Target, _: &Login, account: &AccountName) -> Became {
        self.with(|said| said.disabled.push(account.to_string()));
        Became::Applied(())
    }

    async fn provision(&self, _: &Target, _: &Login, _: &Provision) -> Became<Provisioned> {
        never()
    }

    async fn revoke(&self, _: &Target, _: &Login, _: &Provisioned) -> Became {
        never()
    }

    async fn list_provisioned(&self, _: &Target, _: &Login) -> Result<Vec<Provisioned>, Failure> {
        Ok(Vec::new())
    }
}

struct World {
    estate: Estate,
    stage: Stage,
}

impl World {
    async fn new(defaults: bool) -> Self {
        let (estate, stage) = (Estate::new().await, Stage::default());
        let connectors = postern_connectors::Connectors::default().with(Arc::new(stage.clone()));
        estate.world.control.attach_connectors(connectors);
        let documents = "kind: Asset\nname: host-1\nscope: /emea\nplatform: linux\naddress: 10.0.0.9:22\n---\n\
            kind: Account\naccount: audit@host-1\ncredential: password\n";
        estate.apply("ada", documents).await.unwrap();
        let secret = postern_domain::SecretText::new("Audit-Start.1".to_owned());
        let secret = SecretInput { password: Some(secret), private_key: None };
        estate.secret_put("ada", "audit@host-1", secret).await.unwrap();
        let world = Self { estate, stage };
        let (caller, permit) = world.estate.caller("ada", Permission::HostKeyWrite).await;
        let input = ConnectorInput {
            discovery_account: Some("audit".parse().unwrap()),
            try_default_passwords: defaults,
            ..ConnectorInput::default()
        };
        world.control().connector_put(&caller, &permit, &"host-1".parse().unwrap(), input).await.unwrap();
        world
    }

    fn control(&self) -> &Control {
        &self.estate.world.control
    }

    /// Sees this, by a run that is waited for.
    async fn look(&self, seen: &[Observation]) -> DiscoveryView {
        self.stage.with(|said| said.seen = seen.to_vec());
        let now = self.estate.world.now();
        self.estate.world.clock.set(now.after(Duration::from_secs(60)));
        let mut changes = self.control().changes();
        let (caller, permit) = self.estate.caller("ada", Permission::AssetWrite).await;
        let run = self.control().discovery_start(&caller, &permit, DiscoveryInput::default()).await.unwrap();
        loop {
            let view = self.control().discovery_show(&permit, &run.id).await.unwrap();
            if view.run.state != RunState::Running {
                return view;
            }
            let _ = changes.recv().await;
        }
    }

    async fn findings(&self) -> Vec<Finding> {
        let (_, permit) = self.estate.caller("ada", Permission::AssetRead).await;
        let page = PageRequest { cursor: None, limit: Some(100) };
        let mut found =
            self.control().finding_list(&permit, &FindingFilter::default(), &page.into()).await.unwrap().items;
        found.sort_by(|a, b| (&a.account, a.kind).cmp(&(&b.account, b.kind)));
        found
    }

    async fn kinds(&self) -> Vec<(String, FindingKind)> {
        self.findings().await.into_iter().map(|finding| (finding.account, finding.kind)).collect()
    }
}

fn service(name: &str, privileges: &[Privilege]) -> Observation {
    Observation {
        usage: postern_domain::discovery::AccountUse::Service,
        privileges: privileges.to_vec(),
        ..Observation::named(name)
    }
}

#[tokio::test]
async fn a_run_leaves_an_inventory_and_findings_that_follow_what_is_there() {
    let world = World::new(false).await;
    let app = service("app", &[Privilege::Superuser]);
    let view = world.look(&[app.clone(), service("plain", &[])]).await;
    assert_eq!((view.run.state, view.run.accounts, view.run.failed), (RunState::Done, 2, 0));
    assert_eq!(world.kinds().await, [("app".to_owned(), FindingKind::Unmanaged)]);
    // The second run sees a privilege that is new, and the first finding is still the same.
    let first = world.findings().await.remove(0);
    world.look(&[app.clone(), service("plain", &[Privilege::UidZero])]).await;
    let expected =
        [("app", FindingKind::Unmanaged), ("plain", FindingKind::Unmanaged), ("plain", FindingKind::PrivilegeGained)];
    assert_eq!(world.kinds().await, expected.map(|(name, kind)| (name.to_owned(), kind)));
    assert_eq!(world.findings().await[0].id, first.id);
    // What is gone has no findings; what tells of a change stays.
    world.look(&[service("plain", &[])]).await;
    assert_eq!(world.kinds().await, [("plain".to_owned(), FindingKind::PrivilegeGained)]);
    // What cannot be looked at changes nothing.
    world.stage.with(|said| said.fails = true);
    let view = world.look(&[]).await;
    assert_eq!(view.run.failed, 1);
    assert_eq!(view.assets[0].failure.as_deref(), Some("nobody is there"));
    assert_eq!(world.kinds().await.len(), 1);
    assert!(world.stage.with(|said| said.tried.is_empty()), "nobody allowed that passwords are tried");
}

#[tokio::test]
async fn a_sign_in_past_postern_is_found_and_one_of_its_own_is_not() {
    let world = World::new(false).await;
    let at = |at| Observation { last_sign_in_at: Some(at), ..service("audit", &[]) };
    world.look(&[at(world.estate.world.now())]).await;
    world.estate.world.clock.advance(Duration::from_secs(3600));
    // What is seen while a discovery looks may be the discovery itself.
    world.look(&[at(world.estate.world.now().after(Duration::from_secs(60)))]).await;
    assert_eq!(world.kinds().await, []);
    world.estate.world.clock.advance(Duration::from_secs(3600));
    let outside = world.estate.world.now().before(Duration::from_secs(1800));
    world.look(&[at(outside)]).await;
    assert_eq!(world.kinds().await, [("audit".to_owned(), FindingKind::UsedOutside)]);
    let told = world.estate.world.events("finding.raise").await.pop().expect("an event");
    assert_eq!(told.details["kind"], "used_outside");
}

#[tokio::test]
async fn a_password_that_everybody_knows_is_tried_once_ever() {
    let world = World::new(true).await;
    let password = PasswordSight::Set { scheme: "yescrypt".to_owned(), digest: None };
    let admin = Observation { password, ..service("admin", &[]) };
    for _ in 0..3 {
        world.look(&[admin.clone(), service("other", &[])]).await;
    }
    assert_eq!(world.stage.with(|said| said.tried.clone()), ["admin"]);
    assert_eq!(world.kinds().await, [("admin".to_owned(), FindingKind::DefaultPassword)]);
}

#[tokio::test]
async fn a_finding_is_adopted_accepted_or_ended_on_its_target() {
    let world = World::new(false).await;
    let seen = ["a", "b", "c"].map(|name| service(name, &[Privilege::Superuser]));
    world.look(&seen).await;
    let (caller, permit) = world.estate.caller("ada", Permission::AssetWrite).await;
    let ids: Vec<_> = world.findings().await.into_iter().map(|finding| finding.id).collect();
    let control = world.control();
    control.finding_adopt(&caller, &permit, &ids[0], OwnerInput { owner: None }).await.unwrap();
    let now = world.estate.world.now();
    let until = now.after(Duration::from_secs(3600));
    let accept = |until| Acceptance { until, reason: "known".to_owned() };
    assert!(control.finding_accept(&caller, &permit, &ids[1], accept(now)).await.is_err());
    control.finding_accept(&caller, &permit, &ids[1], accept(until)).await.unwrap();
    control.finding_act(&caller, &permit, &ids[2], FindingAction::Disable).await.unwrap();
    assert_eq!(world.stage.with(|said| said.disabled.clone()), ["c"]);
    assert_eq!(world.kinds().await, []);
    // The next run does not open again what is accepted, nor what is governed; later it does.
    let locked = Observation { can_sign_in: false, locked: true, ..seen[2].clone() };
    let after = [seen[0].clone(), seen[1].clone(), locked];
    world.look(&after).await;
    assert_eq!(world.kinds().await, []);
    world.estate.world.clock.set(until);
    world.look(&after).await;
    assert_eq!(world.kinds().await, [("b".to_owned(), FindingKind::Unmanaged)]);
    assert!(control.finding_act(&caller, &permit, &ids[1], FindingAction::Remove).await.is_err());
}

#[tokio::test]
async fn an_account_of_an_everyday_user_that_holds_power_is_told_of() {
    let world = World::new(false).await;
    for name in ["app", "app-adm"] {
        world.estate.world.person(name, "/emea", &[]).await;
    }
    let (ada, permit) = world.estate.caller("ada", Permission::UserWrite).await;
    let linked = crate::UserChange { identity: Some("app".to_owned()), ..crate::UserChange::default() };
    world.control().user_change(&ada, &permit, &"app-adm".parse().unwrap(), linked).await.unwrap();
    world.look(&[service("app", &[Privilege::Superuser]), service("app-adm", &[Privilege::Superuser])]).await;
    let expected =
        [("app", FindingKind::Unmanaged), ("app", FindingKind::EverydayPrivilege), ("app-adm", FindingKind::Unmanaged)];
    assert_eq!(world.kinds().await, expected.map(|(name, kind)| (name.to_owned(), kind)));
    let told = world.findings().await[1].evidence.join("; ");
    assert!(told.contains("app-adm"), "{told}");
}
