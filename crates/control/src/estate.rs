//! An estate for tests: two tenants, their people, and what policy gives them.

use postern_domain::account::AccountState;
use postern_domain::document::{self, Document};
use postern_domain::permission::Permission;
use postern_domain::permit::{Manage, Permit};
use postern_domain::request::Request;
use postern_domain::{AccountRef, RequestId};

use crate::testing::World;
use crate::{Applied, ApplyInput, Caller, Error, RequestInput, SecretInput};

/// What is declared at the beginning.
pub(crate) const ACCESS: &str = r#"
kind: Asset
name: web-1
scope: /emea
platform: linux
address: 10.0.0.1:22
labels: {env: prod}
---
kind: Asset
name: dev-1
scope: /emea
platform: linux
address: 10.0.0.2:22
labels: {env: dev}
---
kind: Account
account: root@web-1
credential: password
---
kind: Account
account: root@dev-1
credential: ssh_certificate
---
kind: Policy
name: prod
scope: /emea
subjects: {groups: [sre]}
accounts: {labels: {env: prod}}
obligations:
  approval: {count: 2, groups: [leads]}
  ticket_pattern: "CHG-[0-9]+"
  max_duration: 1h
---
kind: Policy
name: dev
scope: /emea
subjects: {groups: [sre]}
accounts: {labels: {env: dev}}
"#;

/// The estate.
pub(crate) struct Estate {
    pub(crate) world: World,
}

impl Estate {
    /// Ada administers everything and Zoe the tenant /apac; Ben, of the group sre, asks; Cy and Dee,
    /// the leads, and Eve, who is none, approve; Olga operates; Aud audits.
    pub(crate) async fn new() -> Self {
        let world = World::new().await;
        world.person("ada", "/", &[("administrator", "/")]).await;
        world.person("zoe", "/apac", &[("administrator", "/apac")]).await;
        world.person("ben", "/emea", &[("approver", "/emea")]).await;
        for name in ["cy", "dee", "eve"] {
            world.person(name, "/emea", &[("approver", "/emea")]).await;
        }
        world.person("olga", "/emea", &[("operator", "/emea")]).await;
        world.person("aud", "/", &[("auditor", "/")]).await;
        world.group("sre", "/emea", &["ben"]).await;
        world.group("leads", "/emea", &["ben", "cy", "dee"]).await;
        let estate = Self { world };
        estate.apply("ada", ACCESS).await.unwrap();
        estate
    }

    pub(crate) async fn apply(&self, who: &str, text: &str) -> Result<Applied, Error> {
        let input = ApplyInput { documents: documents(text), dry_run: false };
        self.world.control.apply(&self.world.caller(who).await, &input).await
    }

    /// Says yes to every change of a policy that waits.
    pub(crate) async fn accept_proposals(&self, who: &str) {
        let (caller, permit) = self.caller(who, Permission::PolicyWrite).await;
        let waiting = Some(postern_domain::proposal::ProposalState::Waiting);
        for proposal in self.world.control.proposal_list(&permit, waiting).await.unwrap() {
            self.world.control.proposal_approve(&caller, &permit, &proposal.id).await.unwrap();
        }
    }

    /// Somebody signed in, with their permit.
    pub(crate) async fn caller(&self, who: &str, permission: Permission) -> (Caller, Permit<Manage>) {
        let caller = self.world.caller(who).await;
        let permit = caller.permit(permission).unwrap_or_else(|| panic!("{who} holds no {}", permission.as_str()));
        (caller, permit)
    }

    pub(crate) async fn ask(&self, who: &str, input: &RequestInput) -> Result<Request, Error> {
        let (caller, permit) = self.caller(who, Permission::RequestCreate).await;
        self.world.control.request_create(&caller, &permit, input).await
    }

    pub(crate) async fn approve(&self, who: &str, id: &RequestId) -> Result<Request, Error> {
        let (caller, permit) = self.caller(who, Permission::RequestApprove).await;
        self.world.control.request_approve(&caller, &permit, id, None).await
    }

    pub(crate) async fn deny(&self, who: &str, id: &RequestId, reason: &str) -> Result<Request, Error> {
        let (caller, permit) = self.caller(who, Permission::RequestApprove).await;
        self.world.control.request_deny(&caller, &permit, id, reason).await
    }

    pub(crate) async fn secret_put(&self, who: &str, account: &str, secret: SecretInput) -> Result<(), Error> {
        let (caller, permit) = self.caller(who, Permission::SecretWrite).await;
        self.world.control.secret_put(&caller, &permit, &reference(account), secret).await
    }

    /// How many leaves the ledger has.
    pub(crate) async fn leaves(&self) -> u64 {
        self.world.control.store().read().await.unwrap().ledger_tree().await.unwrap().size()
    }

    /// Everything that the ledger tells, as text.
    pub(crate) async fn ledger(&self) -> String {
        let leaves = self.world.control.store().read().await.unwrap().leaves_from(0, 10_000).await.unwrap();
        leaves.iter().map(|leaf| String::from_utf8_lossy(&leaf.body).into_owned()).collect::<Vec<_>>().join("\n")
    }

    pub(crate) async fn account_state(&self, account: &str, state: AccountState) {
        let (caller, permit) = self.caller("ada", Permission::AssetWrite).await;
        let reference = reference(account);
        let current = self.world.control.account_show(&caller, &permit, &reference).await.unwrap();
        let input = crate::AccountInput {
            credential: current.credential,
            owner: current.owner,
            state: Some(state),
            rotation: None,
            dependents: None,
        };
        self.world.control.account_put(&caller, &permit, &reference, input).await.unwrap();
    }
}

pub(crate) fn documents(text: &str) -> Vec<Document> {
    document::parse("access.yaml", text).unwrap().into_iter().map(|located| located.document).collect()
}

pub(crate) fn reference(text: &str) -> AccountRef {
    text.parse().unwrap()
}

/// A wish that the policy on production lets be asked.
pub(crate) fn wish(account: &str) -> RequestInput {
    RequestInput {
        account: reference(account),
        duration_seconds: 1_800,
        starts_at: None,
        reason: Some("disk full".to_owned()),
        ticket: Some("CHG-7".to_owned()),
        also: Vec::new(),
        recurs: None,
        break_glass: false,
    }
}
